//! Allocations spread over the values of an attribute, evenly or by wanted shares.

use crate::feasible::{PropertyCount, Target};
use drover_model::{Job, Node, Spread, TaskGroup};
use std::collections::HashMap;

/// The value that stands for all that are not named.
const OTHERS: &str = "*";

/// The spreads of a group with the allocations counted so far.
pub(crate) struct SpreadScorer {
    spreads: Vec<OneSpread>,
    total_weight: f64,
}

struct OneSpread {
    target: Target,
    weight: f64,
    /// Wanted counts by value; empty: evenly.
    desired: HashMap<String, f64>,
    counts: PropertyCount,
}

impl SpreadScorer {
    pub(crate) fn new(job: &Job, group: &TaskGroup) -> Self {
        let all = group.spreads.iter().chain(&job.spreads);
        let spreads: Vec<OneSpread> = all.map(|spread| OneSpread::new(spread, group.count)).collect();
        let total_weight = spreads.iter().map(|spread| spread.weight).sum();
        Self { spreads, total_weight }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.spreads.is_empty()
    }

    /// Counts an allocation of the group on a node.
    pub(crate) fn add(&mut self, node: &Node) {
        for spread in &mut self.spreads {
            if let Some(value) = spread.target.value(node) {
                spread.counts.add(value);
            }
        }
    }

    /// Counts it no more.
    pub(crate) fn remove(&mut self, node: &Node) {
        for spread in &mut self.spreads {
            if let Some(value) = spread.target.value(node) {
                spread.counts.remove(value);
            }
        }
    }

    /// `None` when it makes no difference.
    pub(crate) fn score(&self, node: &Node) -> Option<f64> {
        let total: f64 = self.spreads.iter().map(|spread| spread.score(node, self.total_weight)).sum();
        (total != 0.0).then_some(total)
    }
}

impl OneSpread {
    fn new(spread: &Spread, count: u32) -> Self {
        let share = |percent: f64| percent / 100.0 * f64::from(count);
        let mut desired: HashMap<String, f64> =
            spread.targets.iter().map(|target| (target.value.clone(), share(f64::from(target.percent)))).collect();
        let named: f64 = spread.targets.iter().map(|target| f64::from(target.percent)).sum();
        if !desired.is_empty() && named < 100.0 {
            desired.insert(OTHERS.to_owned(), share(100.0 - named));
        }
        Self {
            target: Target::new(&spread.attribute),
            weight: f64::from(spread.weight),
            desired,
            counts: PropertyCount::default(),
        }
    }

    fn score(&self, node: &Node, total_weight: f64) -> f64 {
        let Some(value) = self.target.value(node) else {
            return -1.0;
        };
        if self.desired.is_empty() {
            return self.even_score(value);
        }
        let desired = self.desired.get(value).or_else(|| self.desired.get(OTHERS)).copied().unwrap_or(0.0);
        if desired == 0.0 {
            return -1.0;
        }
        // The allocation that is being placed counts too.
        let used = self.counts.of(value) as f64 + 1.0;
        (desired - used) / desired * (self.weight / total_weight)
    }

    /// Boosts the values with the fewest allocations.
    fn even_score(&self, value: &str) -> f64 {
        let Some((least, most)) = self.counts.extremes() else {
            return 0.0;
        };
        let here = self.counts.of(value);
        let (here, least, most) = (here as f64, least as f64, most as f64);
        if here != least {
            return if least == 0.0 { -1.0 } else { (least - here) / least };
        }
        if least == most {
            return -1.0;
        }
        if least == 0.0 { 1.0 } else { (most - least) / least }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use drover_model::SpreadTarget;

    fn node(datacenter: &str) -> Node {
        Node { datacenter: datacenter.into(), ..Node::default() }
    }

    fn scorer(targets: Vec<SpreadTarget>) -> SpreadScorer {
        let spread = Spread { attribute: "${node.datacenter}".into(), weight: 100, targets };
        let group = TaskGroup { count: 10, spreads: vec![spread], ..TaskGroup::default() };
        SpreadScorer::new(&Job::default(), &group)
    }

    #[test]
    fn shares_are_kept() {
        let target = |value: &str, percent| SpreadTarget { value: value.into(), percent };
        let mut spread = scorer(vec![target("dc1", 70), target("dc2", 20)]);
        assert!(spread.score(&node("dc1")) > spread.score(&node("dc2")));
        (0..7).for_each(|_| spread.add(&node("dc1")));
        assert!(spread.score(&node("dc1")) < spread.score(&node("dc2")));
        // The rest, 10 percent, is for all others together.
        assert_eq!(spread.score(&node("dc3")), None);
    }

    #[test]
    fn without_shares_the_emptiest_value_wins() {
        let mut spread = scorer(Vec::new());
        assert_eq!(spread.score(&node("dc1")), None);
        spread.add(&node("dc1"));
        assert_eq!(spread.score(&node("dc1")), Some(-1.0));
        assert_eq!(spread.score(&node("dc2")), Some(1.0));
        spread.add(&node("dc2"));
        spread.add(&node("dc2"));
        assert_eq!(spread.score(&node("dc1")), Some(1.0));
        assert_eq!(spread.score(&node("dc2")), Some(-1.0));
    }
}
