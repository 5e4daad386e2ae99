//! Dynamic host volumes: directories that a node made or was told of, and who stays with which.

use crate::{Constraint, TextMap, wire_enum};
use drover_base::{AllocId, JobId, Namespace, NodeId, UnixNanos, serde_null};
use serde::{Deserialize, Serialize};

wire_enum! {
    /// Where a dynamic host volume stands.
    HostVolumeState {
        /// The node has not reported it yet.
        Pending = "pending",
        /// The node has it.
        Ready = "ready",
        /// The node is down or gone.
        Unavailable = "unavailable",
    } default Pending
}

/// Access modes of host volumes.
pub const HOST_ACCESS_MODES: [&str; 4] =
    ["single-node-reader-only", "single-node-writer", "single-node-single-writer", "single-node-multi-writer"];
/// Attachment modes of all volumes.
pub const ATTACHMENT_MODES: [&str; 2] = ["block-device", "file-system"];

/// One way in which a volume may be used.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct VolumeCapability {
    /// `file-system` or `block-device`.
    pub attachment_mode: String,
    /// E.g. `single-node-writer`.
    pub access_mode: String,
}

/// A volume on one node that was made, or registered, through the API.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct HostVolume {
    /// Namespace.
    pub namespace: Namespace,
    /// A UUID.
    #[serde(rename = "ID")]
    pub id: String,
    /// What jobs ask for; unique per node.
    pub name: String,
    /// The plugin that made it; empty for registered ones.
    #[serde(rename = "PluginID")]
    pub plugin_id: String,
    /// The pool that it was placed in.
    pub node_pool: String,
    /// Where it is.
    #[serde(rename = "NodeID")]
    pub node_id: NodeId,
    /// Which nodes may have it.
    #[serde(with = "serde_null")]
    pub constraints: Vec<Constraint>,
    /// At least so many bytes.
    pub requested_capacity_min_bytes: i64,
    /// At most so many bytes.
    pub requested_capacity_max_bytes: i64,
    /// What the plugin says.
    pub capacity_bytes: i64,
    /// How it may be used.
    #[serde(with = "serde_null")]
    pub requested_capabilities: Vec<VolumeCapability>,
    /// For the plugin.
    #[serde(with = "serde_null")]
    pub parameters: TextMap,
    /// The directory or device.
    pub host_path: String,
    /// Where it stands.
    pub state: HostVolumeState,
    /// Raft index of creation.
    pub create_index: u64,
    /// When it was made.
    pub create_time: UnixNanos,
    /// Raft index of the last change.
    pub modify_index: u64,
    /// When it was last changed.
    pub modify_time: UnixNanos,
}

impl HostVolume {
    /// Whether it may be used so; an empty mode asks for nothing.
    pub fn allows(&self, access: &str, attachment: &str) -> bool {
        self.requested_capabilities.is_empty()
            || self.requested_capabilities.iter().any(|able| {
                (access.is_empty() || able.access_mode == access)
                    && (attachment.is_empty() || able.attachment_mode == attachment)
            })
    }
}

/// A group's hold on one sticky volume: its allocations stay with it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct VolumeClaim {
    /// A UUID.
    #[serde(rename = "ID")]
    pub id: String,
    /// Namespace of the job.
    pub namespace: Namespace,
    /// The job.
    #[serde(rename = "JobID")]
    pub job_id: JobId,
    /// The group.
    pub task_group_name: String,
    /// The allocation that holds it, or held it last.
    #[serde(rename = "AllocID")]
    pub alloc_id: AllocId,
    /// The volume.
    #[serde(rename = "VolumeID")]
    pub volume_id: String,
    /// Its name.
    pub volume_name: String,
    /// Raft index of creation.
    pub create_index: u64,
    /// Raft index of the last change.
    pub modify_index: u64,
}
