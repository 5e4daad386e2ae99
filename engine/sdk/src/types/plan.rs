//! What the plan route answers.

use drover_model::{AllocMetric, DesiredUpdates, WireTime, serde_null};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The scheduler's dry run.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct JobPlan {
    /// What would be done, per group.
    pub annotations: Option<PlanNotes>,
    /// Groups that could not be placed.
    #[serde(rename = "FailedTGAllocs", deserialize_with = "serde_null::deserialize")]
    pub failed_tg_allocs: BTreeMap<String, AllocMetric>,
    /// For a compare-and-set registration.
    pub job_modify_index: u64,
    /// Against what is registered.
    pub diff: Option<JobDiff>,
    /// When a periodic job would start.
    pub next_periodic_launch: WireTime,
    /// For people.
    pub warnings: String,
}

/// What would be done.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct PlanNotes {
    /// Per group.
    #[serde(rename = "DesiredTGUpdates", deserialize_with = "serde_null::deserialize")]
    pub desired_tg_updates: BTreeMap<String, DesiredUpdates>,
    /// What would be pushed out.
    #[serde(deserialize_with = "serde_null::deserialize")]
    pub preempted_allocs: Vec<super::AllocStub>,
}

/// Difference of two jobs.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct JobDiff {
    /// `Added`, `Deleted`, `Edited`, `None`.
    #[serde(rename = "Type")]
    pub kind: String,
    /// The job.
    #[serde(rename = "ID")]
    pub id: String,
    /// Plain fields.
    #[serde(deserialize_with = "serde_null::deserialize")]
    pub fields: Vec<FieldDiff>,
    /// Blocks.
    #[serde(deserialize_with = "serde_null::deserialize")]
    pub objects: Vec<ObjectDiff>,
    /// Groups.
    #[serde(deserialize_with = "serde_null::deserialize")]
    pub task_groups: Vec<TaskGroupDiff>,
}

/// Difference of a group.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct TaskGroupDiff {
    /// As of a job.
    #[serde(rename = "Type")]
    pub kind: String,
    /// The group.
    pub name: String,
    /// Plain fields.
    #[serde(deserialize_with = "serde_null::deserialize")]
    pub fields: Vec<FieldDiff>,
    /// Blocks.
    #[serde(deserialize_with = "serde_null::deserialize")]
    pub objects: Vec<ObjectDiff>,
    /// Tasks.
    #[serde(deserialize_with = "serde_null::deserialize")]
    pub tasks: Vec<TaskDiff>,
    /// What would be done to allocations.
    #[serde(deserialize_with = "serde_null::deserialize")]
    pub updates: BTreeMap<String, u64>,
}

/// Difference of a task.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct TaskDiff {
    /// As of a job.
    #[serde(rename = "Type")]
    pub kind: String,
    /// The task.
    pub name: String,
    /// Plain fields.
    #[serde(deserialize_with = "serde_null::deserialize")]
    pub fields: Vec<FieldDiff>,
    /// Blocks.
    #[serde(deserialize_with = "serde_null::deserialize")]
    pub objects: Vec<ObjectDiff>,
    /// What the change forces.
    #[serde(deserialize_with = "serde_null::deserialize")]
    pub annotations: Vec<String>,
}

/// Difference of a block.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ObjectDiff {
    /// As of a job.
    #[serde(rename = "Type")]
    pub kind: String,
    /// The block.
    pub name: String,
    /// Plain fields.
    #[serde(deserialize_with = "serde_null::deserialize")]
    pub fields: Vec<FieldDiff>,
    /// Blocks within.
    #[serde(deserialize_with = "serde_null::deserialize")]
    pub objects: Vec<ObjectDiff>,
}

/// Difference of a field.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct FieldDiff {
    /// As of a job.
    #[serde(rename = "Type")]
    pub kind: String,
    /// The field.
    pub name: String,
    /// As it is.
    pub old: String,
    /// As it would be.
    pub new: String,
    /// What the change forces.
    #[serde(deserialize_with = "serde_null::deserialize")]
    pub annotations: Vec<String>,
}
