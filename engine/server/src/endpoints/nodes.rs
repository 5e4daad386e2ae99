//! Nodes, from operators.

use crate::answer::NodeUpdated;
use crate::drainer::drain_event;
use crate::error::{Result, ServerError};
use crate::evals;
use crate::request::DrainRequest;
use crate::server::Server;
use drover_model::node::DrainStrategy;
use drover_model::{EvalTrigger, Evaluation, Node, NodeEligibility, NodeEvent, NodeId, TextMap, UnixNanos, WireTime};
use drover_state::{
    Command, DeleteServices, DeregisterNode, DrainOutcome, Snapshot, UpdateNodeDrain, UpdateNodeEligibility,
};
use std::sync::Arc;

/// Who asks while access is not controlled.
const NO_ACCESSOR: &str = "token:acls-disabled";

impl Server {
    /// Empties a node, or stops emptying it.
    ///
    /// # Errors
    /// The node is unknown.
    pub async fn drain_node(&self, id: &NodeId, request: DrainRequest) -> Result<NodeUpdated> {
        let (snapshot, node) = self.known_node(id)?;
        let now = UnixNanos::now();
        let strategy = request.spec.map(|spec| DrainStrategy {
            deadline: spec.deadline,
            ignore_system_jobs: spec.ignore_system_jobs,
            force_deadline: WireTime((spec.deadline.0 > 0).then(|| now.plus(spec.deadline))),
            started_at: WireTime::from(
                node.drain_strategy.as_ref().and_then(|old| old.started_at.nanos()).unwrap_or(now),
            ),
        });
        let message = match (&strategy, &node.drain_strategy) {
            (Some(_), None) => "Node drain strategy set",
            (Some(_), Some(_)) => "Node drain strategy updated",
            (None, _) => "Node drain strategy unset",
        };
        let changes = strategy.is_some() || node.drain_strategy.is_some();
        let becomes_eligible = strategy.is_none() && request.mark_eligible;
        let evals = if becomes_eligible { node_evals(&snapshot, &node, now) } else { Vec::new() };
        let eval_ids = ids(&evals);
        let committed = self
            .inner
            .propose(Command::UpdateNodeDrain(UpdateNodeDrain {
                node_id: id.clone(),
                strategy,
                mark_eligible: request.mark_eligible,
                outcome: DrainOutcome::Ongoing,
                meta: request.meta,
                accessor_id: NO_ACCESSOR.to_owned(),
                event: changes.then(|| drain_event(message, TextMap::new(), now)),
                now,
                evals,
            }))
            .await?;
        Ok(updated(eval_ids, committed.index))
    }

    /// Says whether new work may come to a node.
    ///
    /// # Errors
    /// The node is unknown, or draining.
    pub async fn set_node_eligibility(&self, id: &NodeId, eligibility: NodeEligibility) -> Result<NodeUpdated> {
        let (snapshot, node) = self.known_node(id)?;
        let now = UnixNanos::now();
        let eligible = eligibility == NodeEligibility::Eligible;
        let changed = node.scheduling_eligibility != eligibility;
        let evals = if eligible && changed { node_evals(&snapshot, &node, now) } else { Vec::new() };
        let eval_ids = ids(&evals);
        let event = changed.then(|| NodeEvent {
            message: format!("Node marked as {eligibility} for scheduling"),
            subsystem: "Cluster".to_owned(),
            details: TextMap::new(),
            timestamp: now.into(),
            create_index: 0,
        });
        let command = Command::UpdateNodeEligibility(UpdateNodeEligibility {
            node_id: id.clone(),
            eligibility,
            event,
            now,
            evals,
        });
        let committed = self.inner.propose(command).await?;
        Ok(NodeUpdated { node_modify_index: 0, ..updated(eval_ids, committed.index) })
    }

    /// Forgets a node; its work moves.
    ///
    /// # Errors
    /// The node is unknown.
    pub async fn purge_node(&self, id: &NodeId) -> Result<NodeUpdated> {
        let (snapshot, node) = self.known_node(id)?;
        let gone = Node { status: drover_model::NodeStatus::Down, ..(*node).clone() };
        let evals = node_evals(&snapshot, &gone, UnixNanos::now());
        let eval_ids = ids(&evals);
        let command = Command::Batch(vec![
            Command::DeleteServices(DeleteServices::ByNode(id.clone())),
            Command::DeregisterNode(DeregisterNode { node_ids: vec![id.clone()], evals }),
        ]);
        let committed = self.inner.propose(command).await?;
        Ok(updated(eval_ids, committed.index))
    }

    /// Looks at everything on a node again.
    ///
    /// # Errors
    /// The node is unknown.
    pub async fn evaluate_node(&self, id: &NodeId) -> Result<NodeUpdated> {
        let (snapshot, node) = self.known_node(id)?;
        let evals = node_evals(&snapshot, &node, UnixNanos::now());
        let eval_ids = ids(&evals);
        if evals.is_empty() {
            return Ok(NodeUpdated { index: snapshot.index(), ..NodeUpdated::default() });
        }
        let committed = self.inner.propose(Command::UpsertEvals(evals)).await?;
        Ok(NodeUpdated { node_modify_index: 0, ..updated(eval_ids, committed.index) })
    }

    fn known_node(&self, id: &NodeId) -> Result<(Snapshot, Arc<Node>)> {
        let snapshot = self.inner.store.snapshot();
        let node = snapshot.node(id).ok_or_else(|| ServerError::refused("node not found"))?.clone();
        Ok((snapshot, node))
    }
}

fn node_evals(snapshot: &Snapshot, node: &Node, now: UnixNanos) -> Vec<Evaluation> {
    evals::for_node(snapshot, node, EvalTrigger::NodeUpdate, now)
}

fn ids(evals: &[Evaluation]) -> Vec<drover_model::EvalId> {
    evals.iter().map(|eval| eval.id.clone()).collect()
}

fn updated(eval_ids: Vec<drover_model::EvalId>, index: u64) -> NodeUpdated {
    let eval_create_index = if eval_ids.is_empty() { 0 } else { index };
    NodeUpdated { eval_ids, eval_create_index, node_modify_index: index, index }
}
