//! Commits placement plans: each is checked against the newest state and what is on its way into it.
//! Checks are serial; commits may overlap, because pending placements hold their resources already.

pub mod core;
pub mod overlay;

use crate::error::Result;
use crate::evals;
use crate::server::Inner;
use drover_model::{EvalTrigger, JobKey, PlacementPlan, PlacementResult, UnixNanos};
use drover_state::{ApplyPlacement, Command, Snapshot};
use overlay::{Overlay, Pending};
use parking_lot::Mutex;
use std::collections::BTreeSet;

/// Serialises the checks.
#[derive(Debug, Default)]
pub struct Applier {
    pending: Mutex<Pending>,
}

/// Commits what of `plan` still holds.
pub(crate) async fn submit(inner: &Inner, plan: PlacementPlan) -> Result<PlacementResult> {
    let (snapshot, mut result, number) = {
        let mut pending = inner.applier.pending.lock();
        let snapshot = inner.store.snapshot();
        let result = core::evaluate(&Overlay { view: &snapshot, pending: &pending }, &plan);
        let number = pending.add(&result);
        (snapshot, result, number)
    };
    if is_empty(&result) {
        inner.applier.pending.lock().remove(number);
        return Ok(result);
    }
    let now = UnixNanos::now();
    let command = Command::ApplyPlacement(ApplyPlacement {
        eval_id: plan.eval_id,
        job: plan.job,
        preemption_evals: preemption_evals(&snapshot, &result, now),
        result: result.clone(),
        now,
    });
    let committed = inner.propose(command).await;
    inner.applier.pending.lock().remove(number);
    result.alloc_index = committed?.index;
    if result.refresh_index > 0 {
        result.refresh_index = result.refresh_index.max(result.alloc_index);
    }
    Ok(result)
}

fn is_empty(result: &PlacementResult) -> bool {
    result.node_update.is_empty()
        && result.node_allocation.is_empty()
        && result.node_preemptions.is_empty()
        && result.deployment.is_none()
        && result.deployment_updates.is_empty()
}

/// Jobs whose allocations were pushed out are looked at again.
fn preemption_evals(snapshot: &Snapshot, result: &PlacementResult, now: UnixNanos) -> Vec<drover_model::Evaluation> {
    let keys: BTreeSet<JobKey> = result
        .node_preemptions
        .values()
        .flatten()
        .filter_map(|alloc| snapshot.alloc(&alloc.id).map(|stored| stored.job_key()))
        .collect();
    keys.iter()
        .filter_map(|key| snapshot.job(key))
        .map(|job| evals::for_job(job, EvalTrigger::Preemption, now))
        .collect()
}
