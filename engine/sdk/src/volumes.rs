//! Volumes, storage plugins, quotas and scaling policies, as the wire has them.

use crate::client::segment;
use crate::{Answer, Client, Method, NO_BODY, Query, Result};
use serde_json::{Value, json};

impl Client {
    /// Volumes of a type: `host` or `csi`.
    ///
    /// # Errors
    /// Any [`crate::Error`]; so for all methods here.
    pub async fn volumes(&self, kind: &str, query: Query) -> Result<Answer<Vec<Value>>> {
        self.get("/v1/volumes", &query.param("type", kind)).await
    }
    /// One volume of a type.
    pub async fn volume(&self, kind: &str, namespace: &str, id: &str) -> Result<Value> {
        let path = format!("/v1/volume/{kind}/{}", segment(id));
        Ok(self.get(&path, &Query::new().namespace(namespace)).await?.value)
    }
    /// Makes a dynamic host volume, or takes one up: `what` is `create` or `register`.
    pub async fn write_host_volume(&self, what: &str, volume: &Value) -> Result<Value> {
        let path = format!("/v1/volume/host/{what}");
        self.send(Method::Put, &path, &Query::new(), Some(&json!({"Volume": volume}))).await
    }
    /// Removes a dynamic host volume.
    pub async fn delete_host_volume(&self, namespace: &str, id: &str, force: bool) -> Result<()> {
        let mut query = Query::new().namespace(namespace);
        if force {
            query = query.param("force", "true");
        }
        let path = format!("/v1/volume/host/{}", segment(id));
        self.send::<Value, _>(Method::Delete, &path, &query, NO_BODY).await.map(drop)
    }
    /// Registers a CSI volume, or with `create` has it made first.
    pub async fn write_csi_volume(&self, id: &str, create: bool, volume: &Value) -> Result<Value> {
        let path = format!("/v1/volume/csi/{}{}", segment(id), if create { "/create" } else { "" });
        self.send(Method::Put, &path, &Query::new(), Some(&json!({"Volumes": [volume]}))).await
    }
    /// Forgets a CSI volume.
    pub async fn deregister_csi_volume(&self, namespace: &str, id: &str, force: bool) -> Result<()> {
        let mut query = Query::new().namespace(namespace);
        if force {
            query = query.param("force", "true");
        }
        let path = format!("/v1/volume/csi/{}", segment(id));
        self.send::<Value, _>(Method::Delete, &path, &query, NO_BODY).await.map(drop)
    }
    /// Has a CSI volume removed by its provider.
    pub async fn delete_csi_volume(&self, namespace: &str, id: &str, secrets: &[String]) -> Result<()> {
        let mut query = Query::new().namespace(namespace);
        for secret in secrets {
            query = query.param("secret", secret);
        }
        let path = format!("/v1/volume/csi/{}/delete", segment(id));
        self.send::<Value, _>(Method::Delete, &path, &query, NO_BODY).await.map(drop)
    }
    /// Takes a CSI volume away from a node.
    pub async fn detach_csi_volume(&self, namespace: &str, id: &str, node: &str) -> Result<()> {
        let query = Query::new().namespace(namespace).param("node", node);
        let path = format!("/v1/volume/csi/{}/detach", segment(id));
        self.send::<Value, _>(Method::Delete, &path, &query, NO_BODY).await.map(drop)
    }
    /// The snapshots of a plugin's provider.
    pub async fn csi_snapshots(&self, query: &Query) -> Result<Answer<Value>> {
        self.get("/v1/volumes/snapshot", query).await
    }
    /// Makes a snapshot.
    pub async fn create_csi_snapshot(&self, snapshot: &Value) -> Result<Value> {
        let body = json!({"Snapshots": [snapshot]});
        self.send(Method::Put, "/v1/volumes/snapshot", &Query::new(), Some(&body)).await
    }
    /// Removes a snapshot.
    pub async fn delete_csi_snapshot(&self, query: &Query) -> Result<()> {
        self.send::<Value, _>(Method::Delete, "/v1/volumes/snapshot", query, NO_BODY).await.map(drop)
    }
    /// Claims of sticky volumes.
    pub async fn volume_claims(&self, query: &Query) -> Result<Answer<Vec<Value>>> {
        self.get("/v1/volumes/claims", query).await
    }
    /// Ends a claim.
    pub async fn delete_volume_claim(&self, id: &str) -> Result<()> {
        let path = format!("/v1/volumes/claim/{}", segment(id));
        self.send::<Value, _>(Method::Delete, &path, &Query::new(), NO_BODY).await.map(drop)
    }
    /// CSI plugins.
    pub async fn csi_plugins(&self, query: Query) -> Result<Answer<Vec<Value>>> {
        self.get("/v1/plugins", &query.param("type", "csi")).await
    }
    /// One CSI plugin.
    pub async fn csi_plugin(&self, id: &str) -> Result<Value> {
        Ok(self.get(&format!("/v1/plugin/csi/{}", segment(id)), &Query::new()).await?.value)
    }
    /// Quotas.
    pub async fn quotas(&self, query: &Query) -> Result<Answer<Vec<Value>>> {
        self.get("/v1/quotas", query).await
    }
    /// One quota.
    pub async fn quota(&self, name: &str) -> Result<Value> {
        Ok(self.get(&format!("/v1/quota/{}", segment(name)), &Query::new()).await?.value)
    }
    /// What is used of a quota.
    pub async fn quota_usage(&self, name: &str) -> Result<Value> {
        Ok(self.get(&format!("/v1/quota/usage/{}", segment(name)), &Query::new()).await?.value)
    }
    /// Makes or changes a quota.
    pub async fn apply_quota(&self, quota: &Value) -> Result<()> {
        self.send::<Value, _>(Method::Put, "/v1/quota", &Query::new(), Some(quota)).await.map(drop)
    }
    /// Removes a quota.
    pub async fn delete_quota(&self, name: &str) -> Result<()> {
        let path = format!("/v1/quota/{}", segment(name));
        self.send::<Value, _>(Method::Delete, &path, &Query::new(), NO_BODY).await.map(drop)
    }
    /// Policies for an autoscaler.
    pub async fn scaling_policies(&self, query: &Query) -> Result<Answer<Vec<Value>>> {
        self.get("/v1/scaling/policies", query).await
    }
    /// One policy.
    pub async fn scaling_policy(&self, id: &str) -> Result<Value> {
        Ok(self.get(&format!("/v1/scaling/policy/{}", segment(id)), &Query::new()).await?.value)
    }
}
