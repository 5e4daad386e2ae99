//! Evaluations.

use crate::types::AllocStub;
use crate::{Answer, Client, Query, Result};
use drover_model::Evaluation;

impl Client {
    /// Evaluations, newest first.
    ///
    /// # Errors
    /// Any [`crate::Error`]; so for all methods here.
    pub async fn evaluations(&self, query: &Query) -> Result<Answer<Vec<Evaluation>>> {
        self.get("/v1/evaluations", query).await
    }
    /// One evaluation; `id` in full.
    pub async fn evaluation(&self, id: &str, query: &Query) -> Result<Answer<Evaluation>> {
        self.get(&format!("/v1/evaluation/{id}"), query).await
    }
    /// What it placed, changed and stopped.
    pub async fn evaluation_allocations(&self, id: &str) -> Result<Answer<Vec<AllocStub>>> {
        self.get(&format!("/v1/evaluation/{id}/allocations"), &Query::new()).await
    }
}
