//! How an allocation was placed, small enough to keep one per allocation.
//!
//! [`AllocMetric`] is what people read; it weighs several KiB. What all placements of an evaluation have
//! in common is shared here, and the rest is kept flat. The wire shows the full form; the log and
//! snapshots hold the small one.

use crate::metrics::{AllocMetric, NodeScore};
use drover_base::{Nanos, NodeId};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The scorers that have a place of their own, in the order of their bits.
pub const SCORERS: [&str; 8] = [
    "binpack",
    "devices",
    "job-anti-affinity",
    "node-reschedule-penalty",
    "node-affinity",
    "allocation-spread",
    "preemption",
    "numa",
];

/// What a count of [`PlacementMetric`] is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CountOf {
    /// Nodes of a class that broke a constraint.
    ClassFiltered,
    /// Nodes that broke a constraint, by its text.
    ConstraintFiltered,
    /// Nodes of a class without enough of something.
    ClassExhausted,
    /// Nodes without enough of something, by its name.
    DimensionExhausted,
}

/// How one allocation was placed. Clones share it.
#[derive(Clone, Debug, PartialEq)]
pub struct PlacementMetric(Arc<Parts>);

/// What a [`PlacementMetric`] is made of.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Parts {
    /// What is the same for all placements of the evaluation.
    pub common: Arc<AllocMetric>,
    /// Nodes looked at, on top of the common ones.
    pub evaluated: u32,
    /// Nodes that broke a constraint.
    pub filtered: u32,
    /// Nodes without enough of something.
    pub exhausted: u32,
    /// How long it took, in nanoseconds; at most 4.3 s.
    pub time_ns: u32,
    /// Why nodes fell out.
    pub counts: Box<[(CountOf, Arc<str>, u32)]>,
    /// The best nodes.
    pub scores: ScoreTable,
}

/// The scores of the best nodes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ScoreTable {
    rows: Vec<ScoreRow>,
    /// Per row its final score, then the scores that are not 0.
    values: Vec<f64>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct ScoreRow {
    node: NodeId,
    /// Which of [`SCORERS`] are shown.
    shown: u8,
    /// Which of those are not 0.
    set: u8,
}

impl ScoreTable {
    /// A table for so many nodes.
    pub fn with_capacity(rows: usize) -> Self {
        Self { rows: Vec::with_capacity(rows), values: Vec::with_capacity(rows * 3) }
    }

    /// Adds a node; `None` of a score: it is not shown. The order is that of [`SCORERS`].
    pub fn push(&mut self, node: NodeId, scores: [Option<f64>; SCORERS.len()], norm_score: f64) {
        let (mut shown, mut set) = (0, 0);
        self.values.push(norm_score);
        for (bit, score) in scores.into_iter().enumerate() {
            let Some(score) = score else { continue };
            shown |= 1 << bit;
            if score.to_bits() != 0 {
                set |= 1 << bit;
                self.values.push(score);
            }
        }
        self.rows.push(ScoreRow { node, shown, set });
    }

    /// The score of the node at its choice, if it is among the best.
    fn norm_score_of(&self, node: &NodeId) -> Option<f64> {
        let mut at = 0;
        for row in &self.rows {
            if row.node == *node {
                return self.values.get(at).copied();
            }
            at += 1 + row.set.count_ones() as usize;
        }
        None
    }

    fn unpack(&self) -> impl Iterator<Item = NodeScore> + '_ {
        let mut values = self.values.iter().copied();
        self.rows.iter().map(move |row| {
            let norm_score = values.next().unwrap_or_default();
            let mut scores = BTreeMap::new();
            for (bit, name) in SCORERS.iter().enumerate().filter(|(bit, _)| row.shown >> bit & 1 == 1) {
                let value = if row.set >> bit & 1 == 1 { values.next() } else { None };
                scores.insert((*name).to_owned(), value.unwrap_or_default());
            }
            NodeScore { node_id: row.node.clone(), scores, norm_score }
        })
    }
}

impl PlacementMetric {
    /// Wraps the parts.
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    /// What is the same for all placements of its evaluation.
    pub fn common(&self) -> &Arc<AllocMetric> {
        &self.0.common
    }

    /// The same with an equal common part that others share already.
    #[must_use]
    pub fn sharing(self, common: &Arc<AllocMetric>) -> Self {
        if Arc::ptr_eq(&self.0.common, common) || self.0.common != *common {
            return self;
        }
        let parts = Arc::try_unwrap(self.0).unwrap_or_else(|shared| (*shared).clone());
        Self::new(Parts { common: Arc::clone(common), ..parts })
    }

    /// The same, with the time that it took.
    #[must_use]
    pub fn taking(self, time: Nanos) -> Self {
        let mut parts = Arc::try_unwrap(self.0).unwrap_or_else(|shared| (*shared).clone());
        parts.time_ns = u32::try_from(time.0).unwrap_or(u32::MAX);
        Self::new(parts)
    }

    /// The final score of a node, if it was one of the best.
    pub fn norm_score_of(&self, node: &NodeId) -> Option<f64> {
        let common = self.0.common.score_meta_data.iter().find(|score| score.node_id == *node);
        common.map(|score| score.norm_score).or_else(|| self.0.scores.norm_score_of(node))
    }

    /// The form for people.
    pub fn to_metric(&self) -> AllocMetric {
        let parts = &*self.0;
        let mut metric = (*parts.common).clone();
        metric.nodes_evaluated += parts.evaluated;
        metric.nodes_filtered += parts.filtered;
        metric.nodes_exhausted += parts.exhausted;
        if parts.time_ns > 0 {
            metric.allocation_time = Nanos(parts.time_ns.into());
        }
        for (of, text, count) in &parts.counts {
            let map = match of {
                CountOf::ClassFiltered => &mut metric.class_filtered,
                CountOf::ConstraintFiltered => &mut metric.constraint_filtered,
                CountOf::ClassExhausted => &mut metric.class_exhausted,
                CountOf::DimensionExhausted => &mut metric.dimension_exhausted,
            };
            *map.entry(text.to_string()).or_default() += count;
        }
        metric.score_meta_data.extend(parts.scores.unpack());
        metric
    }
}

impl From<AllocMetric> for PlacementMetric {
    fn from(metric: AllocMetric) -> Self {
        Self::new(Parts { common: Arc::new(metric), ..Parts::default() })
    }
}

/// The small form of the log and of snapshots.
type Image = (Arc<AllocMetric>, (u32, u32, u32, u32), Vec<(CountOf, Arc<str>, u32)>, Vec<ScoreRow>, Vec<f64>);

impl Serialize for PlacementMetric {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            return self.to_metric().serialize(serializer);
        }
        let Parts { common, evaluated, filtered, exhausted, time_ns, counts, scores } = &*self.0;
        (common, (evaluated, filtered, exhausted, time_ns), counts, &scores.rows, &scores.values).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for PlacementMetric {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            return AllocMetric::deserialize(deserializer).map(Self::from);
        }
        let (common, numbers, counts, rows, values) = Image::deserialize(deserializer)?;
        let (evaluated, filtered, exhausted, time_ns) = numbers;
        let (counts, scores) = (counts.into_boxed_slice(), ScoreTable { rows, values });
        Ok(Self::new(Parts { common, evaluated, filtered, exhausted, time_ns, counts, scores }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metric() -> PlacementMetric {
        let common = AllocMetric { nodes_in_pool: 9, node_pool: "default".into(), ..AllocMetric::default() };
        let mut scores = ScoreTable::with_capacity(2);
        scores.push("n1".into(), [Some(0.5), None, Some(0.0), Some(-1.0), None, None, None, None], 0.25);
        scores.push("n2".into(), [Some(0.125), None, None, None, None, Some(1.0), None, None], 0.125);
        let counts = [(CountOf::ConstraintFiltered, "x = y".into(), 3), (CountOf::DimensionExhausted, "cpu".into(), 1)];
        PlacementMetric::new(Parts {
            common: Arc::new(common),
            evaluated: 6,
            filtered: 3,
            exhausted: 1,
            time_ns: 0,
            counts: counts.into(),
            scores,
        })
    }

    #[test]
    fn the_form_for_people_has_everything() {
        let full = metric().to_metric();
        assert_eq!((full.nodes_in_pool, full.nodes_evaluated, full.nodes_filtered, full.nodes_exhausted), (9, 6, 3, 1));
        assert_eq!(full.constraint_filtered, BTreeMap::from([("x = y".to_owned(), 3)]));
        let first = BTreeMap::from(
            [("binpack", 0.5), ("job-anti-affinity", 0.0), ("node-reschedule-penalty", -1.0)]
                .map(|(name, score)| (name.to_owned(), score)),
        );
        assert_eq!(full.score_meta_data[0], NodeScore { node_id: "n1".into(), scores: first, norm_score: 0.25 });
        assert_eq!(full.score_meta_data[1].scores["allocation-spread"], 1.0);
        assert_eq!(metric().norm_score_of(&"n2".into()), Some(0.125));
        assert_eq!(metric().norm_score_of(&"n3".into()), None);
    }

    #[test]
    fn the_wire_shows_the_full_form() {
        let wire = serde_json::to_value(metric()).unwrap();
        assert_eq!(wire, serde_json::to_value(metric().to_metric()).unwrap());
        let read: PlacementMetric = serde_json::from_value(wire).unwrap();
        assert_eq!(read.to_metric(), metric().to_metric());
    }

    #[test]
    fn equal_common_parts_can_be_shared() {
        let (one, other) = (metric(), metric());
        let shared = other.sharing(one.common());
        assert!(Arc::ptr_eq(one.common(), shared.common()));
        assert_eq!(one, shared);
    }
}
