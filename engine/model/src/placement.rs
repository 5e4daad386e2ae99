//! What the scheduler wants done, and what of it was.

use crate::{Allocation, Deployment, DeploymentStatus, Job, PlanAnnotations};
use drover_base::{AllocId, DeploymentId, EvalId, NodeId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What the scheduler wants done for one evaluation. Allocations in it carry no job: all belong to `job`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PlacementPlan {
    /// The evaluation.
    pub eval_id: EvalId,
    /// As the evaluation's.
    pub priority: u8,
    /// All or nothing.
    pub all_at_once: bool,
    /// The job that new allocations belong to.
    pub job: Option<Arc<Job>>,
    /// To stop, by node: the allocation with its new desired status and description.
    pub node_update: BTreeMap<NodeId, Vec<Allocation>>,
    /// To place or to update where they are, by node.
    pub node_allocation: BTreeMap<NodeId, Vec<Allocation>>,
    /// To push out, by node.
    pub node_preemptions: BTreeMap<NodeId, Vec<Allocation>>,
    /// A new or changed deployment.
    pub deployment: Option<Deployment>,
    /// Other deployments to change.
    pub deployment_updates: Vec<DeploymentUpdate>,
    /// For people.
    pub annotations: Option<PlanAnnotations>,
    /// Index of the snapshot it was made from.
    pub snapshot_index: u64,
}

impl PlacementPlan {
    /// Whether it changes nothing.
    pub fn is_no_op(&self) -> bool {
        self.node_update.is_empty()
            && self.node_allocation.is_empty()
            && self.node_preemptions.is_empty()
            && self.deployment.is_none()
            && self.deployment_updates.is_empty()
    }
    /// Adds an allocation to stop.
    pub fn stop(&mut self, alloc: Allocation) {
        self.node_update.entry(alloc.node_id.clone()).or_default().push(alloc);
    }
    /// Adds an allocation to place or update.
    pub fn place(&mut self, alloc: Allocation) {
        self.node_allocation.entry(alloc.node_id.clone()).or_default().push(alloc);
    }
}

/// A change of a deployment's status.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeploymentUpdate {
    /// Which.
    pub id: DeploymentId,
    /// To what.
    pub status: DeploymentStatus,
    /// Why.
    pub description: String,
}

/// What the applier committed of a plan.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PlacementResult {
    /// Stopped, by node.
    pub node_update: BTreeMap<NodeId, Vec<Allocation>>,
    /// Placed, by node.
    pub node_allocation: BTreeMap<NodeId, Vec<Allocation>>,
    /// Pushed out, by node.
    pub node_preemptions: BTreeMap<NodeId, Vec<Allocation>>,
    /// The deployment.
    pub deployment: Option<Deployment>,
    /// Other deployments.
    pub deployment_updates: Vec<DeploymentUpdate>,
    /// Allocations left out because their node had changed.
    pub rejected: Vec<AllocId>,
    /// When something was left out: the scheduler must see at least this index.
    pub refresh_index: u64,
    /// Index at which it was committed.
    pub alloc_index: u64,
}
