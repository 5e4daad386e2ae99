//! Allocations, from operators.

use crate::answer::EvalCreated;
use crate::error::{Result, ServerError};
use crate::evals;
use crate::request::StopAlloc;
use crate::server::Server;
use drover_model::{AllocId, DesiredTransition, EvalTrigger, UnixNanos};
use drover_state::{Command, UpdateAllocDesiredTransition};

impl Server {
    /// Stops an allocation; its job gets a replacement.
    ///
    /// # Errors
    /// It is unknown.
    pub async fn stop_alloc(&self, id: &AllocId, how: StopAlloc) -> Result<EvalCreated> {
        let snapshot = self.inner.store.snapshot();
        let alloc = snapshot.alloc(id).ok_or_else(|| ServerError::not_found("allocation not found"))?;
        let job = snapshot.job(&alloc.job_key()).or(alloc.job.as_ref());
        let job = job.ok_or_else(|| ServerError::refused("the allocation's job is gone"))?;
        let now = UnixNanos::now();
        let eval = evals::for_job(job, EvalTrigger::AllocStop, now);
        let eval_id = eval.id.clone();
        let transition = DesiredTransition {
            migrate: Some(true),
            no_shutdown_delay: Some(how.no_shutdown_delay),
            reschedule: Some(how.reschedule),
            ..DesiredTransition::default()
        };
        let committed = self
            .inner
            .propose(Command::UpdateAllocDesiredTransition(UpdateAllocDesiredTransition {
                transitions: [(id.clone(), transition)].into(),
                evals: vec![eval],
                now,
            }))
            .await?;
        Ok(EvalCreated {
            eval_id,
            eval_create_index: committed.index,
            job_modify_index: job.job_modify_index,
            index: committed.index,
        })
    }
}
