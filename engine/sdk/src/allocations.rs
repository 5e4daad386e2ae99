//! Allocations: read, stop, restart, signal, measure.

use crate::types::{AllocStats, AllocStub};
use crate::{Answer, Client, Method, NO_BODY, Query, Result};
use drover_model::Allocation;
use serde_json::{Value, json};

impl Client {
    /// Allocations, as the list shows them.
    ///
    /// # Errors
    /// Any [`crate::Error`]; so for all methods here.
    pub async fn allocations(&self, query: &Query) -> Result<Answer<Vec<AllocStub>>> {
        self.get("/v1/allocations", query).await
    }
    /// One allocation; `id` in full.
    pub async fn allocation(&self, id: &str, query: &Query) -> Result<Answer<Allocation>> {
        self.get(&format!("/v1/allocation/{id}"), query).await
    }
    /// Stops an allocation and has it replaced; the id of the evaluation.
    pub async fn stop_allocation(&self, id: &str, no_shutdown_delay: bool) -> Result<String> {
        let query = Query::new().param("no_shutdown_delay", no_shutdown_delay.to_string());
        let answer: Value = self.send(Method::Put, &format!("/v1/allocation/{id}/stop"), &query, NO_BODY).await?;
        Ok(answer["EvalID"].as_str().unwrap_or_default().to_owned())
    }
    /// Restarts its running tasks, one of them, or all.
    pub async fn restart_allocation(&self, id: &str, task: &str, all_tasks: bool) -> Result<()> {
        let body = json!({"TaskName": task, "AllTasks": all_tasks});
        self.send::<Value, _>(Method::Put, &format!("/v1/client/allocation/{id}/restart"), &Query::new(), Some(&body))
            .await?;
        Ok(())
    }
    /// Sends a signal to its tasks or one of them.
    pub async fn signal_allocation(&self, id: &str, task: &str, signal: &str) -> Result<()> {
        let body = json!({"Task": task, "Signal": signal});
        self.send::<Value, _>(Method::Put, &format!("/v1/client/allocation/{id}/signal"), &Query::new(), Some(&body))
            .await?;
        Ok(())
    }
    /// What it uses right now, asked of its node.
    pub async fn allocation_stats(&self, id: &str) -> Result<AllocStats> {
        Ok(self.get(&format!("/v1/client/allocation/{id}/stats"), &Query::new()).await?.value)
    }
    /// Its checks, by id.
    pub async fn allocation_checks(&self, id: &str) -> Result<Value> {
        Ok(self.get(&format!("/v1/client/allocation/{id}/checks"), &Query::new()).await?.value)
    }
    /// Its registered services.
    pub async fn allocation_services(&self, id: &str) -> Result<Vec<drover_model::ServiceRegistration>> {
        let answer: Answer<Option<_>> = self.get(&format!("/v1/allocation/{id}/services"), &Query::new()).await?;
        Ok(answer.value.unwrap_or_default())
    }
}
