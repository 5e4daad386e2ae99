//! Files and flags to the settings that everything is started with.

use super::ConfigError;
use super::access::{self, AclSettings};
use super::file::{ClientFile, FileConfig, IntroductionFile, ServerFile};
use super::outlets::{self, LogFile, Telemetry};
use drover_base::Nanos;
use drover_server::JobLimits;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

/// Default ports of the HTTP API, RPC and gossip.
pub const DEFAULT_PORTS: (u16, u16, u16) = (4646, 4647, 4648);
/// Default of the connections of one address to the HTTP API.
const DEFAULT_HTTP_CONNECTIONS: usize = 100;
/// Default range of dynamic ports.
pub const DEFAULT_DYNAMIC_PORTS: (u16, u16) = (20_000, 32_000);

/// What flags say; they win over files.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// Server and node in one process, nothing kept.
    pub dev: bool,
    /// The local engine of a user: as `dev`, but state is kept.
    pub local: bool,
    /// Where state is kept.
    pub data_dir: Option<String>,
    /// Log level.
    pub log_level: Option<String>,
    /// Log lines as JSON.
    pub log_json: bool,
    /// Address to listen on.
    pub bind_addr: Option<String>,
    /// HTTP port.
    pub http_port: Option<u16>,
    /// Also serve the HTTP API on this Unix socket.
    pub http_socket: Option<PathBuf>,
    /// Region.
    pub region: Option<String>,
    /// Datacenter.
    pub datacenter: Option<String>,
    /// Name.
    pub name: Option<String>,
    /// Be a server.
    pub server: bool,
    /// Be a node.
    pub client: bool,
    /// The interface whose address tasks get.
    pub network_interface: Option<String>,
    /// Files and folders of configuration, to be read again on a reload.
    pub config_paths: Vec<PathBuf>,
}

/// Everything resolved.
#[derive(Clone, Debug)]
pub struct AgentConfig {
    /// Nothing is kept.
    pub dev: bool,
    /// The local engine of a user.
    pub local: bool,
    /// Region.
    pub region: String,
    /// Datacenter.
    pub datacenter: String,
    /// Name; the host's unless given.
    pub name: Option<String>,
    /// Where state is kept; `None` in dev mode without a folder.
    pub data_dir: Option<PathBuf>,
    /// Log level in upper case.
    pub log_level: String,
    /// Log lines as JSON.
    pub log_json: bool,
    /// Source file and line in each log line.
    pub log_location: bool,
    /// Also write the log to this file.
    pub log_file: Option<LogFile>,
    /// Which metrics are collected, and where they go.
    pub telemetry: Telemetry,
    /// Profiles and the like.
    pub enable_debug: bool,
    /// Addresses that others should use: HTTP, RPC, gossip.
    pub advertise: [SocketAddr; 3],
    /// What it was made from, to be read again on a reload.
    pub flags: Overrides,
    /// Where the HTTP API listens.
    pub http: (IpAddr, u16),
    /// Connections of one address to the HTTP API; 0: any number.
    pub max_http_connections_per_client: usize,
    /// Also on this Unix socket.
    pub http_socket: Option<PathBuf>,
    /// Where RPC would listen; shown only, with one server nothing listens.
    pub rpc: (IpAddr, u16),
    /// Where gossip would listen; shown only.
    pub serf: (IpAddr, u16),
    /// The server, if this agent is one.
    pub server: Option<ServerSettings>,
    /// The node, if this agent is one.
    pub client: Option<ClientSettings>,
    /// Access control.
    pub acl: AclSettings,
    /// Driver configuration by plugin.
    pub plugins: BTreeMap<String, Map<String, Value>>,
    /// Headers added to each answer.
    pub response_headers: BTreeMap<String, String>,
    /// Whether browsers are shown pages.
    pub pages: bool,
    /// Settings that were given but have no effect yet.
    pub unsupported: Vec<&'static str>,
}

/// Of the server.
#[derive(Clone, Debug, Default)]
pub struct ServerSettings {
    /// Whether node pools and namespaces may have rules that are the enterprise's in Nomad.
    pub governance: bool,
    /// Scheduling workers; 0: one per core.
    pub workers: usize,
    /// Slack of heartbeats.
    pub heartbeat_grace: Option<Nanos>,
    /// Shortest heartbeat interval.
    pub min_heartbeat_ttl: Option<Nanos>,
    /// Age at which evaluations and batch allocations are collected.
    pub eval_gc_threshold: Option<Nanos>,
    /// Age at which evaluations of batch jobs are collected.
    pub batch_eval_gc_threshold: Option<Nanos>,
    /// Time that nodes have after a change of leaders.
    pub failover_heartbeat_ttl: Option<Nanos>,
    /// Heartbeats that the cluster may cost in a second.
    pub max_heartbeats_per_second: Option<u32>,
    /// Bounds of jobs.
    pub jobs: JobLimits,
    /// Age at which jobs are collected.
    pub job_gc_threshold: Option<Nanos>,
    /// Age at which deployments are collected.
    pub deployment_gc_threshold: Option<Nanos>,
    /// Age at which nodes are collected.
    pub node_gc_threshold: Option<Nanos>,
    /// Between two collections.
    pub gc_interval: Option<Nanos>,
    /// Age at which root keys that nothing uses are removed.
    pub root_key_gc_threshold: Option<Nanos>,
    /// Between two looks at the keyring.
    pub root_key_gc_interval: Option<Nanos>,
    /// Age at which the active root key is replaced.
    pub root_key_rotation_threshold: Option<Nanos>,
    /// The issuer of signed identities.
    pub oidc_issuer: Option<String>,
    /// How long tokens are good for that let new nodes in, and how long at most.
    pub introduction_ttl: (Option<Nanos>, Option<Nanos>),
}

/// Of the node.
#[derive(Clone, Debug, Default)]
pub struct ClientSettings {
    /// The file's group, for what is passed on as it is.
    pub file: ClientFile,
    /// Range of dynamic ports.
    pub dynamic_ports: (u16, u16),
    /// Upper limit of a task's `kill_timeout`.
    pub max_kill_timeout: Nanos,
}

/// Resolves files and flags.
///
/// # Errors
/// Settings that contradict each other or cannot be used, each with what to do.
pub fn resolve(file: FileConfig, flags: &Overrides) -> Result<AgentConfig, ConfigError> {
    refuse_what_is_not_there(&file)?;
    let unsupported = file.unsupported();
    let bind = flags.bind_addr.as_deref().or(file.bind_addr.as_deref());
    let is_personal = flags.dev || flags.local;
    let default_bind = if is_personal { "127.0.0.1" } else { "0.0.0.0" };
    let listen = |own: Option<&String>| address(own.map(String::as_str).or(bind).unwrap_or(default_bind));
    let data_dir = flags.data_dir.as_ref().or(file.data_dir.as_ref()).map(PathBuf::from);
    let is_server = is_personal || flags.server || file.server.enabled == Some(true);
    let is_client = is_personal || flags.client || file.client.enabled == Some(true);
    check_roles(is_server, is_client, flags.dev, data_dir.as_ref())?;
    let level = flags.log_level.clone().or(file.log_level.clone());
    let http = (listen(file.addresses.http.as_ref())?, flags.http_port.or(file.ports.http).unwrap_or(DEFAULT_PORTS.0));
    let rpc = (listen(file.addresses.rpc.as_ref())?, file.ports.rpc.unwrap_or(DEFAULT_PORTS.1));
    let serf = (listen(file.addresses.serf.as_ref())?, file.ports.serf.unwrap_or(DEFAULT_PORTS.2));
    Ok(AgentConfig {
        log_location: file.log_include_location == Some(true),
        log_file: outlets::log_file(&file)?,
        telemetry: outlets::telemetry(&file.telemetry)?,
        enable_debug: file.enable_debug.unwrap_or(is_personal),
        advertise: outlets::advertised(&file.advertise, [http, rpc, serf])?,
        flags: flags.clone(),
        dev: flags.dev,
        local: flags.local,
        region: flags.region.clone().or(file.region.clone()).unwrap_or_else(|| "global".into()),
        datacenter: flags.datacenter.clone().or(file.datacenter.clone()).unwrap_or_else(|| "dc1".into()),
        name: flags.name.clone().or(file.name.clone()),
        data_dir,
        log_level: log_level(level.as_deref().unwrap_or(if flags.dev { "DEBUG" } else { "INFO" }))?,
        log_json: flags.log_json || file.log_json == Some(true),
        http,
        max_http_connections_per_client: file
            .limits
            .http_max_conns_per_client
            .map_or(DEFAULT_HTTP_CONNECTIONS, |max| max as usize),
        http_socket: flags.http_socket.clone(),
        rpc,
        serf,
        acl: access::settings(&file.acl)?,
        server: if is_server { Some(server_settings(&file.server)?) } else { None },
        client: if is_client { Some(client_settings(file.client, flags)?) } else { None },
        plugins: file.plugin.into_iter().map(|(name, plugin)| (name, plugin.config)).collect(),
        response_headers: file.http_api_response_headers,
        pages: file.ui.enabled.unwrap_or(true),
        unsupported,
    })
}

fn refuse_what_is_not_there(file: &FileConfig) -> Result<(), ConfigError> {
    super::keyring::check(file.keyring.as_ref())?;
    if file.server.bootstrap_expect.is_some_and(|n| n > 1) {
        let text = "server.bootstrap_expect: clusters of several servers are not there yet: set it to 1";
        return Err(ConfigError::Invalid(text.into()));
    }
    Ok(())
}

fn check_roles(server: bool, client: bool, dev: bool, data_dir: Option<&PathBuf>) -> Result<(), ConfigError> {
    let problem = if !server && !client {
        "must have at least the client or the server enabled: use -dev, -server, -client, or a configuration file"
    } else if client && !server {
        "a client without a server of its own is not there yet: enable the server too, or use -dev"
    } else if !dev && data_dir.is_none() {
        "must give a data directory: use -data-dir or data_dir in a configuration file"
    } else if data_dir.is_some_and(|dir| !dir.is_absolute()) {
        "data_dir must be an absolute path"
    } else {
        return Ok(());
    };
    Err(ConfigError::Invalid(problem.into()))
}

fn address(text: &str) -> Result<IpAddr, ConfigError> {
    text.parse().map_err(|_| ConfigError::Invalid(format!("{text:?} is not an IP address to listen on")))
}

fn log_level(text: &str) -> Result<String, ConfigError> {
    let level = text.to_uppercase();
    match level.as_str() {
        "TRACE" | "DEBUG" | "INFO" | "WARN" | "ERROR" | "OFF" => Ok(level),
        _ => Err(ConfigError::Invalid(format!(
            "unknown log level {text:?}: one of TRACE, DEBUG, INFO, WARN, ERROR, OFF"
        ))),
    }
}

fn server_settings(file: &ServerFile) -> Result<ServerSettings, ConfigError> {
    Ok(ServerSettings {
        workers: file.num_schedulers.unwrap_or(0),
        governance: file.governance.unwrap_or(false),
        heartbeat_grace: duration("server.heartbeat_grace", file.heartbeat_grace.as_ref())?,
        min_heartbeat_ttl: duration("server.min_heartbeat_ttl", file.min_heartbeat_ttl.as_ref())?,
        eval_gc_threshold: duration("server.eval_gc_threshold", file.eval_gc_threshold.as_ref())?,
        batch_eval_gc_threshold: duration("server.batch_eval_gc_threshold", file.batch_eval_gc_threshold.as_ref())?,
        failover_heartbeat_ttl: positive("server.failover_heartbeat_ttl", file.failover_heartbeat_ttl.as_ref())?,
        max_heartbeats_per_second: heartbeat_rate(file.max_heartbeats_per_second)?,
        jobs: job_limits(file)?,
        job_gc_threshold: duration("server.job_gc_threshold", file.job_gc_threshold.as_ref())?,
        deployment_gc_threshold: duration("server.deployment_gc_threshold", file.deployment_gc_threshold.as_ref())?,
        node_gc_threshold: duration("server.node_gc_threshold", file.node_gc_threshold.as_ref())?,
        gc_interval: duration("server.job_gc_interval", file.job_gc_interval.as_ref())?,
        root_key_gc_threshold: duration("server.root_key_gc_threshold", file.root_key_gc_threshold.as_ref())?,
        root_key_gc_interval: positive("server.root_key_gc_interval", file.root_key_gc_interval.as_ref())?,
        root_key_rotation_threshold: positive(
            "server.root_key_rotation_threshold",
            file.root_key_rotation_threshold.as_ref(),
        )?,
        oidc_issuer: issuer(file.oidc_issuer.as_deref())?,
        introduction_ttl: introduction(&file.client_introduction)?,
    })
}

/// Less than one in a second is one.
fn heartbeat_rate(rate: Option<f64>) -> Result<Option<u32>, ConfigError> {
    let Some(rate) = rate.filter(|rate| *rate != 0.0) else { return Ok(None) };
    if !(0.0..=1_000_000.0).contains(&rate) {
        let fault = "server.max_heartbeats_per_second: must be more than zero and at most 1000000";
        return Err(ConfigError::Invalid(fault.into()));
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range was checked")]
    Ok(Some(rate.round().max(1.0) as u32))
}

fn job_limits(file: &ServerFile) -> Result<JobLimits, ConfigError> {
    let default = JobLimits::default();
    if file.job_tracked_versions == Some(0) {
        return Err(ConfigError::Invalid("server.job_tracked_versions: must be more than zero".into()));
    }
    Ok(JobLimits {
        tracked_versions: file.job_tracked_versions.unwrap_or(default.tracked_versions),
        max_source_bytes: match &file.job_max_source_size {
            Some(text) => bytes("server.job_max_source_size", text)?,
            None => default.max_source_bytes,
        },
        max_count: file.job_max_count.unwrap_or(default.max_count),
    })
}

/// A number of bytes: plain, in thousands (`KB`, `M`) or in steps of 1024 (`KiB`).
fn bytes(key: &str, text: &str) -> Result<u64, ConfigError> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (amount, unit) = text.split_at(digits);
    let scale = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1.0,
        "k" | "kb" => 1e3,
        "m" | "mb" => 1e6,
        "g" | "gb" => 1e9,
        "ki" | "kib" => 1024.0,
        "mi" | "mib" => 1024.0 * 1024.0,
        "gi" | "gib" => 1024.0 * 1024.0 * 1024.0,
        _ => return Err(ConfigError::Invalid(format!("{key}: {text:?} has no unit of bytes: write it like \"1MB\""))),
    };
    let amount: f64 =
        amount.parse().map_err(|_| ConfigError::Invalid(format!("{key}: {text:?} is not a number of bytes")))?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "digits only, so it is not negative")]
    Ok((amount * scale) as u64)
}

fn issuer(text: Option<&str>) -> Result<Option<String>, ConfigError> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
    if !text.starts_with("https://") && !text.starts_with("http://") {
        let fault = format!("server.oidc_issuer: {text:?} must be a URL, as https://nomad.example.com");
        return Err(ConfigError::Invalid(fault));
    }
    Ok(Some(text.to_owned()))
}

fn introduction(file: &IntroductionFile) -> Result<(Option<Nanos>, Option<Nanos>), ConfigError> {
    match file.enforcement.as_deref() {
        None | Some("" | "none" | "warn") => {}
        Some("strict") => {
            let text = "server.client_introduction.enforcement: \"strict\" is not there yet: use \"warn\" or \"none\"";
            return Err(ConfigError::Invalid(text.into()));
        }
        Some(other) => {
            let text = format!(
                "server.client_introduction.enforcement: {other:?} is none of \"none\", \"warn\" and \"strict\""
            );
            return Err(ConfigError::Invalid(text));
        }
    }
    let key = |name: &str| format!("server.client_introduction.{name}");
    Ok((
        positive(&key("default_identity_ttl"), file.default_identity_ttl.as_ref())?,
        positive(&key("max_identity_ttl"), file.max_identity_ttl.as_ref())?,
    ))
}

/// A duration that is more than nothing.
fn positive(key: &str, text: Option<&String>) -> Result<Option<Nanos>, ConfigError> {
    match duration(key, text)? {
        Some(value) if value.0 <= 0 => Err(ConfigError::Invalid(format!("{key}: must be more than zero"))),
        value => Ok(value),
    }
}

fn client_settings(mut file: ClientFile, flags: &Overrides) -> Result<ClientSettings, ConfigError> {
    if flags.network_interface.is_some() {
        file.network_interface.clone_from(&flags.network_interface);
    }
    if (flags.dev || flags.local) && file.network_interface.is_none() {
        file.network_interface = Some("lo".into());
    }
    let ports = (
        file.min_dynamic_port.unwrap_or(DEFAULT_DYNAMIC_PORTS.0),
        file.max_dynamic_port.unwrap_or(DEFAULT_DYNAMIC_PORTS.1),
    );
    if ports.0 == 0 || ports.0 > ports.1 {
        return Err(ConfigError::Invalid(format!(
            "client.min_dynamic_port {} must be at least 1 and not above max_dynamic_port {}",
            ports.0, ports.1
        )));
    }
    let max_kill_timeout =
        duration("client.max_kill_timeout", file.max_kill_timeout.as_ref())?.unwrap_or(Nanos::from_secs(30));
    Ok(ClientSettings { file, dynamic_ports: ports, max_kill_timeout })
}

fn duration(key: &str, text: Option<&String>) -> Result<Option<Nanos>, ConfigError> {
    text.map(|text| Nanos::parse(text).map_err(|e| ConfigError::Invalid(format!("{key}: {e}")))).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dev_mode_needs_nothing_else() {
        let config = resolve(FileConfig::default(), &Overrides { dev: true, ..Overrides::default() }).unwrap();
        assert!(config.server.is_some() && config.client.is_some() && config.data_dir.is_none());
        assert_eq!(config.http, ("127.0.0.1".parse().unwrap(), 4646));
        assert_eq!(config.client.unwrap().file.network_interface.as_deref(), Some("lo"));
    }

    #[test]
    fn sizes_have_the_units_of_the_reference() {
        let sizes = ["10", "1M", "1.5KB", "2KiB", "1 MiB"].map(|text| bytes("k", text).unwrap());
        assert_eq!(sizes, [10, 1_000_000, 1500, 2048, 1_048_576]);
        assert!(bytes("k", "1 parsec").is_err() && bytes("k", "MB").is_err());
    }

    #[test]
    fn contradictions_say_what_to_do() {
        let flags = Overrides { server: true, ..Overrides::default() };
        let error = resolve(FileConfig::default(), &flags).unwrap_err().to_string();
        assert!(error.contains("-data-dir"), "{error}");
        let error = resolve(FileConfig::default(), &Overrides::default()).unwrap_err().to_string();
        assert!(error.contains("-dev"), "{error}");
        let flags = Overrides { dev: true, log_level: Some("loud".into()), ..Overrides::default() };
        let error = resolve(FileConfig::default(), &flags).unwrap_err().to_string();
        assert!(error.contains("loud") && error.contains("INFO"), "{error}");
    }
}
