//! What may go wrong between a proposer and the log.

use crate::machine::BoxError;
use std::io;
use std::path::PathBuf;

/// Why a proposal failed, or a node could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum RaftError {
    /// Another process has the data directory.
    #[error("{0} is in use by another process; stop it, or give this one another data directory")]
    InUse(PathBuf),
    /// A file could not be read or written.
    #[error("{action} {path}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// With which file.
        path: PathBuf,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// A file is damaged or of another version.
    #[error("{path} is damaged: {reason}")]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The disk is full: nothing of the proposal was stored.
    #[error("not enough disk space to store the change; free some space and try again")]
    DiskFull(#[source] io::Error),
    /// The command is larger than an entry may be.
    #[error("the change is {size_bytes} bytes long; at most {max_bytes} are allowed")]
    TooLarge {
        /// Its size.
        size_bytes: usize,
        /// The limit.
        max_bytes: usize,
    },
    /// The state machine could not encode or restore something.
    #[error("state machine: {0}")]
    Machine(#[source] BoxError),
    /// This node does not lead.
    #[error("no cluster leader")]
    NotLeader,
    /// The node was shut down.
    #[error("shut down")]
    Closed,
    /// The consensus core gave up; the text says why.
    #[error("consensus stopped: {0}")]
    Fatal(String),
}

impl RaftError {
    pub(crate) fn io(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { action, path, source }
    }
}
