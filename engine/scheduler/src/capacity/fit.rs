//! The check of the applier: may these allocations be on this node together?

use super::Amounts;
use super::usage::{NodeUsage, exceeded};
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
    // What was never stored has no index.
    let stored = |alloc: &Allocation| (alloc.create_index > 0).then(|| view.alloc_of_node(node_id, &alloc.id))?;
    let has_new = proposed.iter().any(|alloc| stored(alloc).is_none());
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
    if let Some(fits) = fits_in_sum(view, plan, &node, proposed) {
        return fits.map_err(NodeRefusal::Exhausted);
    }
    let existing = view.allocs_of_node(node_id);
    let leaving = [&plan.node_update, &plan.node_preemptions].into_iter().filter_map(|part| part.get(node_id));
    let leaving: HashSet<&AllocId> = leaving.flatten().chain(proposed).map(|alloc| &alloc.id).collect();
    let staying: Vec<_> =
        existing.iter().filter(|alloc| !alloc.is_terminal() && !leaving.contains(&alloc.id)).cloned().collect();
    fits(&node, &staying, proposed).map_err(NodeRefusal::Exhausted)
}

/// The same from sums alone, which does not look at each of the node's allocations. `None` where the view
/// keeps no sums, or where ports, cores or devices are to be compared too.
fn fits_in_sum(
    view: &dyn ClusterView,
    plan: &PlacementPlan,
    node: &Node,
    proposed: &[Allocation],
) -> Option<Result<(), Dimension>> {
    let mut hold = view.node_hold(&node.id)?;
    let leaving = [&plan.node_update, &plan.node_preemptions].into_iter().filter_map(|part| part.get(&node.id));
    let mut seen: HashSet<&AllocId> = HashSet::new();
    for alloc in leaving.flatten().chain(proposed.iter().filter(|alloc| alloc.create_index > 0)) {
        if !seen.insert(&alloc.id) {
            continue;
        }
        let stored = view.alloc_of_node(&node.id, &alloc.id).filter(|stored| !stored.is_terminal());
        if let Some(resources) = stored.as_ref().and_then(|stored| stored.allocated_resources.as_ref()) {
            hold.remove(resources);
        }
    }
    let coming = proposed.iter().filter(|alloc| !alloc.is_client_terminal());
    coming.filter_map(|alloc| alloc.allocated_resources.as_ref()).for_each(|resources| hold.add(resources));
    if hold.special > 0 {
        return None;
    }
    let refused = exceeded(Amounts::of_node(node), node.node_max_allocs, hold.amounts, hold.allocs);
    Some(refused.map_or(Ok(()), |dimension| Err(Dimension(dimension.to_owned()))))
}
