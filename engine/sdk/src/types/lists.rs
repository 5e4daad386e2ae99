//! What the list routes answer.

use super::JobDiff;
use drover_model::registry::{JobSummary, SchedulerConfiguration};
use drover_model::{AllocDeploymentStatus, DriverInfo, Job, NodeResources, TaskState, UnixNanos, serde_null};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A job in a list.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct JobStub {
    /// Its id.
    #[serde(rename = "ID")]
    pub id: String,
    /// The job it is an instance of.
    #[serde(rename = "ParentID")]
    pub parent_id: String,
    /// Its name.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// `service`, `batch`, …
    #[serde(rename = "Type")]
    pub kind: String,
    /// 1 to 100.
    pub priority: i64,
    /// Whether it starts by the clock.
    pub periodic: bool,
    /// Whether it is a template for dispatch.
    pub parameterized_job: bool,
    /// Whether it was stopped.
    pub stop: bool,
    /// `pending`, `running`, `dead`.
    pub status: String,
    /// For people.
    pub status_description: String,
    /// Counts per group.
    pub job_summary: Option<JobSummary>,
    /// When it was registered.
    pub submit_time: UnixNanos,
    /// Index of the last change.
    pub modify_index: u64,
    /// Index of the last registration.
    pub job_modify_index: u64,
}

/// An allocation in a list.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct AllocStub {
    /// A UUID.
    #[serde(rename = "ID")]
    pub id: String,
    /// Its evaluation.
    #[serde(rename = "EvalID")]
    pub eval_id: String,
    /// `job.group[index]`.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// Its node.
    #[serde(rename = "NodeID")]
    pub node_id: String,
    /// Its node's name.
    pub node_name: String,
    /// Its job.
    #[serde(rename = "JobID")]
    pub job_id: String,
    /// Its job's type.
    pub job_type: String,
    /// Its job's version.
    pub job_version: u64,
    /// Its group.
    pub task_group: String,
    /// What the servers want.
    pub desired_status: String,
    /// Why.
    pub desired_description: String,
    /// What the node says.
    pub client_status: String,
    /// For people.
    pub client_description: String,
    /// Per task.
    #[serde(deserialize_with = "serde_null::deserialize")]
    pub task_states: BTreeMap<String, TaskState>,
    /// Health within its deployment.
    pub deployment_status: Option<AllocDeploymentStatus>,
    /// The evaluation that will replace it.
    #[serde(rename = "FollowupEvalID")]
    pub followup_eval_id: String,
    /// What replaced it.
    pub next_allocation: String,
    /// Index of creation.
    pub create_index: u64,
    /// Index of the last change.
    pub modify_index: u64,
    /// When it was made.
    pub create_time: UnixNanos,
    /// When it last changed.
    pub modify_time: UnixNanos,
}

/// A node in a list.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct NodeStub {
    /// A UUID.
    #[serde(rename = "ID")]
    pub id: String,
    /// Its address.
    pub address: String,
    /// Its datacenter.
    pub datacenter: String,
    /// Its name.
    pub name: String,
    /// Its class.
    pub node_class: String,
    /// Its pool.
    pub node_pool: String,
    /// Its version.
    pub version: String,
    /// Whether it drains.
    pub drain: bool,
    /// `eligible` or `ineligible`.
    pub scheduling_eligibility: String,
    /// `ready`, `down`, …
    pub status: String,
    /// For people.
    pub status_description: String,
    /// Its drivers.
    #[serde(deserialize_with = "serde_null::deserialize")]
    pub drivers: BTreeMap<String, DriverInfo>,
    /// What it has, when asked with `resources`.
    pub node_resources: Option<NodeResources>,
    /// Attributes, when asked with `os`.
    #[serde(deserialize_with = "serde_null::deserialize")]
    pub attributes: BTreeMap<String, String>,
    /// Index of the last change.
    pub modify_index: u64,
}

/// Versions of a job.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct JobVersions {
    /// Newest first.
    #[serde(deserialize_with = "serde_null::deserialize")]
    pub versions: Vec<Job>,
    /// Between neighbours.
    #[serde(deserialize_with = "serde_null::deserialize")]
    pub diffs: Vec<JobDiff>,
}

/// The servers that the agent knows.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Members {
    /// Who answered.
    pub server_name: String,
    /// Its region.
    pub server_region: String,
    /// Its datacenter.
    #[serde(rename = "ServerDC")]
    pub server_dc: String,
    /// The servers.
    #[serde(deserialize_with = "serde_null::deserialize")]
    pub members: Vec<Member>,
}

/// A server.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Member {
    /// `name.region`.
    pub name: String,
    /// Its address.
    pub addr: String,
    /// Its gossip port.
    pub port: u16,
    /// Build, region, role, …
    #[serde(deserialize_with = "serde_null::deserialize")]
    pub tags: BTreeMap<String, String>,
    /// `alive`, `failed`, …
    pub status: String,
    /// Gossip protocol.
    pub protocol_cur: u8,
}

/// The services of a namespace.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ServiceGroup {
    /// The namespace.
    pub namespace: String,
    /// Its services.
    #[serde(deserialize_with = "serde_null::deserialize")]
    pub services: Vec<ServiceStub>,
}

/// A service in a list.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ServiceStub {
    /// Its name.
    pub service_name: String,
    /// All its tags.
    #[serde(deserialize_with = "serde_null::deserialize")]
    pub tags: Vec<String>,
}

/// What a search found.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct SearchMatches {
    /// Ids by context.
    #[serde(deserialize_with = "serde_null::deserialize")]
    pub matches: BTreeMap<String, Option<Vec<String>>>,
    /// Contexts with more than was returned.
    #[serde(deserialize_with = "serde_null::deserialize")]
    pub truncations: BTreeMap<String, bool>,
}

/// The scheduler's settings with their index.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct SchedulerSettings {
    /// The settings.
    pub scheduler_config: SchedulerConfiguration,
    /// Index they were read at.
    pub last_index: u64,
}

/// A variable without its items.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct VariableMetadata {
    /// Its namespace.
    pub namespace: String,
    /// Its path.
    pub path: String,
    /// Index of creation.
    pub create_index: u64,
    /// When it was made.
    pub create_time: UnixNanos,
    /// Index of the last change.
    pub modify_index: u64,
    /// When it last changed.
    pub modify_time: UnixNanos,
}

/// A variable.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Variable {
    /// Its namespace; empty: the client's.
    pub namespace: String,
    /// Its path.
    pub path: String,
    /// Index of creation.
    pub create_index: u64,
    /// When it was made.
    pub create_time: UnixNanos,
    /// Index of the last change.
    pub modify_index: u64,
    /// When it last changed.
    pub modify_time: UnixNanos,
    /// The items.
    #[serde(deserialize_with = "serde_null::deserialize")]
    pub items: BTreeMap<String, String>,
}
