//! Allocations: one placement of a group on a node.

use crate::{AllocatedResources, Dns, Job, PlacementMetric, TaskEvent, TaskGroup, wire_enum};
use drover_base::{
    AllocId, DeploymentId, EvalId, JobId, JobKey, Namespace, Nanos, NodeId, UnixNanos, WireTime, serde_null,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

wire_enum! {
    /// What the servers want of an allocation.
    AllocDesiredStatus {
        /// It should run.
        Run = "run",
        /// It should stop.
        Stop = "stop",
        /// It was preempted.
        Evict = "evict",
    } default Run
}

wire_enum! {
    /// What the node says of an allocation.
    AllocClientStatus {
        /// Not started yet.
        Pending = "pending",
        /// Running.
        Running = "running",
        /// All tasks done.
        Complete = "complete",
        /// A task failed.
        Failed = "failed",
        /// Its node is gone.
        Lost = "lost",
        /// Its node is out of reach for now.
        Unknown = "unknown",
    } default Pending
}

impl AllocClientStatus {
    /// Whether it will never run again.
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Complete | Self::Failed | Self::Lost)
    }
}

/// One placement of a group on a node.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Allocation {
    /// A UUID.
    #[serde(rename = "ID")]
    pub id: AllocId,
    /// Namespace of its job.
    pub namespace: Namespace,
    /// The evaluation that made or last changed it.
    #[serde(rename = "EvalID")]
    pub eval_id: EvalId,
    /// `job.group[index]`.
    pub name: String,
    /// Its node.
    #[serde(rename = "NodeID")]
    pub node_id: NodeId,
    /// The node's name.
    pub node_name: String,
    /// Its job's id.
    #[serde(rename = "JobID")]
    pub job_id: JobId,
    /// The job as it was when placed; shared between allocations.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job: Option<Arc<Job>>,
    /// Its group's name.
    pub task_group: String,
    /// What it holds of the node.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allocated_resources: Option<Arc<AllocatedResources>>,
    /// How it was placed.
    #[serde(rename = "Metrics", skip_serializing_if = "Option::is_none")]
    pub metrics: Option<PlacementMetric>,
    /// What the servers want.
    pub desired_status: AllocDesiredStatus,
    /// Why.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub desired_description: String,
    /// What operators and the drainer want the scheduler to do with it.
    #[serde(skip_serializing_if = "DesiredTransition::is_empty")]
    pub desired_transition: DesiredTransition,
    /// What the node says.
    pub client_status: AllocClientStatus,
    /// For people.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub client_description: String,
    /// Per task.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "serde_null::deserialize")]
    pub task_states: BTreeMap<String, TaskState>,
    /// The allocation it replaces.
    #[serde(skip_serializing_if = "AllocId::is_empty")]
    pub previous_allocation: AllocId,
    /// The one that replaces it.
    #[serde(skip_serializing_if = "AllocId::is_empty")]
    pub next_allocation: AllocId,
    /// Its deployment.
    #[serde(rename = "DeploymentID", skip_serializing_if = "DeploymentId::is_empty")]
    pub deployment_id: DeploymentId,
    /// Its health within the deployment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deployment_status: Option<AllocDeploymentStatus>,
    /// Its replacements so far.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reschedule_tracker: Option<RescheduleTracker>,
    /// Addresses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network_status: Option<Box<NetworkStatus>>,
    /// The evaluation that will replace it later.
    #[serde(rename = "FollowupEvalID", skip_serializing_if = "EvalId::is_empty")]
    pub followup_eval_id: EvalId,
    /// What it pushed out.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "serde_null::deserialize")]
    pub preempted_allocations: Vec<AllocId>,
    /// What pushed it out.
    #[serde(skip_serializing_if = "AllocId::is_empty")]
    pub preempted_by_allocation: AllocId,
    /// Key that signed its identities.
    #[serde(rename = "SigningKeyID", skip_serializing_if = "String::is_empty")]
    pub signing_key_id: String,
    /// Raft index of creation.
    pub create_index: u64,
    /// Raft index of the last change.
    pub modify_index: u64,
    /// Raft index of the last change that the node must act on.
    pub alloc_modify_index: u64,
    /// When it was made.
    pub create_time: UnixNanos,
    /// When it last changed.
    pub modify_time: UnixNanos,
}

impl Allocation {
    /// Its job's key.
    pub fn job_key(&self) -> JobKey {
        JobKey { namespace: self.namespace.clone(), id: self.job_id.clone() }
    }
    /// Its group in the job it was placed with.
    pub fn group(&self) -> Option<&TaskGroup> {
        self.job.as_ref()?.group(&self.task_group)
    }
    /// The number in its name.
    pub fn index(&self) -> Option<u32> {
        let open = self.name.rfind('[')?;
        self.name.get(open + 1..self.name.len() - 1)?.parse().ok()
    }
    /// The version of its job.
    pub fn job_version(&self) -> u64 {
        self.job.as_ref().map_or(0, |job| job.version)
    }
    /// Neither wanted nor running any more, by the servers' word.
    pub const fn is_server_terminal(&self) -> bool {
        matches!(self.desired_status, AllocDesiredStatus::Stop | AllocDesiredStatus::Evict)
    }
    /// Done, by the node's word.
    pub const fn is_client_terminal(&self) -> bool {
        self.client_status.is_terminal()
    }
    /// Either of the two.
    pub const fn is_terminal(&self) -> bool {
        self.is_server_terminal() || self.is_client_terminal()
    }
    /// Whether all its tasks ended well.
    pub fn ran_successfully(&self) -> bool {
        self.client_status == AllocClientStatus::Complete
            && !self.task_states.is_empty()
            && self.task_states.values().all(|state| !state.failed)
    }
    /// Healthy within its deployment.
    pub fn is_healthy(&self) -> bool {
        self.deployment_status.as_ref().and_then(|status| status.healthy) == Some(true)
    }
    /// Unhealthy within its deployment.
    pub fn is_unhealthy(&self) -> bool {
        self.deployment_status.as_ref().and_then(|status| status.healthy) == Some(false)
    }
    /// Placed as a canary.
    pub fn is_canary(&self) -> bool {
        self.deployment_status.as_ref().is_some_and(|status| status.canary)
    }
}

/// `job.group[index]`.
pub fn alloc_name(job: &str, group: &str, index: u32) -> String {
    format!("{job}.{group}[{index}]")
}

/// What operators and the drainer want the scheduler to do with an allocation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct DesiredTransition {
    /// Move it to another node.
    pub migrate: Option<bool>,
    /// Move it, but place no replacement.
    pub migrate_disable_placement: Option<bool>,
    /// Replace it if its policy allows.
    pub reschedule: Option<bool>,
    /// Replace it whatever its policy says.
    pub force_reschedule: Option<bool>,
    /// Stop without the shutdown delay.
    pub no_shutdown_delay: Option<bool>,
}

impl DesiredTransition {
    /// Whether nothing is asked.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
    /// Whether it should move.
    pub fn should_migrate(&self) -> bool {
        self.migrate == Some(true)
    }
}

wire_enum! {
    /// Where a task stands.
    TaskStateKind {
        /// Not started.
        Pending = "pending",
        /// Started.
        Running = "running",
        /// Over.
        Dead = "dead",
    } default Pending
}

/// What became of a task.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct TaskState {
    /// Where it stands.
    pub state: TaskStateKind,
    /// Whether it failed.
    pub failed: bool,
    /// Restarts so far.
    pub restarts: u64,
    /// The last one.
    pub last_restart: Option<WireTime>,
    /// Its last start.
    pub started_at: Option<WireTime>,
    /// Its end.
    pub finished_at: Option<WireTime>,
    /// The newest events, oldest first, at most ten.
    #[serde(with = "serde_null")]
    pub events: Vec<TaskEvent>,
    /// Schedule state.
    pub paused: String,
}

/// The events kept per task.
pub const MAX_TASK_EVENTS: usize = 10;

/// Health of an allocation within its deployment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct AllocDeploymentStatus {
    /// `None` until it is known.
    pub healthy: Option<bool>,
    /// When it became known.
    pub timestamp: WireTime,
    /// Placed as a canary.
    pub canary: bool,
    /// Raft index of the last change.
    pub modify_index: u64,
}

/// The replacements so far.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct RescheduleTracker {
    /// Oldest first.
    #[serde(with = "serde_null")]
    pub events: Vec<RescheduleEvent>,
    /// `ok`, `pending`, `no-eval`.
    pub last_reschedule: String,
}

/// One replacement.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct RescheduleEvent {
    /// When.
    pub reschedule_time: UnixNanos,
    /// What was replaced.
    #[serde(rename = "PrevAllocID")]
    pub prev_alloc_id: AllocId,
    /// Where it was.
    #[serde(rename = "PrevNodeID")]
    pub prev_node_id: NodeId,
    /// The wait before it.
    pub delay: Nanos,
}

/// An allocation's addresses.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct NetworkStatus {
    /// Interface.
    pub interface_name: String,
    /// IPv4.
    pub address: String,
    /// IPv6.
    #[serde(rename = "AddressIPv6")]
    pub address_ipv6: String,
    /// Name servers.
    #[serde(rename = "DNS")]
    pub dns: Option<Dns>,
}
