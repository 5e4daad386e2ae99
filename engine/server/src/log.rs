//! The one way into the replicated state: commands through the log, to the tables.

use crate::error::{ErrorKind, Result, ServerError};
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
pub(crate) struct Committed {
    /// Its index.
    pub index: u64,
    /// Its answer.
    pub applied: Applied,
}

/// The log of this server.
#[derive(Clone)]
pub(crate) struct Log(Consensus<Replicated>);

impl Log {
    /// Opens the log and brings `store` up to its end.
    pub async fn open(data_dir: Option<&Path>, store: StateStore) -> Result<Self> {
        let data_dir = data_dir.map(|dir| dir.join(LOG_DIR));
        let config = drover_raft::Config { data_dir, ..drover_raft::Config::default() };
        let consensus = Consensus::open(config, Arc::new(Replicated(store))).await;
        Ok(Self(consensus.map_err(|error| unavailable(&error))?))
    }

    /// Proposes a command; answers once it is committed, durable and applied.
    pub async fn propose(&self, command: Command) -> Result<Committed> {
        let outcome = self.0.propose(command).await.map_err(|error| unavailable(&error))?;
        let applied = outcome.result.map_err(refused)?;
        Ok(Committed { index: outcome.index, applied })
    }

    /// Waits until this server leads (`true`) or does not lead any more (`false`).
    pub async fn wait_for_leadership(&self, leads: bool) {
        let mut watch = self.0.leader_watch();
        if watch.wait_for(|leader| *leader == leads).await.is_err() {
            // The node is shut down: nothing changes any more.
            std::future::pending::<()>().await;
        }
    }

    /// Stops taking commands, and releases the data directory.
    pub async fn shutdown(&self) {
        self.0.shutdown().await;
    }
}

fn unavailable(error: &RaftError) -> ServerError {
    ServerError::unavailable(drover_base::error::chain(error))
}

fn refused(error: StateError) -> ServerError {
    match error {
        StateError::NotFound(message) => ServerError { kind: ErrorKind::NotFound, message },
        other => ServerError::refused(other.to_string()),
    }
}
