//! What happened to a task, as people see it.

use crate::TextMap;
use drover_base::{Nanos, UnixNanos};
use serde::{Deserialize, Serialize};

/// The type names of events, as the wire has them.
pub mod kind {
    /// The node took the task over.
    pub const RECEIVED: &str = "Received";
    /// Directories and hooks.
    pub const TASK_SETUP: &str = "Task Setup";
    /// Preparation failed.
    pub const SETUP_FAILURE: &str = "Setup Failure";
    /// It runs.
    pub const STARTED: &str = "Started";
    /// It ended.
    pub const TERMINATED: &str = "Terminated";
    /// It will be started again.
    pub const RESTARTING: &str = "Restarting";
    /// It will not.
    pub const NOT_RESTARTING: &str = "Not Restarting";
    /// A restart was asked for.
    pub const RESTART_SIGNALED: &str = "Restart Signaled";
    /// A signal is sent.
    pub const SIGNALING: &str = "Signaling";
    /// It is being stopped.
    pub const KILLING: &str = "Killing";
    /// It was stopped.
    pub const KILLED: &str = "Killed";
    /// The driver could not start it.
    pub const DRIVER_FAILURE: &str = "Driver Failure";
    /// A message of the driver.
    pub const DRIVER: &str = "Driver";
    /// The configuration is wrong.
    pub const FAILED_VALIDATION: &str = "Failed Validation";
    /// A sibling failed.
    pub const SIBLING_FAILED: &str = "Sibling Task Failed";
    /// The leader ended.
    pub const LEADER_DEAD: &str = "Leader Task Dead";
    /// All main tasks ended.
    pub const MAIN_DEAD: &str = "Main Tasks Dead";
    /// A message of a hook.
    pub const HOOK_MESSAGE: &str = "Task hook message";
    /// A hook failed.
    pub const HOOK_FAILED: &str = "Task hook failed";
    /// Artifacts are fetched.
    pub const DOWNLOADING_ARTIFACTS: &str = "Downloading Artifacts";
    /// Fetching failed.
    pub const ARTIFACT_DOWNLOAD_FAILED: &str = "Failed Artifact Download";
    /// A template's message.
    pub const TEMPLATE: &str = "Template";
    /// Not healthy in time.
    pub const ALLOC_UNHEALTHY: &str = "Alloc Unhealthy";
    /// Waiting before stopping.
    pub const WAITING_SHUTDOWN_DELAY: &str = "Waiting for shutdown delay";
}

/// One event. The old single-purpose fields are kept on the wire, always empty but for
/// `message` and those that the reference still fills.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct TaskEvent {
    /// One of [`kind`].
    #[serde(rename = "Type")]
    pub kind: String,
    /// When.
    pub time: UnixNanos,
    /// The message of setup and driver events.
    pub message: String,
    /// What people read.
    pub display_message: String,
    /// Everything else, all text.
    pub details: TextMap,
    /// Whether the task failed by it.
    pub fails_task: bool,
    /// Legacy.
    pub restart_reason: String,
    /// Legacy.
    pub setup_error: String,
    /// Legacy.
    pub driver_error: String,
    /// Legacy.
    pub driver_message: String,
    /// Legacy.
    pub exit_code: i64,
    /// Legacy.
    pub signal: i64,
    /// Legacy.
    pub kill_timeout: Nanos,
    /// Legacy.
    pub kill_error: String,
    /// Legacy.
    pub kill_reason: String,
    /// Legacy.
    pub start_delay: i64,
    /// Legacy.
    pub download_error: String,
    /// Legacy.
    pub validation_error: String,
    /// Legacy.
    pub disk_limit: i64,
    /// Legacy.
    pub failed_sibling: String,
    /// Legacy.
    pub vault_error: String,
    /// Legacy.
    pub task_signal_reason: String,
    /// Legacy.
    pub task_signal: String,
    /// Legacy.
    pub generic_source: String,
}

impl TaskEvent {
    /// An event of `kind` at `time` that people read as `display_message`.
    pub fn new(kind: &str, time: UnixNanos, display_message: impl Into<String>) -> Self {
        Self { kind: kind.to_owned(), time, display_message: display_message.into(), ..Self::default() }
    }
    /// With one more detail.
    #[must_use]
    pub fn with_detail(mut self, key: &str, value: impl Into<String>) -> Self {
        self.details.insert(key.to_owned(), value.into());
        self
    }
}
