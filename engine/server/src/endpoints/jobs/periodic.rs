//! Launches a periodic job now.

use crate::answer::EvalCreated;
use crate::error::{Result, ServerError};
use crate::periodic::launch;
use crate::server::Server;
use drover_model::{JobKey, UnixNanos};

impl Server {
    /// Launches a periodic job now, whatever the clock says.
    ///
    /// # Errors
    /// The job is unknown or not periodic.
    pub async fn periodic_force(&self, key: &JobKey) -> Result<EvalCreated> {
        let snapshot = self.inner.store.snapshot();
        let job = snapshot.job(key).ok_or_else(|| ServerError::refused("job not found"))?;
        if job.periodic.is_none() {
            return Err(ServerError::refused("can't force launch non-periodic job"));
        }
        let launched = launch(&self.inner, job, UnixNanos::now()).await?;
        Ok(EvalCreated {
            eval_id: launched.eval.id,
            eval_create_index: launched.index,
            job_modify_index: launched.index,
            index: launched.index,
        })
    }
}
