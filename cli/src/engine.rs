//! Which engine a command talks to: flag, then environment, then the local engine. The only place that decides.

use crate::context::{Context, Program};
use crate::error::CliError;
use crate::{local, output};
use clap::Args;
use drover_sdk::{Client, Config, TlsFiles};
use std::env;
use std::path::PathBuf;

/// Where an agent listens when nobody says otherwise.
pub const DEFAULT_ADDRESS: &str = "http://127.0.0.1:4646";

/// Flags of every command that talks to an engine.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "General Options")]
pub struct ServerArgs {
    /// Address of the engine: http://…, https://… or unix:///…. Overrides DROVER_ADDR and NOMAD_ADDR.
    #[arg(long, value_name = "addr")]
    pub address: Option<String>,
    /// Region to forward the request to. Overrides NOMAD_REGION.
    #[arg(long, value_name = "region")]
    pub region: Option<String>,
    /// Prints without colours.
    #[arg(id = "no-color", long = "no-color")]
    pub no_color: bool,
    /// Prints with colours even where there is no terminal.
    #[arg(id = "force-color", long = "force-color")]
    pub force_color: bool,
    /// Certificate authority (PEM) that the engine's certificate must come from. Overrides NOMAD_CACERT.
    #[arg(long = "ca-cert", value_name = "path")]
    pub ca_cert: Option<PathBuf>,
    /// Folder of such authorities. Overrides NOMAD_CAPATH.
    #[arg(long = "ca-path", value_name = "path")]
    pub ca_path: Option<PathBuf>,
    /// The client's own certificate (PEM). Overrides NOMAD_CLIENT_CERT.
    #[arg(long = "client-cert", value_name = "path")]
    pub client_cert: Option<PathBuf>,
    /// Its key. Overrides NOMAD_CLIENT_KEY.
    #[arg(long = "client-key", value_name = "path")]
    pub client_key: Option<PathBuf>,
    /// Name that the engine's certificate is checked against. Overrides NOMAD_TLS_SERVER_NAME.
    #[arg(long = "tls-server-name", value_name = "value")]
    pub tls_server_name: Option<String>,
    /// Accepts any certificate.
    #[arg(long = "tls-skip-verify")]
    pub tls_skip_verify: bool,
    /// Secret of an access token. Overrides NOMAD_TOKEN.
    #[arg(long, value_name = "token")]
    pub token: Option<String>,
}

/// Flags of every command about things that live in a namespace.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "General Options")]
pub struct EngineArgs {
    /// The engine.
    #[command(flatten)]
    pub server: ServerArgs,
    /// Namespace; `*` for all where that makes sense. Overrides NOMAD_NAMESPACE.
    #[arg(long, value_name = "namespace", help_heading = "General Options")]
    pub namespace: Option<String>,
}

impl ServerArgs {
    /// A client of the engine that these flags and the environment name.
    ///
    /// # Errors
    /// An address that is none, unreadable certificates, a local engine that does not start.
    pub fn connect(&self, context: &Context) -> Result<Client, CliError> {
        client(context, self, setting("NAMESPACE"))
    }
}

impl EngineArgs {
    /// As [`ServerArgs::connect`], within the namespace.
    ///
    /// # Errors
    /// As there.
    pub fn connect(&self, context: &Context) -> Result<Client, CliError> {
        client(context, &self.server, self.namespace.clone().or_else(|| setting("NAMESPACE")))
    }
    /// Whether every namespace is asked for.
    pub fn all_namespaces(&self) -> bool {
        self.namespace.clone().or_else(|| setting("NAMESPACE")).as_deref() == Some("*")
    }
}

fn client(context: &Context, flags: &ServerArgs, namespace: Option<String>) -> Result<Client, CliError> {
    let address = match flags.address.clone().or_else(|| setting("ADDR")) {
        Some(address) => address,
        None => local_address(context)?,
    };
    let path = |flag: &Option<PathBuf>, name: &str| flag.clone().or_else(|| setting(name).map(PathBuf::from));
    let config = Config {
        address,
        region: flags.region.clone().or_else(|| setting("REGION")),
        namespace,
        token: flags.token.clone().or_else(|| setting("TOKEN")),
        tls: TlsFiles {
            ca_cert: path(&flags.ca_cert, "CACERT"),
            ca_path: path(&flags.ca_path, "CAPATH"),
            client_cert: path(&flags.client_cert, "CLIENT_CERT"),
            client_key: path(&flags.client_key, "CLIENT_KEY"),
            server_name: flags.tls_server_name.clone().or_else(|| setting("TLS_SERVER_NAME")),
            skip_verify: flags.tls_skip_verify
                || setting("SKIP_VERIFY").is_some_and(|value| value != "0" && value != "false"),
        },
    };
    Client::new(config).map_err(|error| {
        let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
        CliError::new(format!("Error initializing client: {error}{cause}"))
    })
}

/// The address when none is configured: as Nomad its fixed default, as Drover the local engine.
fn local_address(context: &Context) -> Result<String, CliError> {
    match context.program {
        Program::Nomad => Ok(DEFAULT_ADDRESS.to_owned()),
        Program::Drover => Ok(local_engine()?.address),
    }
}

/// Where the local engine keeps its things.
///
/// # Errors
/// The environment names no home.
pub fn local_paths() -> Result<local::Paths, CliError> {
    local::Paths::locate(|name| env::var_os(name)).map_err(|error| CliError::new(error.to_string()))
}

/// A client of the local engine, whatever else is configured; starts it if it does not run.
///
/// # Errors
/// It does not start.
pub fn local_client() -> Result<Client, CliError> {
    let address = local_engine()?.address;
    Client::new(Config { address, ..Config::default() })
        .map_err(|error| CliError::new(drover_base::error::chain(&error)))
}

/// The running local engine; starts it, and says so in one line, if it does not run.
fn local_engine() -> Result<local::Record, CliError> {
    let failed = |error: local::LocalError| {
        let hint = "`drover local logs` shows what happened; -address or DROVER_ADDR names another engine";
        CliError::new(drover_base::error::chain(&error)).hint(hint)
    };
    let paths = local_paths()?;
    let executable = env::current_exe().map_err(|e| CliError::new(format!("cannot find this program: {e}")))?;
    let started = local::ensure_started(&paths, &executable, env!("CARGO_PKG_VERSION")).map_err(failed)?;
    if started.is_new {
        // On the standard error, so that the output of the command stays what it is.
        let (address, log) = (&started.record.address, paths.log());
        output::error_line(&format!("Started the local engine at {address} (log: {})", log.display()));
    }
    Ok(started.record)
}

/// `DROVER_name`, else `NOMAD_name`, when set and not empty.
fn setting(name: &str) -> Option<String> {
    ["DROVER_", "NOMAD_"]
        .iter()
        .find_map(|prefix| env::var(format!("{prefix}{name}")).ok().filter(|value| !value.is_empty()))
}
