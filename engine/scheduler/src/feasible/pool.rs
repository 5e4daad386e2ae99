//! The nodes that a job may be placed on at all: its pool, its datacenters, ready.

use super::target::pool_of;
use drover_model::registry::ALL_NODE_POOL;
use drover_model::{ClusterView, Job, Node};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The nodes of a job.
#[derive(Default)]
pub(crate) struct Candidates {
    /// Ready nodes of the pool and the datacenters, by id.
    pub(crate) nodes: Vec<Arc<Node>>,
    /// How many there are per datacenter.
    pub(crate) by_datacenter: BTreeMap<String, u32>,
    /// How many there are in all.
    pub(crate) in_pool: u32,
}

/// Collects the nodes of a job.
pub(crate) fn candidates(view: &dyn ClusterView, job: &Job) -> Candidates {
    let mut found = Candidates::default();
    let mut counts: Vec<(String, u32)> = Vec::new();
    view.each_node(&mut |node| {
        if job.node_pool != ALL_NODE_POOL && pool_of(node) != pool_name(job) {
            return;
        }
        if !node.is_ready() || !matches_datacenter(&job.datacenters, &node.datacenter) {
            return;
        }
        match counts.iter_mut().find(|(name, _)| *name == node.datacenter) {
            Some((_, count)) => *count += 1,
            None => counts.push((node.datacenter.clone(), 1)),
        }
        found.nodes.push(Arc::clone(node));
    });
    found.in_pool = u32::try_from(found.nodes.len()).unwrap_or(u32::MAX);
    found.by_datacenter = counts.into_iter().collect();
    found
}

/// Whether a node is in the job's pool and datacenters.
pub(crate) fn belongs(job: &Job, node: &Node) -> bool {
    (job.node_pool == ALL_NODE_POOL || pool_of(node) == pool_name(job))
        && matches_datacenter(&job.datacenters, &node.datacenter)
}

/// The pool of a job; without one it is the default pool.
pub(crate) fn pool_name(job: &Job) -> &str {
    if job.node_pool.is_empty() { drover_model::registry::DEFAULT_NODE_POOL } else { &job.node_pool }
}

/// Whether one of the patterns (with `*`) matches.
fn matches_datacenter(patterns: &[String], datacenter: &str) -> bool {
    patterns.iter().any(|pattern| glob(pattern.as_bytes(), datacenter.as_bytes()))
}

fn glob(pattern: &[u8], text: &[u8]) -> bool {
    match pattern.split_first() {
        None => text.is_empty(),
        Some((b'*', rest)) => (0..=text.len()).any(|at| glob(rest, &text[at..])),
        Some((first, rest)) => text.split_first().is_some_and(|(t, text)| t == first && glob(rest, text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn datacenters_may_have_stars() {
        let patterns = |list: &[&str]| list.iter().map(|&p| p.to_owned()).collect::<Vec<_>>();
        assert!(matches_datacenter(&patterns(&["*"]), "dc1"));
        assert!(matches_datacenter(&patterns(&["eu-*-1", "dc1"]), "eu-west-1"));
        assert!(!matches_datacenter(&patterns(&["eu-*-1"]), "eu-west-2"));
        assert!(!matches_datacenter(&[], "dc1"));
    }
}
