//! Finds the node for one placement: feasibility first, then rank, over a limited number of nodes.

mod group;
mod select;
mod slot;

use crate::capacity::PortRng;
use crate::explain::{Explanation, Texts};
use crate::feasible::{Candidates, ClassCache, JobChecks, pool_name};
use crate::hash::QuickHash;
use crate::preempt;
use crate::rank::{Algorithm, ShownScores};
use drover_base::{AllocId, NodeId};
use drover_model::{AllocMetric, AllocatedResources, Allocation, ClusterView, Job, Node, TaskGroup};
use group::{Group, Room};
use rand::SeedableRng;
use rand::rngs::SmallRng;
use rand::seq::SliceRandom;
use slot::Slot;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// At least so many nodes are compared.
const MIN_LIMIT: usize = 2;

/// The nodes of one evaluation while they are being filled.
pub(crate) struct Stack<'a> {
    view: &'a dyn ClusterView,
    job_checks: JobChecks,
    groups: Vec<Group>,
    slots: Vec<Slot>,
    by_id: HashMap<NodeId, usize, QuickHash>,
    next: usize,
    limit: usize,
    classes: ClassCache,
    algorithm: Algorithm,
    oversubscription: bool,
    ports: PortRng,
    /// Allocations that the plan stops: they hold nothing any more.
    stopped: HashSet<AllocId>,
    priority: u8,
    /// Which scores the metrics show.
    shows: ShownScores,
    /// Whether others may be pushed out when nothing is free.
    preempts: bool,
    /// Whether this round pushes out.
    preempting: bool,
    common: Arc<AllocMetric>,
    texts: Texts,
    explanation: Explanation,
}

/// What is particular about one placement.
#[derive(Default)]
pub(crate) struct Wish<'a> {
    /// Where earlier attempts failed.
    pub(crate) failed_on: &'a [NodeId],
    /// Where the data is.
    pub(crate) preferred: Option<&'a NodeId>,
    /// The number in the allocation's name.
    pub(crate) index: Option<u32>,
}

/// The node that was found.
pub(crate) struct Choice {
    slot: usize,
    pub(crate) node: Arc<Node>,
    pub(crate) resources: Arc<AllocatedResources>,
    /// What must go for it.
    pub(crate) preempted: Vec<Arc<Allocation>>,
}

impl<'a> Stack<'a> {
    /// `order` shuffles the nodes; `batch` compares fewer of them.
    pub(crate) fn new(view: &'a dyn ClusterView, job: &Job, candidates: Candidates, order: u64) -> Self {
        let configuration = view.scheduler_configuration();
        let pool = view.node_pool(&job.node_pool).and_then(|pool| pool.scheduler_configuration.clone());
        let algorithm = pool.as_ref().map(|pool| pool.scheduler_algorithm.as_str()).filter(|a| !a.is_empty());
        let algorithm = match algorithm.unwrap_or(&configuration.scheduler_algorithm) {
            "spread" => Algorithm::Spread,
            _ => Algorithm::Binpack,
        };
        let oversubscription = pool.and_then(|pool| pool.memory_oversubscription_enabled);
        let oversubscription = oversubscription.unwrap_or(configuration.memory_oversubscription_enabled);
        let common = AllocMetric {
            nodes_in_pool: candidates.in_pool,
            // The reference names the pool of jobs that run on every node only where they found no room.
            node_pool: if job.kind.is_per_node() { String::new() } else { pool_name(job).to_owned() },
            nodes_available: Some(candidates.by_datacenter),
            ..AllocMetric::default()
        };
        let mut nodes = candidates.nodes;
        nodes.shuffle(&mut SmallRng::seed_from_u64(order));
        let job_checks = JobChecks::new(job);
        Self {
            view,
            groups: Vec::new(),
            by_id: HashMap::default(),
            next: 0,
            limit: Self::limit_for(job, nodes.len()),
            classes: ClassCache::new(job_checks.escaped),
            job_checks,
            slots: nodes.into_iter().map(Slot::new).collect(),
            algorithm,
            oversubscription,
            ports: PortRng::new(order ^ 0x9e37_79b9_7f4a_7c15),
            stopped: HashSet::new(),
            priority: job.priority,
            shows: if job.kind.is_per_node() { ShownScores::Counting } else { ShownScores::All },
            preempts: preempt::is_enabled(&configuration.preemption_config, job.kind),
            preempting: false,
            common: Arc::new(common),
            texts: Texts::new(),
            explanation: Explanation::default(),
        }
    }

    fn limit_for(job: &Job, nodes: usize) -> usize {
        if job.kind.is_batch() || nodes < 2 {
            return MIN_LIMIT;
        }
        let log2_rounded_up = (usize::BITS - (nodes - 1).leading_zeros()) as usize;
        log2_rounded_up.max(MIN_LIMIT)
    }

    /// Registers a group; its number is for the other calls.
    pub(crate) fn add_group(&mut self, job: &Job, group: &TaskGroup) -> usize {
        let mut added = Group::new(job, group, self.slots.len(), self.oversubscription);
        added.checks.bind(self.view, job, group);
        self.classes.add_group(added.checks.escaped);
        self.groups.push(added);
        self.groups.len() - 1
    }

    /// Counts the job's live allocations; call it once, after all groups were added.
    pub(crate) fn count_existing<'b>(&mut self, allocs: impl IntoIterator<Item = &'b Arc<Allocation>>) {
        for alloc in allocs.into_iter().filter(|alloc| !alloc.is_terminal()) {
            self.count_on(&alloc.node_id, &alloc.task_group, Change::Add);
        }
    }

    /// The plan stops this allocation.
    pub(crate) fn stop(&mut self, alloc: &Allocation) {
        if alloc.is_terminal() {
            return;
        }
        self.load(&alloc.node_id);
        if !self.stopped.insert(alloc.id.clone()) {
            return;
        }
        self.count_on(&alloc.node_id, &alloc.task_group, Change::Remove);
        if let (Some(slot), Some(resources)) = (self.slot_of(&alloc.node_id), &alloc.allocated_resources) {
            self.take_from(slot, resources);
        }
    }

    /// The plan does not stop it after all.
    pub(crate) fn keep(&mut self, alloc: &Allocation) {
        if !self.stopped.remove(&alloc.id) {
            return;
        }
        self.count_on(&alloc.node_id, &alloc.task_group, Change::Add);
        if let (Some(slot), Some(resources)) = (self.slot_of(&alloc.node_id), &alloc.allocated_resources) {
            self.slots[slot].put_back(resources);
            self.changed(slot);
        }
    }

    /// The plan places `group` there.
    pub(crate) fn place(&mut self, group: usize, choice: &Choice) {
        self.slots[choice.slot].held(self.view);
        for alloc in &choice.preempted {
            self.stopped.insert(alloc.id.clone());
            if let Some(resources) = &alloc.allocated_resources {
                self.take_from(choice.slot, resources);
            }
        }
        self.slots[choice.slot].place(&choice.resources);
        self.changed(choice.slot);
        let name = Arc::clone(&self.groups[group].name);
        self.count(Some(choice.slot), &choice.node, &name, Change::Add);
    }

    /// What the view says of a node must be known before the plan changes it.
    fn load(&mut self, node: &NodeId) {
        if let Some(slot) = self.slot_of(node) {
            self.slots[slot].held(self.view);
        }
    }

    fn take_from(&mut self, slot: usize, resources: &Arc<AllocatedResources>) {
        self.slots[slot].remove(resources);
        self.changed(slot);
    }

    /// What was known of a node does not hold any more.
    fn changed(&mut self, slot: usize) {
        self.groups.iter_mut().for_each(|group| group.rooms[slot] = Room::Unknown);
    }

    fn slot_of(&mut self, id: &NodeId) -> Option<usize> {
        if self.by_id.is_empty() {
            self.by_id = self.slots.iter().enumerate().map(|(at, slot)| (slot.node.id.clone(), at)).collect();
        }
        self.by_id.get(id).copied()
    }

    fn count_on(&mut self, node_id: &NodeId, group_name: &str, change: Change) {
        let slot = self.slot_of(node_id);
        let node = slot.map_or_else(|| self.view.node(node_id), |slot| Some(Arc::clone(&self.slots[slot].node)));
        if let Some(node) = node {
            self.count(slot, &node, group_name, change);
        }
    }

    fn count(&mut self, slot: Option<usize>, node: &Node, group_name: &str, change: Change) {
        for group in &mut self.groups {
            let is_own = *group.name == *group_name;
            if is_own {
                if let Some(slot) = slot {
                    change.apply(&mut group.on_node[slot]);
                }
                group.count_spread(slot, node, matches!(change, Change::Add));
            }
            for (rule, counts) in group.distinct.iter_mut().filter(|(rule, _)| is_own || rule.whole_job) {
                if let Some(value) = rule.target.value(node) {
                    match change {
                        Change::Add => counts.add(value),
                        Change::Remove => counts.remove(value),
                    }
                }
            }
        }
    }

    /// The slot of a node, for [`Self::select_on`].
    pub(crate) fn slot(&mut self, id: &NodeId) -> Option<usize> {
        self.slot_of(id)
    }

    /// Whether an allocation may stay on its node under a changed job.
    pub(crate) fn may_stay(&self, job: &Job, group: usize, node: &Node, index: Option<u32>) -> bool {
        crate::feasible::belongs(job, node)
            && self.job_checks.check(node).is_ok()
            && self.groups[group].checks.check_class(node).is_ok()
            && self.groups[group].checks.check_node(self.view, node, index, None).is_ok()
    }

    /// A node was found to do for a group no more: what that says of its class holds for what follows.
    pub(crate) fn learn(&mut self, node: &NodeId, group: usize) {
        if let Some(slot) = self.slot_of(node) {
            let class = self.slots[slot].class(&mut self.classes);
            // The reason was told by whoever asked.
            let _ = self.check_class(group, slot, class);
        }
    }

    /// What the metrics of all placements have in common, for those that no node was looked at for.
    pub(crate) fn common_metric(&self) -> AllocMetric {
        (*self.common).clone()
    }

    /// What was learnt about the classes of nodes.
    pub(crate) const fn classes(&self) -> &ClassCache {
        &self.classes
    }
}

#[derive(Clone, Copy)]
enum Change {
    Add,
    Remove,
}

impl Change {
    fn apply(self, count: &mut u32) {
        match self {
            Self::Add => *count += 1,
            Self::Remove => *count = count.saturating_sub(1),
        }
    }
}
