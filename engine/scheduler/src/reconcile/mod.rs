//! Desired against existing allocations of service and batch jobs.
//!
//! Pure bookkeeping: nothing here looks for nodes. [`reconcile`] says what to place, to stop and to
//! update, group by group, within the limits of the job's deployment.

mod computed;
mod deployments;
mod filters;
mod group;
mod later;
mod names;
mod reschedule;
mod surplus;
mod updates;

pub(crate) use computed::{Placement, Reconciliation};
pub(crate) use deployments::Deployments;
pub(crate) use filters::{AllocSet, TaintedNodes, stop_whole_set, tainted_nodes};
pub(crate) use reschedule::{LAST_FAILED, next_tracker};
pub(crate) use updates::{UpdateKind, is_destructive};

use crate::context::Ids;
use drover_base::UnixNanos;
use drover_model::{Allocation, Deployment, Evaluation, Job, TaskGroup};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Texts of allocations that are stopped, as the reference has them.
pub(crate) mod why {
    pub(crate) const NOT_NEEDED: &str = "alloc not needed due to job update";
    pub(crate) const MIGRATING: &str = "alloc is being migrated";
    pub(crate) const UPDATING: &str = "alloc is being updated due to job update";
    pub(crate) const LOST: &str = "alloc is lost since its node is down";
    pub(crate) const UNKNOWN: &str = "alloc is unknown since its node is disconnected";
    /// The reference tells nothing about allocations that failed and were replaced.
    pub(crate) const RESCHEDULED: &str = "";
    pub(crate) const RECONNECTED: &str = "alloc not needed due to disconnected client reconnect";
    pub(crate) const NODE_TAINTED: &str = "alloc not needed as node is tainted";
}

/// Everything that reconciling looks at.
pub(crate) struct Input<'a> {
    pub(crate) eval: &'a Evaluation,
    /// `None` when the job was purged.
    pub(crate) job: Option<&'a Job>,
    pub(crate) allocs: Vec<Arc<Allocation>>,
    pub(crate) deployment: Option<Arc<Deployment>>,
    pub(crate) tainted: &'a TaintedNodes,
    pub(crate) now: UnixNanos,
    /// What a changed job means for an allocation.
    pub(crate) update_of: &'a dyn Fn(&Allocation, &TaskGroup) -> UpdateKind,
}

impl Input<'_> {
    fn is_batch(&self) -> bool {
        self.eval.kind == "batch"
    }
}

/// Compares desired and existing allocations.
pub(crate) fn reconcile(input: &Input<'_>, ids: &mut Ids) -> Reconciliation {
    let mut out = Reconciliation::default();
    let deployments = Deployments::new(input, &mut out);
    let mut by_group: BTreeMap<&str, AllocSet> = BTreeMap::new();
    for alloc in &input.allocs {
        by_group.entry(&alloc.task_group).or_default().insert(alloc.id.clone(), Arc::clone(alloc));
    }
    match input.job.filter(|job| !job.stop) {
        None => stop_all(input, by_group, &mut out),
        Some(job) => {
            let mut state = group::State { input, job, deployments, ids, out: &mut out };
            let mut complete = true;
            for group in &job.task_groups {
                let allocs = by_group.remove(group.name.as_str()).unwrap_or_default();
                complete &= state.group(group, allocs);
            }
            for (name, allocs) in by_group {
                state.removed_group(name, &allocs);
            }
            let deployments = state.deployments;
            deployments.finish(complete, &mut out);
        }
    }
    out
}

/// The job is stopped or gone.
fn stop_all(input: &Input<'_>, by_group: BTreeMap<&str, AllocSet>, out: &mut Reconciliation) {
    for (name, allocs) in by_group {
        let stopped = stop_whole_set(&allocs, input.tainted, input.now, out);
        out.desired(name).stop += stopped;
    }
}
