//! Stops and purges jobs.

use super::admission::is_placed;
use crate::answer::JobRegistered;
use crate::error::Result;
use crate::evals;
use crate::request::DeregisterOptions;
use crate::server::Server;
use drover_model::{EvalTrigger, Evaluation, JobKey, UnixNanos};
use drover_state::{Command, DeregisterJob};

impl Server {
    /// Stops a job, or forgets it altogether. An unknown job is no error: nothing is done.
    ///
    /// # Errors
    /// The log cannot take it.
    pub async fn deregister_job(&self, key: &JobKey, options: DeregisterOptions) -> Result<JobRegistered> {
        let snapshot = self.inner.store.snapshot();
        let Some(job) = snapshot.job(key) else { return Ok(JobRegistered::default()) };
        let now = UnixNanos::now();
        let eval = is_placed(job).then(|| Evaluation {
            priority: options.eval_priority.unwrap_or(job.priority),
            ..evals::for_job(job, EvalTrigger::JobDeregister, now)
        });
        let eval_id = eval.as_ref().map(|eval| eval.id.clone()).unwrap_or_default();
        let committed = self
            .inner
            .propose(Command::DeregisterJob(DeregisterJob {
                key: key.clone(),
                purge: options.purge,
                no_shutdown_delay: options.no_shutdown_delay,
                eval,
                now,
            }))
            .await?;
        Ok(JobRegistered {
            eval_id,
            eval_create_index: committed.index,
            job_modify_index: committed.index,
            warnings: String::new(),
            index: committed.index,
        })
    }
}
