//! Starts everything in order, waits for a signal, stops everything in the reverse order.

use crate::config::{AgentConfig, ConfigError};
use crate::signals::{Request, Signals};
use crate::{about, banner, link, memory, plugins, settings};
use drover_api::{ApiState, Limits, ServeHandle};
use drover_drivers::Drivers;
use drover_node::{Node, NodeHandle};
use drover_server::Server;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
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
        let node_id = node.as_ref().map(|node| node.node_id().to_string());
        let info = about::info(&config, &name, node_id.clone().unwrap_or_default());
        let state = ApiState::new(server.clone(), node.clone(), info, Limits::default(), crate::logging::lines())
            .with_environment(about::environment());
        let mut serving = vec![drover_api::serve(listener, state.clone())];
        if let Some(path) = &config.http_socket {
            serving.push(drover_api::serve(listen_unix(path)?, state));
        }
        warn_of(&config, &without_effect);
        Ok(Self { config, files: files.to_vec(), serving, node, server, signals, dev_folder })
    }

    /// What to show before the log begins; `product` is what the program is called here.
    pub fn banner(&self, product: &str) -> String {
        let node_id = self.node.as_ref().map(|node| node.node_id().to_string());
        banner::text(product, &self.config, &self.files, node_id.as_deref(), settings::API_VERSION)
    }

    /// Runs until a signal asks for the end, then stops everything.
    pub async fn run(mut self) {
        tokio::spawn(memory::release_when_settled());
        while self.signals.next().await == Request::Reload {
            tracing::info!("reloading: this configuration has nothing that changes at run time");
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
