//! Looks at a job again.

use super::admission::is_placed;
use crate::answer::EvalCreated;
use crate::error::{Result, ServerError};
use crate::evals;
use crate::server::Server;
use drover_model::{AllocClientStatus, DesiredTransition, EvalTrigger, JobKey, UnixNanos};
use drover_state::{Command, UpdateAllocDesiredTransition};

impl Server {
    /// Makes an evaluation of a job; `force_reschedule` replaces failed allocations whatever their policy says.
    ///
    /// # Errors
    /// The job is unknown, or only makes others.
    pub async fn evaluate_job(&self, key: &JobKey, force_reschedule: bool) -> Result<EvalCreated> {
        let snapshot = self.inner.store.snapshot();
        let job = snapshot.job(key).ok_or_else(|| ServerError::refused("job not found"))?;
        if job.periodic.is_some() {
            return Err(ServerError::refused("can't evaluate periodic job"));
        }
        if !is_placed(job) {
            return Err(ServerError::refused("can't evaluate parameterized job"));
        }
        let now = UnixNanos::now();
        let eval = evals::for_job(job, EvalTrigger::JobRegister, now);
        let eval_id = eval.id.clone();
        let job_modify_index = job.job_modify_index;
        let forced = DesiredTransition { force_reschedule: Some(true), ..DesiredTransition::default() };
        let failed = snapshot
            .allocs_by_job(key)
            .filter(|alloc| alloc.client_status == AllocClientStatus::Failed && alloc.next_allocation.is_empty());
        let command = if force_reschedule {
            Command::UpdateAllocDesiredTransition(UpdateAllocDesiredTransition {
                transitions: failed.map(|alloc| (alloc.id.clone(), forced.clone())).collect(),
                evals: vec![eval],
                now,
            })
        } else {
            Command::UpsertEvals(vec![eval])
        };
        let committed = self.inner.propose(command).await?;
        Ok(EvalCreated { eval_id, eval_create_index: committed.index, job_modify_index, index: committed.index })
    }
}
