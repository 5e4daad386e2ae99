//! Groups of tasks.

use std::collections::BTreeMap;

use super::policies::*;
use super::resources::NetworkResource;
use super::service::Service;
use super::shape::shape;
use super::task::{Consul, Task};

shape! {
    /// Tasks that run together on one node. Times in nanoseconds.
    TaskGroup {
        name: Option<String> = "Name",
        count: Option<i64> = "Count",
        constraints: Option<Vec<Constraint>> = "Constraints",
        affinities: Option<Vec<Affinity>> = "Affinities",
        tasks: Option<Vec<Task>> = "Tasks",
        spreads: Option<Vec<Spread>> = "Spreads",
        volumes: Option<BTreeMap<String, VolumeRequest>> = "Volumes",
        restart_policy: Option<RestartPolicy> = "RestartPolicy",
        disconnect: Option<DisconnectStrategy> = "Disconnect",
        reschedule_policy: Option<ReschedulePolicy> = "ReschedulePolicy",
        ephemeral_disk: Option<EphemeralDisk> = "EphemeralDisk",
        update: Option<UpdateStrategy> = "Update",
        migrate: Option<MigrateStrategy> = "Migrate",
        networks: Option<Vec<NetworkResource>> = "Networks",
        meta: Option<super::TextMap> = "Meta",
        services: Option<Vec<Service>> = "Services",
        shutdown_delay: Option<i64> = "ShutdownDelay",
        max_run_duration: Option<i64> = "MaxRunDuration",
        stop_after_client_disconnect: Option<i64> = "StopAfterClientDisconnect",
        max_client_disconnect: Option<i64> = "MaxClientDisconnect",
        scaling: Option<ScalingPolicy> = "Scaling",
        consul: Option<Consul> = "Consul",
        prevent_reschedule_on_lost: Option<bool> = "PreventRescheduleOnLost",
    }

    /// The directory that a group's tasks share.
    EphemeralDisk {
        sticky: Option<bool> = "Sticky",
        migrate: Option<bool> = "Migrate",
        size_mb: Option<i64> = "SizeMB",
    }

    /// A volume that a group asks for.
    VolumeRequest {
        name: String = "Name",
        kind: String = "Type",
        source: String = "Source",
        read_only: bool = "ReadOnly",
        sticky: bool = "Sticky",
        access_mode: String = "AccessMode",
        attachment_mode: String = "AttachmentMode",
        mount_options: Option<CsiMountOptions> = "MountOptions",
        per_alloc: bool = "PerAlloc",
    }

    /// How a volume is mounted.
    CsiMountOptions {
        fs_type: String = "FSType",
        mount_flags: Option<Vec<String>> = "MountFlags",
    }
}
