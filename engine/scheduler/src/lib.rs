//! The pure scheduler: a view of the cluster and an evaluation in, a placement plan and the
//! evaluation's new state out.
//!
//! It knows nothing of clocks, randomness, storage or the network: time and a seed come in with
//! [`Context`], and equal input gives equal output. It never changes state; the caller submits
//! [`Outcome::plan`] and, when only a part of it was committed, calls [`schedule`] again with a newer
//! view (at most [`max_attempts`] times without progress, then [`attempts_exhausted`]).
//!
//! - [`schedule`]: one evaluation of a service, batch, system or sysbatch job.
//! - [`node_verdicts`]: for people, what each node says to a group and what would make it fit.
//! - [`capacity`]: what fits on a node; the applier of plans uses it too.
//! - `reconcile`: desired against existing allocations.
//! - `feasible`: hard checks, one file each. `rank`: scores, one file each.

pub mod capacity;
mod context;
mod explain;
mod feasible;
mod generic;
mod hash;
mod outcome;
mod preempt;
mod rank;
mod reconcile;
mod stack;
mod system;
mod verdict;

pub use context::Context;
pub use feasible::meets;
pub use outcome::{Outcome, ScheduleError, attempts_exhausted, made_progress, max_attempts};
pub use verdict::{NodeVerdict, Refusal, node_verdicts};

use drover_model::{ClusterView, Evaluation, JobType};

/// Works out what one evaluation asks for.
///
/// # Errors
/// The evaluation's type is not a job type.
pub fn schedule(view: &dyn ClusterView, eval: &Evaluation, context: Context) -> Result<Outcome, ScheduleError> {
    match eval.job_type() {
        Some(JobType::Service | JobType::Batch) => Ok(generic::schedule(view, eval, context)),
        Some(JobType::System | JobType::Sysbatch) => Ok(system::schedule(view, eval, context)),
        None => Err(ScheduleError::UnknownKind(eval.kind.clone())),
    }
}
