//! Groups: tasks that are placed together.

use crate::policy::{
    DisconnectStrategy, MigrateStrategy, ReschedulePolicy, RestartPolicy, ScalingPolicy, UpdateStrategy,
};
use crate::task::Consul;
use crate::{Affinity, Constraint, NetworkResource, Service, Spread, Task, TextMap};
use drover_base::{Nanos, serde_null};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Tasks that are placed together on one node, `count` times.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct TaskGroup {
    /// Unique within the job.
    pub name: String,
    /// Wanted allocations.
    pub count: u32,
    /// How it is updated; `None` for jobs without deployments.
    pub update: Option<UpdateStrategy>,
    /// How it leaves draining nodes.
    pub migrate: Option<MigrateStrategy>,
    /// Constraints.
    #[serde(with = "serde_null")]
    pub constraints: Vec<Constraint>,
    /// Horizontal scaling.
    pub scaling: Option<ScalingPolicy>,
    /// Restarts on the same node.
    pub restart_policy: RestartPolicy,
    /// What happens when its node is out of reach.
    pub disconnect: Option<DisconnectStrategy>,
    /// Its tasks.
    pub tasks: Vec<Task>,
    /// Its disk.
    pub ephemeral_disk: EphemeralDisk,
    /// Meta.
    #[serde(with = "serde_null")]
    pub meta: TextMap,
    /// Replacement after a failure; `None`: never.
    pub reschedule_policy: Option<ReschedulePolicy>,
    /// Affinities.
    #[serde(with = "serde_null")]
    pub affinities: Vec<Affinity>,
    /// Spreads.
    #[serde(with = "serde_null")]
    pub spreads: Vec<Spread>,
    /// Networks; at most one counts.
    #[serde(with = "serde_null")]
    pub networks: Vec<NetworkResource>,
    /// Consul access of its tasks.
    pub consul: Option<Consul>,
    /// Services.
    #[serde(with = "serde_null")]
    pub services: Vec<Service>,
    /// Volumes.
    #[serde(with = "serde_null")]
    pub volumes: BTreeMap<String, VolumeRequest>,
    /// Wait between leaving the catalog and stopping.
    pub shutdown_delay: Option<Nanos>,
    /// Before `disconnect`.
    pub stop_after_client_disconnect: Option<Nanos>,
    /// Before `disconnect`.
    pub max_client_disconnect: Option<Nanos>,
    /// Allocations of a batch job end after this time.
    pub max_run_duration: Option<Nanos>,
    /// Before `disconnect`.
    pub prevent_reschedule_on_lost: bool,
}

impl TaskGroup {
    /// The task of that name.
    pub fn task(&self, name: &str) -> Option<&Task> {
        self.tasks.iter().find(|task| task.name == name)
    }
}

/// The disk that the tasks of an allocation share.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct EphemeralDisk {
    /// Prefer the node that has the data.
    pub sticky: bool,
    /// MiB.
    #[serde(rename = "SizeMB")]
    pub size_mb: i64,
    /// Copy the data to the new node.
    pub migrate: bool,
}

impl Default for EphemeralDisk {
    fn default() -> Self {
        Self { sticky: false, size_mb: 300, migrate: false }
    }
}

/// A volume that a group asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct VolumeRequest {
    /// The group's name for it.
    pub name: String,
    /// `host` or `csi`.
    #[serde(rename = "Type")]
    pub kind: String,
    /// The volume's name or id.
    pub source: String,
    /// No writes.
    pub read_only: bool,
    /// Stay with the same volume.
    pub sticky: bool,
    /// E.g. `single-node-writer`.
    pub access_mode: String,
    /// `file-system` or `block-device`.
    pub attachment_mode: String,
    /// How to mount it.
    pub mount_options: Option<VolumeMountOptions>,
    /// One volume per allocation: `source[index]`.
    pub per_alloc: bool,
}

impl VolumeRequest {
    /// The volume that an allocation asks for; `index` is the number in its name.
    pub fn source_of(&self, index: Option<u32>) -> String {
        match index {
            Some(index) if self.per_alloc => format!("{}[{index}]", self.source),
            _ => self.source.clone(),
        }
    }
}

/// How to mount a volume.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct VolumeMountOptions {
    /// File system.
    #[serde(rename = "FSType")]
    pub fs_type: String,
    /// Flags.
    #[serde(with = "serde_null")]
    pub mount_flags: Vec<String>,
}
