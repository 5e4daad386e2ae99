//! Namespaces and services.

use crate::client::segment;
use crate::types::ServiceGroup;
use crate::{Answer, Client, Method, NO_BODY, Query, Result};
use drover_model::ServiceRegistration;
use drover_model::registry::NamespaceSpec;
use serde_json::Value;

impl Client {
    /// Namespaces.
    ///
    /// # Errors
    /// Any [`crate::Error`]; so for all methods here.
    pub async fn namespaces(&self, query: &Query) -> Result<Answer<Vec<NamespaceSpec>>> {
        self.get("/v1/namespaces", query).await
    }
    /// One namespace.
    pub async fn namespace(&self, name: &str) -> Result<NamespaceSpec> {
        Ok(self.get(&format!("/v1/namespace/{}", segment(name)), &Query::new()).await?.value)
    }
    /// Makes or changes a namespace.
    pub async fn apply_namespace(&self, spec: &NamespaceSpec) -> Result<()> {
        self.send::<Value, _>(Method::Put, "/v1/namespace", &Query::new(), Some(spec)).await?;
        Ok(())
    }
    /// Removes a namespace without jobs.
    pub async fn delete_namespace(&self, name: &str) -> Result<()> {
        self.send::<Value, _>(Method::Delete, &format!("/v1/namespace/{}", segment(name)), &Query::new(), NO_BODY)
            .await?;
        Ok(())
    }
    /// Services by namespace.
    pub async fn services(&self, query: &Query) -> Result<Answer<Vec<ServiceGroup>>> {
        self.get("/v1/services", query).await
    }
    /// Instances of a service.
    pub async fn service(&self, name: &str, query: &Query) -> Result<Answer<Vec<ServiceRegistration>>> {
        self.get(&format!("/v1/service/{}", segment(name)), query).await
    }
    /// Removes one registration.
    pub async fn delete_service(&self, name: &str, id: &str) -> Result<()> {
        let path = format!("/v1/service/{}/{}", segment(name), segment(id));
        self.send::<Value, _>(Method::Delete, &path, &Query::new(), NO_BODY).await?;
        Ok(())
    }
}
