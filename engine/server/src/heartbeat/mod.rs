//! Nodes that are not heard of in time are down, and their work moves.

pub mod core;

use self::core::Heartbeats;
use crate::config::HeartbeatConfig;
use crate::error::Result;
use crate::server::{Inner, Server};
use crate::{evals, timer};
use drover_model::{EvalTrigger, JobKey, Nanos, Node, NodeEvent, NodeId, NodeStatus, TextMap, UnixNanos};
use drover_state::{Command, DeleteServices, Snapshot, UpdateNodeStatus};
use parking_lot::Mutex;
use std::collections::HashSet;
use std::sync::Arc;
use tokio::sync::Notify;

/// Wait before a node that could not be marked down is tried again.
const RETRY_WAIT: Nanos = Nanos::from_secs(1);
/// Silent nodes in one log entry.
const MAX_NODES_PER_COMMAND: usize = 1024;

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
        for together in expired.chunks(MAX_NODES_PER_COMMAND) {
            if mark_missed(&inner, together, now).await.is_ok() {
                continue;
            }
            // One of them may be gone meanwhile: the others are down all the same.
            for id in together {
                if let Err(error) = mark_missed(&inner, std::slice::from_ref(id), now).await {
                    tracing::warn!(node = %id, %error, "silent node could not be marked as down; it is tried again");
                    inner.heartbeats.restore(id, now);
                    wakeup = Some(now.plus(RETRY_WAIT));
                }
            }
        }
        timer::until(wakeup, inner.heartbeats.notify.notified()).await;
    }
}

/// Marks nodes that fell silent together, with one evaluation for each job that had something on any of them.
pub(crate) async fn mark_missed(inner: &Inner, ids: &[NodeId], now: UnixNanos) -> Result<()> {
    let snapshot = inner.store.snapshot();
    let nodes = ids.iter().filter_map(|id| snapshot.node(id)).filter(|node| node.status != NodeStatus::Down);
    let mut looked_at: HashSet<JobKey> = HashSet::new();
    let commands: Vec<Command> = nodes.flat_map(|node| missed(&snapshot, node, now, &mut looked_at)).collect();
    if !commands.is_empty() {
        inner.propose(Command::Batch(commands)).await?;
    }
    Ok(())
}

/// A node with allocations that may outlive the connection is only disconnected. `looked_at`: the jobs that are
/// evaluated already.
fn missed(snapshot: &Snapshot, node: &Node, now: UnixNanos, looked_at: &mut HashSet<JobKey>) -> Vec<Command> {
    tracing::warn!(node = %node.id, name = %node.name, "node missed its heartbeats");
    let may_return = node.status != NodeStatus::Disconnected
        && snapshot.allocs_by_node(&node.id).any(|alloc| {
            let group = alloc.group();
            let survives =
                group.is_some_and(|group| group.disconnect.is_some() || group.max_client_disconnect.is_some());
            !alloc.is_terminal() && survives
        });
    let status = if may_return { NodeStatus::Disconnected } else { NodeStatus::Down };
    let changed = Node { status, ..node.clone() };
    let event = NodeEvent {
        message: "Node heartbeat missed".to_owned(),
        subsystem: "Cluster".to_owned(),
        details: TextMap::new(),
        timestamp: now.into(),
        create_index: 0,
    };
    let mut evals = evals::for_node(snapshot, &changed, EvalTrigger::NodeUpdate, now);
    evals.retain(|eval| looked_at.insert(eval.job_key()));
    let mut commands = vec![Command::UpdateNodeStatus(UpdateNodeStatus {
        node_id: node.id.clone(),
        status,
        description: String::new(),
        event: Some(event),
        now,
        evals,
    })];
    if status == NodeStatus::Down {
        // Nobody should be sent to a node that is gone.
        commands.push(Command::DeleteServices(DeleteServices::ByNode(node.id.clone())));
    }
    commands
}

impl Server {
    /// Counts nodes as silent, as if the time of their heartbeats were over: for simulations.
    ///
    /// # Errors
    /// The log does not take it.
    pub async fn miss_heartbeats(&self, nodes: &[NodeId]) -> Result<()> {
        for together in nodes.chunks(MAX_NODES_PER_COMMAND) {
            mark_missed(&self.inner, together, UnixNanos::now()).await?;
        }
        Ok(())
    }
}
