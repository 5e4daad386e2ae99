//! The handle that callers hold, and what all parts of a server share.

use crate::access::AclCache;
use crate::applier::Applier;
use crate::blocked::core::Blocked;
use crate::broker::Queue;
use crate::config::ServerConfig;
use crate::error::Result;
use crate::keyring::Keyring;
use crate::log::{Committed, OwnLog, ProposeLog};
use crate::login::Logins;
use crate::node_updates::AllocUpdates;
use crate::{answer, deployments, drainer, heartbeat, leader, locks, node_updates, periodic, storage};
use drover_model::{EvalStatus, Evaluation, UnixNanos};
use drover_state::{Command, Snapshot, StateStore, Table, WatchKey};
use parking_lot::Mutex;
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// Cancellations that may wait to be written.
const MAX_PENDING_CANCELLATIONS: usize = 4096;

/// A server of the cluster. Clones share it.
#[derive(Clone)]
pub struct Server {
    pub(crate) inner: Arc<Inner>,
}

/// What all parts share.
pub(crate) struct Inner {
    pub config: ServerConfig,
    pub store: StateStore,
    pub log: Arc<dyn ProposeLog>,
    pub queue: Queue,
    pub blocked: Mutex<Blocked>,
    pub applier: Applier,
    pub deployments: deployments::Signals,
    pub drainer: drainer::Signals,
    pub periodic: periodic::Shared,
    pub heartbeats: heartbeat::Shared,
    pub keyring: Keyring,
    pub logins: Logins,
    pub variable_locks: locks::Shared,
    pub workers: crate::worker::pool::Pool,
    pub acl_cache: AclCache,
    pub leadership: leader::Leadership,
    pub alloc_updates: AllocUpdates,
    pub nodes: storage::Nodes,
    cancellations: mpsc::Sender<Vec<Arc<Evaluation>>>,
    tasks: Mutex<Option<JoinSet<()>>>,
}

impl Server {
    /// Opens the state in the configured data directory (or a new one in memory) and starts to work.
    ///
    /// # Errors
    /// The log cannot be opened.
    pub async fn open(config: ServerConfig) -> Result<Self> {
        let store = StateStore::new();
        let log = OwnLog::open(config.data_dir.as_deref(), store.clone()).await?;
        Self::start(config, store, Arc::new(log))
    }

    /// Starts to work on a store and the log that changes it. Must be called inside of a tokio runtime.
    ///
    /// # Errors
    /// None yet: what it needs is made in the background.
    pub fn start(config: ServerConfig, store: StateStore, log: Arc<dyn ProposeLog>) -> Result<Self> {
        let keyring = Keyring::new(config.data_dir.as_deref());
        let (cancellations, cancelled) = mpsc::channel(MAX_PENDING_CANCELLATIONS);
        let (alloc_updates, updates) = AllocUpdates::new();
        let inner = Arc::new(Inner {
            heartbeats: heartbeat::Shared::new(config.heartbeat.clone()),
            config,
            store,
            log,
            queue: Queue::default(),
            blocked: Mutex::default(),
            applier: Applier::default(),
            deployments: deployments::Signals::default(),
            drainer: drainer::Signals::default(),
            periodic: periodic::Shared::default(),
            keyring,
            logins: Logins::default(),
            variable_locks: locks::Shared::default(),
            workers: crate::worker::pool::Pool::default(),
            acl_cache: AclCache::default(),
            leadership: leader::Leadership::default(),
            alloc_updates,
            nodes: storage::Nodes::default(),
            cancellations,
            tasks: Mutex::new(Some(JoinSet::new())),
        });
        leader::observe(&inner);
        inner.spawn(leader::lead(inner.clone()));
        inner.spawn(write_cancellations(inner.clone(), cancelled));
        inner.spawn(node_updates::run(inner.clone(), updates));
        Ok(Self { inner })
    }

    /// Says how nodes are called; without it nothing can be asked of them.
    pub fn reach_nodes(&self, calls: Arc<dyn storage::NodeCalls>) {
        self.inner.nodes.reach(calls);
    }

    /// The replicated state, to be read through its snapshots and watches.
    pub fn state(&self) -> &StateStore {
        &self.inner.store
    }

    /// What it was told at start.
    pub fn config(&self) -> &ServerConfig {
        &self.inner.config
    }

    /// How many workers work, and on what.
    pub fn worker_settings(&self) -> crate::WorkerSettings {
        self.inner.workers.settings()
    }

    /// Changes how many workers work, and on what, until the next start.
    pub fn set_worker_settings(&self, settings: crate::WorkerSettings) {
        self.inner.workers.set(settings);
    }

    /// Where the log stands.
    pub fn log_status(&self) -> crate::LogStatus {
        self.inner.log.status()
    }

    /// Counts of evaluations.
    pub fn broker_stats(&self) -> answer::BrokerStats {
        let counts = self.inner.queue.counts();
        answer::BrokerStats {
            ready: counts.ready,
            in_flight: counts.in_flight,
            waiting: counts.waiting + counts.delayed,
            blocked: self.inner.blocked.lock().len(),
        }
    }

    /// Stops all work. Calls that come later are refused by the log.
    pub async fn shutdown(&self) {
        let tasks = self.inner.tasks.lock().take();
        if let Some(mut tasks) = tasks {
            tasks.shutdown().await;
        }
        self.inner.log.shutdown().await;
    }
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("name", &self.inner.config.name).finish_non_exhaustive()
    }
}

impl Inner {
    /// Proposes a command and waits until it is applied.
    pub async fn propose(&self, command: Command) -> Result<Committed> {
        Ok(self.log.propose(command).await?)
    }

    /// A view that is at least as new as `index`.
    pub async fn snapshot_at_least(&self, index: u64) -> Snapshot {
        let snapshot = self.store.snapshot();
        if snapshot.index() >= index {
            return snapshot;
        }
        let mut watch = self.store.watch(vec![WatchKey::Table(Table::Evals), WatchKey::Events]);
        loop {
            watch.rearm();
            let snapshot = self.store.snapshot();
            if snapshot.index() >= index {
                return snapshot;
            }
            (&mut watch).await;
        }
    }

    /// Marks evaluations as no longer needed, in the background.
    pub fn cancel(&self, evals: Vec<Arc<Evaluation>>) {
        if !evals.is_empty() && self.cancellations.try_send(evals).is_err() {
            tracing::warn!("too many cancelled evaluations wait to be written; some stay as they are");
        }
    }

    /// Runs a part until shutdown.
    pub fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        if let Some(tasks) = self.tasks.lock().as_mut() {
            tasks.spawn(work);
        }
    }
}

/// Cancelled evaluations are written together: nothing waits for them.
async fn write_cancellations(inner: Arc<Inner>, mut cancelled: mpsc::Receiver<Vec<Arc<Evaluation>>>) {
    while let Some(mut evals) = cancelled.recv().await {
        while let Ok(more) = cancelled.try_recv() {
            evals.extend(more);
        }
        let snapshot = inner.store.snapshot();
        let now = UnixNanos::now();
        let open = evals.iter().filter_map(|eval| snapshot.eval(&eval.id)).filter(|eval| !eval.status.is_terminal());
        let cancelled: Vec<Evaluation> = open
            .map(|eval| Evaluation {
                status: EvalStatus::Canceled,
                status_description: "canceled after more recent eval was processed".to_owned(),
                modify_time: now,
                ..(**eval).clone()
            })
            .collect();
        if cancelled.is_empty() {
            continue;
        }
        if let Err(error) = inner.propose(Command::UpsertEvals(cancelled)).await {
            tracing::warn!(%error, "cancelled evaluations could not be written");
        }
    }
}
