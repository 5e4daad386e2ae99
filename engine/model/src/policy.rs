//! How groups restart, reschedule, migrate, update and scale.

use crate::{ConfigMap, TextMap, wire_enum};
use drover_base::{Nanos, serde_null};
use serde::{Deserialize, Serialize};

wire_enum! {
    /// What happens when the restart attempts of an interval are used up.
    RestartMode {
        /// Wait for the next interval.
        Delay = "delay",
        /// The task fails.
        Fail = "fail",
    } default Fail
}

/// Restarts on the same node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct RestartPolicy {
    /// Restarts allowed within the interval.
    pub attempts: u32,
    /// The interval.
    pub interval: Nanos,
    /// Wait before a restart.
    pub delay: Nanos,
    /// What happens after the last attempt.
    pub mode: RestartMode,
    /// Render templates again on a restart.
    pub render_templates: bool,
}

/// Placing failed allocations again, usually on other nodes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ReschedulePolicy {
    /// Attempts within the interval, when not unlimited.
    pub attempts: u32,
    /// The interval.
    pub interval: Nanos,
    /// First delay.
    pub delay: Nanos,
    /// `constant`, `exponential` or `fibonacci`.
    pub delay_function: String,
    /// Upper bound of the delay.
    pub max_delay: Nanos,
    /// Never give up.
    pub unlimited: bool,
}

/// How allocations leave a draining node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct MigrateStrategy {
    /// At most so many at once.
    pub max_parallel: u32,
    /// `checks` or `task_states`.
    pub health_check: String,
    /// Healthy for at least this long.
    pub min_healthy_time: Nanos,
    /// Healthy within this time.
    pub healthy_deadline: Nanos,
}

/// Rolling updates, canaries, deployments.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct UpdateStrategy {
    /// Between batches of system jobs.
    pub stagger: Nanos,
    /// So many at once; 0 turns deployments off.
    pub max_parallel: u32,
    /// `checks`, `task_states` or `manual`; empty in the job-level block.
    pub health_check: String,
    /// Healthy for at least this long.
    pub min_healthy_time: Nanos,
    /// Healthy within this time, or unhealthy.
    pub healthy_deadline: Nanos,
    /// Some progress within this time, or the deployment fails; 0: fails on the first unhealthy one.
    pub progress_deadline: Nanos,
    /// Go back to the last stable version on failure.
    pub auto_revert: bool,
    /// Promote when all canaries are healthy.
    pub auto_promote: bool,
    /// Canaries placed first.
    pub canary: u32,
}

impl UpdateStrategy {
    /// Whether updates go in batches, through a deployment.
    pub const fn is_rolling(&self) -> bool {
        self.max_parallel > 0
    }
}

/// What happens when a node's connection is lost.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct DisconnectStrategy {
    /// After this, allocations are lost.
    pub lost_after: Nanos,
    /// The node stops its allocations by itself after this time.
    pub stop_on_client_after: Option<Nanos>,
    /// Place replacements while disconnected.
    pub replace: Option<bool>,
    /// Which one wins at reconnection: `best_score`, `keep_original`, `keep_replacement`, `longest_running`.
    pub reconcile: String,
}

/// What an autoscaler may do with a group or task.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ScalingPolicy {
    /// A UUID.
    #[serde(rename = "ID")]
    pub id: String,
    /// `horizontal`, `vertical_cpu`, `vertical_mem`.
    #[serde(rename = "Type")]
    pub kind: String,
    /// Namespace, Job, Group, Task.
    #[serde(with = "serde_null")]
    pub target: TextMap,
    /// For the autoscaler; opaque here.
    #[serde(with = "serde_null")]
    pub policy: ConfigMap,
    /// Smallest count.
    pub min: i64,
    /// Largest count.
    pub max: i64,
    /// Whether the autoscaler acts on it.
    pub enabled: bool,
    /// Raft index of creation.
    pub create_index: u64,
    /// Raft index of the last change.
    pub modify_index: u64,
}
