//! What the routes work on.

use crate::answers::Answers;
use crate::monitor::LogLines;
use crate::telemetry::Telemetry;
use drover_base::UnixNanos;
use drover_model::TextMap;
use drover_node::NodeHandle;
use drover_server::Server;
use drover_state::StateStore;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::{Semaphore, watch};

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

/// Reads the configuration again; the error is for people.
pub type Reload = Arc<dyn Fn() -> Result<(), String> + Send + Sync>;

/// Which numbers are shown.
#[derive(Clone, Debug)]
pub struct MetricsOptions {
    /// In the form of Prometheus too.
    pub prometheus: bool,
    /// Of each allocation.
    pub of_allocations: bool,
    /// Of the node.
    pub of_node: bool,
    /// With the agent's name as a label.
    pub with_host: bool,
    /// Not of jobs that were dispatched.
    pub without_dispatched: bool,
    /// Names to leave out (`-prefix`) or to let through (`+prefix`).
    pub prefix_filter: Vec<String>,
    /// What becomes of other names.
    pub filter_default: bool,
}

impl Default for MetricsOptions {
    /// Everything.
    fn default() -> Self {
        Self {
            prometheus: true,
            of_allocations: true,
            of_node: true,
            with_host: true,
            without_dispatched: false,
            prefix_filter: Vec::new(),
            filter_default: true,
        }
    }
}

impl MetricsOptions {
    /// Whether a name is shown: the longest rule that fits decides.
    pub(crate) fn shows(&self, name: &str) -> bool {
        let fits = |rule: &&String| name.starts_with(&rule[1..]);
        let longest =
            self.prefix_filter.iter().filter(|rule| !rule.is_empty()).filter(fits).max_by_key(|rule| rule.len());
        longest.map_or(self.filter_default, |rule| rule.starts_with('+'))
    }
}

/// Bounds on requests.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The longest body taken, in bytes.
    pub max_body_bytes: usize,
    /// Long bodies that may be on their way at the same time, in bytes; more wait for their turn.
    pub max_pending_body_bytes: usize,
    /// Connections of one address; 0: any number.
    pub max_connections_per_client: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_body_bytes: 32 * 1024 * 1024,
            max_pending_body_bytes: 256 * 1024 * 1024,
            max_connections_per_client: 100,
        }
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
    /// What was answered lately.
    pub(crate) answers: Arc<Answers>,
    /// KiB of long bodies that may still be read.
    pub(crate) body_budget: Arc<Semaphore>,
    pub(crate) metrics: Arc<MetricsOptions>,
    /// Reads the configuration again.
    pub(crate) reload: Reload,
    /// The file that the log goes to.
    pub(crate) log_file: Option<Arc<PathBuf>>,
    /// Headers of every answer.
    pub(crate) response_headers: Arc<HeaderMap>,
    /// Whether browsers are shown pages.
    pub(crate) has_pages: bool,
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
            answers: Arc::default(),
            body_budget: Arc::new(Semaphore::new(limits.max_pending_body_bytes / 1024)),
            metrics: Arc::default(),
            reload: Arc::new(|| Ok(())),
            log_file: None,
            response_headers: Arc::default(),
            has_pages: true,
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

    /// With what reads the configuration again.
    #[must_use]
    pub fn with_reload(self, reload: Reload) -> Self {
        Self { reload, ..self }
    }

    /// With the file that the log goes to.
    #[must_use]
    pub fn with_log_file(self, path: Option<PathBuf>) -> Self {
        Self { log_file: path.map(Arc::new), ..self }
    }

    /// With headers of every answer. Those that cannot be are left out.
    #[must_use]
    pub fn with_response_headers(self, headers: &BTreeMap<String, String>) -> Self {
        let parsed = headers.iter().filter_map(|(name, value)| {
            let parsed = (HeaderName::try_from(name.as_str()), HeaderValue::try_from(value.as_str()));
            let (Ok(name), Ok(value)) = parsed else {
                tracing::warn!(name, "http_api_response_headers: not a header");
                return None;
            };
            Some((name, value))
        });
        Self { response_headers: Arc::new(parsed.collect()), ..self }
    }

    /// Without pages for browsers.
    #[must_use]
    pub fn without_pages(self) -> Self {
        Self { has_pages: false, ..self }
    }

    /// With a choice of metrics.
    #[must_use]
    pub fn with_metrics(self, options: MetricsOptions) -> Self {
        Self { metrics: Arc::new(options), ..self }
    }

    /// All numbers as they are now, with their labels in their names: for those who take no labels.
    pub async fn gauges(&self) -> Vec<(String, f64)> {
        crate::routes::metrics::flat(self).await
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
