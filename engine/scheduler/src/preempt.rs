//! Pushing out allocations of lower priority where nothing is free.

use crate::capacity::{GroupAsk, NodeUsage, Offer, PortRng};
use drover_model::amounts::Amounts;
use drover_model::registry::PreemptionConfig;
use drover_model::{AllocDesiredStatus, AllocatedResources, Allocation, JobType, PlacementPlan, PlanAnnotations};
use std::sync::Arc;

/// Only priorities that are lower by at least this much are pushed out.
const MIN_PRIORITY_GAP: u8 = 10;
/// What each allocation costs by which a group loses more at once than its `migrate` block allows.
const MAX_PARALLEL_PENALTY: f64 = 50.0;
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

/// Allocations that make room, with the room they make: of the lowest priority that helps those that are
/// closest to what is asked, and none that is not needed.
pub(crate) fn make_room(
    usage: &NodeUsage,
    allocs: impl IntoIterator<Item = Arc<Allocation>>,
    priority: u8,
    ask: &GroupAsk,
    ports: &mut PortRng,
) -> Option<(Offer, Vec<Arc<Allocation>>)> {
    let may_go = |alloc: &Arc<Allocation>| priority_of(alloc).saturating_add(MIN_PRIORITY_GAP) <= priority;
    let mut left: Vec<Candidate> = allocs.into_iter().filter(may_go).filter_map(Candidate::new).collect();
    left.sort_by_key(|candidate| (priority_of(&candidate.alloc), candidate.alloc.id.clone()));
    let mut trial = usage.clone();
    let mut gone: Vec<Candidate> = Vec::new();
    let mut needed = ask.amounts();
    while trial.offer(ask, ports).is_err() {
        let next = take_closest(&mut left, &gone, needed)?;
        trial.remove(&next.resources);
        needed = needed.minus(next.amounts);
        gone.push(next);
    }
    // Some of the first ones may not have been in the way: the most important and the smallest come back first.
    gone.sort_by_key(|candidate| {
        (std::cmp::Reverse(priority_of(&candidate.alloc)), candidate.amounts.cpu, candidate.amounts.memory)
    });
    let mut evicted = Vec::with_capacity(gone.len());
    for candidate in gone {
        trial.add(&candidate.resources);
        if trial.offer(ask, ports).is_err() {
            trial.remove(&candidate.resources);
            evicted.push(candidate.alloc);
        }
    }
    let offer = trial.offer(ask, ports).ok()?;
    (!evicted.is_empty()).then_some((offer, evicted))
}

/// An allocation that may be pushed out.
struct Candidate {
    alloc: Arc<Allocation>,
    resources: Arc<AllocatedResources>,
    amounts: Amounts,
}

impl Candidate {
    fn new(alloc: Arc<Allocation>) -> Option<Self> {
        let resources = Arc::clone(alloc.allocated_resources.as_ref()?);
        let amounts = Amounts::of_alloc(&resources);
        Some(Self { alloc, resources, amounts })
    }

    /// Allocations of its group that may be away at the same time; 0: nothing is said of it.
    fn max_parallel(&self) -> usize {
        let migrate = self.alloc.group().and_then(|group| group.migrate.as_ref());
        migrate.map_or(0, |migrate| migrate.max_parallel as usize)
    }

    fn is_sibling(&self, other: &Self) -> bool {
        (&self.alloc.job_id, &self.alloc.namespace, &self.alloc.task_group)
            == (&other.alloc.job_id, &other.alloc.namespace, &other.alloc.task_group)
    }

    /// 0: exactly what is needed. A group that loses more at once than it wants to pays for each.
    fn distance(&self, gone: &[Self], needed: Amounts) -> f64 {
        let part = |needed: i64, held: i64| if needed > 0 { (needed - held) as f64 / needed as f64 } else { 0.0 };
        let (cpu, memory, disk) = (
            part(needed.cpu, self.amounts.cpu),
            part(needed.memory, self.amounts.memory),
            part(needed.disk, self.amounts.disk),
        );
        let siblings = gone.iter().filter(|other| self.is_sibling(other)).count() + 1;
        let max_parallel = self.max_parallel();
        let too_many = if max_parallel > 0 { siblings.saturating_sub(max_parallel) } else { 0 };
        (cpu * cpu + memory * memory + disk * disk).sqrt() + too_many as f64 * MAX_PARALLEL_PENALTY
    }
}

/// Takes the closest of those with the lowest priority.
fn take_closest(left: &mut Vec<Candidate>, gone: &[Candidate], needed: Amounts) -> Option<Candidate> {
    let lowest = priority_of(&left.first()?.alloc);
    let same = left.iter().take_while(|candidate| priority_of(&candidate.alloc) == lowest).enumerate();
    let distances = same.map(|(at, candidate)| (at, candidate.distance(gone, needed)));
    let (at, _) = distances.min_by(|(_, a), (_, b)| a.total_cmp(b))?;
    Some(left.remove(at))
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
