//! The supervisor: one small process per task that outlives the agent.
//!
//! `drover supervise` runs [`main`] before anything else of the program starts: no runtime, no threads, no logging
//! set-up. It is a *launcher*: the agent hands it one socket per task, it forks, and the child becomes that task's
//! supervisor in a session of its own. Forking a tiny process that is already loaded is what makes starting a task
//! take about a millisecond, and supervisors share their memory with one another.
//!
//! A supervisor reads the task's output and rotates its log files, reaps it, kills what is left of it, and records
//! how it ended. When the agent goes away it carries on; a returning agent connects to its socket, or reads the exit
//! file. If a supervisor itself is killed, the kernel kills its task with it (parent death signal), and the agent
//! reports that the task was lost.

use std::ffi::OsStr;
use std::process::ExitCode;

pub mod caps;
pub mod cgroup;
mod child;
pub mod client;
mod connection;
mod docker_http;
mod docker_logs;
mod launcher;
pub mod logs;
pub mod process;
pub mod spec;
mod task;

mod isolation;

pub use child::make_executable;
pub use client::{Launcher, SupervisorClient, SupervisorError};
pub(crate) use docker_logs::stamp_ns;

/// Entry point of `drover supervise`. Call it first thing in `main`, before any runtime or thread exists.
///
/// Needs the agent's socket as standard input, so it is of no use to people.
pub fn main(args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> ExitCode {
    // Arguments only tell a reader of `ps` what the process is.
    drop(args);
    launcher::run()
}

/// Abstract socket that a container's log follower holds. A second follower cannot take the name; an agent that
/// connects notices the follower's end.
pub fn follower_socket(container_id: &str) -> String {
    format!("drover-logs-{container_id}")
}

/// Listens on an abstract socket: it needs no file, and its name is free again when the process ends.
fn listen(name: &str) -> std::io::Result<std::os::unix::net::UnixListener> {
    use std::os::linux::net::SocketAddrExt;
    let address = std::os::unix::net::SocketAddr::from_abstract_name(name)?;
    std::os::unix::net::UnixListener::bind_addr(&address)
}

/// Nanoseconds since 1970 on the wall clock.
fn now_ns() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}

/// Writes a file in one step: readers see all of it or none.
///
/// It is not synced: the file matters to an agent that restarts, not to a host that does, since no task survives that.
fn write_atomically(path: &std::path::Path, content: &[u8]) -> std::io::Result<()> {
    let temporary = path.with_extension("tmp");
    std::fs::write(&temporary, content)?;
    std::fs::rename(&temporary, path)
}
