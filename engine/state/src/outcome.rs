//! What became of a command.

use crate::Event;
use drover_model::registry::StoredVariable;
use std::sync::Arc;

/// What became of a command. After an error nothing of it was applied, but for the index.
#[derive(Clone, Debug)]
pub struct ApplyOutcome {
    /// The raft index.
    pub index: u64,
    /// What changed, oldest first.
    pub events: Vec<Event>,
    /// The answer for the proposer.
    pub result: Result<Applied, StateError>,
}

/// The answer of an applied command.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Applied {
    /// Nothing to say.
    #[default]
    Done,
    /// A job was registered.
    Job {
        /// Index of its last registration that changed something.
        job_modify_index: u64,
        /// Its version now.
        version: u64,
        /// Whether a new version was made.
        changed: bool,
    },
    /// Whether something was there to change; for deletions.
    Found(bool),
    /// A variable as it is now.
    Variable(Arc<StoredVariable>),
    /// The answers of a batch.
    Batch(Vec<Applied>),
}

/// Why a command was refused. The texts are part of the API.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum StateError {
    /// Compare-and-set of a registration: the job should not exist.
    #[error("Enforcing job modify index 0: job already exists")]
    JobExists,
    /// Compare-and-set of a registration: the job should exist.
    #[error("Enforcing job modify index {wanted}: job does not exist")]
    JobMissing {
        /// The index asked for.
        wanted: u64,
    },
    /// Compare-and-set of a registration: the job is another one.
    #[error("Enforcing job modify index {wanted}: job exists with conflicting job modify index: {found}")]
    JobConflict {
        /// The index asked for.
        wanted: u64,
        /// The index it has.
        found: u64,
    },
    /// Compare-and-set of a variable.
    #[error("cas error: {0}")]
    Variable(VariableConflict),
    /// Compare-and-set of the scheduler configuration.
    #[error("scheduler configuration was changed: its index is {found}, not {wanted}")]
    SchedulerConfiguration {
        /// The index asked for.
        wanted: u64,
        /// The index it has.
        found: u64,
    },
    /// Compare-and-set of the autopilot configuration.
    #[error("autopilot configuration was changed: its index is {found}, not {wanted}")]
    AutopilotConfiguration {
        /// The index asked for.
        wanted: u64,
        /// The index it has.
        found: u64,
    },
    /// Somebody else holds the variable.
    #[error("attempting to modify locked variable")]
    VariableLocked,
    /// Nobody holds the variable.
    #[error("variable doesn't hold a lock")]
    VariableNotLocked,
    /// Something named is not there.
    #[error("{0}")]
    NotFound(String),
    /// A rule forbids it.
    #[error("{0}")]
    Refused(String),
}

/// The variable that a compare-and-set met.
#[derive(Clone, Debug, PartialEq)]
pub struct VariableConflict {
    /// What is there; `None`: nothing.
    pub current: Option<Arc<StoredVariable>>,
    /// The index asked for.
    pub wanted: u64,
}

impl std::fmt::Display for VariableConflict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let found = self.current.as_ref().map_or(0, |variable| variable.modify_index);
        write!(f, "requested index {}; found index {found}", self.wanted)
    }
}
