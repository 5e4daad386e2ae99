//! What the agent tells a supervisor process, and what the two say to each other afterwards.
//!
//! The specification travels once, as a length-prefixed JSON document over the control socket; after it both sides
//! exchange one JSON document per line. The same lines are spoken over the socket that a restarted agent connects to.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::cgroup::CgroupPlan;

/// A specification longer than this is refused: an environment plus arguments cannot be larger for `execve` either.
pub const MAX_SPEC_BYTES: u32 = 8 * 1024 * 1024;

/// File in the state directory that says which processes run.
pub const STATE_FILE: &str = "state.json";
/// File in the state directory that says how the task ended. It appears once, by an atomic rename.
pub const EXIT_FILE: &str = "exit.json";
/// Where a supervisor writes what it cannot tell anyone else.
pub const SUPERVISOR_LOG: &str = "supervisor.log";

/// What a freshly forked supervisor process is to do.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Spec {
    /// Run a task and watch over it.
    Task(Box<TaskSpec>),
    /// Copy a container's output into log files.
    DockerLogs(DockerLogsSpec),
}

/// Everything needed to run one task without asking again.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TaskSpec {
    /// Name for people, `TASK-ALLOCID`.
    pub id: String,
    /// Directory of the state and exit files; only the agent's user may enter it.
    pub state_dir: PathBuf,
    /// Abstract Unix socket name that the supervisor listens on.
    pub socket: String,
    /// Program: an absolute path, or a name that is searched for inside the task's root when `isolation` is set.
    pub command: String,
    /// Arguments without the program's name.
    pub args: Vec<String>,
    /// Complete environment, `KEY=VALUE`.
    pub env: Vec<String>,
    /// Working directory as the task sees it.
    pub work_dir: PathBuf,
    /// Whom to run as; the supervisor's own user when absent.
    pub user: Option<UserIds>,
    /// Where standard output goes; nowhere when absent.
    pub stdout: Option<LogTarget>,
    /// Where standard error goes; nowhere when absent.
    pub stderr: Option<LogTarget>,
    /// Control groups to create and join.
    pub cgroup: Option<CgroupPlan>,
    /// Namespaces and root file system; none for raw_exec.
    pub isolation: Option<Isolation>,
    /// Network namespace to join, as a path.
    pub network_namespace: Option<PathBuf>,
    /// Value for `/proc/self/oom_score_adj` of the task.
    pub oom_score_adj: Option<i32>,
}

/// Numeric identity of a user, resolved by the agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserIds {
    /// User id.
    pub uid: u32,
    /// Primary group id.
    pub gid: u32,
    /// Supplementary group ids.
    pub groups: Vec<u32>,
}

/// Where one stream's log files lie and how they rotate: `DIR/PREFIX.N`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogTarget {
    /// Directory, which must exist.
    pub dir: PathBuf,
    /// File name without the index, `TASK.stdout`.
    pub prefix: String,
    /// Number of files kept, at least 1.
    pub max_files: u32,
    /// Size at which the next file begins, bytes.
    pub max_file_bytes: u64,
}

/// Namespaces and root of an isolated task.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Isolation {
    /// Directory that becomes `/`.
    pub root: PathBuf,
    /// Host paths shown inside.
    pub mounts: Vec<BindMount>,
    /// Give the task its own process ids.
    pub private_pid: bool,
    /// Give the task its own System V and POSIX message objects.
    pub private_ipc: bool,
    /// Capability bits the task may hold.
    pub capabilities: u64,
}

/// One host path shown inside the task's root.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BindMount {
    /// Path on the host.
    pub source: PathBuf,
    /// Path inside, absolute.
    pub target: PathBuf,
    /// Refuse writes.
    pub read_only: bool,
    /// Leave it out when the source is missing.
    pub optional: bool,
}

/// What a container's log follower needs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DockerLogsSpec {
    /// Docker's Unix socket.
    pub docker_socket: PathBuf,
    /// Container id.
    pub container_id: String,
    /// The container has a terminal: its output is one unframed stream.
    pub tty: bool,
    /// Directory of the position file and its lock.
    pub state_dir: PathBuf,
    /// Where standard output goes.
    pub stdout: LogTarget,
    /// Where standard error goes.
    pub stderr: LogTarget,
}

/// The processes of a task, as kept in [`STATE_FILE`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Processes {
    /// The task's first process, in the agent's process id namespace.
    pub pid: i32,
    /// Its start time in clock ticks after boot: tells a reused id apart.
    pub start_time: u64,
    /// The supervisor.
    pub supervisor_pid: i32,
    /// Its start time in clock ticks after boot.
    pub supervisor_start_time: u64,
    /// Abstract name of the supervisor's socket.
    pub socket: String,
    /// Wall clock at the start, nanoseconds since 1970.
    pub started_at_ns: i64,
    /// The control groups, so that whoever cleans up finds them.
    pub cgroup: Option<CgroupPlan>,
}

/// How a task ended, as kept in [`EXIT_FILE`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExitRecord {
    /// Exit code; 128 + signal when a signal ended it.
    pub exit_code: i32,
    /// Signal that ended it, 0 for none.
    pub signal: i32,
    /// The kernel killed a process of the task for lack of memory.
    pub oom_killed: bool,
    /// Wall clock, nanoseconds since 1970.
    pub finished_at_ns: i64,
    /// Bytes of output that could not be written (full disk).
    #[serde(default)]
    pub log_bytes_lost: u64,
}

/// Agent to supervisor.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Request {
    /// Chosen by the agent and repeated in the reply.
    pub id: u64,
    /// What to do.
    pub op: Operation,
}

/// What an agent asks of a supervisor.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// Send `signal`, and kill everything after `timeout_ms`.
    Stop {
        /// Signal number.
        signal: i32,
        /// Milliseconds until SIGKILL.
        timeout_ms: u64,
    },
    /// Send a signal to the task's first process.
    Signal {
        /// Signal number.
        signal: i32,
    },
    /// Run a further command inside the task; its standard streams come as file descriptors with the same message.
    Exec {
        /// Program and arguments.
        command: Vec<String>,
        /// The passed descriptor is a terminal: make it the controlling one.
        tty: bool,
    },
}

/// Supervisor to agent.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Message {
    /// The task runs. The first message of a new supervisor, and of every later connection.
    Started(Processes),
    /// The task could not be started; the supervisor ends.
    Failed {
        /// Why.
        message: String,
    },
    /// The task ended; the supervisor ends.
    Exited(ExitRecord),
    /// Answer to a request.
    Reply {
        /// Of the request.
        id: u64,
        /// What went wrong.
        error: Option<String>,
    },
    /// A command started by [`Operation::Exec`] ended.
    ExecExited {
        /// Of the request.
        id: u64,
        /// Its exit code; 128 + signal when a signal ended it.
        exit_code: i32,
    },
}
