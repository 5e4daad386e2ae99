//! The one way into the replicated state: commands through the log, to the tables.

use crate::error::{ErrorKind, Result, ServerError};
use async_trait::async_trait;
use drover_raft::{BoxError, Consensus, RaftError, SnapshotFn, StateMachine};
use drover_state::{Applied, ApplyOutcome, Command, StateError, StateStore, codec};
use std::path::Path;
use std::sync::Arc;

/// The directory of the log below the server's data directory.
const LOG_DIR: &str = "raft";

/// The tables as what the log is applied to.
#[derive(Debug)]
struct Replicated(StateStore);

impl StateMachine for Replicated {
    type Command = Command;
    type Outcome = ApplyOutcome;

    fn encode(&self, command: &Command) -> std::result::Result<Vec<u8>, BoxError> {
        Ok(codec::encode_command(command)?)
    }
    fn decode(&self, bytes: &[u8]) -> std::result::Result<Command, BoxError> {
        Ok(codec::decode_command(bytes)?)
    }
    fn apply(&self, index: u64, command: &Command) -> ApplyOutcome {
        self.0.apply(index, command)
    }
    fn snapshot(&self) -> SnapshotFn {
        let snapshot = self.0.snapshot();
        Box::new(move || Ok(codec::encode_state(&snapshot)?))
    }
    fn restore(&self, bytes: &[u8]) -> std::result::Result<(), BoxError> {
        Ok(self.0.restore(bytes)?)
    }
}

/// A command that was applied.
#[derive(Clone, Debug)]
pub struct Committed {
    /// Its index.
    pub index: u64,
    /// Its answer.
    pub applied: Applied,
}

/// Why a command was not applied.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ProposeError {
    /// The state refused it; nothing was changed.
    #[error(transparent)]
    Refused(#[from] StateError),
    /// The log could not take it, or lost the leadership meanwhile.
    #[error("{0}")]
    Unavailable(String),
}

impl From<ProposeError> for ServerError {
    fn from(error: ProposeError) -> Self {
        match error {
            ProposeError::Refused(StateError::NotFound(message)) => Self { kind: ErrorKind::NotFound, message },
            ProposeError::Refused(error) => Self::refused(error.to_string()),
            ProposeError::Unavailable(message) => Self::unavailable(message),
        }
    }
}

/// The log as a server sees it. [`Server::open`](crate::Server::open) brings one along; a composition
/// root that keeps the consensus to itself hands in its own.
#[async_trait]
pub trait ProposeLog: Send + Sync + 'static {
    /// Proposes a command; answers once it is committed, durable and applied.
    async fn propose(&self, command: Command) -> std::result::Result<Committed, ProposeError>;
    /// Waits until this server leads and has applied all that was committed before.
    async fn wait_for_leadership(&self);
    /// Waits until this server does not lead any more.
    async fn wait_for_loss(&self);
    /// Where the log stands.
    fn status(&self) -> LogStatus {
        LogStatus::default()
    }
    /// Asks that the log be cut behind a snapshot, as after a very long command. Does nothing where the log belongs to
    /// somebody else.
    async fn compact(&self) {}
    /// Stops taking commands. Does nothing where the log belongs to somebody else.
    async fn shutdown(&self) {}
}

/// Where a log stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogStatus {
    /// The current term.
    pub term: u64,
    /// Index of the last entry.
    pub last_index: u64,
}

/// The log that a server brings along.
pub(crate) struct OwnLog(Consensus<Replicated>);

impl OwnLog {
    /// Opens the log and brings `store` up to its end.
    pub async fn open(data_dir: Option<&Path>, store: StateStore) -> Result<Self> {
        let data_dir = data_dir.map(|dir| dir.join(LOG_DIR));
        let config = drover_raft::Config { data_dir, ..drover_raft::Config::default() };
        let consensus = Consensus::open(config, Arc::new(Replicated(store))).await;
        Ok(Self(consensus.map_err(|error| unavailable(&error))?))
    }

    async fn wait_until(&self, leads: bool) {
        let mut watch = self.0.leader_watch();
        if watch.wait_for(|leader| *leader == leads).await.is_err() {
            // The log is shut down: nothing changes any more.
            std::future::pending::<()>().await;
        }
    }
}

#[async_trait]
impl ProposeLog for OwnLog {
    async fn propose(&self, command: Command) -> std::result::Result<Committed, ProposeError> {
        let outcome = self.0.propose(command).await.map_err(|error| unavailable(&error))?;
        Ok(Committed { index: outcome.index, applied: outcome.result? })
    }
    async fn wait_for_leadership(&self) {
        self.wait_until(true).await;
    }
    async fn wait_for_loss(&self) {
        self.wait_until(false).await;
    }
    fn status(&self) -> LogStatus {
        let status = self.0.status();
        LogStatus { term: status.term, last_index: status.last_log_index }
    }
    async fn compact(&self) {
        if let Err(error) = self.0.snapshot().await {
            tracing::warn!(%error, "no snapshot could be made");
        }
    }
    async fn shutdown(&self) {
        self.0.shutdown().await;
    }
}

fn unavailable(error: &RaftError) -> ProposeError {
    ProposeError::Unavailable(drover_base::error::chain(error))
}
