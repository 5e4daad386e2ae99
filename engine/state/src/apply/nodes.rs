//! Nodes: registration, status, eligibility, drain.

use super::{Done, Txn};
use crate::{
    Applied, DrainOutcome, EventPayload, SetNodeSigningKey, StateError, Table, UpdateNodeDrain, UpdateNodeEligibility,
    UpdateNodeStatus, UpsertNode,
};
use drover_model::node::{DrainMetadata, MAX_NODE_EVENTS};
use drover_model::{Evaluation, Node, NodeEligibility, NodeEvent, NodeId, NodeStatus, TextMap, UnixNanos};
use std::collections::BTreeMap;
use std::sync::Arc;

impl Txn {
    pub(super) fn upsert_node(&mut self, request: &UpsertNode) -> Done {
        let mut node = (*request.node).clone();
        if let Some(stored) = self.t.nodes.get(&node.id).cloned() {
            node.create_index = stored.create_index;
            node.events.clone_from(&stored.events);
            node.scheduling_eligibility = stored.scheduling_eligibility;
            node.drain_strategy.clone_from(&stored.drain_strategy);
            node.last_drain.clone_from(&stored.last_drain);
            node.last_missed_heartbeat_index = stored.last_missed_heartbeat_index;
            node.last_alloc_update_index = stored.last_alloc_update_index;
            node.identity_signing_key_id.clone_from(&stored.identity_signing_key_id);
            let was_away = matches!(stored.status, NodeStatus::Down | NodeStatus::Disconnected);
            if was_away && node.status != stored.status {
                self.push_event(&mut node, cluster_event("Node re-registered", request.now));
            }
            if node.status != stored.status {
                node.status_updated_at = seconds(request.now);
            }
        } else {
            node.create_index = self.index;
            node.events = Vec::new();
            node.status_updated_at = seconds(request.now);
            // As in the reference, the first event has no index.
            node.events.push(cluster_event("Node registered", request.now));
        }
        node.drain = node.drain_strategy.is_some();
        self.ensure_pool(&node.node_pool.clone());
        let id = node.id.clone();
        self.put_node(node);
        self.follow_node_storage(&id, request.now);
        self.put_evals(&request.evals);
        Ok(Applied::Done)
    }

    /// Bookkeeping of the keyring: nothing that anybody waits for.
    pub(super) fn set_node_signing_key(&mut self, request: &SetNodeSigningKey) -> Done {
        let node = self.node_to_change(&request.node_id)?;
        let node = Node { identity_signing_key_id: request.key_id.clone(), ..node };
        self.t.nodes.insert(node.id.clone(), Arc::new(node));
        Ok(Applied::Done)
    }

    fn put_node(&mut self, mut node: Node) {
        node.modify_index = self.index;
        let node = Arc::new(node);
        self.emit(EventPayload::Node(node.clone()));
        self.t.nodes.insert(node.id.clone(), node);
        self.touch(Table::Nodes);
    }

    fn push_event(&self, node: &mut Node, mut event: NodeEvent) {
        event.create_index = self.index;
        node.events.push(event);
        let surplus = node.events.len().saturating_sub(MAX_NODE_EVENTS);
        node.events.drain(..surplus);
    }

    fn node_to_change(&self, id: &NodeId) -> Result<Node, StateError> {
        let found = self.t.nodes.get(id).map(|node| (**node).clone());
        found.ok_or_else(|| StateError::NotFound("node not found".to_owned()))
    }

    pub(super) fn update_node_status(&mut self, request: &UpdateNodeStatus) -> Done {
        let mut node = self.node_to_change(&request.node_id)?;
        let is_away = matches!(request.status, NodeStatus::Down | NodeStatus::Disconnected);
        if is_away && node.status == NodeStatus::Ready {
            node.last_missed_heartbeat_index = self.index;
        }
        node.status = request.status;
        node.status_description.clone_from(&request.description);
        node.status_updated_at = seconds(request.now);
        if let Some(event) = &request.event {
            self.push_event(&mut node, event.clone());
        }
        self.put_node(node);
        self.follow_node_storage(&request.node_id, request.now);
        self.put_evals(&request.evals);
        Ok(Applied::Done)
    }

    pub(super) fn update_node_eligibility(&mut self, request: &UpdateNodeEligibility) -> Done {
        let mut node = self.node_to_change(&request.node_id)?;
        if node.drain_strategy.is_some() && request.eligibility == NodeEligibility::Eligible {
            let text = "can not set node's scheduling eligibility to eligible while it is draining";
            return Err(StateError::Refused(text.to_owned()));
        }
        node.scheduling_eligibility = request.eligibility;
        node.status_updated_at = seconds(request.now);
        if let Some(event) = &request.event {
            self.push_event(&mut node, event.clone());
        }
        self.put_node(node);
        self.put_evals(&request.evals);
        Ok(Applied::Done)
    }

    pub(super) fn update_node_drain(&mut self, request: &UpdateNodeDrain) -> Done {
        let mut node = self.node_to_change(&request.node_id)?;
        let was_draining = node.drain_strategy.is_some();
        node.drain_strategy.clone_from(&request.strategy);
        node.drain = request.strategy.is_some();
        if request.strategy.is_some() {
            node.scheduling_eligibility = NodeEligibility::Ineligible;
        } else if request.mark_eligible {
            node.scheduling_eligibility = NodeEligibility::Eligible;
        }
        node.last_drain = drain_record(&node, request, was_draining);
        node.status_updated_at = seconds(request.now);
        if let Some(event) = &request.event {
            self.push_event(&mut node, event.clone());
        }
        self.put_node(node);
        self.put_evals(&request.evals);
        Ok(Applied::Done)
    }

    pub(super) fn add_node_events(&mut self, events: &BTreeMap<NodeId, Vec<NodeEvent>>) -> Done {
        for (id, events) in events {
            let mut node = self.node_to_change(id)?;
            for event in events {
                self.push_event(&mut node, event.clone());
            }
            self.put_node(node);
        }
        Ok(Applied::Done)
    }

    pub(super) fn deregister_nodes(&mut self, ids: &[NodeId], evals: &[Evaluation]) -> Done {
        for id in ids {
            if let Some(node) = self.t.nodes.remove(id) {
                // There is no clock here: what hangs on the node changed when the node last did.
                let now = UnixNanos(node.status_updated_at * 1_000_000_000);
                self.emit(EventPayload::Node(node));
                self.touch(Table::Nodes);
                self.follow_node_storage(id, now);
            }
        }
        self.put_evals(evals);
        Ok(Applied::Done)
    }
}

fn drain_record(node: &Node, request: &UpdateNodeDrain, was_draining: bool) -> Option<DrainMetadata> {
    let mut record = node.last_drain.clone().unwrap_or_default();
    let begins = request.strategy.is_some() && !was_draining;
    if !begins && !was_draining {
        return node.last_drain.clone();
    }
    if begins {
        record = DrainMetadata { started_at: request.now.into(), ..DrainMetadata::default() };
    }
    record.updated_at = request.now.into();
    record.status = match (&request.strategy, request.outcome) {
        (Some(_), _) => "draining",
        (None, DrainOutcome::Complete) => "complete",
        (None, DrainOutcome::Ongoing) => "canceled",
    }
    .to_owned();
    if !request.accessor_id.is_empty() {
        record.accessor_id.clone_from(&request.accessor_id);
    }
    if !request.meta.is_empty() {
        record.meta.clone_from(&request.meta);
    }
    Some(record)
}

fn cluster_event(message: &str, now: UnixNanos) -> NodeEvent {
    NodeEvent {
        message: message.to_owned(),
        subsystem: "Cluster".to_owned(),
        details: TextMap::new(),
        timestamp: now.into(),
        create_index: 0,
    }
}

const fn seconds(now: UnixNanos) -> i64 {
    now.0 / 1_000_000_000
}
