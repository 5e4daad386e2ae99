//! Health checks of services: probes, their results, and restarts for bad health.

pub mod core;
mod probe;
pub mod set;

pub use set::CheckSet;

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The newest result of a check, as the API shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct CheckResult {
    /// A hash of what the check is.
    #[serde(rename = "ID")]
    pub id: String,
    /// `healthiness`, or `readiness` for those that do not hold up deployments.
    pub mode: String,
    /// `pending`, `success`, `failure`.
    pub status: String,
    /// Of an HTTP answer; 0 for none.
    pub status_code: u16,
    /// For people.
    pub output: String,
    /// Seconds since 1970.
    pub timestamp: i64,
    /// The allocation's name.
    pub group: String,
    /// The task's name, for services of tasks.
    pub task: String,
    /// The service's name.
    pub service: String,
    /// The check's name.
    pub check: String,
}

/// The newest results of an allocation's checks, by id.
pub type CheckResults = BTreeMap<String, CheckResult>;

/// What a probe found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// How it went.
    pub grade: Grade,
    /// Of an HTTP answer; 0 for none.
    pub status_code: u16,
    /// For people.
    pub output: String,
}

/// How a probe went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grade {
    /// Well.
    Good,
    /// Not quite: an HTTP answer of 429.
    Warning,
    /// Badly.
    Bad,
}
