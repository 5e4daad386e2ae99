//! Finds the node for one placement: feasibility first, then rank, over a limited number of nodes.

use crate::capacity::{GroupAsk, NodeUsage, Offer, PortRng};
use crate::explain::Explanation;
use crate::feasible::{
    Candidates, ClassCache, DistinctHosts, DistinctProperty, GroupChecks, JobChecks, PropertyCount, Verdict,
};
use crate::preempt;
use crate::rank::{AffinityScorer, Algorithm, Scores, SpreadScorer, collision_score, fit_score, reschedule_penalty};
use drover_base::{AllocId, NodeId};
use drover_model::{AllocMetric, AllocatedResources, Allocation, ClusterView, Job, Node, TaskGroup};
use rand::SeedableRng;
use rand::rngs::SmallRng;
use rand::seq::SliceRandom;
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// Nodes that score at most this are passed over while better ones may follow.
const SKIP_SCORE: f64 = 0.0;
/// At most so many nodes are passed over.
const MAX_SKIPPED: usize = 3;
/// With affinities or spreads more nodes are compared: this many, or the group's count.
const MIN_LIMIT_WITH_PREFERENCES: usize = 100;
const MIN_LIMIT: usize = 2;

/// The nodes of one evaluation while they are being filled.
pub(crate) struct Stack<'a> {
    view: &'a dyn ClusterView,
    job_checks: JobChecks,
    groups: Vec<Group>,
    slots: Vec<Slot>,
    by_id: HashMap<NodeId, usize>,
    next: usize,
    limit: usize,
    classes: ClassCache,
    algorithm: Algorithm,
    oversubscription: bool,
    ports: PortRng,
    /// Allocations that the plan stops: they hold nothing any more.
    stopped: HashSet<AllocId>,
    priority: u8,
    /// Whether others may be pushed out when nothing is free.
    preempts: bool,
    /// Whether this round pushes out.
    preempting: bool,
    metric: AllocMetric,
}

struct Slot {
    node: Arc<Node>,
    /// The number of its class, once it was asked for.
    class: Option<usize>,
    /// Built when the node is first considered.
    usage: Option<Box<NodeUsage>>,
    /// Live allocations of the job, by group.
    of_group: Vec<u32>,
}

struct Group {
    name: String,
    count: u32,
    ask: GroupAsk,
    checks: GroupChecks,
    affinities: AffinityScorer,
    spreads: SpreadScorer,
    distinct_hosts: DistinctHosts,
    distinct: Vec<(DistinctProperty, PropertyCount)>,
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

struct Ranked {
    slot: usize,
    score: f64,
    resources: Arc<AllocatedResources>,
    preempted: Vec<Arc<Allocation>>,
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
        let metric = AllocMetric {
            nodes_in_pool: candidates.in_pool,
            node_pool: crate::feasible::pool_name(job).to_owned(),
            nodes_available: candidates.by_datacenter,
            ..AllocMetric::default()
        };
        let mut nodes = candidates.nodes;
        nodes.shuffle(&mut SmallRng::seed_from_u64(order));
        let job_checks = JobChecks::new(job);
        let mut stack = Self {
            view,
            groups: Vec::new(),
            by_id: HashMap::new(),
            next: 0,
            limit: Self::limit_for(job, nodes.len()),
            classes: ClassCache::new(job_checks.escaped),
            job_checks,
            slots: Vec::new(),
            algorithm,
            oversubscription,
            ports: PortRng::new(order ^ 0x9e37_79b9_7f4a_7c15),
            stopped: HashSet::new(),
            priority: job.priority,
            preempts: preempt::is_enabled(&configuration.preemption_config, job.kind),
            preempting: false,
            metric,
        };
        let slot = |node: Arc<Node>| Slot { node, class: None, usage: None, of_group: Vec::new() };
        stack.slots = nodes.into_iter().map(slot).collect();
        stack
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
        let checks = GroupChecks::new(group);
        self.classes.add_group(checks.escaped);
        self.groups.push(Group {
            name: group.name.clone(),
            count: group.count,
            ask: GroupAsk::new(group, self.oversubscription),
            affinities: AffinityScorer::new(job, group),
            spreads: SpreadScorer::new(job, group),
            distinct_hosts: DistinctHosts::new(job, group),
            distinct: DistinctProperty::of_group(job, group)
                .into_iter()
                .map(|rule| (rule, PropertyCount::default()))
                .collect(),
            checks,
        });
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
        if alloc.is_terminal() || !self.stopped.insert(alloc.id.clone()) {
            return;
        }
        self.count_on(&alloc.node_id, &alloc.task_group, Change::Remove);
        if let Some(slot) = self.slot_of(&alloc.node_id)
            && let Some(resources) = &alloc.allocated_resources
            && let Some(usage) = &mut self.slots[slot].usage
        {
            usage.remove(resources);
        }
    }

    /// The plan does not stop it after all.
    pub(crate) fn keep(&mut self, alloc: &Allocation) {
        if !self.stopped.remove(&alloc.id) {
            return;
        }
        self.count_on(&alloc.node_id, &alloc.task_group, Change::Add);
        if let Some(slot) = self.slot_of(&alloc.node_id)
            && let Some(resources) = &alloc.allocated_resources
            && let Some(usage) = &mut self.slots[slot].usage
        {
            usage.add(resources);
        }
    }

    /// The plan places `group` there.
    pub(crate) fn place(&mut self, group: usize, choice: &Choice) {
        self.stopped.extend(choice.preempted.iter().map(|alloc| alloc.id.clone()));
        let usage = self.usage(choice.slot);
        choice
            .preempted
            .iter()
            .filter_map(|alloc| alloc.allocated_resources.as_ref())
            .for_each(|held| usage.remove(held));
        usage.add(&choice.resources);
        let name = self.groups[group].name.clone();
        self.count(Some(choice.slot), &choice.node, &name, Change::Add);
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
        if let Some(slot) = slot {
            let of_group = &mut self.slots[slot].of_group;
            of_group.resize(self.groups.len(), 0);
            for (at, _) in self.groups.iter().enumerate().filter(|(_, group)| group.name == group_name) {
                change.apply(&mut of_group[at]);
            }
        }
        for group in &mut self.groups {
            let is_own = group.name == group_name;
            if is_own {
                match change {
                    Change::Add => group.spreads.add(node),
                    Change::Remove => group.spreads.remove(node),
                }
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

    fn usage(&mut self, slot: usize) -> &mut NodeUsage {
        let (view, stopped) = (self.view, &self.stopped);
        let slot = &mut self.slots[slot];
        slot.usage.get_or_insert_with(|| {
            let allocs = view.allocs_of_node(&slot.node.id);
            let live = allocs.iter().filter(|alloc| !alloc.is_terminal() && !stopped.contains(&alloc.id));
            Box::new(NodeUsage::new(Arc::clone(&slot.node), live.map(|alloc| &**alloc)))
        })
    }

    /// The best of a limited number of nodes, and how it was found.
    pub(crate) fn select(&mut self, group: usize, wish: &Wish<'_>) -> (Option<Choice>, AllocMetric) {
        if let Some(preferred) = wish.preferred.and_then(|id| self.slot_of(id)) {
            let (choice, metric) = self.select_on(group, preferred, wish);
            if choice.is_some() {
                return (choice, metric);
            }
        }
        self.explained(|stack, explanation| stack.best(group, wish, explanation))
    }

    /// The given node, if it will do.
    pub(crate) fn select_on(&mut self, group: usize, slot: usize, wish: &Wish<'_>) -> (Option<Choice>, AllocMetric) {
        self.explained(|stack, explanation| stack.rank(group, slot, wish, explanation))
    }

    /// Looks for room, and where there is none for allocations that may be pushed out.
    fn explained(
        &mut self,
        mut find: impl FnMut(&mut Self, &mut Explanation) -> Option<Ranked>,
    ) -> (Option<Choice>, AllocMetric) {
        let mut explanation = Explanation::default();
        let mut found = find(self, &mut explanation);
        if found.is_none() && self.preempts {
            let mut second = Explanation::default();
            self.preempting = true;
            found = find(self, &mut second);
            self.preempting = false;
            if found.is_some() {
                explanation = second;
            }
        }
        let choice = found.map(|ranked| self.choice(ranked));
        (choice, explanation.into_metric(&self.metric))
    }

    /// The slot of a node, for [`Self::select_on`].
    pub(crate) fn slot(&mut self, id: &NodeId) -> Option<usize> {
        self.slot_of(id)
    }

    fn choice(&self, ranked: Ranked) -> Choice {
        let Ranked { slot, resources, preempted, .. } = ranked;
        Choice { slot, node: Arc::clone(&self.slots[slot].node), resources, preempted }
    }

    /// Goes round the nodes from where the last placement stopped. Poor nodes are set aside, a few at
    /// most, and come back when too few better ones follow.
    fn best(&mut self, group: usize, wish: &Wish<'_>, explanation: &mut Explanation) -> Option<Ranked> {
        let preferences = !self.groups[group].affinities.is_empty() || !self.groups[group].spreads.is_empty();
        let limit =
            if preferences { (self.groups[group].count as usize).max(MIN_LIMIT_WITH_PREFERENCES) } else { self.limit };
        let mut best: Option<Ranked> = None;
        let mut compared = 0;
        let mut skipped: Vec<Ranked> = Vec::new();
        for _ in 0..self.slots.len() {
            if compared == limit {
                break;
            }
            let slot = self.next % self.slots.len();
            self.next = slot + 1;
            let Some(ranked) = self.rank(group, slot, wish, explanation) else { continue };
            if ranked.score <= SKIP_SCORE && skipped.len() < MAX_SKIPPED {
                skipped.push(ranked);
                continue;
            }
            compared += 1;
            keep_better(&mut best, ranked);
        }
        for ranked in skipped.into_iter().take(limit - compared) {
            keep_better(&mut best, ranked);
        }
        best
    }

    /// One node: whether it may hold the group, and how good it is.
    fn rank(&mut self, group: usize, slot: usize, wish: &Wish<'_>, explanation: &mut Explanation) -> Option<Ranked> {
        explanation.evaluated += 1;
        if let Err(why) = self.check(group, slot, wish.index) {
            explanation.filter(&self.slots[slot].node, why);
            return None;
        }
        let room = self.room(group, slot);
        let Self { groups, slots, .. } = self;
        let (group_index, group) = (group, &groups[group]);
        let Slot { node, of_group, .. } = &slots[slot];
        let (offer, preempted) = match room {
            Ok(room) => room,
            Err(dimension) => {
                explanation.exhaust(node, dimension);
                return None;
            }
        };
        let Offer { resources, used, capacity, device_affinity } = offer;
        let on_node = of_group.get(group_index).copied().unwrap_or(0);
        let scores = Scores {
            binpack: fit_score(capacity, used, self.algorithm),
            devices: device_affinity.map(|(matching, total)| matching / total),
            anti_affinity: collision_score(on_node, group.count),
            penalty: reschedule_penalty(&node.id, wish.failed_on),
            affinity: group.affinities.score(node),
            spread: group.spreads.score(node),
            preemption: preempt::score(&preempted),
        };
        let score = scores.mean();
        explanation.score(node, &scores, score);
        Some(Ranked { slot, score, resources, preempted })
    }

    /// The node's offer, with what must go for it.
    fn room(&mut self, group: usize, slot: usize) -> Result<(Offer, Vec<Arc<Allocation>>), String> {
        self.usage(slot);
        let Self { view, groups, slots, ports, stopped, .. } = self;
        let Slot { node, usage, .. } = &mut slots[slot];
        let usage = usage.as_mut().expect("it was built above");
        let ask = &groups[group].ask;
        let dimension = match usage.offer(ask, ports) {
            Ok(offer) => return Ok((offer, Vec::new())),
            Err(dimension) => dimension,
        };
        if !self.preempting {
            return Err(dimension);
        }
        let allocs = view.allocs_of_node(&node.id);
        let live = allocs.into_iter().filter(|alloc| !alloc.is_terminal() && !stopped.contains(&alloc.id));
        preempt::make_room(usage, live, self.priority, ask, ports).ok_or(dimension)
    }

    /// All hard checks, from the cheapest to the dearest.
    fn check(&mut self, group: usize, slot: usize, index: Option<u32>) -> Result<(), Cow<'static, str>> {
        const BY_CLASS: Cow<'static, str> = Cow::Borrowed("computed class ineligible");
        let Slot { node, class, of_group, .. } = &mut self.slots[slot];
        let class = *class.get_or_insert_with(|| self.classes.number(&node.computed_class));
        let checked = &self.groups[group];
        match self.classes.of_job(class) {
            Verdict::Ineligible => return Err(BY_CLASS),
            Verdict::Eligible => {}
            Verdict::Unknown => {
                let result = self.job_checks.check(node);
                self.classes.set_job(class, result.is_ok());
                result?;
            }
        }
        match self.classes.of_group(group, class) {
            Verdict::Ineligible => return Err(BY_CLASS),
            Verdict::Eligible => {}
            Verdict::Unknown => {
                let result = checked.checks.check_class(node);
                self.classes.set_group(group, class, result.is_ok());
                result?;
            }
        }
        checked.checks.check_node(node, index)?;
        let hosts = checked.distinct_hosts;
        let own = of_group.get(group).is_some_and(|n| *n > 0);
        if (hosts.group && own) || (hosts.job && of_group.iter().any(|n| *n > 0)) {
            return Err(Cow::Borrowed(drover_model::constraint::operand::DISTINCT_HOSTS));
        }
        for (rule, counts) in &checked.distinct {
            rule.check(node, counts)?;
        }
        Ok(())
    }

    /// Whether an allocation may stay on its node under a changed job.
    pub(crate) fn may_stay(&self, job: &Job, group: usize, node: &Node, index: Option<u32>) -> bool {
        crate::feasible::belongs(job, node)
            && self.job_checks.check(node).is_ok()
            && self.groups[group].checks.check_class(node).is_ok()
            && self.groups[group].checks.check_node(node, index).is_ok()
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

fn keep_better(best: &mut Option<Ranked>, ranked: Ranked) {
    if best.as_ref().is_none_or(|other| ranked.score > other.score) {
        *best = Some(ranked);
    }
}
