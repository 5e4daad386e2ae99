//! What a server answers.

use drover_model::{
    AllocMetric, Allocation, EvalId, Evaluation, Job, JobId, Namespace, PlanAnnotations, TextMap, UnixNanos, WireTime,
};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// A write that has nothing more to say than its index.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Raft index.
    pub index: u64,
}

/// A registered (or stopped) job.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JobRegistered {
    /// The evaluation; empty for jobs that only make others.
    pub eval_id: EvalId,
    /// Raft index of the evaluation.
    pub eval_create_index: u64,
    /// Raft index of the job's last registration that changed something.
    pub job_modify_index: u64,
    /// For people; empty or several lines.
    pub warnings: String,
    /// Raft index.
    pub index: u64,
}

/// A new evaluation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EvalCreated {
    /// The evaluation; empty when none was needed.
    pub eval_id: EvalId,
    /// Its raft index.
    pub eval_create_index: u64,
    /// Raft index of the job's registration.
    pub job_modify_index: u64,
    /// Raft index.
    pub index: u64,
}

/// A dispatched job.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JobDispatched {
    /// The child's id.
    pub dispatched_job_id: JobId,
    /// Its evaluation; empty for a periodic child.
    pub eval_id: EvalId,
    /// Raft index of the evaluation.
    pub eval_create_index: u64,
    /// Raft index of the child.
    pub job_create_index: u64,
    /// Raft index.
    pub index: u64,
}

/// What registering a job would do.
#[derive(Clone, Debug, Default)]
pub struct JobPlan {
    /// Counts of what would be done, by group.
    pub annotations: Option<PlanAnnotations>,
    /// What could not be placed.
    pub failed_tg_allocs: BTreeMap<String, AllocMetric>,
    /// The job's registration index, for compare-and-set; 0: it does not exist.
    pub job_modify_index: u64,
    /// Evaluations that the scheduler would make.
    pub created_evals: Vec<Evaluation>,
    /// The job as it is registered now.
    pub current: Option<Arc<Job>>,
    /// The job as it would be; the difference of the two is what the plan is about.
    pub planned: Arc<Job>,
    /// When a periodic job would be launched next.
    pub next_periodic_launch: WireTime,
    /// For people.
    pub warnings: String,
    /// Raft index of the view it was worked out from; 0 for a job that is not registered.
    pub index: u64,
}

/// What is wrong with a job.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JobValidation {
    /// Whether the drivers looked at their configuration.
    pub driver_config_validated: bool,
    /// Each problem.
    pub validation_errors: Vec<String>,
    /// All of them in one text.
    pub error: String,
    /// For people.
    pub warnings: String,
}

/// A changed deployment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeploymentUpdated {
    /// The evaluation; empty when none was needed.
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
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeUpdated {
    /// Evaluations of its jobs.
    pub eval_ids: Vec<EvalId>,
    /// Their raft index.
    pub eval_create_index: u64,
    /// Raft index of the node.
    pub node_modify_index: u64,
    /// Raft index.
    pub index: u64,
}

/// A node that has registered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NodeRegistered {
    /// It must be heard of again within this time.
    pub ttl: Duration,
    /// Raft index.
    pub index: u64,
}

/// What a node should run.
#[derive(Clone, Debug, Default)]
pub struct NodeAllocs {
    /// To be given to the next call.
    pub index: u64,
    /// All allocations of the node with their jobs, finished ones too until they are collected.
    pub allocs: Vec<Arc<Allocation>>,
}

/// A variable in the clear.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Variable {
    /// Namespace.
    pub namespace: Namespace,
    /// Path.
    pub path: String,
    /// Its items.
    pub items: TextMap,
    /// Raft index of creation.
    pub create_index: u64,
    /// Raft index of the last change.
    pub modify_index: u64,
    /// When it was made.
    pub create_time: UnixNanos,
    /// When it last changed.
    pub modify_time: UnixNanos,
    /// Who holds it.
    pub lock: Option<drover_model::registry::VariableLock>,
}

impl std::fmt::Debug for Variable {
    /// Without the items.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Variable({}@{}, index {})", self.path, self.namespace, self.modify_index)
    }
}

/// Counts of evaluations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BrokerStats {
    /// Ready to be worked on.
    pub ready: usize,
    /// Being worked on.
    pub in_flight: usize,
    /// Behind another one of their job, or waiting for a point in time.
    pub waiting: usize,
    /// Waiting for capacity.
    pub blocked: usize,
}

/// A root key was made.
#[derive(Clone, Debug)]
pub struct RootKeyRotated {
    /// The new key.
    pub key: drover_model::registry::RootKey,
    /// Raft index.
    pub index: u64,
}
