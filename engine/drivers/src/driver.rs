//! The contract between the node and a task driver.

use std::collections::BTreeMap;
use std::fmt;
use std::pin::Pin;
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;

use crate::task_config::TaskConfig;

/// Runs tasks of one kind. Drivers keep the running tasks they know in memory; [`Driver::recover`] makes a restarted
/// agent's driver know them again.
#[async_trait]
pub trait Driver: Send + Sync + fmt::Debug {
    /// Name in a job's `driver`.
    fn name(&self) -> &'static str;

    /// What the driver can do for a task.
    fn capabilities(&self) -> DriverCapabilities;

    /// Whether the driver works on this host, and what it has to say about it. Cheap enough to be asked every 30 s.
    async fn fingerprint(&self) -> DriverFingerprint;

    /// Checks a job's `config` block strictly: unknown keys, missing ones and wrong types are errors, all of them.
    fn validate_config(&self, config: &Map<String, Value>) -> Result<(), DriverError>;

    /// Starts a task. Whatever an earlier run of the same task left over is ended and removed first.
    async fn start(&self, config: &TaskConfig, events: &EventSink) -> Result<StartedTask, DriverError>;

    /// Takes a task over that an earlier agent started. [`DriverError::TaskNotFound`] when nothing of it is left,
    /// also no record of its end.
    async fn recover(&self, handle: &TaskHandle) -> Result<(), DriverError>;

    /// Waits until the task has ended and all of its output is in its log files. Can be asked any number of times.
    async fn wait(&self, handle: &TaskHandle) -> Result<ExitResult, DriverError>;

    /// Asks the task to end with `signal` (the driver's default when absent), forces it after `timeout`, and returns
    /// when it has ended.
    async fn stop(&self, handle: &TaskHandle, timeout: Duration, signal: Option<&str>) -> Result<(), DriverError>;

    /// Removes everything of the task, ending it first if it still runs.
    async fn destroy(&self, handle: &TaskHandle) -> Result<(), DriverError>;

    /// Sends a signal by name (`SIGHUP`) to the task.
    async fn signal(&self, handle: &TaskHandle, signal: &str) -> Result<(), DriverError>;

    /// What the task uses right now.
    async fn stats(&self, handle: &TaskHandle) -> Result<TaskStats, DriverError>;

    /// Runs a further command inside the task.
    async fn exec(&self, handle: &TaskHandle, request: ExecRequest) -> Result<ExecSession, DriverError>;
}

/// What a driver can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DriverCapabilities {
    /// [`Driver::signal`] works.
    pub send_signals: bool,
    /// [`Driver::exec`] works.
    pub exec: bool,
    /// How a task sees the file system.
    pub fs_isolation: FsIsolation,
    /// Tasks can join the group's network namespace.
    pub joins_network_namespace: bool,
    /// The driver maps ports itself in `host` network mode.
    pub maps_ports: bool,
    /// The task runs detached from the agent, and [`Driver::recover`] can find it again.
    pub survives_agent: bool,
}

/// How a task sees the file system; decides the paths in its environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FsIsolation {
    /// As the host does; `NOMAD_TASK_DIR` and the like are host paths.
    None,
    /// Its task directory is `/`.
    Chroot,
    /// The root comes from an image.
    Image,
}

/// What a driver says about the host.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DriverFingerprint {
    /// What the driver needs is there.
    pub detected: bool,
    /// Tasks can be started.
    pub healthy: bool,
    /// For people.
    pub health_description: String,
    /// Node attributes, `driver.NAME…`.
    pub attributes: BTreeMap<String, String>,
}

impl DriverFingerprint {
    /// Works; `driver.NAME` is `true`.
    pub fn healthy(name: &str) -> Self {
        Self {
            detected: true,
            healthy: true,
            health_description: "Healthy".into(),
            attributes: BTreeMap::from([(format!("driver.{name}"), "true".into())]),
        }
    }

    /// Does not work here.
    pub fn undetected(reason: impl Into<String>) -> Self {
        Self { health_description: reason.into(), ..Self::default() }
    }
}

/// Finds a task again, also after the agent's restart: the node stores it as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskHandle {
    /// Driver that made it.
    pub driver: String,
    /// Version of `state`, raised when its shape changes.
    pub version: u32,
    /// `TASK-ALLOCID`.
    pub task_id: String,
    /// The driver's own.
    pub state: Value,
}

/// A task that has just been started.
#[derive(Debug)]
pub struct StartedTask {
    /// To be stored.
    pub handle: TaskHandle,
    /// Address of the task, when the driver made a network for it.
    pub network: Option<DriverNetwork>,
}

/// Network that a driver made for a task.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DriverNetwork {
    /// Address of the task.
    pub ip: String,
    /// Services are advertised with this address instead of the host's.
    pub auto_advertise: bool,
    /// Ports inside the task by label.
    pub port_map: BTreeMap<String, u16>,
}

/// How a task ended.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExitResult {
    /// Exit code; 128 + signal when a signal ended it.
    pub exit_code: i32,
    /// Signal that ended it; 0 for none.
    pub signal: i32,
    /// The kernel ended it, or a part of it, for lack of memory.
    pub oom_killed: bool,
    /// What went wrong besides.
    pub err: Option<String>,
    /// When it ended, nanoseconds since 1970; 0 where unknown.
    pub finished_at_ns: i64,
}

impl ExitResult {
    /// Ended by itself and well.
    pub fn successful(&self) -> bool {
        self.exit_code == 0 && self.signal == 0 && self.err.is_none()
    }
}

/// Why a driver could not do as asked.
#[derive(Debug, Error)]
pub enum DriverError {
    /// The job's configuration is wrong; starting again will not help. All faults, one each.
    #[error("{}", list(.0))]
    Validation(Vec<String>),
    /// Something failed.
    #[error("{message}")]
    Failure {
        /// For people, with the cause.
        message: String,
        /// Starting again may help.
        recoverable: bool,
    },
    /// The driver does not know the task.
    #[error("task {0} is not known to the driver")]
    TaskNotFound(String),
    /// The driver cannot do this.
    #[error("driver {driver} does not support {what}")]
    Unsupported {
        /// Its name.
        driver: &'static str,
        /// What was asked.
        what: &'static str,
    },
}

fn list(faults: &[String]) -> String {
    format!("failed to parse config: {}", faults.join("; "))
}

impl DriverError {
    /// A failure that starting again will not repair.
    pub fn fatal(message: impl Into<String>) -> Self {
        Self::Failure { message: message.into(), recoverable: false }
    }

    /// A failure that may pass.
    pub fn recoverable(message: impl Into<String>) -> Self {
        Self::Failure { message: message.into(), recoverable: true }
    }

    /// Whether starting again may help.
    pub fn is_recoverable(&self) -> bool {
        matches!(self, Self::Failure { recoverable: true, .. })
    }
}

/// Something worth telling while a driver works, shown as a task event of type `Driver`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DriverEvent {
    /// `Downloading image`.
    pub message: String,
    /// Details of the event.
    pub annotations: BTreeMap<String, String>,
}

/// Where a driver's events go.
#[derive(Debug, Clone, Default)]
pub struct EventSink(Option<mpsc::UnboundedSender<DriverEvent>>);

impl EventSink {
    /// Events go to the channel. A driver sends a handful per start, so the channel needs no bound.
    pub fn new(sender: mpsc::UnboundedSender<DriverEvent>) -> Self {
        Self(Some(sender))
    }

    /// Events go nowhere.
    pub fn none() -> Self {
        Self(None)
    }

    /// Tells about progress.
    pub fn emit(&self, message: impl Into<String>, annotations: &[(&str, &str)]) {
        if let Some(sender) = &self.0 {
            let annotations = annotations.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
            sender.send(DriverEvent { message: message.into(), annotations }).ok();
        }
    }
}

/// Resource use of a task and of its processes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TaskStats {
    /// Of all processes together.
    pub total: ResourceUsage,
    /// By process id; empty where the driver cannot tell.
    pub processes: BTreeMap<i32, ResourceUsage>,
    /// When it was measured, nanoseconds since 1970.
    pub timestamp_ns: i64,
}

/// Resource use.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ResourceUsage {
    /// Memory.
    pub memory: MemoryUsage,
    /// Processor.
    pub cpu: CpuUsage,
}

/// Memory use, bytes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MemoryUsage {
    /// Resident.
    pub rss: u64,
    /// Page cache.
    pub cache: u64,
    /// Swapped out.
    pub swap: u64,
    /// Mapped files.
    pub mapped_file: u64,
    /// As the control group counts.
    pub usage: u64,
    /// Its peak.
    pub max_usage: u64,
    /// Which of the fields were measured, in the API's words (`RSS`, `Cache`, `Swap`, `Usage`, `Max Usage`).
    pub measured: Vec<&'static str>,
}

/// Processor use. Percentages are of one core, since the previous measurement.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CpuUsage {
    /// In the kernel, percent.
    pub system_mode: f64,
    /// In programs, percent.
    pub user_mode: f64,
    /// Both, percent.
    pub percent: f64,
    /// Both, nanoseconds since the start.
    pub total_ns: u64,
    /// Periods in which the task was throttled.
    pub throttled_periods: u64,
    /// Time for which it was throttled, nanoseconds.
    pub throttled_time_ns: u64,
    /// Which of the fields were measured (`System Mode`, `User Mode`, `Percent`, …).
    pub measured: Vec<&'static str>,
}

/// A command to run inside a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExecRequest {
    /// Program and arguments.
    pub command: Vec<String>,
    /// Give it a terminal.
    pub tty: Option<TerminalSize>,
}

/// Size of a terminal in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TerminalSize {
    /// Lines.
    pub height: u16,
    /// Columns.
    pub width: u16,
}

/// A command that runs inside a task. Dropping `exit` ends it.
pub struct ExecSession {
    /// Its standard input; shutting it down is the end of the input.
    pub stdin: Pin<Box<dyn AsyncWrite + Send>>,
    /// Its standard output; with a terminal, all output.
    pub stdout: Pin<Box<dyn AsyncRead + Send>>,
    /// Its standard error; none with a terminal.
    pub stderr: Option<Pin<Box<dyn AsyncRead + Send>>>,
    /// New sizes of the terminal.
    pub resize: mpsc::UnboundedSender<TerminalSize>,
    /// Its exit code.
    pub exit: Pin<Box<dyn Future<Output = Result<i32, DriverError>> + Send>>,
}

impl fmt::Debug for ExecSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExecSession").finish_non_exhaustive()
    }
}
