//! Deployments: one version of a job on its way to all its allocations.

use crate::{Job, wire_enum};
use drover_base::{AllocId, DeploymentId, JobId, JobKey, Namespace, Nanos, UnixNanos, WireTime, serde_null};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

wire_enum! {
    /// Where a deployment stands.
    DeploymentStatus {
        /// Under way.
        Running = "running",
        /// Held by an operator.
        Paused = "paused",
        /// Done.
        Successful = "successful",
        /// Given up.
        Failed = "failed",
        /// Overtaken.
        Cancelled = "cancelled",
        /// Waits for other regions.
        Pending = "pending",
        /// Waits for other regions.
        Blocked = "blocked",
        /// Being unblocked.
        Unblocking = "unblocking",
        /// Being set up.
        Initializing = "initializing",
    } default Running
}

impl DeploymentStatus {
    /// Whether it is still under way.
    pub const fn is_active(self) -> bool {
        !matches!(self, Self::Successful | Self::Failed | Self::Cancelled)
    }
}

/// Status texts as the reference has them.
pub mod description {
    /// Under way.
    pub const RUNNING: &str = "Deployment is running";
    /// Canaries wait for an operator.
    pub const NEEDS_PROMOTION: &str = "Deployment is running but requires manual promotion";
    /// Canaries wait for their health.
    pub const AUTO_PROMOTION: &str = "Deployment is running pending automatic promotion";
    /// Held.
    pub const PAUSED: &str = "Deployment is paused";
    /// Done.
    pub const SUCCESSFUL: &str = "Deployment completed successfully";
    /// The job was stopped.
    pub const STOPPED_JOB: &str = "Cancelled because job is stopped";
    /// A newer version came.
    pub const NEWER_JOB: &str = "Cancelled due to newer version of job";
    /// Unhealthy allocations.
    pub const FAILED_ALLOCATIONS: &str = "Failed due to unhealthy allocations";
    /// No progress in time.
    pub const PROGRESS_DEADLINE: &str = "Failed due to progress deadline";
    /// An operator's word.
    pub const FAILED_BY_USER: &str = "Deployment marked as failed";
}

/// One version of a job on its way.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Deployment {
    /// A UUID.
    #[serde(rename = "ID")]
    pub id: DeploymentId,
    /// Namespace of the job.
    pub namespace: Namespace,
    /// The job.
    #[serde(rename = "JobID")]
    pub job_id: JobId,
    /// Its version.
    pub job_version: u64,
    /// Its modify index when this began.
    pub job_modify_index: u64,
    /// Its registration index.
    pub job_spec_modify_index: u64,
    /// Its creation index.
    pub job_create_index: u64,
    /// Part of several regions.
    #[serde(rename = "IsMultiregion")]
    pub is_multiregion: bool,
    /// Per group.
    pub task_groups: BTreeMap<String, DeploymentState>,
    /// Where it stands.
    pub status: DeploymentStatus,
    /// For people.
    pub status_description: String,
    /// Of the evaluations it makes.
    pub eval_priority: u8,
    /// Raft index of creation.
    pub create_index: u64,
    /// Raft index of the last change.
    pub modify_index: u64,
    /// When it was made.
    pub create_time: UnixNanos,
    /// When it last changed.
    pub modify_time: UnixNanos,
}

impl Deployment {
    /// A new deployment of `job`, without groups.
    pub fn new(id: DeploymentId, job: &Job, eval_priority: u8, now: UnixNanos) -> Self {
        Self {
            id,
            namespace: job.namespace.clone(),
            job_id: job.id.clone(),
            job_version: job.version,
            job_modify_index: job.modify_index,
            job_spec_modify_index: job.job_modify_index,
            job_create_index: job.create_index,
            status: DeploymentStatus::Running,
            status_description: description::RUNNING.to_owned(),
            eval_priority,
            create_time: now,
            modify_time: now,
            ..Self::default()
        }
    }
    /// The key of its job.
    pub fn job_key(&self) -> JobKey {
        JobKey { namespace: self.namespace.clone(), id: self.job_id.clone() }
    }
    /// Whether it is still under way.
    pub const fn is_active(&self) -> bool {
        self.status.is_active()
    }
    /// Whether canaries wait for promotion.
    pub fn requires_promotion(&self) -> bool {
        self.status == DeploymentStatus::Running
            && self.task_groups.values().any(|state| state.desired_canaries > 0 && !state.promoted)
    }
    /// Whether every group with canaries promotes by itself.
    pub fn has_auto_promote(&self) -> bool {
        !self.task_groups.is_empty()
            && self.task_groups.values().all(|state| state.desired_canaries == 0 || state.auto_promote)
    }
}

/// A group within a deployment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct DeploymentState {
    /// Go back on failure.
    pub auto_revert: bool,
    /// Promote by itself.
    pub auto_promote: bool,
    /// Some progress within this time.
    pub progress_deadline: Nanos,
    /// When the time is over.
    pub require_progress_by: Option<WireTime>,
    /// Whether its canaries were promoted.
    pub promoted: bool,
    /// Its canaries.
    #[serde(with = "serde_null")]
    pub placed_canaries: Vec<AllocId>,
    /// Wanted canaries.
    pub desired_canaries: u32,
    /// Wanted allocations.
    pub desired_total: u32,
    /// Placed so far.
    pub placed_allocs: u32,
    /// Healthy so far.
    pub healthy_allocs: u32,
    /// Unhealthy so far.
    pub unhealthy_allocs: u32,
}
