//! Simulated clusters: the real server (broker, workers, scheduler, applier) and the real state, on a log
//! in memory and nodes that only exist on paper.
//!
//! - [`Simulation`] starts a server, registers nodes and jobs through its public calls, lets nodes die and
//!   waits until all is quiet.
//! - [`Simulation::check`] says whether what came of it is right: each allocation is there once, on a live
//!   node, and no node holds more than it has.
//! - [`MemoryLog`] is the log: it applies each command at once, and can count what it would have written.
//!
//! It must not know of HTTP, files or real workloads, and nothing of the product uses it.

mod check;
mod log;
mod shape;

pub use check::{Report, Wrong};
pub use log::MemoryLog;
pub use shape::{JobShape, NodeShape};

use drover_model::{EvalStatus, JobKey, Nanos, NodeId};
use drover_server::config::{HeartbeatConfig, ServerConfig};
use drover_server::request::RegisterOptions;
use drover_server::{Server, ServerError};
use drover_state::{Snapshot, StateStore, Table, WatchKey};
use std::sync::Arc;
use std::time::Duration;

/// Simulated nodes send no heartbeats: they get this long.
const SILENCE: Nanos = Nanos::from_hours(24);
/// Between two looks at the broker when no change wakes the wait.
const QUIET_CHECK: Duration = Duration::from_millis(20);

/// A cluster that is simulated.
pub struct Simulation {
    server: Server,
    log: Arc<MemoryLog>,
    nodes: Vec<NodeId>,
    jobs: Vec<(JobKey, u32)>,
}

impl Simulation {
    /// A cluster without nodes. `workers`: parallel schedulers. Must be called inside of a tokio runtime.
    ///
    /// # Errors
    /// The server cannot start.
    pub async fn start(workers: usize) -> Result<Self, ServerError> {
        let store = StateStore::new();
        let log = Arc::new(MemoryLog::new(store.clone()));
        let heartbeat = HeartbeatConfig { min_ttl: SILENCE, failover_ttl: SILENCE, ..HeartbeatConfig::default() };
        let config = ServerConfig { workers, heartbeat, ..ServerConfig::default() };
        let server = Server::start(config, store, Arc::<MemoryLog>::clone(&log))?;
        Ok(Self { server, log, nodes: Vec::new(), jobs: Vec::new() })
    }

    /// The server, for what is not covered here.
    pub const fn server(&self) -> &Server {
        &self.server
    }

    /// The log.
    pub fn log(&self) -> &MemoryLog {
        &self.log
    }

    /// The state as it is now.
    pub fn snapshot(&self) -> Snapshot {
        self.server.state().snapshot()
    }

    /// Registers nodes.
    ///
    /// # Errors
    /// Those of the server.
    pub async fn add_nodes(&mut self, count: usize, shape: &NodeShape) -> Result<(), ServerError> {
        for _ in 0..count {
            let node = shape.node(self.nodes.len());
            self.nodes.push(node.id.clone());
            self.server.register_node(node).await?;
        }
        Ok(())
    }

    /// Registers a job; its allocations are placed in the background.
    ///
    /// # Errors
    /// Those of the server.
    pub async fn submit(&mut self, id: &str, shape: &JobShape) -> Result<(), ServerError> {
        self.server.register_job(shape.job(id), RegisterOptions::default()).await?;
        self.jobs.push((JobKey::new("default", id), shape.count));
        Ok(())
    }

    /// Lets every `nth` node that still lives die, all at the same time; how many that were.
    ///
    /// # Errors
    /// Those of the server.
    pub async fn kill_every(&mut self, nth: usize) -> Result<usize, ServerError> {
        let mut dead = Vec::new();
        for (at, id) in std::mem::take(&mut self.nodes).into_iter().enumerate() {
            if at % nth == 0 { dead.push(id) } else { self.nodes.push(id) }
        }
        self.server.miss_heartbeats(&dead).await?;
        Ok(dead.len())
    }

    /// Waits until no evaluation is open any more: everything is placed.
    pub async fn settle(&self) {
        self.wait_while(|snapshot| snapshot.evals().any(|eval| !eval.status.is_terminal())).await;
    }

    /// Waits until nothing is left to be worked on; what waits for capacity goes on waiting.
    pub async fn wait_for_evaluations(&self) {
        self.wait_while(|snapshot| snapshot.evals().any(|eval| eval.status == EvalStatus::Pending)).await;
    }

    async fn wait_while(&self, is_open: impl Fn(&Snapshot) -> bool) {
        let mut watch = self.server.state().watch(vec![WatchKey::Table(Table::Evals)]);
        loop {
            watch.rearm();
            let stats = self.server.broker_stats();
            if stats.ready + stats.in_flight + stats.waiting == 0 && !is_open(&self.snapshot()) {
                return;
            }
            // An acknowledgement changes the broker after the state.
            let _timeout = tokio::time::timeout(QUIET_CHECK, &mut watch).await;
        }
    }

    /// Looks at every allocation.
    ///
    /// # Errors
    /// The first thing that is not as it must be.
    pub fn check(&self) -> Result<Report, Wrong> {
        check::check(&self.snapshot(), &self.jobs)
    }

    /// Stops the server.
    pub async fn stop(self) {
        self.server.shutdown().await;
    }
}

impl std::fmt::Debug for Simulation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Simulation")
            .field("nodes", &self.nodes.len())
            .field("jobs", &self.jobs.len())
            .finish_non_exhaustive()
    }
}
