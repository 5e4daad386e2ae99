//! Evaluations, from operators.

use crate::answer::Written;
use crate::error::{Result, ServerError};
use crate::server::Server;
use drover_model::EvalId;
use drover_state::{Command, DeleteEvals};

impl Server {
    /// Removes evaluations. The broker must be paused.
    ///
    /// # Errors
    /// The broker runs, or one is unknown.
    pub async fn delete_evals(&self, ids: Vec<EvalId>) -> Result<Written> {
        let snapshot = self.inner.store.snapshot();
        if !snapshot.scheduler_configuration().pause_eval_broker {
            let text = "eval broker is enabled; eval broker must be paused to delete evals";
            return Err(ServerError::refused(text));
        }
        if ids.iter().any(|id| snapshot.eval(id).is_none()) {
            return Err(ServerError::refused("eval not found"));
        }
        for id in &ids {
            self.inner.blocked.lock().remove(id);
        }
        let command = Command::DeleteEvals(DeleteEvals { evals: ids, allocs: Vec::new() });
        Ok(Written { index: self.inner.propose(command).await?.index })
    }
}
