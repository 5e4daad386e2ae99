//! Deployments: read, promote, fail, pause.

use crate::types::DeploymentUpdated;
use crate::{Answer, Client, Method, Query, Result};
use drover_model::Deployment;
use serde_json::{Value, json};

impl Client {
    /// Deployments, newest first.
    ///
    /// # Errors
    /// Any [`crate::Error`]; so for all methods here.
    pub async fn deployments(&self, query: &Query) -> Result<Answer<Vec<Deployment>>> {
        self.get("/v1/deployments", query).await
    }
    /// One deployment; `id` in full.
    pub async fn deployment(&self, id: &str, query: &Query) -> Result<Answer<Deployment>> {
        self.get(&format!("/v1/deployment/{id}"), query).await
    }
    /// Promotes the canaries of all groups, or of some.
    pub async fn promote_deployment(&self, id: &str, groups: &[String]) -> Result<DeploymentUpdated> {
        let body = if groups.is_empty() {
            json!({"DeploymentID": id, "All": true})
        } else {
            json!({"DeploymentID": id, "All": false, "Groups": groups})
        };
        self.send(Method::Put, &format!("/v1/deployment/promote/{id}"), &Query::new(), Some(&body)).await
    }
    /// Gives a deployment up.
    pub async fn fail_deployment(&self, id: &str) -> Result<DeploymentUpdated> {
        self.send(Method::Put, &format!("/v1/deployment/fail/{id}"), &Query::new(), Some(&json!({"DeploymentID": id})))
            .await
    }
    /// Holds a deployment (`true`) or lets it go on.
    pub async fn pause_deployment(&self, id: &str, pause: bool) -> Result<DeploymentUpdated> {
        let body = json!({"DeploymentID": id, "Pause": pause});
        self.send(Method::Put, &format!("/v1/deployment/pause/{id}"), &Query::new(), Some(&body)).await
    }
    /// Says of allocations that they are healthy or not.
    pub async fn set_deployment_health(&self, id: &str, healthy: &[String], unhealthy: &[String]) -> Result<Value> {
        let body = json!({"DeploymentID": id, "HealthyAllocationIDs": healthy, "UnhealthyAllocationIDs": unhealthy});
        self.send(Method::Put, &format!("/v1/deployment/allocation-health/{id}"), &Query::new(), Some(&body)).await
    }
}
