//! One group of the job, with what is known of each node for it.

use crate::capacity::GroupAsk;
use crate::feasible::{DistinctHosts, DistinctProperty, GroupChecks, PropertyCount};
use crate::rank::{AffinityScorer, SpreadScorer};
use drover_model::{Job, Node, TaskGroup};
use std::sync::Arc;

/// A spread value that was not asked for yet.
const UNASKED: u32 = u32::MAX - 1;

/// A group while it is being placed. The columns hold one entry per slot.
pub(super) struct Group {
    pub(super) name: Arc<str>,
    pub(super) count: u32,
    pub(super) ask: GroupAsk,
    pub(super) checks: GroupChecks,
    pub(super) affinities: AffinityScorer,
    pub(super) spreads: SpreadScorer,
    pub(super) distinct_hosts: DistinctHosts,
    pub(super) distinct: Vec<(DistinctProperty, PropertyCount)>,
    /// Live allocations of the group.
    pub(super) on_node: Vec<u32>,
    /// Whether a plain ask fits.
    pub(super) rooms: Vec<Room>,
    /// Only with affinities.
    affinity: Vec<Affinity>,
    /// Only with spreads: their number of values per slot.
    spread_values: Vec<u32>,
}

/// Whether a plain ask fits on a node, as it is at the moment.
#[derive(Clone, Copy)]
pub(super) enum Room {
    /// Not known, or changed since.
    Unknown,
    /// It fits; this is its score.
    Fits(f64),
    /// It has too little of what this text says.
    Lacks(u32),
}

#[derive(Clone, Copy)]
enum Affinity {
    Unasked,
    Known(Option<f64>),
}

impl Group {
    pub(super) fn new(job: &Job, group: &TaskGroup, slots: usize, oversubscription: bool) -> Self {
        let affinities = AffinityScorer::new(job, group);
        let spreads = SpreadScorer::new(job, group);
        Self {
            name: Arc::from(group.name.as_str()),
            count: group.count,
            ask: GroupAsk::new(group, oversubscription),
            checks: GroupChecks::new(group),
            distinct_hosts: DistinctHosts::new(job, group),
            distinct: DistinctProperty::of_group(job, group)
                .into_iter()
                .map(|rule| (rule, PropertyCount::default()))
                .collect(),
            on_node: vec![0; slots],
            rooms: vec![Room::Unknown; slots],
            affinity: if affinities.is_empty() { Vec::new() } else { vec![Affinity::Unasked; slots] },
            spread_values: vec![UNASKED; slots * spreads.len()],
            affinities,
            spreads,
        }
    }

    /// Whether more nodes than usual are to be compared.
    pub(super) fn has_preferences(&self) -> bool {
        !self.affinities.is_empty() || !self.spreads.is_empty()
    }

    /// How well a node suits the preferences; the same at any time.
    pub(super) fn affinity(&mut self, slot: usize, node: &Node) -> Option<f64> {
        match self.affinity.get(slot)? {
            Affinity::Known(score) => *score,
            Affinity::Unasked => {
                let score = self.affinities.score(node);
                self.affinity[slot] = Affinity::Known(score);
                score
            }
        }
    }

    /// How well a node suits the spreads at the moment.
    pub(super) fn spread(&mut self, slot: usize, node: &Node) -> Option<f64> {
        if self.spreads.is_empty() {
            return None;
        }
        let values = self.learn_spread_values(slot, node);
        self.spreads.score(&self.spread_values[values])
    }

    /// Counts an allocation of the group on a node. `slot` is `None` for nodes that are no candidates.
    pub(super) fn count_spread(&mut self, slot: Option<usize>, node: &Node, is_added: bool) {
        if self.spreads.is_empty() {
            return;
        }
        let elsewhere: Vec<u32>;
        let values = match slot {
            Some(slot) => {
                let values = self.learn_spread_values(slot, node);
                &self.spread_values[values]
            }
            None => {
                elsewhere = self.spreads.values_of(node).collect();
                &elsewhere
            }
        };
        if is_added { self.spreads.add(values) } else { self.spreads.remove(values) }
    }

    fn learn_spread_values(&mut self, slot: usize, node: &Node) -> std::ops::Range<usize> {
        let width = self.spreads.len();
        let values = slot * width..(slot + 1) * width;
        if self.spread_values[values.start] == UNASKED {
            for (known, value) in self.spread_values[values.clone()].iter_mut().zip(self.spreads.values_of(node)) {
                *known = value;
            }
        }
        values
    }
}
