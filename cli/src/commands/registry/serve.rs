//! `registry serve`: runs a registry of packs.

use super::settings::Settings;
use crate::context::Context;
use crate::error::CliError;
use crate::output;
use crate::registry::{Invoke, Outcome};
use drover_base::error::chain;
use drover_registry_server::config::Tls;
use drover_registry_server::{Config, Handle, Server};
use std::io::IsTerminal as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::filter::LevelFilter;

/// Runs a registry.
#[derive(clap::Args)]
#[command(next_help_heading = "Serve Options")]
pub struct Serve {
    #[command(flatten)]
    settings: Settings,
    /// Address and port to listen on. Default: 127.0.0.1:5080.
    #[arg(long, value_name = "addr:port")]
    listen: Option<SocketAddr>,
    /// How clients reach the registry, when that is not where it listens.
    #[arg(long = "public-url", value_name = "url")]
    public_url: Option<url::Url>,
    /// The certificate chain, PEM; needs -tls-key.
    #[arg(long = "tls-cert", value_name = "path", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// The certificate's key, PEM.
    #[arg(long = "tls-key", value_name = "path", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Reading needs a token too.
    #[arg(long)]
    private: bool,
    /// TRACE, DEBUG, INFO, WARN, ERROR or OFF.
    #[arg(long = "log-level", value_name = "level", default_value = "INFO")]
    log_level: LevelFilter,
    /// Log lines as JSON objects.
    #[arg(long = "log-json")]
    log_json: bool,
}

impl Serve {
    fn config(&self) -> Result<Config, CliError> {
        let mut config = self.settings.config()?;
        if let Some(listen) = self.listen {
            config.listen = listen;
        }
        if let Some(url) = &self.public_url {
            if !matches!(url.scheme(), "http" | "https") {
                return Err(
                    CliError::new(format!("-public-url {url} is no URL of a web server")).hint("write https://HOST")
                );
            }
            config.public_url = Some(url.clone());
        }
        if let (Some(cert_file), Some(key_file)) = (self.tls_cert.clone(), self.tls_key.clone()) {
            config.tls = Some(Tls { cert_file, key_file });
        }
        if self.private {
            config.anonymous_read = false;
        }
        let program = std::env::current_exe();
        config.example_program =
            Some(program.map_err(|error| CliError::new(format!("cannot find this program: {error}")))?);
        Ok(config)
    }

    fn log(&self) {
        let is_terminal = std::io::stderr().is_terminal();
        let log = tracing_subscriber::fmt().with_max_level(self.log_level).with_target(false).with_ansi(is_terminal);
        let log = log.with_writer(std::io::stderr);
        // Nobody has set one up before.
        let _set = if self.log_json { log.json().try_init() } else { log.try_init() };
    }
}

impl Invoke for Serve {
    fn invoke(self, _: &Context) -> Outcome {
        let config = self.config()?;
        self.log();
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
        let runtime = runtime.map_err(|error| CliError::new(format!("cannot start: {error}")))?;
        runtime.block_on(async {
            let server = Server::start(config).await.map_err(|error| {
                let mut shown = CliError::new(chain(&error));
                if matches!(error, drover_registry_server::StartError::Listen { .. }) {
                    shown = shown.hint("another address is chosen with -listen, or `listen` in the configuration");
                }
                shown
            })?;
            announce(&server).await;
            server.run(|handle| drop(tokio::spawn(watch_signals(handle)))).await;
            tracing::info!("stopped");
            Ok(0)
        })
    }
}

/// In one go: a reader that goes away after the first line must not take the server along.
async fn announce(server: &Server) {
    let (packs, versions) = server.app().catalog().look(|index| (index.packs(), index.versions()));
    let mut text = format!("Drover registry at {} (listening on {})\n", server.url(), server.address());
    text.push_str(&format!("{packs} packs, {versions} versions"));
    if server.app().tokens().list().await.is_ok_and(|tokens| tokens.is_empty()) {
        text.push_str("\nNobody can publish yet: there is no token; `drover registry token create` makes one");
    }
    output::line(&text);
}

/// The first request to stop lets requests finish, a second one does not; a hangup reads the certificate again.
async fn watch_signals(handle: Handle) {
    let signals = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()), signal(SignalKind::hangup()));
    let (Ok(mut terminate), Ok(mut interrupt), Ok(mut hangup)) = signals else {
        tracing::error!("signals cannot be caught");
        return;
    };
    let mut is_stopping = false;
    loop {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            _ = hangup.recv() => {
                handle.reload();
                continue;
            }
        }
        if is_stopping {
            std::process::exit(1);
        }
        is_stopping = true;
        tracing::info!("stopping; requests that are being answered may finish");
        handle.stop();
    }
}
