//! The handle.

use crate::RaftError;
use crate::files::lock_dir;
use crate::log::{DEFAULT_SEGMENT_BYTES, LogStore, Segments};
use crate::machine::{Driver, StateMachine};
use crate::network::NoPeers;
use crate::proposer::{self, MAX_COMMAND_BYTES, MAX_QUEUED_PROPOSALS, Proposal};
use crate::snapshots::SnapshotStore;
use crate::types::{Item, Raft};
use openraft::{BasicNode, SnapshotPolicy};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};

/// How long a single voter may take to become leader; it needs two writes to disk.
const ELECTION_TIMEOUT: Duration = Duration::from_secs(30);

/// What a node is opened with.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where log and snapshots are kept; `None`: in memory, gone with the process.
    pub data_dir: Option<PathBuf>,
    /// The node's id among the voters.
    pub node_id: u64,
    /// Entries between snapshots.
    pub snapshot_every_entries: u64,
    /// Space reserved for a segment of the log, in bytes.
    pub segment_bytes: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self { data_dir: None, node_id: 1, snapshot_every_entries: 8192, segment_bytes: DEFAULT_SEGMENT_BYTES }
    }
}

/// Where a node stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// The current term.
    pub term: u64,
    /// Whether this node leads.
    pub is_leader: bool,
    /// Index of the last log entry.
    pub last_log_index: u64,
    /// Index of the last applied log entry.
    pub applied_log_index: u64,
    /// Index of the last log entry in a snapshot.
    pub snapshot_log_index: u64,
    /// Commands applied: the index that state machines see.
    pub applied_index: u64,
}

/// A running node; clones share it.
pub struct Consensus<M: StateMachine>(Arc<Inner<M>>);

struct Inner<M: StateMachine> {
    raft: Raft,
    machine: Arc<M>,
    queue: mpsc::Sender<Proposal>,
    command_index: Arc<AtomicU64>,
    leader: watch::Receiver<bool>,
    /// Ends when the data directory is free again; `None`: everything is in memory.
    released: Option<tokio::sync::Mutex<mpsc::Receiver<Infallible>>>,
}

impl<M: StateMachine> Clone for Consensus<M> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<M: StateMachine> Consensus<M> {
    /// Opens a node: restores the state, becomes leader, applies what is committed. Proposals are
    /// taken at once when this returns.
    ///
    /// # Errors
    /// When the data directory is in use, damaged or not writable.
    pub async fn open(config: Config, machine: Arc<M>) -> Result<Self, RaftError> {
        let command_index = Arc::new(AtomicU64::new(0));
        let Storage { log, disk, snapshots, released } = open_storage(&config)?;
        let driver = Driver::open(machine.clone(), Arc::new(snapshots), command_index.clone())?;
        let raft = Raft::new(config.node_id, Arc::new(core_config(&config)?), NoPeers, log, driver);
        let raft = raft.await.map_err(|error| RaftError::Fatal(error.to_string()))?;
        lead(&raft, config.node_id).await?;
        let (queue, receiver) = mpsc::channel(MAX_QUEUED_PROPOSALS);
        let disk = disk.as_ref().map(Arc::downgrade);
        tokio::spawn(proposer::run(raft.clone(), disk, receiver));
        let leader = watch_leader(&raft, config.node_id);
        Ok(Self(Arc::new(Inner {
            raft,
            machine,
            queue,
            command_index,
            leader,
            released: released.map(tokio::sync::Mutex::new),
        })))
    }

    /// Proposes a command; returns once it is committed, durable and applied.
    ///
    /// # Errors
    /// Nothing of the command was applied then, but for [`RaftError::Fatal`] and
    /// [`RaftError::Closed`], after which it may have been.
    pub async fn propose(&self, command: M::Command) -> Result<M::Outcome, RaftError> {
        let bytes = if self.0.released.is_some() {
            self.0.machine.encode(&command).map_err(RaftError::Machine)?
        } else {
            Vec::new()
        };
        if bytes.len() > MAX_COMMAND_BYTES {
            return Err(RaftError::TooLarge { size_bytes: bytes.len(), max_bytes: MAX_COMMAND_BYTES });
        }
        let (answer, outcome) = oneshot::channel();
        let item = Item { bytes: bytes.into(), live: Some(Arc::new(command)) };
        self.0.queue.send(Proposal { item, answer }).await.map_err(|_| RaftError::Closed)?;
        let outcome = outcome.await.map_err(|_| RaftError::Closed)??;
        let outcome = outcome.downcast().expect("the driver makes outcomes of this machine");
        Ok(*outcome)
    }

    /// Returns once this node is known to lead and everything committed before is applied; the
    /// answer is the index of the last applied command.
    ///
    /// # Errors
    /// When this node does not lead or was shut down.
    pub async fn barrier(&self) -> Result<u64, RaftError> {
        use openraft::error::{CheckIsLeaderError, RaftError as CoreError};
        match self.0.raft.ensure_linearizable().await {
            Ok(_) => Ok(self.applied_index()),
            Err(CoreError::APIError(CheckIsLeaderError::ForwardToLeader(_))) => Err(RaftError::NotLeader),
            Err(error) => Err(RaftError::Fatal(error.to_string())),
        }
    }

    /// Index of the last applied command.
    pub fn applied_index(&self) -> u64 {
        self.0.command_index.load(Ordering::Acquire)
    }

    /// Whether this node leads.
    pub fn is_leader(&self) -> bool {
        *self.0.leader.borrow()
    }

    /// Follows whether this node leads.
    pub fn leader_watch(&self) -> watch::Receiver<bool> {
        self.0.leader.clone()
    }

    /// Where the node stands.
    pub fn status(&self) -> Status {
        let metrics = self.0.raft.metrics();
        let metrics = metrics.borrow();
        Status {
            term: metrics.current_term,
            is_leader: self.is_leader(),
            last_log_index: metrics.last_log_index.unwrap_or(0),
            applied_log_index: metrics.last_applied.map_or(0, |id| id.index),
            snapshot_log_index: metrics.snapshot.map_or(0, |id| id.index),
            applied_index: self.applied_index(),
        }
    }

    /// Asks for a snapshot now.
    ///
    /// # Errors
    /// When the node was shut down.
    pub async fn snapshot(&self) -> Result<(), RaftError> {
        self.0.raft.trigger().snapshot().await.map_err(|error| RaftError::Fatal(error.to_string()))
    }

    /// Stops the node; the data directory is free when this returns.
    pub async fn shutdown(&self) {
        if let Err(error) = self.0.raft.shutdown().await {
            tracing::warn!(%error, "the consensus task did not end well");
        }
        if let Some(released) = &self.0.released {
            let _end = released.lock().await.recv().await;
        }
    }
}

struct Storage {
    log: LogStore,
    disk: Option<Arc<Mutex<Segments>>>,
    snapshots: SnapshotStore,
    released: Option<mpsc::Receiver<Infallible>>,
}

fn open_storage(config: &Config) -> Result<Storage, RaftError> {
    let Some(dir) = &config.data_dir else {
        let snapshots = SnapshotStore::Memory(Mutex::new(None));
        return Ok(Storage { log: LogStore::in_memory(), disk: None, snapshots, released: None });
    };
    let (lock, released) = lock_dir(dir)?;
    let disk = Arc::new(Mutex::new(Segments::open(dir, config.segment_bytes, lock.clone())?));
    let log = LogStore::on_disk(disk.clone())?;
    let snapshots = SnapshotStore::Disk { dir: dir.clone(), _lock: lock };
    Ok(Storage { log, disk: Some(disk), snapshots, released: Some(released) })
}

fn core_config(config: &Config) -> Result<openraft::Config, RaftError> {
    let core = openraft::Config {
        cluster_name: "drover".to_owned(),
        // With one voter there is nobody to hear from: elections are asked for, and nothing ticks.
        enable_tick: false,
        enable_heartbeat: false,
        enable_elect: false,
        heartbeat_interval: 500,
        election_timeout_min: 1500,
        election_timeout_max: 3000,
        snapshot_policy: SnapshotPolicy::LogsSinceLast(config.snapshot_every_entries),
        max_in_snapshot_log_to_keep: 0,
        ..openraft::Config::default()
    };
    core.validate().map_err(|error| RaftError::Fatal(error.to_string()))
}

/// Makes this node the leader, of a new cluster when there is none yet.
async fn lead(raft: &Raft, id: u64) -> Result<(), RaftError> {
    let fatal = |error: &dyn std::fmt::Display| RaftError::Fatal(error.to_string());
    if raft.is_initialized().await.map_err(|error| fatal(&error))? {
        raft.trigger().elect().await.map_err(|error| fatal(&error))?;
    } else {
        let members = BTreeMap::from([(id, BasicNode::default())]);
        raft.initialize(members).await.map_err(|error| fatal(&error))?;
    }
    let elected = raft.wait(Some(ELECTION_TIMEOUT)).current_leader(id, "becoming leader").await;
    elected.map_err(|error| fatal(&error))?;
    raft.ensure_linearizable().await.map(|_| ()).map_err(|error| fatal(&error))
}

fn watch_leader(raft: &Raft, id: u64) -> watch::Receiver<bool> {
    let mut metrics = raft.server_metrics();
    let (sender, receiver) = watch::channel(metrics.borrow().current_leader == Some(id));
    tokio::spawn(async move {
        while metrics.changed().await.is_ok() {
            let leads = metrics.borrow_and_update().current_leader == Some(id);
            sender.send_if_modified(|was| std::mem::replace(was, leads) != leads);
            if sender.is_closed() {
                return;
            }
        }
        sender.send_replace(false);
    });
    receiver
}
