//! Volumes as the leader sees them: how nodes are called, and the release of what allocations no longer use.

pub mod core;

use self::core::{Step, next_steps};
use crate::error::{Result, ServerError};
use crate::server::Inner;
use async_trait::async_trait;
use drover_model::csi::{CsiClaim, CsiClaimState, CsiVolume};
use drover_model::node_call::{NodeCall, NodeReply};
use drover_model::{NodeId, NodeStatus, UnixNanos};
use drover_state::{Command, Snapshot, StorageCommand, Table, WatchKey};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// The wait between two looks at claims that could not be released.
const RETRY: Duration = Duration::from_secs(10);
/// The longest that a call to a node may take.
const CALL_LIMIT: Duration = Duration::from_secs(120);

/// How a server reaches nodes. Whoever knows where nodes are gives it to [`crate::Server::reach_nodes`].
#[async_trait]
pub trait NodeCalls: Send + Sync {
    /// Calls a node. `Err` is what people read.
    async fn call(&self, node: &NodeId, call: NodeCall) -> std::result::Result<NodeReply, String>;
}

/// The way to the nodes, once there is one.
#[derive(Default)]
pub(crate) struct Nodes(OnceLock<Arc<dyn NodeCalls>>);

impl Nodes {
    pub(crate) fn reach(&self, calls: Arc<dyn NodeCalls>) {
        // The first one stays: there is one way to the nodes per agent.
        let _ = self.0.set(calls);
    }

    /// Calls a node and waits for its answer.
    pub(crate) async fn call(&self, node: &NodeId, call: NodeCall) -> Result<NodeReply> {
        let calls = self.0.get().ok_or_else(|| ServerError::refused(format!("No path to node {node}")))?;
        match tokio::time::timeout(CALL_LIMIT, calls.call(node, call)).await {
            Ok(answer) => answer.map_err(ServerError::refused),
            Err(_) => Err(ServerError::refused(format!("node {node} did not answer within {CALL_LIMIT:?}"))),
        }
    }
}

/// Releases the CSI claims of allocations that are over, until the task is dropped.
pub(crate) async fn run(inner: Arc<Inner>) {
    let mut watch = inner.store.watch(vec![WatchKey::Table(Table::CsiVolumes), WatchKey::Table(Table::Allocs)]);
    loop {
        watch.rearm();
        let snapshot = inner.store.snapshot();
        let steps: Vec<Step> = next_steps(&snapshot, snapshot.csi_volumes());
        let mut all_done = true;
        for step in steps {
            if let Err(error) = take_step(&inner, &snapshot, &step).await {
                all_done = false;
                let (volume, alloc) = (&step.volume.id, &step.claim.alloc_id);
                tracing::warn!(volume, %alloc, %error, "a claim could not be released, trying again");
            }
        }
        if all_done && snapshot.csi_volumes().next().is_none() {
            (&mut watch).await;
        } else {
            // Without a claim that waits, the next change is what matters.
            let _due = tokio::time::timeout(RETRY, &mut watch).await;
        }
    }
}

async fn take_step(inner: &Inner, snapshot: &Snapshot, step: &Step) -> Result<()> {
    release(inner, snapshot, &step.volume, &step.claim).await
}

/// Lets go of a claim: on the node, at the controller, in the state. Each step is remembered.
pub(crate) async fn release(inner: &Inner, snapshot: &Snapshot, volume: &CsiVolume, claim: &CsiClaim) -> Result<()> {
    let mut claim = claim.clone();
    if claim.state == CsiClaimState::Taken {
        claim.state = CsiClaimState::Unpublishing;
        store(inner, volume, &claim).await?;
    }
    if claim.state == CsiClaimState::Unpublishing {
        let is_up = snapshot.node(&claim.node_id).is_some_and(|node| {
            node.status != NodeStatus::Down && node.csi_node_plugins.contains_key(&volume.plugin_id)
        });
        if is_up {
            let call = NodeCall::CsiUnmount { volume: volume.clone(), claim: claim.clone() };
            inner.nodes.call(&claim.node_id, call).await?;
        }
        claim.state = CsiClaimState::NodeDetached;
        store(inner, volume, &claim).await?;
    }
    detach_at_controller(inner, snapshot, volume, &claim).await?;
    claim.state = CsiClaimState::ReadyToFree;
    store(inner, volume, &claim).await
}

/// The last allocation of a node takes the attachment away with it.
async fn detach_at_controller(inner: &Inner, snapshot: &Snapshot, volume: &CsiVolume, claim: &CsiClaim) -> Result<()> {
    let newest = inner.store.snapshot();
    let volume = newest.csi_volume(&volume.namespace, &volume.id).map_or(volume, |stored| stored);
    let others = volume.claims().any(|other| other.node_id == claim.node_id && other.alloc_id != claim.alloc_id);
    if others || !volume.controller_required {
        return Ok(());
    }
    let controller = controller_of(snapshot, &volume.plugin_id)?;
    let call = NodeCall::CsiDetach { volume: volume.clone(), claim: claim.clone() };
    inner.nodes.call(&controller, call).await.map(drop)
}

async fn store(inner: &Inner, volume: &CsiVolume, claim: &CsiClaim) -> Result<()> {
    let command = StorageCommand::ClaimCsiVolume {
        namespace: volume.namespace.clone(),
        id: volume.id.clone(),
        claim: claim.clone(),
        now: UnixNanos::now(),
    };
    inner.propose(Command::Storage(command)).await.map(drop)
}

/// A node that runs a healthy controller of the plugin.
pub(crate) fn controller_of(snapshot: &Snapshot, plugin: &str) -> Result<NodeId> {
    let found = snapshot.csi_plugin(plugin).ok_or_else(|| ServerError::refused("no such plugin"))?;
    let mut healthy = found.controllers.iter().filter(|(_, info)| info.healthy).map(|(node, _)| node.clone());
    healthy.next().ok_or_else(|| ServerError::refused(format!("no healthy controllers for CSI plugin: {plugin}")))
}
