//! Registered services, and the other small tables.

use crate::{TextMap, wire_enum};
use drover_base::{AllocId, JobId, Namespace, Nanos, NodeId, UnixNanos, serde_null};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A live instance of a service.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ServiceRegistration {
    /// `_nomad-task-ALLOC-TASK-NAME-PORT`.
    #[serde(rename = "ID")]
    pub id: String,
    /// The service's name.
    pub service_name: String,
    /// Namespace of its job.
    pub namespace: Namespace,
    /// Its node.
    #[serde(rename = "NodeID")]
    pub node_id: NodeId,
    /// The node's datacenter.
    pub datacenter: String,
    /// Its job.
    #[serde(rename = "JobID")]
    pub job_id: JobId,
    /// Its allocation.
    #[serde(rename = "AllocID")]
    pub alloc_id: AllocId,
    /// Tags.
    pub tags: Vec<String>,
    /// Address.
    pub address: String,
    /// Port.
    pub port: u16,
    /// Raft index of creation.
    pub create_index: u64,
    /// Raft index of the last change.
    pub modify_index: u64,
}

/// Counts of a job's allocations, by group and by child.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct JobSummary {
    /// The job.
    #[serde(rename = "JobID")]
    pub job_id: JobId,
    /// Its namespace.
    pub namespace: Namespace,
    /// By group.
    pub summary: BTreeMap<String, GroupSummary>,
    /// Of the jobs that it made.
    pub children: Option<ChildrenSummary>,
    /// Raft index of creation.
    pub create_index: u64,
    /// Raft index of the last change.
    pub modify_index: u64,
}

/// Counts of a group's allocations.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct GroupSummary {
    /// Still to be placed.
    pub queued: u32,
    /// Ended well.
    pub complete: u32,
    /// Failed.
    pub failed: u32,
    /// Running.
    pub running: u32,
    /// Placed, not running yet.
    pub starting: u32,
    /// Lost with their node.
    pub lost: u32,
    /// Out of reach.
    pub unknown: u32,
}

/// Counts of the jobs that a job made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ChildrenSummary {
    /// Pending.
    pub pending: i64,
    /// Running.
    pub running: i64,
    /// Dead.
    pub dead: i64,
}

/// What a job was made from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct JobSubmission {
    /// The text.
    pub source: String,
    /// `hcl1`, `hcl2`, `json`.
    pub format: String,
    /// From the command line.
    #[serde(with = "serde_null")]
    pub variable_flags: TextMap,
    /// From files, as text.
    pub variables: String,
    /// The job's namespace.
    pub namespace: Namespace,
    /// The job.
    #[serde(rename = "JobID")]
    pub job_id: JobId,
    /// Its version.
    pub version: u64,
    /// The job's registration index.
    pub job_modify_index: u64,
}

/// A namespace.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct NamespaceSpec {
    /// Its name.
    pub name: Namespace,
    /// For people.
    pub description: String,
    /// Its quota.
    pub quota: String,
    /// What jobs in it may use.
    pub capabilities: Option<NamespaceCapabilities>,
    /// Pools that its jobs may use.
    pub node_pool_configuration: Option<serde_json::Value>,
    /// Vault clusters that its jobs may use.
    pub vault_configuration: Option<serde_json::Value>,
    /// Consul clusters that its jobs may use.
    pub consul_configuration: Option<serde_json::Value>,
    /// Meta.
    #[serde(with = "serde_null")]
    pub meta: TextMap,
    /// Raft index of creation.
    pub create_index: u64,
    /// Raft index of the last change.
    pub modify_index: u64,
}

/// What jobs in a namespace may use.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct NamespaceCapabilities {
    /// Only these drivers.
    #[serde(with = "serde_null")]
    pub enabled_task_drivers: Vec<String>,
    /// Not these.
    #[serde(with = "serde_null")]
    pub disabled_task_drivers: Vec<String>,
    /// Only these network modes.
    #[serde(with = "serde_null")]
    pub enabled_network_modes: Vec<String>,
    /// Not these.
    #[serde(with = "serde_null")]
    pub disabled_network_modes: Vec<String>,
}

/// A pool of nodes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct NodePool {
    /// Its name.
    pub name: String,
    /// For people.
    pub description: String,
    /// Meta.
    #[serde(with = "serde_null")]
    pub meta: TextMap,
    /// How long identities of its nodes are valid.
    #[serde(rename = "NodeIdentityTTL", deserialize_with = "crate::duration_text::deserialize")]
    pub node_identity_ttl: Nanos,
    /// How its jobs are scheduled.
    pub scheduler_configuration: Option<NodePoolScheduler>,
    /// Raft index of creation.
    pub create_index: u64,
    /// Raft index of the last change.
    pub modify_index: u64,
}

/// How a pool's jobs are scheduled.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct NodePoolScheduler {
    /// `binpack`, `spread` or empty.
    pub scheduler_algorithm: String,
    /// Instead of the cluster's.
    pub memory_oversubscription_enabled: Option<bool>,
}

/// The pool that every node without another is in.
pub const DEFAULT_NODE_POOL: &str = "default";
/// The pool that stands for all nodes.
pub const ALL_NODE_POOL: &str = "all";

/// How the whole cluster schedules.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct SchedulerConfiguration {
    /// `binpack` or `spread`.
    pub scheduler_algorithm: String,
    /// Which schedulers may push out lower priorities.
    pub preemption_config: PreemptionConfig,
    /// Let tasks use more memory than they reserved.
    pub memory_oversubscription_enabled: bool,
    /// Refuse registrations.
    pub reject_job_registration: bool,
    /// Hold the evaluation broker.
    pub pause_eval_broker: bool,
    /// Kept for those who set it: here all nodes are looked at. 0: no limit.
    pub node_limit_for_feasibility_checks: u64,
    /// Raft index of creation.
    pub create_index: u64,
    /// Raft index of the last change.
    pub modify_index: u64,
}

impl Default for SchedulerConfiguration {
    fn default() -> Self {
        Self {
            scheduler_algorithm: "binpack".to_owned(),
            preemption_config: PreemptionConfig::default(),
            memory_oversubscription_enabled: false,
            reject_job_registration: false,
            pause_eval_broker: false,
            node_limit_for_feasibility_checks: 0,
            create_index: 0,
            modify_index: 0,
        }
    }
}

/// Which schedulers may push out lower priorities.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct PreemptionConfig {
    /// system.
    pub system_scheduler_enabled: bool,
    /// sysbatch.
    #[serde(rename = "SysBatchSchedulerEnabled")]
    pub sysbatch_scheduler_enabled: bool,
    /// batch.
    pub batch_scheduler_enabled: bool,
    /// service.
    pub service_scheduler_enabled: bool,
}

impl Default for PreemptionConfig {
    fn default() -> Self {
        Self {
            system_scheduler_enabled: true,
            sysbatch_scheduler_enabled: false,
            batch_scheduler_enabled: false,
            service_scheduler_enabled: false,
        }
    }
}

/// An engine variable as stored: its items are sealed by the keyring before they get here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct StoredVariable {
    /// Namespace.
    pub namespace: Namespace,
    /// Path.
    pub path: String,
    /// Items, sealed (AES-256-GCM: nonce and ciphertext).
    pub sealed: Vec<u8>,
    /// The key that sealed them.
    pub key_id: String,
    /// Who holds it.
    pub lock: Option<VariableLock>,
    /// Raft index of creation.
    pub create_index: u64,
    /// Raft index of the last change.
    pub modify_index: u64,
    /// When it was made.
    pub create_time: UnixNanos,
    /// When it last changed.
    pub modify_time: UnixNanos,
}

/// A hold on a variable: only who knows its id may change the variable.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct VariableLock {
    /// How long it lasts without being renewed.
    #[serde(rename = "TTL", with = "crate::duration_text")]
    pub ttl: Nanos,
    /// How long nobody else may take it after it ran out.
    #[serde(with = "crate::duration_text")]
    pub lock_delay: Nanos,
    /// A UUID, known to the holder.
    #[serde(rename = "ID")]
    pub id: String,
}

/// How servers that fail are dealt with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct AutopilotConfiguration {
    /// A server that was not heard of for so long is unhealthy.
    #[serde(with = "crate::duration_text")]
    pub last_contact_threshold: Nanos,
    /// A new server must be healthy for so long before it votes.
    #[serde(with = "crate::duration_text")]
    pub server_stabilization_time: Nanos,
    /// Servers that failed are removed when new ones come.
    pub cleanup_dead_servers: bool,
    /// A server that is so many entries behind is unhealthy.
    pub max_trailing_logs: u64,
    /// Never fewer servers than these.
    pub min_quorum: u64,
    /// Of the enterprise edition.
    pub enable_redundancy_zones: bool,
    /// Of the enterprise edition.
    pub disable_upgrade_migration: bool,
    /// Of the enterprise edition.
    pub enable_custom_upgrades: bool,
    /// Raft index of creation.
    pub create_index: u64,
    /// Raft index of the last change.
    pub modify_index: u64,
}

impl Default for AutopilotConfiguration {
    /// What a new cluster begins with.
    fn default() -> Self {
        Self {
            last_contact_threshold: Nanos::from_millis(200),
            server_stabilization_time: Nanos::from_secs(10),
            cleanup_dead_servers: true,
            max_trailing_logs: 250,
            min_quorum: 0,
            enable_redundancy_zones: false,
            disable_upgrade_migration: false,
            enable_custom_upgrades: false,
            create_index: 1,
            modify_index: 1,
        }
    }
}

/// A change of a group's count, kept for people and autoscalers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ScalingEvent {
    /// When.
    pub time: UnixNanos,
    /// The new count; `None` when only a message was left.
    pub count: Option<i64>,
    /// The count before.
    pub previous_count: i64,
    /// For people.
    pub message: String,
    /// Whether the autoscaler reported an error.
    pub error: bool,
    /// Given by the caller.
    #[serde(with = "serde_null")]
    pub meta: crate::ConfigMap,
    /// The evaluation that it made.
    #[serde(rename = "EvalID")]
    pub eval_id: Option<drover_base::EvalId>,
    /// Raft index.
    pub create_index: u64,
}

/// The scaling events kept per group.
pub const MAX_SCALING_EVENTS: usize = 20;

wire_enum! {
    /// What a key of the keyring is used for.
    RootKeyState {
        /// It seals and signs.
        Active = "active",
        /// It opens what it sealed, and checks what it signed.
        Inactive = "inactive",
        /// Its public key is published already; it becomes active later.
        Prepublished = "prepublished",
        /// As inactive, while everything that it sealed is sealed anew.
        Rekeying = "rekeying",
        /// As inactive; nothing is sealed with it any more.
        Deprecated = "deprecated",
    } default Inactive
}

/// What is replicated of a key of the keyring. Its secret material stays in the keystores of the servers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct RootKey {
    /// A UUID.
    #[serde(rename = "KeyID")]
    pub key_id: String,
    /// E.g. `aes256-gcm`.
    pub algorithm: String,
    /// What it is used for now.
    pub state: RootKeyState,
    /// Modulus of the public key that checks what it signed, big endian.
    pub public_modulus: Vec<u8>,
    /// Exponent of that key, big endian.
    pub public_exponent: Vec<u8>,
    /// When it was made.
    pub create_time: UnixNanos,
    /// When it becomes active, for one that is published first.
    pub publish_time: UnixNanos,
    /// Raft index of creation.
    pub create_index: u64,
    /// Raft index of the last change.
    pub modify_index: u64,
}
