//! `agent`: runs the engine in the foreground.

use crate::context::Context;
use crate::error::CliError;
use crate::output;
use crate::registry::{Invoke, Outcome};
use drover_agent::config::{FileConfig, read_paths, resolve};
use drover_agent::{Agent as Engine, Overrides, logging};
use std::path::PathBuf;

/// Runs the engine.
#[derive(clap::Args)]
#[command(next_help_heading = "Agent Options")]
pub struct Agent {
    /// Server and node in one process on loopback, with raw_exec; nothing is kept.
    #[arg(long)]
    dev: bool,
    /// As the local engine of a user does it: like -dev, but state is kept.
    #[arg(long, hide = true)]
    local: bool,
    /// A configuration file, or a folder of them; may be repeated, later ones win.
    #[arg(long, value_name = "path")]
    config: Vec<PathBuf>,
    /// Folder for everything that is kept.
    #[arg(long = "data-dir", value_name = "path")]
    data_dir: Option<String>,
    /// Be a server.
    #[arg(long)]
    server: bool,
    /// Be a node.
    #[arg(long)]
    client: bool,
    /// Address to listen on.
    #[arg(long, value_name = "addr")]
    bind: Option<String>,
    /// Port of the HTTP API.
    #[arg(long = "http-port", value_name = "port")]
    http_port: Option<u16>,
    /// Also serve the HTTP API on this Unix socket.
    #[arg(long = "http-socket", value_name = "path", hide = true)]
    http_socket: Option<PathBuf>,
    /// Region.
    #[arg(long, value_name = "name")]
    region: Option<String>,
    /// Datacenter.
    #[arg(long, value_name = "name")]
    dc: Option<String>,
    /// Name of this node.
    #[arg(long, value_name = "name")]
    node: Option<String>,
    /// The interface whose address tasks get.
    #[arg(long = "network-interface", value_name = "name")]
    network_interface: Option<String>,
    /// TRACE, DEBUG, INFO, WARN, ERROR or OFF.
    #[arg(long = "log-level", value_name = "level")]
    log_level: Option<String>,
    /// Log lines as JSON objects.
    #[arg(long = "log-json")]
    log_json: bool,
}

impl Agent {
    fn overrides(self) -> Overrides {
        Overrides {
            dev: self.dev,
            local: self.local,
            data_dir: self.data_dir,
            log_level: self.log_level,
            log_json: self.log_json,
            bind_addr: self.bind,
            http_port: self.http_port,
            http_socket: self.http_socket,
            region: self.region,
            datacenter: self.dc,
            name: self.node,
            server: self.server,
            client: self.client,
            network_interface: self.network_interface,
            config_paths: self.config,
        }
    }
}

impl Invoke for Agent {
    fn invoke(self, context: &Context) -> Outcome {
        let failed = |error: &(dyn std::error::Error + 'static)| CliError::new(drover_base::error::chain(error));
        let (file, files) = match self.config.as_slice() {
            [] => (FileConfig::default(), Vec::new()),
            paths => read_paths(paths).map_err(|e| failed(&e))?,
        };
        if self.local {
            // The terminal that started it must not take it along. It may be a leader already.
            let _ = nix::unistd::setsid();
        }
        let config = resolve(file, &self.overrides()).map_err(|e| failed(&e))?;
        logging::install(&config)
            .map_err(|error| CliError::new(format!("cannot write the log file of log_file: {error}")))?;
        let executable =
            std::env::current_exe().map_err(|e| CliError::new(format!("cannot find this program: {e}")))?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
        let runtime = runtime.map_err(|e| CliError::new(format!("cannot start: {e}")))?;
        runtime.block_on(async {
            let engine = Engine::start(config, &files, executable).await.map_err(|e| failed(&e));
            if let Ok(engine) = &engine {
                output::line(&engine.banner(context.program.title()));
            }
            // Whatever was logged so far is wanted most when the start failed.
            logging::release();
            engine?.run().await;
            Ok(0)
        })
    }
}
