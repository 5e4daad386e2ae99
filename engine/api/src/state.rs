//! What the routes work on.

use crate::monitor::LogLines;
use crate::telemetry::Telemetry;
use drover_base::UnixNanos;
use drover_model::TextMap;
use drover_node::NodeHandle;
use drover_server::Server;
use drover_state::StateStore;
use serde_json::Value;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::sync::watch;

/// What the agent tells of itself.
#[derive(Clone, Debug)]
pub struct AgentInfo {
    /// Name of the agent.
    pub name: String,
    /// Its region.
    pub region: String,
    /// Its datacenter.
    pub datacenter: String,
    /// A UUID of the server.
    pub server_id: String,
    /// Address of the HTTP API.
    pub http_addr: SocketAddr,
    /// Address that servers and nodes would call.
    pub rpc_addr: SocketAddr,
    /// Address of gossip.
    pub serf_addr: SocketAddr,
    /// Version of the API.
    pub version: String,
    /// Whether it runs a server.
    pub is_server: bool,
    /// Its configuration as `/v1/agent/self` shows it.
    pub config: Value,
}

/// Bounds on requests.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The longest body taken, in bytes.
    pub max_body_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_body_bytes: 32 * 1024 * 1024 }
    }
}

/// What the routes work on. Clones share it.
#[derive(Clone)]
pub struct ApiState {
    /// The server.
    pub server: Server,
    /// The node, if this agent runs one.
    pub node: Option<NodeHandle>,
    /// The agent.
    pub agent: Arc<AgentInfo>,
    /// The agent's log lines.
    pub logs: LogLines,
    /// When the agent started.
    pub(crate) started: UnixNanos,
    /// The agent's environment as people may see it.
    pub(crate) environment: Arc<TextMap>,
    pub(crate) telemetry: Telemetry,
    /// Bounds on requests.
    pub limits: Limits,
    /// Becomes true when the agent shuts down; waiting reads and streams end then.
    pub(crate) stopping: watch::Receiver<bool>,
    pub(crate) stop: Arc<watch::Sender<bool>>,
}

impl ApiState {
    /// The routes' state.
    pub fn new(server: Server, node: Option<NodeHandle>, agent: AgentInfo, limits: Limits, logs: LogLines) -> Self {
        let (stop, stopping) = watch::channel(false);
        Self {
            server,
            node,
            agent: Arc::new(agent),
            logs,
            started: UnixNanos::now(),
            environment: Arc::default(),
            telemetry: Telemetry::default(),
            limits,
            stopping,
            stop: Arc::new(stop),
        }
    }

    /// With the agent's environment, for those who look for the cause of a problem; without what is secret.
    #[must_use]
    pub fn with_environment(self, environment: TextMap) -> Self {
        Self { environment: Arc::new(environment), ..self }
    }

    pub(crate) fn store(&self) -> &StateStore {
        self.server.state()
    }

    /// Resolves when the agent shuts down.
    pub(crate) async fn stopped(&self) {
        let mut stopping = self.stopping.clone();
        // The sender lives in `self`, so that this cannot fail before it is true.
        let _stopped = stopping.wait_for(|stopping| *stopping).await;
    }
}
