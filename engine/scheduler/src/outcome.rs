//! What a call of the scheduler gives back.

use crate::context::{Context, Ids};
use drover_base::{Nanos, UnixNanos};
use drover_model::{
    AllocMetric, Allocation, EvalStatus, EvalTrigger, Evaluation, JobType, PlacementPlan, PlacementResult,
    PlanAnnotations,
};
use std::collections::BTreeMap;
use std::time::Duration;

/// Status text of a blocked evaluation that waits for capacity.
pub const BLOCKED_FAILED_PLACEMENTS: &str = "created to place remaining allocations";
/// Status text of a blocked evaluation made because plans were refused again and again.
pub const BLOCKED_MAX_PLANS: &str = "created due to placement conflicts";

/// What one evaluation asks for. In this order: create `follow_ups`, submit `plan` (unless it is a
/// no-op), and once it is fully committed create `blocked` and write `eval`.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// What to do with allocations and deployments.
    pub plan: PlacementPlan,
    /// The evaluation as it should be stored: status, description, failed groups, queued counts,
    /// annotations, links. `Blocked` (again) when it was blocked before and still cannot place all.
    pub eval: Evaluation,
    /// Blocked evaluations to create for what could not be placed: one for service and batch jobs,
    /// one per node without room for system jobs.
    pub blocked: Vec<Evaluation>,
    /// Delayed evaluations (`wait_until` is set) that allocations of the plan name.
    pub follow_ups: Vec<Evaluation>,
}

impl Outcome {
    /// Why groups could not be placed, by group.
    pub fn failed_groups(&self) -> &BTreeMap<String, AllocMetric> {
        &self.eval.failed_tg_allocs
    }
    /// Counts of what the plan does, by group.
    pub fn annotations(&self) -> Option<&PlanAnnotations> {
        self.eval.plan_annotations.as_ref()
    }
    /// Notes in the metrics how long it took, shared out among the placements that were tried. The time
    /// is measured by the caller, as nothing here looks at a clock.
    #[must_use]
    pub fn taking(mut self, elapsed: Duration) -> Self {
        let placed: usize = self.plan.node_allocation.values().map(Vec::len).sum();
        let tried = (placed + self.eval.failed_tg_allocs.len()).max(1);
        let each = u32::try_from(tried).map_or(Duration::ZERO, |tried| elapsed / tried).as_nanos();
        let each = Nanos(i64::try_from(each).unwrap_or(i64::MAX).max(1));
        let new = |alloc: &&mut Allocation| alloc.create_index == 0;
        for alloc in self.plan.node_allocation.values_mut().flatten().filter(new) {
            alloc.metrics = alloc.metrics.take().map(|metric| metric.taking(each));
        }
        for eval in std::iter::once(&mut self.eval).chain(&mut self.blocked) {
            eval.failed_tg_allocs.values_mut().for_each(|metric| metric.allocation_time = each);
        }
        self
    }
    /// Whether the evaluation goes back to the blocked ones, rather than being done.
    pub fn is_blocked_again(&self) -> bool {
        self.eval.status == EvalStatus::Blocked
    }
}

/// Why nothing could be worked out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    /// The evaluation is not for a scheduler of jobs.
    #[error("no scheduler handles evaluations of type {0:?}: use service, batch, system or sysbatch")]
    UnknownKind(String),
}

/// How often a plan may be refused without any progress before the evaluation is given up.
pub const fn max_attempts(kind: JobType) -> u32 {
    match kind {
        JobType::Service | JobType::System => 5,
        JobType::Batch | JobType::Sysbatch => 2,
    }
}

/// Whether a partly committed plan changed anything; attempts are counted anew then.
pub fn made_progress(result: &PlacementResult) -> bool {
    !result.node_update.is_empty()
        || !result.node_allocation.is_empty()
        || result.deployment.is_some()
        || !result.deployment_updates.is_empty()
}

/// The end of an evaluation whose plans were refused [`max_attempts`] times: it fails, and a blocked
/// evaluation takes over. `last` is the outcome whose plan was refused last.
pub fn attempts_exhausted(last: &Outcome, context: Context) -> Outcome {
    let mut eval = last.eval.clone();
    let limit = max_attempts(eval.job_type().unwrap_or_default());
    let mut blocked = last.blocked.clone();
    if blocked.is_empty() && !last.is_blocked_again() {
        let mut next = blocked_eval(&eval, &mut Ids::new(context.seed), context.now);
        next.triggered_by = EvalTrigger::MaxPlans;
        next.status_description = BLOCKED_MAX_PLANS.to_owned();
        next.escaped_computed_class = true;
        eval.blocked_eval = next.id.clone();
        blocked.push(next);
    }
    eval.status = EvalStatus::Failed;
    eval.status_description = format!("maximum attempts reached ({limit})");
    eval.modify_time = context.now;
    Outcome { plan: PlacementPlan::default(), eval, blocked, follow_ups: Vec::new() }
}

/// A blocked evaluation that follows `eval`.
pub(crate) fn blocked_eval(eval: &Evaluation, ids: &mut Ids, now: UnixNanos) -> Evaluation {
    Evaluation {
        id: ids.eval(),
        namespace: eval.namespace.clone(),
        priority: eval.priority,
        kind: eval.kind.clone(),
        triggered_by: EvalTrigger::QueuedAllocs,
        job_id: eval.job_id.clone(),
        job_modify_index: eval.job_modify_index,
        status: EvalStatus::Blocked,
        status_description: BLOCKED_FAILED_PLACEMENTS.to_owned(),
        previous_eval: eval.id.clone(),
        failed_tg_allocs: eval.failed_tg_allocs.clone(),
        create_time: now,
        modify_time: now,
        ..Evaluation::default()
    }
}
