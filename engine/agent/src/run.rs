//! Starts everything in order, waits for a signal, stops everything in the reverse order.

use crate::config::{AgentConfig, ConfigError, Overrides, read_paths, resolve};
use crate::signals::{Request, Signals};
use crate::task_api::AgentApi;
use crate::{about, banner, link, memory, plugins, settings, statsd};
use drover_api::{ApiState, Limits, ServeHandle};
use drover_drivers::Drivers;
use drover_node::{Node, NodeHandle};
use drover_server::Server;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, UnixListener};

/// How long tasks may take to end when a dev agent stops.
const END_PATIENCE: Duration = Duration::from_secs(4);

/// Why an agent does not start.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The address of the HTTP API.
    #[error("cannot listen on {address}; stop what uses it, or choose another port with -http-port or ports.http")]
    Listen {
        /// The address.
        address: String,
        /// Why not.
        source: std::io::Error,
    },
    /// A file or folder.
    #[error("cannot {action} {}", path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The server.
    #[error("server: {0}")]
    Server(drover_server::ServerError),
    /// The node.
    #[error("node: {0}")]
    Node(String),
    /// The system refuses signals.
    #[error("cannot wait for signals: {0}")]
    Signals(std::io::Error),
}

/// A running agent.
pub struct Agent {
    config: AgentConfig,
    files: Vec<PathBuf>,
    serving: Vec<ServeHandle>,
    node: Option<NodeHandle>,
    server: Server,
    signals: Signals,
    dev_folder: Option<PathBuf>,
    api: ApiState,
}

impl Agent {
    /// Starts everything; `files` are shown, `executable` is run again as the supervisor of tasks.
    ///
    /// # Errors
    /// The first thing that does not start; what was started before it ends with the process.
    pub async fn start(config: AgentConfig, files: &[PathBuf], executable: PathBuf) -> Result<Self, AgentError> {
        let (drivers, without_effect) = plugins::drivers(&config, executable)?;
        let listener = listen(SocketAddr::from(config.http)).await?;
        let signals = Signals::new().map_err(AgentError::Signals)?;
        let dev_folder = if config.data_dir.is_none() { Some(dev_folder()?) } else { None };
        let name = config.name.clone().unwrap_or_else(host_name);
        let server_settings = config.server.clone().unwrap_or_default();
        let server = Server::open(settings::server(&config, &server_settings, &name)).await;
        let server = server.map_err(AgentError::Server)?;
        let node = match &config.client {
            Some(client) => {
                let folder = dev_folder.as_deref().or(config.data_dir.as_deref()).expect("one of the two is set");
                let node_config = settings::node(&config, client, &name, folder);
                let link = link::local(server.clone());
                let started = Node::start(node_config, link, Drivers::new(&drivers)).await;
                Some(started.map_err(|e| AgentError::Node(drover_base::error::chain(&e)))?)
            }
            None => None,
        };
        if let Some(node) = &node {
            server.reach_nodes(Arc::new(link::LocalNodes(node.clone())));
        }
        let info = about::info(&config, &name, server_id(config.data_dir.as_deref())?);
        let max_connections_per_client = config.max_http_connections_per_client;
        let limits = Limits { max_connections_per_client, ..Limits::default() };
        let state = ApiState::new(server.clone(), node.clone(), info, limits, crate::logging::lines())
            .with_environment(about::environment())
            .with_reload(Arc::new({
                let flags = config.flags.clone();
                move || reload(&flags)
            }))
            .with_log_file(config.log_file.as_ref().map(|file| file.path.clone()))
            .with_response_headers(&config.response_headers)
            .with_metrics(about::metrics(&config));
        let state = if config.pages { state } else { state.without_pages() };
        if let Some(node) = &node {
            node.offer_task_api(Arc::new(AgentApi(state.clone())));
        }
        let mut serving = vec![drover_api::serve(listener, state.clone())];
        if let Some(path) = &config.http_socket {
            serving.push(drover_api::serve(listen_unix(path)?, state.clone()));
        }
        warn_of(&config, &without_effect);
        Ok(Self { config, files: files.to_vec(), serving, node, server, signals, dev_folder, api: state })
    }

    /// What to show before the log begins; `product` is what the program is called here.
    pub fn banner(&self, product: &str) -> String {
        let node_id = self.node.as_ref().map(|node| node.node_id().to_string());
        banner::text(product, &self.config, &self.files, node_id.as_deref(), settings::API_VERSION)
    }

    /// Runs until a signal asks for the end, then stops everything.
    pub async fn run(mut self) {
        tokio::spawn(memory::release_when_settled());
        if !self.config.telemetry.statsd.is_empty() {
            tokio::spawn(statsd::run(self.api.clone(), self.config.telemetry.clone()));
        }
        while self.signals.next().await == Request::Reload {
            if let Err(error) = reload(&self.config.flags) {
                tracing::error!(error, "the configuration was not read again; the old one stays");
            }
        }
        tracing::info!("stopping");
        self.stop().await;
    }

    async fn stop(self) {
        // First, so that no work comes in any more.
        for serving in self.serving {
            if let Err(error) = serving.shutdown().await {
                tracing::warn!(%error, "the HTTP API did not stop well");
            }
        }
        if let (Some(node), true) = (&self.node, self.config.dev) {
            // Nothing is kept in dev mode, so nobody could ever stop these tasks again.
            node.end_all(END_PATIENCE).await;
        }
        if let Some(node) = &self.node {
            node.shutdown();
        }
        self.server.shutdown().await;
        if let Some(path) = &self.config.http_socket {
            // The next start replaces it in any case.
            let _ = std::fs::remove_file(path);
        }
        if let Some(folder) = &self.dev_folder
            && let Err(error) = std::fs::remove_dir_all(folder)
        {
            tracing::warn!(folder = %folder.display(), %error, "left over");
        }
        tracing::info!("stopped");
    }
}

async fn listen(address: SocketAddr) -> Result<TcpListener, AgentError> {
    let listener = TcpListener::bind(address).await;
    listener.map_err(|source| AgentError::Listen { address: address.to_string(), source })
}

/// Reads the configuration again, and takes over what can change while the agent runs: the level of the log.
fn reload(flags: &Overrides) -> Result<(), String> {
    let failed = |error: ConfigError| drover_base::error::chain(&error);
    let (file, _) = read_paths(&flags.config_paths).map_err(failed)?;
    let config = resolve(file, flags).map_err(failed)?;
    crate::logging::set_level(&config.log_level);
    tracing::info!(log_level = config.log_level, "configuration read again");
    Ok(())
}

/// The server's id: kept in the data folder, as nodes keep theirs.
fn server_id(data_dir: Option<&Path>) -> Result<String, AgentError> {
    let Some(folder) = data_dir.map(|dir| dir.join("server")) else { return Ok(drover_base::uuid::random()) };
    let path = folder.join("node-id");
    let failed = |action, source| AgentError::File { action, path: path.clone(), source };
    match std::fs::read_to_string(&path) {
        Ok(text) if !text.trim().is_empty() => return Ok(text.trim().to_owned()),
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(failed("read", error)),
        _ => {}
    }
    let id = drover_base::uuid::random();
    std::fs::create_dir_all(&folder).map_err(|error| failed("create the folder of", error))?;
    std::fs::write(&path, &id).map_err(|error| failed("write", error))?;
    Ok(id)
}

/// Replaces a socket that an earlier agent left; only this user can connect.
fn listen_unix(path: &Path) -> Result<UnixListener, AgentError> {
    let failed = |source| AgentError::Listen { address: format!("unix://{}", path.display()), source };
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    let listener = UnixListener::bind(path).map_err(failed)?;
    let only_owner = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(path, only_owner).map_err(failed)?;
    Ok(listener)
}

fn dev_folder() -> Result<PathBuf, AgentError> {
    let path = std::env::temp_dir().join(format!("drover-dev-{}", drover_base::uuid::random()));
    let failed = |source| AgentError::File { action: "create", path: path.clone(), source };
    // Open to all, as tasks of other users look into their own folders below it.
    std::fs::create_dir(&path).map_err(failed)?;
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o711)).map_err(failed)?;
    Ok(path)
}

fn host_name() -> String {
    nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok()).unwrap_or_else(|| "drover".into())
}

fn warn_of(config: &AgentConfig, without_effect: &[String]) {
    if config.dev && config.data_dir.is_none() {
        tracing::info!("dev mode: nothing is kept when this agent stops");
    }
    let all = config.unsupported.iter().copied().chain(without_effect.iter().map(String::as_str));
    for setting in all {
        tracing::warn!(setting, "this setting has no effect yet");
    }
}
