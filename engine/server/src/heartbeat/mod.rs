//! Nodes that are not heard of in time are down, and their work moves.

pub mod core;

use self::core::Heartbeats;
use crate::config::HeartbeatConfig;
use crate::error::Result;
use crate::server::Inner;
use crate::{evals, timer};
use drover_model::{EvalTrigger, Nanos, Node, NodeEvent, NodeId, NodeStatus, TextMap, UnixNanos};
use drover_state::{Command, DeleteServices, UpdateNodeStatus};
use parking_lot::Mutex;
use std::sync::Arc;
use tokio::sync::Notify;

/// Wait before a node that could not be marked down is tried again.
const RETRY_WAIT: Nanos = Nanos::from_secs(1);

/// The deadlines, shared with those who hear of nodes.
#[derive(Debug)]
pub struct Shared {
    beats: Mutex<Heartbeats>,
    notify: Notify,
}

impl Shared {
    /// No nodes yet.
    pub fn new(config: HeartbeatConfig) -> Self {
        Self { beats: Mutex::new(Heartbeats::new(config)), notify: Notify::new() }
    }
    /// A node was heard of.
    pub fn beat(&self, node: &NodeId) -> Nanos {
        let ttl = self.beats.lock().beat(node, UnixNanos::now(), rand::random());
        self.notify.notify_one();
        ttl
    }
    /// A node was alive when this server became leader.
    pub fn restore(&self, node: &NodeId, now: UnixNanos) {
        self.beats.lock().restore(node, now);
        self.notify.notify_one();
    }
    /// A node is gone or down.
    pub fn forget(&self, node: &NodeId) {
        self.beats.lock().forget(node);
    }
    /// Forgets all.
    pub fn clear(&self) {
        self.beats.lock().clear();
    }
}

/// Watches until the task is dropped.
pub(crate) async fn run(inner: Arc<Inner>) {
    loop {
        let now = UnixNanos::now();
        let (expired, wakeup) = {
            let mut beats = inner.heartbeats.beats.lock();
            (beats.expired(now), beats.next_deadline())
        };
        let mut wakeup = wakeup;
        for id in expired {
            if let Err(error) = mark_missed(&inner, &id, now).await {
                tracing::warn!(node = %id, %error, "silent node could not be marked as down; it is tried again");
                inner.heartbeats.restore(&id, now);
                wakeup = Some(now.plus(RETRY_WAIT));
            }
        }
        timer::until(wakeup, inner.heartbeats.notify.notified()).await;
    }
}

/// A node with allocations that may outlive the connection is only disconnected.
async fn mark_missed(inner: &Inner, id: &NodeId, now: UnixNanos) -> Result<()> {
    let snapshot = inner.store.snapshot();
    let Some(node) = snapshot.node(id).filter(|node| node.status != NodeStatus::Down) else { return Ok(()) };
    tracing::warn!(node = %id, name = %node.name, "node missed its heartbeats");
    let may_return = node.status != NodeStatus::Disconnected
        && snapshot.allocs_by_node(id).any(|alloc| {
            let group = alloc.group();
            let survives =
                group.is_some_and(|group| group.disconnect.is_some() || group.max_client_disconnect.is_some());
            !alloc.is_terminal() && survives
        });
    let status = if may_return { NodeStatus::Disconnected } else { NodeStatus::Down };
    let changed = Node { status, ..(**node).clone() };
    let event = NodeEvent {
        message: "Node heartbeat missed".to_owned(),
        subsystem: "Cluster".to_owned(),
        details: TextMap::new(),
        timestamp: now.into(),
        create_index: 0,
    };
    let mark = Command::UpdateNodeStatus(UpdateNodeStatus {
        node_id: id.clone(),
        status,
        description: String::new(),
        event: Some(event),
        now,
        evals: evals::for_node(&snapshot, &changed, EvalTrigger::NodeUpdate, now),
    });
    // Nobody should be sent to a node that is gone.
    let unlist = Command::DeleteServices(DeleteServices::ByNode(id.clone()));
    let command = if status == NodeStatus::Down { Command::Batch(vec![mark, unlist]) } else { mark };
    inner.propose(command).await?;
    Ok(())
}
