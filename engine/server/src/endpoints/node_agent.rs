//! Nodes, from themselves.

use crate::answer::{NodeAllocs, NodeRegistered, Written};
use crate::error::{Result, ServerError};
use crate::evals;
use crate::server::Server;
use drover_model::{Allocation, EvalTrigger, Node, NodeId, NodeStatus, TextMap, UnixNanos};
use drover_state::{Command, Snapshot, UpdateNodeStatus, UpsertNode, WatchKey};
use std::sync::Arc;
use std::time::Duration;

/// The longest time that a call for allocations may wait.
const MAX_WAIT: Duration = Duration::from_secs(600);

impl Server {
    /// A node describes itself: at its start, and after every change of what it is or has.
    ///
    /// # Errors
    /// The node has no id or no datacenter, or its secret is not that of the known node.
    pub async fn register_node(&self, node: Node) -> Result<NodeRegistered> {
        check(&node)?;
        let snapshot = self.inner.store.snapshot();
        let known = snapshot.node(&node.id);
        if known.is_some_and(|known| known.secret_id != node.secret_id) {
            return Err(ServerError::forbidden("node secret ID does not match. Not registering node."));
        }
        let id = node.id.clone();
        let now = UnixNanos::now();
        let is_new_or_back = known.is_none_or(|known| known.status != node.status || !known.is_ready());
        let changed = known.is_none_or(|known| known.computed_class != node.computed_class);
        let evals = if node.status == NodeStatus::Ready && (is_new_or_back || changed) {
            evals::for_node(&snapshot, &node, EvalTrigger::NodeUpdate, now)
        } else {
            Vec::new()
        };
        let is_down = node.status == NodeStatus::Down;
        let upsert = UpsertNode { node: Arc::new(node), now, evals };
        let committed = self.inner.propose(Command::UpsertNode(upsert)).await?;
        let ttl = if is_down { Duration::ZERO } else { self.inner.heartbeats.beat(&id).as_duration() };
        Ok(NodeRegistered { ttl, index: committed.index })
    }

    /// A node lives; answers how long until it must be heard of again.
    ///
    /// # Errors
    /// The node is unknown, and must register again.
    pub async fn heartbeat(&self, id: &NodeId) -> Result<Duration> {
        let snapshot = self.inner.store.snapshot();
        let node = snapshot.node(id).ok_or_else(|| ServerError::not_found("node not found"))?;
        if matches!(node.status, NodeStatus::Down | NodeStatus::Disconnected | NodeStatus::Initializing) {
            self.set_node_ready(&snapshot, node).await?;
        }
        Ok(self.inner.heartbeats.beat(id).as_duration())
    }

    async fn set_node_ready(&self, snapshot: &Snapshot, node: &Arc<Node>) -> Result<()> {
        let now = UnixNanos::now();
        let ready = Node { status: NodeStatus::Ready, ..(**node).clone() };
        let event = (node.status != NodeStatus::Initializing).then(|| drover_model::NodeEvent {
            message: "Node reregistered by heartbeat".to_owned(),
            subsystem: "Cluster".to_owned(),
            details: TextMap::new(),
            timestamp: now.into(),
            create_index: 0,
        });
        let command = Command::UpdateNodeStatus(UpdateNodeStatus {
            node_id: node.id.clone(),
            status: NodeStatus::Ready,
            description: String::new(),
            event,
            now,
            evals: evals::for_node(snapshot, &ready, EvalTrigger::NodeUpdate, now),
        });
        self.inner.propose(command).await?;
        Ok(())
    }

    /// What a node should run, as soon as it differs from what was there at `min_index` (0: at once),
    /// or after `wait`.
    ///
    /// # Errors
    /// The node is unknown, and must register again.
    pub async fn node_allocs(&self, id: &NodeId, min_index: u64, wait: Duration) -> Result<NodeAllocs> {
        let deadline = tokio::time::Instant::now() + wait.min(MAX_WAIT);
        let mut watch = self.inner.store.watch(vec![WatchKey::NodeAllocs(id.clone())]);
        let mut known = None;
        let generation = self.inner.store.generation();
        loop {
            watch.rearm();
            let snapshot = self.inner.store.snapshot();
            if snapshot.node(id).is_none() {
                return Err(ServerError::not_found("node not found"));
            }
            let count = snapshot.allocs_by_node(id).count();
            // An allocation that is gone leaves no newer index behind.
            let fewer = known.is_some_and(|known| count < known);
            let is_due = tokio::time::Instant::now() >= deadline;
            let was_restored = self.inner.store.generation() != generation;
            if min_index == 0 || fewer || is_due || was_restored || has_changed(&snapshot, id, min_index) {
                return Ok(allocs_of(&snapshot, id));
            }
            known = Some(count);
            // At the deadline the loop ends by itself.
            let _due = tokio::time::timeout_at(deadline, &mut watch).await;
        }
    }

    /// A node says how its allocations fare. Reports that come at the same time are written together.
    ///
    /// # Errors
    /// The log cannot take it.
    pub async fn update_allocs(&self, updates: Vec<Allocation>) -> Result<Written> {
        Ok(Written { index: self.inner.alloc_updates.report(updates).await? })
    }
}

fn check(node: &Node) -> Result<()> {
    let fault = if node.id.is_empty() {
        "missing node ID for client registration"
    } else if node.datacenter.is_empty() {
        "missing datacenter for client registration"
    } else if node.name.is_empty() {
        "missing node name for client registration"
    } else {
        return Ok(());
    };
    Err(ServerError::refused(fault))
}

fn allocs_of(snapshot: &Snapshot, id: &NodeId) -> NodeAllocs {
    NodeAllocs { index: snapshot.index(), allocs: snapshot.allocs_by_node(id).cloned().collect() }
}

/// Whether something that the node must act on is newer than `min_index`.
fn has_changed(snapshot: &Snapshot, id: &NodeId, min_index: u64) -> bool {
    snapshot.allocs_by_node(id).any(|alloc| alloc.alloc_modify_index > min_index)
}
