//! Why a node could not do as asked.

use drover_base::AllocId;
use std::path::PathBuf;

/// Why a node could not do as asked. The texts are those that the API answers with.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// No such allocation here.
    #[error("Unknown allocation \"{0}\"")]
    UnknownAlloc(AllocId),
    /// No such task, for logs.
    #[error("unknown task name \"{0}\"")]
    UnknownTask(String),
    /// No such task, for a restart.
    #[error("Could not find task runner for task: {0}")]
    NoTaskRunner(String),
    /// No such task, for a signal.
    #[error("Task not found")]
    TaskNotFound,
    /// One task or all, not both.
    #[error("task name cannot be set when restarting all tasks")]
    OneTaskOrAll,
    /// It is over.
    #[error("restart of an alloc that should not run")]
    NotRestartable,
    /// Signals that could not be sent, one line each.
    #[error("{} occurred:\n{}\n\n", count(.0), .0.iter().map(|fault| format!("\t* {fault}")).collect::<Vec<_>>().join("\n"))]
    Signals(Vec<String>),
    /// The task does not run.
    #[error("task {0:?} is not running")]
    TaskNotRunning(String),
    /// It still runs, and cannot be collected.
    #[error("allocation {0} still runs: stop it before collecting it")]
    StillRunning(AllocId),
    /// The driver's answer.
    #[error(transparent)]
    Driver(#[from] drover_drivers::DriverError),
    /// A metadata key that cannot be.
    #[error("{0:?} is invalid; metadata keys must be valid dotted hcl identifiers")]
    InvalidMetaKey(String),
    /// The node's own directory.
    #[error("{}: {cause}", path.display())]
    Io {
        /// Where.
        path: PathBuf,
        /// Why.
        cause: std::io::Error,
    },
    /// The node is shutting down.
    #[error("the node is shutting down")]
    ShuttingDown,
}

impl NodeError {
    /// With the place that an error of the file system happened at.
    pub fn io(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |cause| Self::Io { path, cause }
    }
}

fn count(faults: &[String]) -> String {
    match faults.len() {
        1 => "1 error".to_owned(),
        many => format!("{many} errors"),
    }
}
