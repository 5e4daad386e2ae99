//! The local engine: one background agent per user, started by the first command that needs it.
//!
//! Its folder holds a record of the running agent, its log, a lock that makes starting it safe from
//! two terminals at once, and its data, so that jobs survive a restart of the engine.

mod paths;
mod ready;
mod record;
mod start;
mod stop;

pub use paths::Paths;
pub use record::Record;
pub use start::ensure_started;
pub use stop::{stop, wipe};

/// Why the local engine cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LocalError {
    /// A file or folder of it.
    #[error("local engine: cannot {action} {path}")]
    File {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: String,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// No home to keep it in.
    #[error("local engine: neither HOME nor XDG_STATE_HOME is set: set DROVER_LOCAL_DIR to a folder for it")]
    NoHome,
    /// The agent ended while starting.
    #[error("local engine: the agent ended while starting; the end of its log {log}:\n{tail}")]
    Died {
        /// The log file.
        log: String,
        /// Its last lines.
        tail: String,
    },
    /// The agent does not answer.
    #[error("local engine: no answer within {seconds} s; its log is {log}")]
    Slow {
        /// How long was waited.
        seconds: u64,
        /// The log file.
        log: String,
    },
    /// The agent does not end.
    #[error("local engine: process {pid} did not end within {seconds} s; its log is {log}")]
    Stuck {
        /// Its process id.
        pid: i32,
        /// How long was waited.
        seconds: u64,
        /// The log file.
        log: String,
    },
}

impl LocalError {
    fn file(action: &'static str, path: &std::path::Path, source: std::io::Error) -> Self {
        Self::File { action, path: path.display().to_string(), source }
    }
}
