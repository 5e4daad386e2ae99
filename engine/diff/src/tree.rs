//! The tree of differences, as the wire has it.

use drover_model::serde_null;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What became of something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum DiffType {
    /// Nothing.
    #[default]
    None,
    /// It is new.
    Added,
    /// It is gone.
    Deleted,
    /// It changed.
    Edited,
}

impl DiffType {
    /// What two optional sides mean: both and different is an edit.
    pub(crate) fn of<T: PartialEq>(old: Option<T>, new: Option<T>) -> Self {
        match (old, new) {
            (None, Some(_)) => Self::Added,
            (Some(_), None) => Self::Deleted,
            (Some(old), Some(new)) if old != new => Self::Edited,
            _ => Self::None,
        }
    }
}

/// The difference of two jobs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct JobDiff {
    /// What became of the job.
    #[serde(rename = "Type")]
    pub kind: DiffType,
    /// The job's id.
    #[serde(rename = "ID")]
    pub id: String,
    /// Its simple fields.
    #[serde(with = "serde_null")]
    pub fields: Vec<FieldDiff>,
    /// Its blocks.
    #[serde(with = "serde_null")]
    pub objects: Vec<ObjectDiff>,
    /// Its groups, changed or not, by name.
    #[serde(with = "serde_null")]
    pub task_groups: Vec<TaskGroupDiff>,
}

/// The difference of two groups.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct TaskGroupDiff {
    /// What became of the group.
    #[serde(rename = "Type")]
    pub kind: DiffType,
    /// Its name.
    pub name: String,
    /// Its simple fields.
    #[serde(with = "serde_null")]
    pub fields: Vec<FieldDiff>,
    /// Its blocks.
    #[serde(with = "serde_null")]
    pub objects: Vec<ObjectDiff>,
    /// Its tasks, changed or not, by name.
    #[serde(with = "serde_null")]
    pub tasks: Vec<TaskDiff>,
    /// After a dry run that looked at the group: counts of what happens to its allocations.
    pub updates: Option<BTreeMap<String, u64>>,
}

/// The difference of two tasks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct TaskDiff {
    /// What became of the task.
    #[serde(rename = "Type")]
    pub kind: DiffType,
    /// Its name.
    pub name: String,
    /// Its simple fields.
    #[serde(with = "serde_null")]
    pub fields: Vec<FieldDiff>,
    /// Its blocks.
    #[serde(with = "serde_null")]
    pub objects: Vec<ObjectDiff>,
    /// After a dry run: what the change leads to.
    #[serde(with = "serde_null")]
    pub annotations: Vec<String>,
}

/// The difference of two blocks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ObjectDiff {
    /// What became of the block.
    #[serde(rename = "Type")]
    pub kind: DiffType,
    /// What it is.
    pub name: String,
    /// Its simple fields.
    #[serde(with = "serde_null")]
    pub fields: Vec<FieldDiff>,
    /// Blocks in it.
    #[serde(with = "serde_null")]
    pub objects: Vec<Self>,
}

/// The difference of two simple values.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct FieldDiff {
    /// What became of the value.
    #[serde(rename = "Type")]
    pub kind: DiffType,
    /// `Count`, `Env[PATH]`, `args[0]`.
    pub name: String,
    /// Before.
    pub old: String,
    /// After.
    pub new: String,
    /// After a dry run: what the change leads to.
    #[serde(with = "serde_null")]
    pub annotations: Vec<String>,
}
