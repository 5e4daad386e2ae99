//! Commits placement plans: each is checked against the newest state and what is on its way into it.
//! Checks are serial; commits may overlap, because pending placements hold their resources already.

pub mod core;
pub mod overlay;
pub mod quota;

use crate::error::Result;
use crate::evals;
use crate::server::Inner;
use drover_model::{EvalTrigger, JobKey, PlacementPlan, PlacementResult, UnixNanos};
use drover_scheduler::made_progress;
use drover_state::{ApplyPlacement, Command, Snapshot};
use overlay::{Overlay, Pending};
use parking_lot::Mutex;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Serialises the checks.
#[derive(Debug, Default)]
pub struct Applier {
    pending: Mutex<Pending>,
}

/// What became of a plan.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Submitted {
    /// When something was left out: the scheduler must see at least this index; else 0.
    pub refresh_index: u64,
    /// Whether anything was committed.
    pub made_progress: bool,
}

/// Commits what of `plan` still holds.
pub(crate) async fn submit(inner: &Inner, plan: PlacementPlan) -> Result<Submitted> {
    let (eval_id, job) = (plan.eval_id.clone(), plan.job.clone());
    let (snapshot, result, number) = {
        let mut pending = inner.applier.pending.lock();
        let snapshot = inner.store.snapshot();
        let mut result = if exceeds_quota(&snapshot, &pending, &plan) {
            core::refused_whole(&snapshot, &plan)
        } else {
            core::evaluate(&Overlay { view: &snapshot, pending: &pending }, plan)
        };
        if is_empty(&result) {
            return Ok(Submitted { refresh_index: result.refresh_index, made_progress: made_progress(&result) });
        }
        sign_for(&snapshot, &mut result);
        let result = Arc::new(result);
        let number = pending.add(Arc::clone(&result));
        (snapshot, result, number)
    };
    let now = UnixNanos::now();
    let submitted = Submitted { refresh_index: result.refresh_index, made_progress: made_progress(&result) };
    let preemption_evals = preemption_evals(&snapshot, &result, now);
    drop(snapshot);
    let command = Command::ApplyPlacement(ApplyPlacement { eval_id, job, result, preemption_evals, now });
    let committed = inner.propose(command).await;
    inner.applier.pending.lock().remove(number);
    let index = committed?.index;
    let refresh_index = if submitted.refresh_index > 0 { submitted.refresh_index.max(index) } else { 0 };
    Ok(Submitted { refresh_index, ..submitted })
}

/// New allocations name the key that will sign the identities of their tasks, so that it is kept as long as they live.
fn sign_for(snapshot: &Snapshot, result: &mut PlacementResult) {
    let Some(key) = crate::keyring::active_key(snapshot) else { return };
    let unsigned = result.node_allocation.values_mut().flatten().filter(|alloc| alloc.signing_key_id.is_empty());
    unsigned.for_each(|alloc| alloc.signing_key_id.clone_from(&key.key_id));
}

/// Whether the plan and what is on its way exceed the quota of its namespace together.
fn exceeds_quota(snapshot: &Snapshot, pending: &Pending, plan: &PlacementPlan) -> bool {
    let Some(job) = &plan.job else { return false };
    let quota_of = |namespace: &drover_model::Namespace| {
        snapshot.namespace(namespace).map(|found| found.quota.as_str()).filter(|quota| !quota.is_empty())
    };
    let Some(quota) = quota_of(&job.namespace).and_then(|name| snapshot.quota(name)) else { return false };
    let shares = |alloc: &&drover_model::Allocation| quota_of(&alloc.namespace) == Some(&quota.name);
    let pool = |alloc: &drover_model::Allocation| {
        let known = if alloc.job_id == job.id { Some(job) } else { snapshot.job(&alloc.job_key()) };
        known.map(|job| job.node_pool.clone()).unwrap_or_default()
    };
    let on_its_way: Vec<_> = pending.allocs().filter(shares).map(|alloc| (pool(alloc), alloc)).collect();
    let is_known = |id: &drover_model::AllocId| snapshot.alloc(id).is_some();
    quota::is_exceeded(quota, snapshot.quota_held(&quota.name), &on_its_way, plan, is_known)
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
