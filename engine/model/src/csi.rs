//! Volumes and plugins of the Container Storage Interface.

use crate::volume::VolumeCapability;
use crate::{TextMap, VolumeMountOptions, WireTime, wire_enum};
use drover_base::{AllocId, Namespace, NodeId, UnixNanos, serde_null};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Access modes of CSI volumes.
pub const CSI_ACCESS_MODES: [&str; 5] = [
    "single-node-reader-only",
    "single-node-writer",
    "multi-node-reader-only",
    "multi-node-single-writer",
    "multi-node-multi-writer",
];

/// Whether an access mode lets several allocations write.
fn shares_writers(mode: &str) -> bool {
    mode == "multi-node-multi-writer"
}

/// Whether an access mode lets anybody write.
fn has_writers(mode: &str) -> bool {
    matches!(mode, "single-node-writer" | "multi-node-single-writer" | "multi-node-multi-writer")
}

/// Where something can be reached from: segment names and values.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct CsiTopology {
    /// E.g. `rack` → `R1`.
    #[serde(with = "serde_null")]
    pub segments: TextMap,
}

impl CsiTopology {
    /// Whether something that is reachable from `self` can be reached from `other`.
    pub fn is_within(&self, other: &Self) -> bool {
        self.segments.iter().all(|(key, value)| other.segments.get(key) == Some(value))
    }
}

/// Where a new volume should be reachable from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct CsiTopologyRequest {
    /// From one of these at least.
    #[serde(with = "serde_null")]
    pub required: Vec<CsiTopology>,
    /// Better from these.
    #[serde(with = "serde_null")]
    pub preferred: Vec<CsiTopology>,
}

wire_enum! {
    /// What an allocation does with a volume.
    CsiClaimMode {
        /// Reads.
        Read = "read",
        /// Writes.
        Write = "write",
    } default Read
}

wire_enum! {
    /// How far the release of a claim is.
    CsiClaimState {
        /// It is in use.
        Taken = "taken",
        /// The allocation is over.
        Unpublishing = "unpublishing",
        /// The node has let go of it.
        NodeDetached = "node-detached",
        /// The controller has let go of it: the claim may go.
        ReadyToFree = "ready-to-free",
    } default Taken
}

/// An allocation's hold on a CSI volume.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct CsiClaim {
    /// The allocation.
    #[serde(rename = "AllocationID")]
    pub alloc_id: AllocId,
    /// Its node.
    #[serde(rename = "NodeID")]
    pub node_id: NodeId,
    /// The node as the storage provider knows it.
    #[serde(rename = "ExternalNodeID")]
    pub external_node_id: String,
    /// Reads or writes.
    pub mode: CsiClaimMode,
    /// E.g. `single-node-writer`.
    pub access_mode: String,
    /// `file-system` or `block-device`.
    pub attachment_mode: String,
    /// How far its release is.
    pub state: CsiClaimState,
}

/// A volume of an external storage provider. Secrets and mount flags are never shown.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct CsiVolume {
    /// Unique within the namespace.
    #[serde(rename = "ID")]
    pub id: String,
    /// Namespace.
    pub namespace: Namespace,
    /// For people, and for the plugin when it makes the volume.
    pub name: String,
    /// What the storage provider calls it.
    #[serde(rename = "ExternalID")]
    pub external_id: String,
    /// From where it can be reached.
    #[serde(deserialize_with = "serde_null::deserialize")]
    pub topologies: Vec<CsiTopology>,
    /// From where it should be reachable.
    pub requested_topologies: Option<CsiTopologyRequest>,
    /// How it is used now; empty while nobody does.
    pub access_mode: String,
    /// How it is used now; empty while nobody does.
    pub attachment_mode: String,
    /// How to mount it.
    pub mount_options: Option<VolumeMountOptions>,
    /// For the plugin's calls.
    #[serde(deserialize_with = "serde_null::deserialize")]
    pub secrets: TextMap,
    /// For the plugin when it makes the volume.
    #[serde(deserialize_with = "serde_null::deserialize")]
    pub parameters: TextMap,
    /// For the plugin when it mounts the volume.
    #[serde(deserialize_with = "serde_null::deserialize")]
    pub context: TextMap,
    /// Bytes.
    pub capacity: i64,
    /// At least so many bytes.
    pub requested_capacity_min: i64,
    /// At most so many bytes.
    pub requested_capacity_max: i64,
    /// How it may be used.
    #[serde(with = "serde_null")]
    pub requested_capabilities: Vec<VolumeCapability>,
    /// Copied from this volume.
    #[serde(rename = "CloneID")]
    pub clone_id: String,
    /// Made from this snapshot.
    #[serde(rename = "SnapshotID")]
    pub snapshot_id: String,
    /// The plugin.
    #[serde(rename = "PluginID")]
    pub plugin_id: String,
    /// The plugin's own name.
    pub provider: String,
    /// Its version.
    pub provider_version: String,
    /// Whether attaching goes through a controller.
    pub controller_required: bool,
    /// Since when the provider has no more room for it; null: it has.
    pub resource_exhausted: Option<WireTime>,
    /// Who reads.
    #[serde(deserialize_with = "serde_null::deserialize")]
    pub read_claims: BTreeMap<AllocId, CsiClaim>,
    /// Who writes.
    #[serde(deserialize_with = "serde_null::deserialize")]
    pub write_claims: BTreeMap<AllocId, CsiClaim>,
    /// What is being released.
    #[serde(deserialize_with = "serde_null::deserialize")]
    pub past_claims: BTreeMap<AllocId, CsiClaim>,
    /// Raft index of creation.
    pub create_index: u64,
    /// Raft index of the last change.
    pub modify_index: u64,
    /// When it was made.
    pub create_time: UnixNanos,
    /// When it last changed.
    pub modify_time: UnixNanos,
}

impl CsiVolume {
    /// Whether any allocation holds it.
    pub fn is_in_use(&self) -> bool {
        !self.read_claims.is_empty() || !self.write_claims.is_empty()
    }

    /// Whether one more reader would be let in.
    pub fn has_free_reader(&self) -> bool {
        match self.access_mode.as_str() {
            "single-node-reader-only" => self.read_claims.is_empty(),
            "single-node-writer" => self.read_claims.is_empty() && self.write_claims.is_empty(),
            _ => true,
        }
    }

    /// Whether it may be written at all.
    pub fn is_writable(&self) -> bool {
        match self.access_mode.as_str() {
            "" => self.requested_capabilities.iter().any(|able| has_writers(&able.access_mode)),
            mode => has_writers(mode),
        }
    }

    /// Whether one more writer would be let in.
    pub fn has_free_writer(&self) -> bool {
        match self.access_mode.as_str() {
            "" => self.is_writable(),
            mode => shares_writers(mode) || (has_writers(mode) && self.write_claims.is_empty()),
        }
    }

    /// Every claim that is not fully released.
    pub fn claims(&self) -> impl Iterator<Item = &CsiClaim> {
        self.read_claims.values().chain(self.write_claims.values())
    }
}

/// What a plugin can do for controllers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
#[expect(clippy::struct_excessive_bools, reason = "the wire lists capabilities so")]
pub struct CsiControllerInfo {
    /// Make and remove volumes.
    pub supports_create_delete: bool,
    /// Attach volumes to nodes.
    pub supports_attach_detach: bool,
    /// List volumes.
    pub supports_list_volumes: bool,
    /// Say how much room there is.
    pub supports_get_capacity: bool,
    /// Make and remove snapshots.
    pub supports_create_delete_snapshot: bool,
    /// List snapshots.
    pub supports_list_snapshots: bool,
    /// Copy volumes.
    pub supports_clone: bool,
    /// Attach for reading only.
    pub supports_read_only_attach: bool,
    /// Grow volumes.
    pub supports_expand: bool,
    /// Tell where volumes are attached.
    pub supports_list_volumes_attached_nodes: bool,
    /// Tell how volumes are.
    pub supports_condition: bool,
    /// Describe one volume.
    pub supports_get: bool,
}

/// What a plugin can do on a node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
#[expect(clippy::struct_excessive_bools, reason = "the wire lists capabilities so")]
pub struct CsiNodeInfo {
    /// The node as the storage provider knows it.
    #[serde(rename = "ID")]
    pub id: String,
    /// At most so many volumes; 0: no limit.
    pub max_volumes: i64,
    /// Where the node is.
    pub accessible_topology: Option<CsiTopology>,
    /// Volumes are staged once per node before they are published.
    pub requires_node_stage_volume: bool,
    /// Tell how full volumes are.
    pub supports_stats: bool,
    /// Grow volumes.
    pub supports_expand: bool,
    /// Tell how volumes are.
    pub supports_condition: bool,
}

/// One running instance of a plugin.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct CsiInfo {
    /// The plugin's id in the job.
    #[serde(rename = "PluginID")]
    pub plugin_id: String,
    /// The allocation that runs it.
    #[serde(rename = "AllocID")]
    pub alloc_id: AllocId,
    /// Whether it answers.
    pub healthy: bool,
    /// Why not.
    pub health_description: String,
    /// When that was found.
    pub update_time: Option<WireTime>,
    /// Its own name.
    pub provider: String,
    /// Its version.
    pub provider_version: String,
    /// Attaching goes through a controller.
    pub requires_controller_plugin: bool,
    /// Volumes cannot be reached from everywhere.
    pub requires_topologies: bool,
    /// As a controller.
    pub controller_info: Option<CsiControllerInfo>,
    /// On its node.
    pub node_info: Option<CsiNodeInfo>,
}

/// A plugin, put together from its instances on all nodes and the jobs that run them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct CsiPlugin {
    /// Its id in the jobs.
    #[serde(rename = "ID")]
    pub id: String,
    /// Its own name.
    pub provider: String,
    /// Its version.
    pub version: String,
    /// Attaching goes through a controller.
    pub controller_required: bool,
    /// Controllers by node.
    #[serde(deserialize_with = "serde_null::deserialize")]
    pub controllers: BTreeMap<NodeId, CsiInfo>,
    /// Instances on nodes.
    #[serde(deserialize_with = "serde_null::deserialize")]
    pub nodes: BTreeMap<NodeId, CsiInfo>,
    /// Controllers that answer.
    pub controllers_healthy: i64,
    /// Controllers that jobs ask for.
    pub controllers_expected: i64,
    /// Nodes where it answers.
    pub nodes_healthy: i64,
    /// Nodes where jobs ask for it.
    pub nodes_expected: i64,
    /// Raft index of creation.
    pub create_index: u64,
    /// Raft index of the last change.
    pub modify_index: u64,
    /// When it came up.
    pub create_time: UnixNanos,
    /// When it last changed.
    pub modify_time: UnixNanos,
}

impl CsiPlugin {
    /// Whether nothing of it is left.
    pub fn is_empty(&self) -> bool {
        self.controllers.is_empty()
            && self.nodes.is_empty()
            && self.controllers_expected == 0
            && self.nodes_expected == 0
    }

    /// Whether volumes of it can be attached somewhere.
    pub fn is_schedulable(&self) -> bool {
        self.nodes_healthy > 0 && (!self.controller_required || self.controllers_healthy > 0)
    }

    /// Counts its healthy instances.
    pub fn count(&mut self) {
        let healthy = |all: &BTreeMap<NodeId, CsiInfo>| {
            i64::try_from(all.values().filter(|info| info.healthy).count()).unwrap_or(i64::MAX)
        };
        self.controllers_healthy = healthy(&self.controllers);
        self.nodes_healthy = healthy(&self.nodes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn volume(mode: &str) -> CsiVolume {
        CsiVolume {
            access_mode: mode.to_owned(),
            requested_capabilities: vec![VolumeCapability {
                access_mode: "multi-node-single-writer".into(),
                attachment_mode: "file-system".into(),
            }],
            ..CsiVolume::default()
        }
    }

    #[test]
    fn modes_say_who_else_may_come() {
        let claim = || BTreeMap::from([(AllocId::from("a"), CsiClaim::default())]);
        let written = |mode| CsiVolume { write_claims: claim(), ..volume(mode) };
        assert!(volume("").has_free_writer() && volume("").has_free_reader());
        assert!(!written("single-node-writer").has_free_writer());
        assert!(!written("single-node-writer").has_free_reader());
        assert!(!written("multi-node-single-writer").has_free_writer());
        assert!(written("multi-node-single-writer").has_free_reader());
        assert!(written("multi-node-multi-writer").has_free_writer());
        assert!(!volume("multi-node-reader-only").is_writable());
    }
}
