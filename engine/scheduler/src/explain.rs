//! Collects, for one placement, what the metrics tell about it.

use crate::rank::Scores;
use drover_base::NodeId;
use drover_model::metrics::MAX_SCORE_META;
use drover_model::{AllocMetric, Node, NodeScore, Resources, TaskGroup};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Counts of one placement. Texts become owned, and maps are built, only at the end.
#[derive(Default)]
pub(crate) struct Explanation {
    pub(crate) evaluated: u32,
    filtered: u32,
    exhausted: u32,
    by_constraint: Vec<(Cow<'static, str>, u32)>,
    by_dimension: Vec<(String, u32)>,
    class_filtered: BTreeMap<String, u32>,
    class_exhausted: BTreeMap<String, u32>,
    best: Vec<(NodeId, Scores, f64)>,
}

impl Explanation {
    /// A node that broke a constraint.
    pub(crate) fn filter(&mut self, node: &Node, why: Cow<'static, str>) {
        self.filtered += 1;
        if !node.node_class.is_empty() {
            *self.class_filtered.entry(node.node_class.clone()).or_default() += 1;
        }
        match self.by_constraint.iter_mut().find(|(text, _)| *text == why) {
            Some((_, count)) => *count += 1,
            None => self.by_constraint.push((why, 1)),
        }
    }

    /// A node that has too little of something.
    pub(crate) fn exhaust(&mut self, node: &Node, dimension: String) {
        self.exhausted += 1;
        if !node.node_class.is_empty() {
            *self.class_exhausted.entry(node.node_class.clone()).or_default() += 1;
        }
        match self.by_dimension.iter_mut().find(|(text, _)| *text == dimension) {
            Some((_, count)) => *count += 1,
            None => self.by_dimension.push((dimension, 1)),
        }
    }

    /// A node that would do; the best few are shown.
    pub(crate) fn score(&mut self, node: &Node, scores: &Scores, mean: f64) {
        let at = self.best.partition_point(|(_, _, other)| *other >= mean);
        if at < MAX_SCORE_META {
            self.best.truncate(MAX_SCORE_META - 1);
            self.best.insert(at, (node.id.clone(), *scores, mean));
        }
    }

    /// The metrics, on top of what is the same for all placements of the job.
    pub(crate) fn into_metric(self, base: &AllocMetric) -> AllocMetric {
        let score_of = |(node_id, scores, mean): (NodeId, Scores, f64)| NodeScore {
            node_id,
            scores: scores.named(),
            norm_score: mean,
        };
        AllocMetric {
            nodes_evaluated: self.evaluated,
            nodes_filtered: self.filtered,
            nodes_exhausted: self.exhausted,
            class_filtered: self.class_filtered,
            class_exhausted: self.class_exhausted,
            constraint_filtered: self.by_constraint.into_iter().map(|(text, n)| (text.into_owned(), n)).collect(),
            dimension_exhausted: self.by_dimension.into_iter().collect(),
            score_meta_data: self.best.into_iter().map(score_of).collect(),
            ..base.clone()
        }
    }
}

/// Adds what the group's tasks asked for where a node had too little of it; called once per placement
/// that failed, so that the sums are those of all of them.
pub(crate) fn add_exhausted_resources(metric: &mut AllocMetric, group: &TaskGroup) {
    if metric.dimension_exhausted.is_empty() {
        return;
    }
    let lacks = |dimension: &str| metric.dimension_exhausted.contains_key(dimension);
    let (cpu, memory) = (lacks("cpu"), lacks("memory"));
    for task in &group.tasks {
        let sum: &mut Resources = metric.resources_exhausted.entry(task.name.clone()).or_default();
        if memory {
            sum.memory_mb += task.resources.memory_mb;
        }
        if cpu {
            sum.cpu += task.resources.cpu;
        }
    }
}
