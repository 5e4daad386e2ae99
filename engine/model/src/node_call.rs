//! What servers ask of a node that has storage: volumes to make and remove, calls of CSI controllers.

use crate::TextMap;
use crate::csi::{CsiClaim, CsiTopology, CsiVolume};
use crate::volume::HostVolume;
use drover_base::{UnixNanos, serde_null};
use serde::{Deserialize, Serialize};

/// A call to a node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum NodeCall {
    /// Make a host volume with its plugin; again for one that is there. Answer: [`NodeReply::HostVolume`].
    CreateHostVolume(HostVolume),
    /// Take up a directory that is there as a volume.
    RegisterHostVolume(HostVolume),
    /// Remove a volume: with its plugin, or merely forget it when it was registered.
    DeleteHostVolume(HostVolume),
    /// Make a volume. Answer: [`NodeReply::CsiVolume`].
    CsiCreate(CsiVolume),
    /// Remove the volume at the storage provider.
    CsiDelete(CsiVolume),
    /// Whether the provider has the volume, with the capabilities that are asked for.
    CsiValidate(CsiVolume),
    /// Attach a volume to a node. Answer: [`NodeReply::Context`].
    CsiAttach {
        /// The volume.
        volume: CsiVolume,
        /// Who wants it, and where.
        claim: CsiClaim,
    },
    /// Detach a volume from a node.
    CsiDetach {
        /// The volume.
        volume: CsiVolume,
        /// Who had it, and where.
        claim: CsiClaim,
    },
    /// Unmount what an allocation left mounted on this node.
    CsiUnmount {
        /// The volume.
        volume: CsiVolume,
        /// Who had it.
        claim: CsiClaim,
    },
    /// The provider's volumes. Answer: [`NodeReply::CsiVolumes`].
    CsiList {
        /// The plugin.
        plugin: String,
        /// At most so many; 0: all.
        max: i32,
        /// Where the page begins.
        token: String,
    },
    /// Make snapshots. Answer: [`NodeReply::CsiSnapshots`] with one.
    CsiSnapshot(CsiSnapshot),
    /// Remove a snapshot.
    CsiDeleteSnapshot(CsiSnapshot),
    /// The provider's snapshots. Answer: [`NodeReply::CsiSnapshots`].
    CsiListSnapshots {
        /// The plugin.
        plugin: String,
        /// For the plugin's call.
        secrets: TextMap,
        /// At most so many; 0: all.
        max: i32,
        /// Where the page begins.
        token: String,
    },
}

/// What a node answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum NodeReply {
    /// Nothing to say.
    Done,
    /// A host volume is there.
    HostVolume {
        /// Its directory or device.
        path: String,
        /// Its size; 0: unknown.
        bytes: i64,
    },
    /// A volume was made.
    CsiVolume {
        /// What the provider calls it.
        external_id: String,
        /// Bytes.
        capacity: i64,
        /// For mounts.
        context: TextMap,
        /// From where it can be reached.
        topologies: Vec<CsiTopology>,
    },
    /// What mounting needs to know of an attached volume.
    Context(TextMap),
    /// Volumes of a provider.
    CsiVolumes {
        /// The volumes.
        volumes: Vec<CsiExternalVolume>,
        /// Where the next page begins; empty: this is the last.
        next_token: String,
    },
    /// Snapshots of a provider.
    CsiSnapshots {
        /// The snapshots.
        snapshots: Vec<CsiSnapshot>,
        /// Where the next page begins; empty: this is the last.
        next_token: String,
    },
}

/// A volume as its storage provider describes it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct CsiExternalVolume {
    /// What the provider calls it.
    #[serde(rename = "ExternalID")]
    pub external_id: String,
    /// Bytes.
    pub capacity_bytes: i64,
    /// For mounts.
    #[serde(with = "serde_null")]
    pub volume_context: TextMap,
    /// Copied from this volume.
    #[serde(rename = "CloneID")]
    pub clone_id: String,
    /// Made from this snapshot.
    #[serde(rename = "SnapshotID")]
    pub snapshot_id: String,
    /// Nodes, as the provider knows them, to which it is attached.
    #[serde(rename = "PublishedExternalNodeIDs", with = "serde_null")]
    pub published_external_node_ids: Vec<String>,
    /// Something is wrong with it.
    pub is_abnormal: bool,
    /// What.
    pub status: String,
}

/// A snapshot of a CSI volume.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct CsiSnapshot {
    /// What the provider calls it.
    #[serde(rename = "ID")]
    pub id: String,
    /// The volume as the provider knows it.
    #[serde(rename = "ExternalSourceVolumeID")]
    pub external_source_volume_id: String,
    /// Bytes.
    pub size_bytes: i64,
    /// When it was made.
    pub create_time: i64,
    /// Whether it may be used.
    pub is_ready: bool,
    /// The volume.
    #[serde(rename = "SourceVolumeID")]
    pub source_volume_id: String,
    /// The plugin.
    #[serde(rename = "PluginID")]
    pub plugin_id: String,
    /// Its name.
    pub name: String,
    /// For the plugin's call; never answered.
    #[serde(with = "serde_null")]
    pub secrets: TextMap,
    /// For the plugin's call.
    #[serde(with = "serde_null")]
    pub parameters: TextMap,
}

impl CsiSnapshot {
    /// Of an answer: seconds, as the wire has them.
    pub const fn made_at(mut self, at: UnixNanos) -> Self {
        self.create_time = at.0 / 1_000_000_000;
        self
    }
}
