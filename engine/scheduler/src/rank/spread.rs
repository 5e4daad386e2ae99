//! Allocations spread over the values of an attribute, evenly or by wanted shares.

use crate::feasible::Target;
use drover_model::{Job, Node, Spread, TaskGroup};
use std::collections::HashMap;

/// The value that stands for all that are not named.
const OTHERS: &str = "*";
/// The number of a value that a node does not have.
const MISSING: u32 = u32::MAX;

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
    numbers: HashMap<String, u32>,
    /// By the number of the value.
    values: Vec<Value>,
    /// The smallest and the largest count, of values that were ever used.
    extremes: Option<(u64, u64)>,
    /// Counts changed since the extremes were worked out.
    is_unsettled: bool,
}

struct Value {
    /// Live allocations.
    count: u64,
    was_used: bool,
    /// The wanted count.
    desired: f64,
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

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.spreads.len()
    }

    /// The numbers of a node's values, by spread; they stay the same.
    pub(crate) fn values_of(&mut self, node: &Node) -> impl Iterator<Item = u32> {
        self.spreads.iter_mut().map(|spread| spread.number(node))
    }

    /// To be called after changes, before scores are asked for.
    pub(crate) fn settle(&mut self) {
        self.spreads.iter_mut().filter(|spread| spread.is_unsettled).for_each(OneSpread::settle);
    }

    /// Counts an allocation of the group on a node with these values.
    pub(crate) fn add(&mut self, values: &[u32]) {
        for (spread, value) in self.spreads.iter_mut().zip(values) {
            spread.change(*value, |count| count + 1);
        }
    }

    /// Counts it no more.
    pub(crate) fn remove(&mut self, values: &[u32]) {
        for (spread, value) in self.spreads.iter_mut().zip(values) {
            spread.change(*value, |count| count.saturating_sub(1));
        }
    }

    /// `None` when it makes no difference.
    pub(crate) fn score(&self, values: &[u32]) -> Option<f64> {
        let scores = self.spreads.iter().zip(values).map(|(spread, value)| spread.score(*value, self.total_weight));
        let total: f64 = scores.sum();
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
            numbers: HashMap::new(),
            values: Vec::new(),
            extremes: None,
            is_unsettled: false,
        }
    }

    fn number(&mut self, node: &Node) -> u32 {
        let Some(value) = self.target.value(node) else { return MISSING };
        if let Some(number) = self.numbers.get(value) {
            return *number;
        }
        let number = u32::try_from(self.values.len()).unwrap_or(MISSING);
        let desired = self.desired.get(value).or_else(|| self.desired.get(OTHERS)).copied().unwrap_or(0.0);
        self.values.push(Value { count: 0, was_used: false, desired });
        self.numbers.insert(value.to_owned(), number);
        number
    }

    fn change(&mut self, number: u32, to: impl FnOnce(u64) -> u64) {
        let Some(value) = self.values.get_mut(number as usize) else { return };
        let count = to(value.count);
        if count > value.count || value.was_used {
            value.was_used = true;
            value.count = count;
            self.is_unsettled = true;
        }
    }

    fn settle(&mut self) {
        let used = self.values.iter().filter(|value| value.was_used).map(|value| value.count);
        self.extremes = used.fold(None, |found: Option<(u64, u64)>, count| {
            Some(found.map_or((count, count), |(least, most)| (least.min(count), most.max(count))))
        });
        self.is_unsettled = false;
    }

    fn score(&self, number: u32, total_weight: f64) -> f64 {
        let Some(value) = self.values.get(number as usize) else {
            return -1.0;
        };
        if self.desired.is_empty() {
            return self.even_score(value.count);
        }
        if value.desired == 0.0 {
            return -1.0;
        }
        // The allocation that is being placed counts too.
        let used = value.count as f64 + 1.0;
        (value.desired - used) / value.desired * (self.weight / total_weight)
    }

    /// Boosts the values with the fewest allocations.
    fn even_score(&self, here: u64) -> f64 {
        let Some((least, most)) = self.extremes else {
            return 0.0;
        };
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

    /// A scorer, and how a test asks it.
    struct Fixture(SpreadScorer);

    impl Fixture {
        fn new(targets: Vec<SpreadTarget>) -> Self {
            let spread = Spread { attribute: "${node.datacenter}".into(), weight: 100, targets };
            let group = TaskGroup { count: 10, spreads: vec![spread], ..TaskGroup::default() };
            Self(SpreadScorer::new(&Job::default(), &group))
        }
        fn values(&mut self, datacenter: &str) -> Vec<u32> {
            self.0.values_of(&Node { datacenter: datacenter.into(), ..Node::default() }).collect()
        }
        fn score(&mut self, datacenter: &str) -> Option<f64> {
            let values = self.values(datacenter);
            self.0.settle();
            self.0.score(&values)
        }
        fn add(&mut self, datacenter: &str) {
            let values = self.values(datacenter);
            self.0.add(&values);
        }
    }

    #[test]
    fn shares_are_kept() {
        let target = |value: &str, percent| SpreadTarget { value: value.into(), percent };
        let mut spread = Fixture::new(vec![target("dc1", 70), target("dc2", 20)]);
        assert!(spread.score("dc1") > spread.score("dc2"));
        (0..7).for_each(|_| spread.add("dc1"));
        assert!(spread.score("dc1") < spread.score("dc2"));
        // The rest, 10 percent, is for all others together.
        assert_eq!(spread.score("dc3"), None);
    }

    #[test]
    fn without_shares_the_emptiest_value_wins() {
        let mut spread = Fixture::new(Vec::new());
        assert_eq!(spread.score("dc1"), None);
        spread.add("dc1");
        assert_eq!(spread.score("dc1"), Some(-1.0));
        assert_eq!(spread.score("dc2"), Some(1.0));
        spread.add("dc2");
        spread.add("dc2");
        assert_eq!(spread.score("dc1"), Some(1.0));
        assert_eq!(spread.score("dc2"), Some(-1.0));
    }
}
