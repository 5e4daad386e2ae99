//! Bodies and answers of writes.

use drover_model::serde_null;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A job was registered, stopped, scaled or reverted.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct JobRegistered {
    /// The evaluation; empty for templates.
    #[serde(rename = "EvalID")]
    pub eval_id: String,
    /// Its index.
    pub eval_create_index: u64,
    /// The job's new index.
    pub job_modify_index: u64,
    /// For people.
    pub warnings: String,
    /// Index of the write.
    pub index: u64,
}

/// A checked job.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Validated {
    /// Whether the drivers' part was checked too.
    pub driver_config_validated: bool,
    /// What is wrong.
    #[serde(deserialize_with = "serde_null::deserialize")]
    pub validation_errors: Vec<String>,
    /// The same in one text.
    pub error: String,
    /// For people.
    pub warnings: String,
}

/// An instance of a parameterized job.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Dispatched {
    /// The new job.
    #[serde(rename = "DispatchedJobID")]
    pub dispatched_job_id: String,
    /// Its evaluation.
    #[serde(rename = "EvalID")]
    pub eval_id: String,
    /// Its index.
    pub eval_create_index: u64,
    /// The job's index.
    pub job_create_index: u64,
}

/// A deployment was changed.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct DeploymentUpdated {
    /// The evaluation, if any.
    #[serde(rename = "EvalID")]
    pub eval_id: String,
    /// Its index.
    pub eval_create_index: u64,
    /// The deployment's index.
    pub deployment_modify_index: u64,
    /// The version gone back to.
    pub reverted_job_version: Option<u64>,
}

/// A node was changed.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct NodeUpdated {
    /// Evaluations that follow.
    #[serde(rename = "EvalIDs", deserialize_with = "serde_null::deserialize")]
    pub eval_ids: Vec<String>,
    /// The node's index.
    pub node_modify_index: u64,
    /// The evaluations' index.
    pub eval_create_index: u64,
}

/// The text that a job was made of.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Submission {
    /// The text.
    pub source: String,
    /// `hcl2` or `json`.
    pub format: String,
    /// Variables given one by one.
    #[serde(deserialize_with = "serde_null::deserialize")]
    pub variable_flags: BTreeMap<String, String>,
    /// Variables given by files.
    pub variables: String,
}

/// A change of a group's count.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ScaleRequest {
    /// The new count.
    pub count: Option<i64>,
    /// `Group` names the group.
    #[serde(deserialize_with = "serde_null::deserialize")]
    pub target: BTreeMap<String, String>,
    /// For people.
    pub message: String,
    /// Whether it reports an error.
    pub error: bool,
}
