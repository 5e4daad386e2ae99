//! Nodes: where allocations run.

use crate::csi::CsiInfo;
use crate::resources::{NodeReservedResources, NodeResources};
use crate::{TextMap, wire_enum};
use drover_base::{Nanos, NodeId, WireTime, serde_null};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

wire_enum! {
    /// Where a node stands.
    NodeStatus {
        /// Not ready yet.
        Initializing = "initializing",
        /// Takes work.
        Ready = "ready",
        /// Missed its heartbeats.
        Down = "down",
        /// Missed its heartbeats, but its allocations may live on.
        Disconnected = "disconnected",
    } default Initializing
}

wire_enum! {
    /// Whether new work may be placed on a node.
    NodeEligibility {
        /// Yes.
        Eligible = "eligible",
        /// No.
        Ineligible = "ineligible",
    } default Eligible
}

/// A machine that runs allocations.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Node {
    /// A UUID.
    #[serde(rename = "ID")]
    pub id: NodeId,
    /// Known to the node and the servers only; never shown.
    #[serde(rename = "SecretID")]
    pub secret_id: String,
    /// Datacenter.
    pub datacenter: String,
    /// Name, usually the host's.
    pub name: String,
    /// Class given by the operator.
    pub node_class: String,
    /// Pool.
    pub node_pool: String,
    /// `address:port` of its HTTP API.
    #[serde(rename = "HTTPAddr")]
    pub http_addr: String,
    /// HTTP over TLS.
    #[serde(rename = "TLSEnabled")]
    pub tls_enabled: bool,
    /// What it was found to be.
    pub attributes: TextMap,
    /// What it has.
    pub node_resources: NodeResources,
    /// What it keeps for itself.
    pub reserved_resources: NodeReservedResources,
    /// Ids in clouds.
    #[serde(deserialize_with = "serde_null::deserialize")]
    pub links: TextMap,
    /// Given by the operator.
    #[serde(deserialize_with = "serde_null::deserialize")]
    pub meta: TextMap,
    /// Hash of what makes nodes interchangeable.
    pub computed_class: String,
    /// Parent of the tasks' cgroups.
    pub cgroup_parent: String,
    /// Where it stands.
    pub status: NodeStatus,
    /// For people.
    pub status_description: String,
    /// Epoch seconds of the last change of status.
    pub status_updated_at: i64,
    /// Whether it is being emptied.
    pub drain: bool,
    /// How it is being emptied.
    pub drain_strategy: Option<DrainStrategy>,
    /// The last emptying.
    pub last_drain: Option<DrainMetadata>,
    /// Whether new work may come.
    pub scheduling_eligibility: NodeEligibility,
    /// The newest events.
    #[serde(with = "serde_null")]
    pub events: Vec<NodeEvent>,
    /// Its drivers.
    pub drivers: BTreeMap<String, DriverInfo>,
    /// Volumes of the host.
    #[serde(deserialize_with = "serde_null::deserialize")]
    pub host_volumes: BTreeMap<String, HostVolumeConfig>,
    /// Named networks of the host.
    #[serde(with = "serde_null")]
    pub host_networks: BTreeMap<String, serde_json::Value>,
    /// CSI controllers.
    #[serde(rename = "CSIControllerPlugins", deserialize_with = "serde_null::deserialize")]
    pub csi_controller_plugins: BTreeMap<String, CsiInfo>,
    /// CSI nodes.
    #[serde(rename = "CSINodePlugins", deserialize_with = "serde_null::deserialize")]
    pub csi_node_plugins: BTreeMap<String, CsiInfo>,
    /// Limit of allocations; 0: none.
    pub node_max_allocs: u32,
    /// Collect its volumes when it is collected.
    #[serde(rename = "GCVolumesOnNodeGC")]
    pub gc_volumes_on_node_gc: bool,
    /// Key that signed its identity.
    #[serde(rename = "IdentitySigningKeyID")]
    pub identity_signing_key_id: String,
    /// Raft index of the last missed heartbeat.
    pub last_missed_heartbeat_index: u64,
    /// Raft index of its last update of allocations.
    pub last_alloc_update_index: u64,
    /// Raft index of creation.
    pub create_index: u64,
    /// Raft index of the last change.
    pub modify_index: u64,
}

impl Node {
    /// Whether the scheduler may place on it.
    pub fn is_ready(&self) -> bool {
        self.status == NodeStatus::Ready
            && self.drain_strategy.is_none()
            && self.scheduling_eligibility == NodeEligibility::Eligible
    }
}

/// What one driver says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct DriverInfo {
    /// What it was found to be.
    #[serde(deserialize_with = "serde_null::deserialize")]
    pub attributes: TextMap,
    /// Whether it is there.
    pub detected: bool,
    /// Whether it works.
    pub healthy: bool,
    /// Why not.
    pub health_description: String,
    /// When this was found.
    pub update_time: WireTime,
}

/// A volume of the host.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct HostVolumeConfig {
    /// Its name.
    pub name: String,
    /// Its path.
    pub path: String,
    /// No writes.
    pub read_only: bool,
    /// Its id, for dynamic ones.
    #[serde(rename = "ID")]
    pub id: String,
}

/// How to empty a node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct DrainSpec {
    /// Until what remains is stopped; negative: at once, 0: never.
    pub deadline: Nanos,
    /// Leave system jobs alone.
    pub ignore_system_jobs: bool,
}

/// A drain under way.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct DrainStrategy {
    /// Until what remains is stopped.
    pub deadline: Nanos,
    /// Leave system jobs alone.
    pub ignore_system_jobs: bool,
    /// When that is.
    pub force_deadline: WireTime,
    /// When it began.
    pub started_at: WireTime,
}

/// What became of a drain.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct DrainMetadata {
    /// When it began.
    pub started_at: WireTime,
    /// When it last changed.
    pub updated_at: WireTime,
    /// `draining`, `complete`, `canceled`.
    pub status: String,
    /// Accessor of the token that asked for it.
    #[serde(rename = "AccessorID")]
    pub accessor_id: String,
    /// Given by the operator.
    #[serde(with = "serde_null")]
    pub meta: TextMap,
}

/// The node events kept.
pub const MAX_NODE_EVENTS: usize = 10;

/// Something that happened to a node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct NodeEvent {
    /// What people read.
    pub message: String,
    /// `Cluster`, `Drain`, `Driver`, `Heartbeat`, …
    pub subsystem: String,
    /// Everything else.
    #[serde(with = "serde_null")]
    pub details: TextMap,
    /// When.
    pub timestamp: WireTime,
    /// Raft index.
    pub create_index: u64,
}
