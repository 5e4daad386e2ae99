//! Whether all is as it must be.

use drover_model::{Amounts, JobKey, NodeId};
use drover_state::Snapshot;
use std::collections::{HashMap, HashSet};

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Report {
    /// Live allocations.
    pub live: usize,
    /// All, those that ended included.
    pub all: usize,
    /// The most that one node holds.
    pub most_on_a_node: usize,
}

/// What is not as it must be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Wrong {
    /// A job has too few or too many allocations.
    #[error("job {job} has {live} live allocations instead of {wanted}")]
    Count {
        /// The job.
        job: JobKey,
        /// Those it has.
        live: usize,
        /// Those it wants.
        wanted: u32,
    },
    /// Two live allocations have one name.
    #[error("two live allocations are called {0}")]
    Twice(String),
    /// An allocation lives on a node that does not.
    #[error("allocation {name} lives on node {node}, which is not ready")]
    DeadNode {
        /// The allocation.
        name: String,
        /// The node.
        node: NodeId,
    },
    /// A node holds more than it has.
    #[error("node {node} has too little {dimension}")]
    Overcommitted {
        /// The node.
        node: NodeId,
        /// What it has too little of.
        dimension: &'static str,
    },
}

/// Looks at every allocation of `jobs`.
pub(crate) fn check(snapshot: &Snapshot, jobs: &[(JobKey, u32)]) -> Result<Report, Wrong> {
    let mut used: HashMap<&NodeId, (Amounts, usize)> = HashMap::new();
    let mut report = Report { live: 0, all: 0, most_on_a_node: 0 };
    for (key, wanted) in jobs {
        let mut names: HashSet<&str> = HashSet::new();
        for alloc in snapshot.allocs_by_job(key) {
            report.all += 1;
            if alloc.is_terminal() {
                continue;
            }
            if !names.insert(&alloc.name) {
                return Err(Wrong::Twice(alloc.name.clone()));
            }
            if !snapshot.node(&alloc.node_id).is_some_and(|node| node.is_ready()) {
                return Err(Wrong::DeadNode { name: alloc.name.clone(), node: alloc.node_id.clone() });
            }
            let (amounts, count) = used.entry(&alloc.node_id).or_default();
            if let Some(resources) = &alloc.allocated_resources {
                *amounts = amounts.plus(Amounts::of_alloc(resources));
            }
            *count += 1;
        }
        if names.len() != *wanted as usize {
            return Err(Wrong::Count { job: key.clone(), live: names.len(), wanted: *wanted });
        }
        report.live += names.len();
    }
    for (id, (amounts, count)) in used {
        report.most_on_a_node = report.most_on_a_node.max(count);
        let capacity = snapshot.node(id).map(|node| Amounts::of_node(node)).unwrap_or_default();
        if let Some(dimension) = capacity.exceeded_by(amounts) {
            return Err(Wrong::Overcommitted { node: id.clone(), dimension });
        }
    }
    Ok(report)
}
