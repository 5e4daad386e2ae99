//! What of a placement plan may be committed. Pure.

use drover_model::{Allocation, ClusterView, Deployment, DeploymentState, NodeId, PlacementPlan, PlacementResult};
use drover_scheduler::capacity::evaluate_node;
use std::collections::{BTreeSet, HashSet};

/// Checks a plan against a view that is at least as new as the one it was made from. Nodes where it
/// does not hold any more are left out, or everything when the plan is all or nothing.
pub fn evaluate(view: &dyn ClusterView, mut plan: PlacementPlan) -> PlacementResult {
    let nodes: BTreeSet<&NodeId> = plan.node_update.keys().chain(plan.node_allocation.keys()).collect();
    let mut refused: Vec<NodeId> = Vec::new();
    for node in nodes {
        if let Err(refusal) = evaluate_node(view, &plan, node) {
            tracing::debug!(%node, eval = %plan.eval_id, %refusal, "a part of a plan was refused");
            if plan.all_at_once {
                return refused_whole(view, &plan);
            }
            refused.push(node.clone());
        }
    }
    let mut result = PlacementResult::default();
    for node in refused {
        result.refresh_index = view.index();
        result.rejected.extend(placed_on(&plan, &node).iter().map(|alloc| alloc.id.clone()));
        plan.node_update.remove(&node);
        plan.node_allocation.remove(&node);
        plan.node_preemptions.remove(&node);
    }
    // What goes on a node goes for what comes there.
    let PlacementPlan { node_update, node_allocation, node_preemptions, .. } = &mut plan;
    node_preemptions.retain(|node, _| node_update.contains_key(node) || node_allocation.contains_key(node));
    for part in [node_update, node_allocation, node_preemptions] {
        part.retain(|_, allocs| !allocs.is_empty());
    }
    result.node_update = plan.node_update;
    result.node_allocation = plan.node_allocation;
    result.node_preemptions = plan.node_preemptions;
    result.deployment = plan.deployment;
    result.deployment_updates = plan.deployment_updates;
    if result.refresh_index > 0 {
        drop_unplaced_canaries(&mut result);
    }
    result
}

fn placed_on<'a>(plan: &'a PlacementPlan, node: &NodeId) -> &'a [Allocation] {
    plan.node_allocation.get(node).map_or(&[], Vec::as_slice)
}

pub(super) fn refused_whole(view: &dyn ClusterView, plan: &PlacementPlan) -> PlacementResult {
    let rejected = plan.node_allocation.values().flatten().map(|alloc| alloc.id.clone()).collect();
    PlacementResult { rejected, refresh_index: view.index(), ..PlacementResult::default() }
}

/// The deployment must not count canaries that were left out.
fn drop_unplaced_canaries(result: &mut PlacementResult) {
    let rejected: HashSet<_> = result.rejected.iter().cloned().collect();
    let groups = result.deployment.as_mut().map(|deployment: &mut Deployment| deployment.task_groups.values_mut());
    for state in groups.into_iter().flatten() {
        let state: &mut DeploymentState = state;
        state.placed_canaries.retain(|id| !rejected.contains(id));
    }
}
