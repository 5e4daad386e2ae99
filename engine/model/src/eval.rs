//! Evaluations: requests to look at a job again.

use crate::{AllocMetric, JobType, PlanAnnotations, wire_enum};
use drover_base::{DeploymentId, EvalId, JobId, JobKey, Namespace, Nanos, NodeId, UnixNanos, WireTime, serde_null};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

wire_enum! {
    /// Where an evaluation stands.
    EvalStatus {
        /// Waits for capacity.
        Blocked = "blocked",
        /// Waits for a worker.
        Pending = "pending",
        /// Done.
        Complete = "complete",
        /// Given up.
        Failed = "failed",
        /// No longer needed.
        Canceled = "canceled",
    } default Pending
}

impl EvalStatus {
    /// Whether nothing more happens to it.
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Complete | Self::Failed | Self::Canceled)
    }
}

wire_enum! {
    /// Why an evaluation was made.
    EvalTrigger {
        /// A job was registered.
        JobRegister = "job-register",
        /// A job was stopped.
        JobDeregister = "job-deregister",
        /// The clock.
        PeriodicJob = "periodic-job",
        /// A node's drain.
        NodeDrain = "node-drain",
        /// A node changed.
        NodeUpdate = "node-update",
        /// An operator stopped an allocation.
        AllocStop = "alloc-stop",
        /// The collector.
        Scheduled = "scheduled",
        /// A rolling update of a system job goes on.
        RollingUpdate = "rolling-update",
        /// A deployment goes on.
        DeploymentWatcher = "deployment-watcher",
        /// A failed one is tried again.
        FailedFollowUp = "failed-follow-up",
        /// The scheduler gave up after refused placements.
        MaxPlans = "max-plan-attempts",
        /// A failed allocation is replaced.
        RetryFailedAlloc = "alloc-failure",
        /// Capacity came free.
        QueuedAllocs = "queued-allocs",
        /// Something was preempted.
        Preemption = "preemption",
        /// A count was changed.
        Scaling = "job-scaling",
        /// A node's grace is over.
        MaxDisconnectTimeout = "max-disconnect-timeout",
        /// A node is back.
        Reconnect = "reconnect",
        /// A later replacement.
        AllocReschedule = "alloc-reschedule",
    } default JobRegister
}

/// A request to look at a job again.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Evaluation {
    /// A UUID.
    #[serde(rename = "ID")]
    pub id: EvalId,
    /// Namespace of the job.
    pub namespace: Namespace,
    /// As the job's.
    pub priority: u8,
    /// The scheduler: a job type, or `_core`.
    #[serde(rename = "Type")]
    pub kind: String,
    /// Why.
    pub triggered_by: EvalTrigger,
    /// The job.
    #[serde(rename = "JobID")]
    pub job_id: JobId,
    /// Of the job when it was made.
    #[serde(skip_serializing_if = "is_zero")]
    pub job_modify_index: u64,
    /// The node whose change made it.
    #[serde(rename = "NodeID", skip_serializing_if = "NodeId::is_empty")]
    pub node_id: NodeId,
    /// Of that node.
    #[serde(skip_serializing_if = "is_zero")]
    pub node_modify_index: u64,
    /// The deployment it is about.
    #[serde(rename = "DeploymentID", skip_serializing_if = "DeploymentId::is_empty")]
    pub deployment_id: DeploymentId,
    /// Where it stands.
    pub status: EvalStatus,
    /// For people.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub status_description: String,
    /// Wait this long (older form of `wait_until`).
    #[serde(skip_serializing_if = "Nanos::is_zero")]
    pub wait: Nanos,
    /// Not before this time.
    #[serde(skip_serializing_if = "WireTime::is_zero")]
    pub wait_until: WireTime,
    /// The one after it.
    #[serde(skip_serializing_if = "EvalId::is_empty")]
    pub next_eval: EvalId,
    /// The one before it.
    #[serde(skip_serializing_if = "EvalId::is_empty")]
    pub previous_eval: EvalId,
    /// The blocked one that it made.
    #[serde(skip_serializing_if = "EvalId::is_empty")]
    pub blocked_eval: EvalId,
    /// Others that came of it.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "serde_null::deserialize")]
    pub related_evals: Vec<EvalStub>,
    /// What could not be placed, by group.
    #[serde(
        rename = "FailedTGAllocs",
        skip_serializing_if = "BTreeMap::is_empty",
        deserialize_with = "serde_null::deserialize"
    )]
    pub failed_tg_allocs: BTreeMap<String, AllocMetric>,
    /// Which node classes can hold it.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "serde_null::deserialize")]
    pub class_eligibility: BTreeMap<String, bool>,
    /// Constraints go beyond node classes.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub escaped_computed_class: bool,
    /// The quota that stopped it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub quota_limit_reached: String,
    /// For dry runs: fill in the annotations.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub annotate_plan: bool,
    /// What it did or would do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan_annotations: Option<PlanAnnotations>,
    /// Still to be placed, by group.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "serde_null::deserialize")]
    pub queued_allocations: BTreeMap<String, u32>,
    /// Index of the snapshot it used.
    #[serde(skip_serializing_if = "is_zero")]
    pub snapshot_index: u64,
    /// Raft index of creation.
    #[serde(skip_serializing_if = "is_zero")]
    pub create_index: u64,
    /// Raft index of the last change.
    #[serde(skip_serializing_if = "is_zero")]
    pub modify_index: u64,
    /// When it was made.
    pub create_time: UnixNanos,
    /// When it last changed.
    pub modify_time: UnixNanos,
}

fn is_zero(n: &u64) -> bool {
    *n == 0
}

impl Evaluation {
    /// The key of its job.
    pub fn job_key(&self) -> JobKey {
        JobKey { namespace: self.namespace.clone(), id: self.job_id.clone() }
    }
    /// The scheduler as a job type; `None` for the core scheduler.
    pub fn job_type(&self) -> Option<JobType> {
        self.kind.parse().ok()
    }
    /// Whether a worker should take it.
    pub fn should_enqueue(&self) -> bool {
        self.status == EvalStatus::Pending
    }
    /// Whether it waits for capacity.
    pub fn should_block(&self) -> bool {
        self.status == EvalStatus::Blocked
    }
}

/// The short form of an evaluation that another one names.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct EvalStub {
    /// A UUID.
    #[serde(rename = "ID")]
    pub id: EvalId,
    /// Namespace.
    pub namespace: Namespace,
    /// As the job's.
    pub priority: u8,
    /// The scheduler.
    #[serde(rename = "Type")]
    pub kind: String,
    /// Why.
    pub triggered_by: EvalTrigger,
    /// The job.
    #[serde(rename = "JobID")]
    pub job_id: JobId,
    /// The node.
    #[serde(rename = "NodeID")]
    pub node_id: NodeId,
    /// The deployment.
    #[serde(rename = "DeploymentID")]
    pub deployment_id: DeploymentId,
    /// Where it stands.
    pub status: EvalStatus,
    /// For people.
    pub status_description: String,
    /// Not before this time; null for at once.
    pub wait_until: Option<WireTime>,
    /// The one after it.
    pub next_eval: EvalId,
    /// The one before it.
    pub previous_eval: EvalId,
    /// The blocked one that it made.
    pub blocked_eval: EvalId,
    /// Raft index of creation.
    pub create_index: u64,
    /// Raft index of the last change.
    pub modify_index: u64,
    /// When it was made.
    pub create_time: UnixNanos,
    /// When it last changed.
    pub modify_time: UnixNanos,
}

impl From<&Evaluation> for EvalStub {
    fn from(eval: &Evaluation) -> Self {
        Self {
            id: eval.id.clone(),
            namespace: eval.namespace.clone(),
            priority: eval.priority,
            kind: eval.kind.clone(),
            triggered_by: eval.triggered_by,
            job_id: eval.job_id.clone(),
            node_id: eval.node_id.clone(),
            deployment_id: eval.deployment_id.clone(),
            status: eval.status,
            status_description: eval.status_description.clone(),
            wait_until: Some(eval.wait_until).filter(|time| !time.is_zero()),
            next_eval: eval.next_eval.clone(),
            previous_eval: eval.previous_eval.clone(),
            blocked_eval: eval.blocked_eval.clone(),
            create_index: eval.create_index,
            modify_index: eval.modify_index,
            create_time: eval.create_time,
            modify_time: eval.modify_time,
        }
    }
}
