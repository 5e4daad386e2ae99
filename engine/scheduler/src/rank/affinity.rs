//! Preferences of the job, the group and its tasks.

use crate::feasible::CompiledConstraint;
use drover_model::{Job, Node, TaskGroup};

/// The affinities of a group, read once.
pub(crate) struct AffinityScorer {
    affinities: Vec<(CompiledConstraint, f64)>,
    total: f64,
}

impl AffinityScorer {
    pub(crate) fn new(job: &Job, group: &TaskGroup) -> Self {
        let all = job.affinities.iter().chain(&group.affinities);
        let all = all.chain(group.tasks.iter().flat_map(|task| &task.affinities));
        let affinities: Vec<_> =
            all.map(|affinity| (CompiledConstraint::of_affinity(affinity), f64::from(affinity.weight))).collect();
        let total = affinities.iter().map(|(_, weight)| weight.abs()).sum();
        Self { affinities, total }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.affinities.is_empty()
    }

    /// -1 to 1; `None` without affinities. A node that none of them is about counts as 0, which draws its
    /// mean down: seen at the reference.
    pub(crate) fn score(&self, node: &Node) -> Option<f64> {
        let matching = self.affinities.iter().filter(|(affinity, _)| affinity.holds(node));
        let sum: f64 = matching.map(|(_, weight)| weight).sum();
        (self.total > 0.0).then(|| sum / self.total)
    }
}
