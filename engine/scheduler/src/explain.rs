//! Collects, for one placement, what the metrics tell about it.

use crate::rank::{Scores, ShownScores};
use drover_model::metrics::MAX_SCORE_META;
use drover_model::placement_metric::{CountOf, Parts, ScoreTable};
use drover_model::{AllocMetric, Node, PlacementMetric, Resources, TaskGroup};
use std::collections::HashMap;
use std::sync::Arc;

/// Texts of metrics by number, so that counting needs no copies of them.
pub(crate) struct Texts {
    texts: Vec<Arc<str>>,
    numbers: HashMap<Arc<str>, u32>,
}

impl Texts {
    /// The number of the empty text.
    pub(crate) const EMPTY: u32 = 0;
    /// The number of the text for nodes whose class is known not to do.
    pub(crate) const BY_CLASS: u32 = 1;

    pub(crate) fn new() -> Self {
        let mut texts = Self { texts: Vec::new(), numbers: HashMap::new() };
        texts.number("");
        texts.number("computed class ineligible");
        texts
    }

    /// The number of a text.
    pub(crate) fn number(&mut self, text: &str) -> u32 {
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        let number = u32::try_from(self.texts.len()).unwrap_or(u32::MAX);
        let text: Arc<str> = Arc::from(text);
        self.texts.push(Arc::clone(&text));
        self.numbers.insert(text, number);
        number
    }

    fn text(&self, number: u32) -> Arc<str> {
        self.texts.get(number as usize).cloned().unwrap_or_default()
    }
}

/// Counts of one placement. Texts are looked up, and memory is asked for, only at the end.
#[derive(Default)]
pub(crate) struct Explanation {
    pub(crate) evaluated: u32,
    filtered: u32,
    exhausted: u32,
    counts: Vec<(CountOf, u32, u32)>,
    /// The best few: slot, scores, final score.
    best: Vec<(usize, Scores, f64)>,
}

impl Explanation {
    /// Starts anew.
    pub(crate) fn clear(&mut self) {
        (self.evaluated, self.filtered, self.exhausted) = (0, 0, 0);
        self.counts.clear();
        self.best.clear();
    }

    /// A node of a class that broke a constraint.
    pub(crate) fn filter(&mut self, node_class: u32, why: u32) {
        self.filtered += 1;
        self.count(CountOf::ConstraintFiltered, why);
        if node_class != Texts::EMPTY {
            self.count(CountOf::ClassFiltered, node_class);
        }
    }

    /// A node of a class that has too little of something.
    pub(crate) fn exhaust(&mut self, node_class: u32, dimension: u32) {
        self.exhausted += 1;
        self.count(CountOf::DimensionExhausted, dimension);
        if node_class != Texts::EMPTY {
            self.count(CountOf::ClassExhausted, node_class);
        }
    }

    fn count(&mut self, of: CountOf, text: u32) {
        match self.counts.iter_mut().find(|count| count.1 == text && count.0 == of) {
            Some(count) => count.2 += 1,
            None => self.counts.push((of, text, 1)),
        }
    }

    /// A node that would do; the best few are shown.
    pub(crate) fn score(&mut self, slot: usize, scores: &Scores, mean: f64) {
        if self.best.len() == MAX_SCORE_META && self.best.last().is_some_and(|(_, _, worst)| *worst >= mean) {
            return;
        }
        let at = self.best.partition_point(|(_, _, other)| *other >= mean);
        self.best.truncate(MAX_SCORE_META - 1);
        self.best.insert(at, (slot, *scores, mean));
    }

    /// The metrics, on top of what is the same for all placements of the job.
    pub(crate) fn metric<'a>(
        &self,
        common: &Arc<AllocMetric>,
        texts: &Texts,
        shows: ShownScores,
        node: impl Fn(usize) -> &'a Node,
    ) -> PlacementMetric {
        let mut scores = ScoreTable::with_capacity(self.best.len());
        for (slot, own, mean) in &self.best {
            scores.push(node(*slot).id.clone(), own.shown(shows), *mean);
        }
        PlacementMetric::new(Parts {
            common: Arc::clone(common),
            evaluated: self.evaluated,
            filtered: self.filtered,
            exhausted: self.exhausted,
            time_ns: 0,
            counts: self.counts.iter().map(|(of, text, n)| (*of, texts.text(*text), *n)).collect(),
            scores,
        })
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
