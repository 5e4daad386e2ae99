//! Looks for the node of one placement: hard checks, then scores, over a limited number of nodes.

use super::group::Room;
use super::{Choice, Stack, Wish};
use crate::capacity::Offer;
use crate::explain::{Explanation, Texts};
use crate::feasible::{Around, Verdict};
use crate::preempt;
use crate::rank::{Scores, collision_score, fit_score, reschedule_penalty};
use drover_model::constraint::operand::DISTINCT_HOSTS;
use drover_model::{AllocatedResources, Allocation, PlacementMetric};
use std::sync::Arc;

/// Nodes that score at most this are passed over while better ones may follow.
const SKIP_SCORE: f64 = 0.0;
/// At most so many nodes are passed over.
const MAX_SKIPPED: usize = 3;
/// With affinities or spreads more nodes are compared: this many, or the group's count.
const MIN_LIMIT_WITH_PREFERENCES: usize = 100;

/// A node that would do.
struct Ranked {
    slot: usize,
    score: f64,
    /// `None`: what every allocation of the group holds.
    resources: Option<Arc<AllocatedResources>>,
    preempted: Vec<Arc<Allocation>>,
}

/// What a node offers.
struct NodeRoom {
    fit: f64,
    devices: Option<f64>,
    resources: Option<Arc<AllocatedResources>>,
    preempted: Vec<Arc<Allocation>>,
}

impl Stack<'_> {
    /// The best of a limited number of nodes, and how it was found.
    pub(crate) fn select(&mut self, group: usize, wish: &Wish<'_>) -> (Option<Choice>, PlacementMetric) {
        if let Some(preferred) = wish.preferred.and_then(|id| self.slot_of(id)) {
            let (choice, metric) = self.select_on(group, preferred, wish);
            if choice.is_some() {
                return (choice, metric);
            }
        }
        self.explained(group, |stack, explanation| stack.best(group, wish, explanation))
    }

    /// The given node, if it will do.
    pub(crate) fn select_on(
        &mut self,
        group: usize,
        slot: usize,
        wish: &Wish<'_>,
    ) -> (Option<Choice>, PlacementMetric) {
        self.explained(group, |stack, explanation| stack.rank(group, slot, wish, explanation))
    }

    /// Looks for room, and where there is none for allocations that may be pushed out.
    fn explained(
        &mut self,
        group: usize,
        mut find: impl FnMut(&mut Self, &mut Explanation) -> Option<Ranked>,
    ) -> (Option<Choice>, PlacementMetric) {
        let mut explanation = std::mem::take(&mut self.explanation);
        explanation.clear();
        self.groups[group].spreads.settle();
        let mut found = find(self, &mut explanation);
        if found.is_none() && self.preempts {
            let mut second = Explanation::default();
            self.preempting = true;
            found = find(self, &mut second);
            self.preempting = false;
            // The second look is what is told, also when it finds nothing.
            explanation = second;
        }
        let choice = found.map(|ranked| self.choice(group, ranked));
        let metric = explanation.metric(&self.common, &self.texts, self.shows, |slot| &*self.slots[slot].node);
        self.explanation = explanation;
        (choice, metric)
    }

    fn choice(&self, group: usize, ranked: Ranked) -> Choice {
        let Ranked { slot, resources, preempted, .. } = ranked;
        let resources = resources.unwrap_or_else(|| Arc::clone(self.groups[group].ask.template()));
        Choice { slot, node: Arc::clone(&self.slots[slot].node), resources, preempted }
    }

    /// Goes round the nodes from where the last placement stopped. Poor nodes are set aside, a few at
    /// most, and come back when too few better ones follow.
    fn best(&mut self, group: usize, wish: &Wish<'_>, explanation: &mut Explanation) -> Option<Ranked> {
        let asked = &self.groups[group];
        let limit =
            if asked.has_preferences() { (asked.count as usize).max(MIN_LIMIT_WITH_PREFERENCES) } else { self.limit };
        let mut best: Option<Ranked> = None;
        let mut compared = 0;
        let mut skipped: Vec<Ranked> = Vec::new();
        for _ in 0..self.slots.len() {
            if compared == limit {
                break;
            }
            let slot = if self.next < self.slots.len() { self.next } else { 0 };
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
    #[inline]
    fn rank(&mut self, group: usize, slot: usize, wish: &Wish<'_>, explanation: &mut Explanation) -> Option<Ranked> {
        explanation.evaluated += 1;
        if let Err(why) = self.check(group, slot, wish.index) {
            explanation.filter(self.slots[slot].node_class(&mut self.texts), why);
            return None;
        }
        let room = match self.room(group, slot) {
            Ok(room) => room,
            Err(dimension) => {
                explanation.exhaust(self.slots[slot].node_class(&mut self.texts), dimension);
                return None;
            }
        };
        let (group, node) = (&mut self.groups[group], &self.slots[slot].node);
        let penalty = if wish.failed_on.is_empty() { None } else { reschedule_penalty(&node.id, wish.failed_on) };
        let scores = Scores {
            binpack: room.fit,
            devices: room.devices,
            anti_affinity: collision_score(group.on_node[slot], group.count),
            penalty,
            affinity: group.affinity(slot, node),
            spread: group.spread(slot, node),
            preemption: preempt::score(&room.preempted),
        };
        let score = scores.mean();
        explanation.score(slot, &scores, score);
        Some(Ranked { slot, score, resources: room.resources, preempted: room.preempted })
    }

    /// What the node has for the group, or the number of the text of what it lacks.
    #[inline]
    fn room(&mut self, group: usize, slot: usize) -> Result<NodeRoom, u32> {
        if !self.groups[group].ask.is_plain() {
            return self.special_room(group, slot);
        }
        let known = self.groups[group].rooms[slot];
        let room = if let Room::Unknown = known { self.plain_room(group, slot) } else { known };
        match room {
            Room::Fits(fit) => Ok(NodeRoom { fit, devices: None, resources: None, preempted: Vec::new() }),
            Room::Lacks(_) if self.preempting => self.special_room(group, slot),
            Room::Lacks(dimension) => Err(dimension),
            Room::Unknown => Err(Texts::EMPTY),
        }
    }

    /// Works out whether amounts alone fit, and remembers it.
    fn plain_room(&mut self, group: usize, slot: usize) -> Room {
        let held = *self.slots[slot].held(self.view);
        let asked = &mut self.groups[group];
        let room = match held.with(&asked.ask) {
            Ok(used) => Room::Fits(fit_score(held.capacity, used, self.algorithm)),
            Err(dimension) => Room::Lacks(self.texts.number(dimension)),
        };
        asked.rooms[slot] = room;
        room
    }

    /// With ports, cores or devices, or with what must go for it.
    fn special_room(&mut self, group: usize, slot: usize) -> Result<NodeRoom, u32> {
        let Self { view, groups, slots, ports, stopped, texts, .. } = self;
        let usage = slots[slot].usage(*view, stopped);
        let ask = &groups[group].ask;
        let (offer, preempted) = match usage.offer(ask, ports) {
            Ok(offer) => (offer, Vec::new()),
            Err(dimension) => {
                let allocs = if self.preempting { view.allocs_of_node(usage.node_id()) } else { Vec::new() };
                let live = allocs.into_iter().filter(|alloc| !alloc.is_terminal() && !stopped.contains(&alloc.id));
                let found = preempt::make_room(usage, live, self.priority, ask, ports);
                found.ok_or_else(|| texts.number(&dimension))?
            }
        };
        let Offer { resources, used, capacity, device_affinity } = offer;
        Ok(NodeRoom {
            fit: fit_score(capacity, used, self.algorithm),
            devices: device_affinity.map(|(matching, total)| matching / total),
            resources: Some(resources),
            preempted,
        })
    }

    /// All hard checks, from the cheapest to the dearest. `Err` is the number of the text that tells why.
    #[inline]
    fn check(&mut self, group: usize, slot: usize, index: Option<u32>) -> Result<(), u32> {
        let class = self.slots[slot].class(&mut self.classes);
        let (of_job, of_group) = (self.classes.of_job(class), self.classes.of_group(group, class));
        if of_job == Verdict::Ineligible || (of_job == Verdict::Eligible && of_group == Verdict::Ineligible) {
            return Err(Texts::BY_CLASS);
        }
        if of_job == Verdict::Unknown || of_group == Verdict::Unknown {
            self.check_class(group, slot, class).map_err(|why| self.texts.number(&why))?;
        }
        self.check_node(group, slot, index).map_err(|why| self.texts.number(&why))
    }

    /// The checks that nodes of a class have in common, where their outcome is not known.
    pub(super) fn check_class(&mut self, group: usize, slot: usize, class: usize) -> Result<(), String> {
        let node = &self.slots[slot].node;
        if self.classes.of_job(class) == Verdict::Unknown {
            let result = self.job_checks.check(node);
            self.classes.set_job(class, result.is_ok());
            result?;
        }
        match self.classes.of_group(group, class) {
            Verdict::Eligible => Ok(()),
            Verdict::Ineligible => Err("computed class ineligible".to_owned()),
            Verdict::Unknown => {
                let result = self.groups[group].checks.check_class(node);
                self.classes.set_group(group, class, result.is_ok());
                result
            }
        }
    }

    /// The group's volumes, with what is on the node.
    fn check_volumes(&self, group: usize, slot: usize, index: Option<u32>) -> Result<(), String> {
        let writes = |volume: &str| {
            let mut there = self.groups.iter().filter(|group| group.on_node[slot] > 0);
            there.any(|group| group.checks.is_sole_writer(volume, index))
        };
        let around = Around { view: self.view, stopped: &self.stopped, writes: &writes };
        self.groups[group].checks.check_node(self.view, &self.slots[slot].node, index, Some(&around))
    }

    /// The checks that are made for every node.
    #[inline]
    fn check_node(&self, group: usize, slot: usize, index: Option<u32>) -> Result<(), String> {
        let (checked, node) = (&self.groups[group], &self.slots[slot].node);
        if checked.checks.has_node_checks() {
            self.check_volumes(group, slot, index)?;
        }
        let hosts = checked.distinct_hosts;
        let of_job = || self.groups.iter().any(|group| group.on_node[slot] > 0);
        if (hosts.group && checked.on_node[slot] > 0) || (hosts.job && of_job()) {
            return Err(DISTINCT_HOSTS.to_owned());
        }
        checked.distinct.iter().try_for_each(|(rule, counts)| rule.check(node, counts))
    }
}

fn keep_better(best: &mut Option<Ranked>, ranked: Ranked) {
    if best.as_ref().is_none_or(|other| ranked.score > other.score) {
        *best = Some(ranked);
    }
}
