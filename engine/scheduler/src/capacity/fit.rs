//! The check of the applier: may these allocations be on this node together?

use super::usage::NodeUsage;
use drover_base::{AllocId, NodeId};
use drover_model::{Allocation, ClusterView, Node, NodeEligibility, NodeStatus, PlacementPlan};
use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

/// What a node has too little of, as the wire names it: `cpu`, `memory`, `disk`, `cores`, …
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Dimension(pub String);

/// Why a part of a plan cannot be committed on a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NodeRefusal {
    /// The node is gone.
    Missing,
    /// The node is down, initialising or disconnected.
    NotReady,
    /// Nothing new may come to the node.
    Ineligible,
    /// Something does not fit.
    Exhausted(Dimension),
}

impl fmt::Display for NodeRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("node does not exist"),
            Self::NotReady => f.write_str("node is not ready for placements"),
            Self::Ineligible => f.write_str("node is not eligible"),
            Self::Exhausted(dimension) => write!(f, "{dimension}"),
        }
    }
}

impl std::error::Error for NodeRefusal {}

/// Whether `proposed` fit on `node` beside `existing`. Allocations that are done by the node's word
/// hold nothing; the caller leaves out those that are being stopped or replaced.
///
/// # Errors
/// The first dimension that is exceeded, ports and devices included.
pub fn fits(node: &Arc<Node>, existing: &[Arc<Allocation>], proposed: &[Allocation]) -> Result<(), Dimension> {
    let all = existing.iter().map(|alloc| &**alloc).chain(proposed);
    match NodeUsage::new(Arc::clone(node), all).overcommitted() {
        None => Ok(()),
        Some(dimension) => Err(Dimension(dimension)),
    }
}

/// Whether the part of `plan` for one node can be committed on top of `view`. Stopping always can.
///
/// # Errors
/// Why not; the scheduler must then see at least the view's index.
pub fn evaluate_node(view: &dyn ClusterView, plan: &PlacementPlan, node_id: &NodeId) -> Result<(), NodeRefusal> {
    let Some(proposed) = plan.node_allocation.get(node_id).filter(|allocs| !allocs.is_empty()) else {
        return Ok(());
    };
    let node = view.node(node_id).ok_or(NodeRefusal::Missing)?;
    let existing = view.allocs_of_node(node_id);
    let known: HashSet<&AllocId> = existing.iter().map(|alloc| &alloc.id).collect();
    let has_new = proposed.iter().any(|alloc| !known.contains(&alloc.id));
    // Updates of allocations that are there already (unknown, reconnected, followed up) are let through.
    if has_new && node.status != NodeStatus::Ready {
        return Err(NodeRefusal::NotReady);
    }
    if has_new && (node.scheduling_eligibility == NodeEligibility::Ineligible || node.drain_strategy.is_some()) {
        return Err(NodeRefusal::Ineligible);
    }
    if !has_new && node.status != NodeStatus::Ready {
        return Ok(());
    }
    let leaving = [&plan.node_update, &plan.node_preemptions].into_iter().filter_map(|part| part.get(node_id));
    let leaving: HashSet<&AllocId> = leaving.flatten().chain(proposed).map(|alloc| &alloc.id).collect();
    let staying: Vec<_> =
        existing.iter().filter(|alloc| !alloc.is_terminal() && !leaving.contains(&alloc.id)).cloned().collect();
    fits(&node, &staying, proposed).map_err(NodeRefusal::Exhausted)
}
