//! The engine itself: agent, members, status, scheduler configuration, garbage, search.

use crate::types::{Members, SchedulerSettings, SearchMatches};
use crate::{Client, Method, NO_BODY, Query, Result};
use drover_model::registry::SchedulerConfiguration;
use serde_json::{Value, json};

impl Client {
    /// The agent that answers: `config`, `member`, `stats`.
    ///
    /// # Errors
    /// Any [`crate::Error`]; so for all methods here.
    pub async fn agent_self(&self) -> Result<Value> {
        Ok(self.get("/v1/agent/self", &Query::new()).await?.value)
    }
    /// The servers.
    pub async fn members(&self) -> Result<Members> {
        Ok(self.get("/v1/agent/members", &Query::new()).await?.value)
    }
    /// Address of the leader's RPC, empty without one.
    pub async fn leader(&self) -> Result<String> {
        Ok(self.get("/v1/status/leader", &Query::new()).await?.value)
    }
    /// Regions known.
    pub async fn regions(&self) -> Result<Vec<String>> {
        Ok(self.get("/v1/regions", &Query::new()).await?.value)
    }
    /// How the scheduler is set.
    pub async fn scheduler_settings(&self) -> Result<SchedulerSettings> {
        Ok(self.get("/v1/operator/scheduler/configuration", &Query::new()).await?.value)
    }
    /// Sets the scheduler, when `check_index` is given only if it is still the newest; whether it was done.
    pub async fn set_scheduler_settings(
        &self,
        settings: &SchedulerConfiguration,
        check_index: Option<u64>,
    ) -> Result<bool> {
        let mut query = Query::new();
        if let Some(index) = check_index {
            query = query.param("cas", index.to_string());
        }
        let answer: Value =
            self.send(Method::Put, "/v1/operator/scheduler/configuration", &query, Some(settings)).await?;
        Ok(answer["Updated"].as_bool().unwrap_or(true))
    }
    /// Collects garbage now.
    pub async fn collect_garbage(&self) -> Result<()> {
        self.send::<Value, _>(Method::Put, "/v1/system/gc", &Query::new(), NO_BODY).await?;
        Ok(())
    }
    /// Recomputes the jobs' summaries.
    pub async fn reconcile_summaries(&self) -> Result<()> {
        self.send::<Value, _>(Method::Put, "/v1/system/reconcile/summaries", &Query::new(), NO_BODY).await?;
        Ok(())
    }
    /// Things whose id begins with `prefix`; `context` as `jobs`, `allocs`, `all`.
    pub async fn search(&self, prefix: &str, context: &str) -> Result<SearchMatches> {
        self.send(Method::Post, "/v1/search", &Query::new(), Some(&json!({"Prefix": prefix, "Context": context}))).await
    }
}
