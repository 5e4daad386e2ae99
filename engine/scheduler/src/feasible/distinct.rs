//! Rules about the job's other allocations: `distinct_hosts` and `distinct_property`.

use super::target::Target;
use drover_model::constraint::operand;
use drover_model::{Constraint, Job, Node, TaskGroup};
use std::collections::HashMap;

/// Whether a job or a group wants each allocation on a node of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct DistinctHosts {
    pub(crate) job: bool,
    pub(crate) group: bool,
}

impl DistinctHosts {
    pub(crate) fn new(job: &Job, group: &TaskGroup) -> Self {
        Self { job: wants_distinct_hosts(&job.constraints), group: wants_distinct_hosts(&group.constraints) }
    }
}

/// The right side may turn the rule off.
fn wants_distinct_hosts(constraints: &[Constraint]) -> bool {
    constraints.iter().any(|c| c.operand == operand::DISTINCT_HOSTS && c.right != "false")
}

/// How often each value of a property is used by live allocations.
#[derive(Clone, Debug, Default)]
pub(crate) struct PropertyCount(HashMap<String, u64>);

impl PropertyCount {
    pub(crate) fn add(&mut self, value: &str) {
        match self.0.get_mut(value) {
            Some(count) => *count += 1,
            None => {
                self.0.insert(value.to_owned(), 1);
            }
        }
    }
    pub(crate) fn remove(&mut self, value: &str) {
        if let Some(count) = self.0.get_mut(value) {
            *count = count.saturating_sub(1);
        }
    }
    pub(crate) fn of(&self, value: &str) -> u64 {
        self.0.get(value).copied().unwrap_or(0)
    }
}

/// A property of nodes that at most so many allocations may share.
pub(crate) struct DistinctProperty {
    pub(crate) target: Target,
    text: String,
    allowed: u64,
    /// Whether the whole job's allocations count, or only those of the group.
    pub(crate) whole_job: bool,
}

impl DistinctProperty {
    /// The rules that hold for a group: the job's and its own.
    pub(crate) fn of_group(job: &Job, group: &TaskGroup) -> Vec<Self> {
        let of = |constraints: &[Constraint], whole_job: bool| -> Vec<Self> {
            let rules = constraints.iter().filter(|c| c.operand == operand::DISTINCT_PROPERTY);
            rules
                .map(|c| Self {
                    target: Target::new(&c.left),
                    text: c.left.clone(),
                    allowed: if c.right.is_empty() { 1 } else { c.right.parse().unwrap_or(0) },
                    whole_job,
                })
                .collect()
        };
        let mut all = of(&job.constraints, true);
        all.extend(of(&group.constraints, false));
        group.tasks.iter().for_each(|task| all.extend(of(&task.constraints, false)));
        all
    }

    pub(crate) fn check(&self, node: &Node, counts: &PropertyCount) -> Result<(), String> {
        let Some(value) = self.target.value(node) else {
            return Err(format!("missing property {:?}", self.text));
        };
        let used = counts.of(value);
        if used < self.allowed {
            return Ok(());
        }
        Err(format!("distinct_property: {}={value} used by {used} allocs", self.text))
    }
}
