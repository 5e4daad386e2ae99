//! Pushing out allocations of lower priority where nothing is free.

use crate::capacity::{GroupAsk, NodeUsage, Offer, PortRng};
use drover_model::registry::PreemptionConfig;
use drover_model::{AllocDesiredStatus, Allocation, JobType, PlacementPlan, PlanAnnotations};
use std::sync::Arc;

/// Only priorities that are lower by at least this much are pushed out.
const MIN_PRIORITY_GAP: u8 = 10;
/// Shape of the score: priorities that add up to this are neither good nor bad.
const SCORE_ORIGIN: f64 = 2048.0;
const SCORE_RATE: f64 = 0.0048;

/// Whether a scheduler may push out at all.
pub(crate) const fn is_enabled(configuration: &PreemptionConfig, kind: JobType) -> bool {
    match kind {
        JobType::Service => configuration.service_scheduler_enabled,
        JobType::Batch => configuration.batch_scheduler_enabled,
        JobType::System => configuration.system_scheduler_enabled,
        JobType::Sysbatch => configuration.sysbatch_scheduler_enabled,
    }
}

/// The fewest of the least important allocations that make room, with the room they make.
pub(crate) fn make_room(
    usage: &NodeUsage,
    allocs: impl IntoIterator<Item = Arc<Allocation>>,
    priority: u8,
    ask: &GroupAsk,
    ports: &mut PortRng,
) -> Option<(Offer, Vec<Arc<Allocation>>)> {
    let may_go = |alloc: &Arc<Allocation>| priority_of(alloc).saturating_add(MIN_PRIORITY_GAP) <= priority;
    let mut lower: Vec<Arc<Allocation>> = allocs.into_iter().filter(may_go).collect();
    lower.sort_by_key(|alloc| (priority_of(alloc), alloc.id.clone()));
    let mut trial = usage.clone();
    let mut gone: Vec<Arc<Allocation>> = Vec::new();
    for alloc in lower {
        let Some(resources) = &alloc.allocated_resources else { continue };
        trial.remove(resources);
        gone.push(alloc);
        if trial.offer(ask, ports).is_ok() {
            break;
        }
    }
    trial.offer(ask, ports).ok()?;
    // Some of the first ones may not have been in the way: the most important come back first.
    let mut needed = Vec::with_capacity(gone.len());
    for alloc in gone.into_iter().rev() {
        let Some(resources) = alloc.allocated_resources.clone() else { continue };
        trial.add(&resources);
        if trial.offer(ask, ports).is_err() {
            trial.remove(&resources);
            needed.push(alloc);
        }
    }
    let offer = trial.offer(ask, ports).ok()?;
    (!needed.is_empty()).then_some((offer, needed))
}

fn priority_of(alloc: &Allocation) -> u8 {
    alloc.job.as_ref().map_or(u8::MAX, |job| job.priority)
}

/// 0 to 1: the less important what goes, the better.
pub(crate) fn score(gone: &[Arc<Allocation>]) -> Option<f64> {
    let priorities = gone.iter().map(|alloc| f64::from(priority_of(alloc)));
    let highest = priorities.clone().fold(0.0, f64::max);
    let net = if highest > 0.0 { highest + priorities.sum::<f64>() / highest } else { 0.0 };
    (!gone.is_empty()).then(|| 1.0 / (1.0 + (SCORE_RATE * (net - SCORE_ORIGIN)).exp()))
}

/// Adds to the plan what goes for a new allocation.
pub(crate) fn record(plan: &mut PlacementPlan, by: &mut Allocation, gone: &[Arc<Allocation>]) {
    by.preempted_allocations = gone.iter().map(|alloc| alloc.id.clone()).collect();
    for alloc in gone {
        let evicted = Allocation {
            job: None,
            desired_status: AllocDesiredStatus::Evict,
            desired_description: format!("Preempted by alloc ID {}", by.id),
            preempted_by_allocation: by.id.clone(),
            modify_time: by.modify_time,
            ..(**alloc).clone()
        };
        plan.node_preemptions.entry(alloc.node_id.clone()).or_default().push(evicted);
    }
}

/// Adds to the annotations what is pushed out.
pub(crate) fn annotate(annotations: &mut PlanAnnotations, plan: &PlacementPlan) {
    for alloc in plan.node_allocation.values().flatten().filter(|alloc| alloc.create_index == 0) {
        if let Some(desired) = annotations.desired_tg_updates.get_mut(&alloc.task_group) {
            desired.preemptions += alloc.preempted_allocations.len() as u64;
        }
    }
    let stub = |alloc: &Allocation| {
        let stub = Allocation { allocated_resources: None, metrics: None, ..alloc.clone() };
        serde_json::to_value(stub).unwrap_or_default()
    };
    annotations.preempted_allocs = plan.node_preemptions.values().flatten().map(stub).collect();
}
