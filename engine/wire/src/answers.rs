//! Bodies of answers that are no object of the model.

use drover_base::{EvalId, JobId, WireTime};
use drover_model::registry::{ScalingEvent, SchedulerConfiguration};
use drover_model::{AllocMetric, Evaluation, Job, Namespace, PlanAnnotations};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A registered or evaluated job.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct JobRegisterAnswer {
    /// The evaluation; empty for jobs that only make others.
    #[serde(rename = "EvalID")]
    pub eval_id: EvalId,
    /// Raft index of the evaluation.
    pub eval_create_index: u64,
    /// Raft index of the registration.
    pub job_modify_index: u64,
    /// For people.
    pub warnings: String,
    /// Raft index.
    pub index: u64,
    /// Always 0 from a leader.
    pub last_contact: u64,
    /// Whether there is a leader.
    pub known_leader: bool,
    /// Always empty.
    pub next_token: String,
}

/// A stopped job.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct JobDeregisterAnswer {
    /// The evaluation.
    #[serde(rename = "EvalID")]
    pub eval_id: EvalId,
    /// Raft index of the evaluation.
    pub eval_create_index: u64,
    /// Raft index of the stop.
    pub job_modify_index: u64,
    /// Evaluation of volumes; always empty.
    #[serde(rename = "VolumeEvalID")]
    pub volume_eval_id: EvalId,
    /// Its raft index; always 0.
    pub volume_eval_index: u64,
    /// Raft index.
    pub index: u64,
    /// Always 0 from a leader.
    pub last_contact: u64,
    /// Whether there is a leader.
    pub known_leader: bool,
    /// Always empty.
    pub next_token: String,
}

/// A dispatched job.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct JobDispatchAnswer {
    /// The child's id.
    #[serde(rename = "DispatchedJobID")]
    pub dispatched_job_id: JobId,
    /// Its evaluation.
    #[serde(rename = "EvalID")]
    pub eval_id: EvalId,
    /// Raft index of the evaluation.
    pub eval_create_index: u64,
    /// Raft index of the child.
    pub job_create_index: u64,
    /// Raft index.
    pub index: u64,
}

/// What registering a job would do. `D` is the difference's type.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct JobPlanAnswer<D: Default> {
    /// Counts of what would be done, by group.
    pub annotations: Option<PlanAnnotations>,
    /// What could not be placed, by group.
    #[serde(rename = "FailedTGAllocs")]
    pub failed_tg_allocs: Option<BTreeMap<String, AllocMetric>>,
    /// The job's registration index, for compare-and-set.
    pub job_modify_index: u64,
    /// Evaluations that the scheduler would make.
    pub created_evals: Option<Vec<Evaluation>>,
    /// The difference to what is registered.
    pub diff: Option<D>,
    /// When a periodic job would be launched next.
    pub next_periodic_launch: Option<WireTime>,
    /// For people.
    pub warnings: String,
    /// Raft index.
    pub index: u64,
}

/// What is wrong with a job.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct JobValidateAnswer {
    /// Whether the drivers looked at their configuration.
    pub driver_config_validated: bool,
    /// Each problem.
    pub validation_errors: Option<Vec<String>>,
    /// All in one text.
    pub error: String,
    /// For people.
    pub warnings: String,
}

/// The versions of a job. `D` is the differences' type.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct JobVersionsAnswer<D: Default> {
    /// Newest first.
    pub versions: Vec<Arc<Job>>,
    /// Each version against the one before it, when asked for.
    pub diffs: Option<Vec<D>>,
    /// Raft index.
    pub index: u64,
    /// Always 0 from a leader.
    pub last_contact: u64,
    /// Whether there is a leader.
    pub known_leader: bool,
    /// Always empty.
    pub next_token: String,
}

/// How a job's groups are scaled.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct JobScaleStatus {
    /// The job.
    #[serde(rename = "JobID")]
    pub job_id: JobId,
    /// Its namespace.
    pub namespace: Namespace,
    /// Raft index of creation.
    pub job_create_index: u64,
    /// Raft index of the last change.
    pub job_modify_index: u64,
    /// Whether it is stopped.
    pub job_stopped: bool,
    /// By group.
    pub task_groups: BTreeMap<String, GroupScaleStatus>,
}

/// How a group is scaled.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct GroupScaleStatus {
    /// Wanted.
    pub desired: u32,
    /// Placed.
    pub placed: u32,
    /// Running.
    pub running: u32,
    /// Healthy in the newest deployment.
    pub healthy: u32,
    /// Unhealthy in the newest deployment.
    pub unhealthy: u32,
    /// Newest first.
    pub events: Option<Vec<ScalingEvent>>,
}

/// A changed deployment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct DeploymentUpdateAnswer {
    /// The evaluation; empty when none was needed.
    #[serde(rename = "EvalID")]
    pub eval_id: EvalId,
    /// Its raft index.
    pub eval_create_index: u64,
    /// Raft index of the deployment.
    pub deployment_modify_index: u64,
    /// The version that its job went back to.
    pub reverted_job_version: Option<u64>,
    /// Raft index.
    pub index: u64,
}

/// A changed node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct NodeUpdateAnswer {
    /// Evaluations of its jobs.
    #[serde(rename = "EvalIDs")]
    pub eval_ids: Option<Vec<EvalId>>,
    /// Their raft index.
    pub eval_create_index: u64,
    /// Raft index of the node.
    pub node_modify_index: u64,
    /// Raft index.
    pub index: u64,
}

/// How the cluster schedules, with where it was read.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct SchedulerConfigurationAnswer {
    /// The configuration.
    pub scheduler_config: SchedulerConfiguration,
    /// Raft index.
    pub index: u64,
    /// Always 0 from a leader.
    pub last_contact: u64,
    /// Whether there is a leader.
    pub known_leader: bool,
    /// Always empty.
    pub next_token: String,
}
