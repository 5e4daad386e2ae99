//! The shape of a configuration file: everything optional, later files win.
//!
//! Keys are those of the reference's agent configuration. Groups that Drover does not act on yet are
//! kept as [`Unsupported`], so that they are reported at start instead of being ignored in silence.

use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// One file, or several merged.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FileConfig {
    /// Region name.
    pub region: Option<String>,
    /// Datacenter name.
    pub datacenter: Option<String>,
    /// Node and server name.
    pub name: Option<String>,
    /// Where state is kept.
    pub data_dir: Option<String>,
    /// TRACE, DEBUG, INFO, WARN, ERROR.
    pub log_level: Option<String>,
    /// Lines as JSON objects.
    pub log_json: Option<bool>,
    /// Source file and line in each line.
    pub log_include_location: Option<bool>,
    /// Also write to this file, or to files in this folder.
    pub log_file: Option<String>,
    /// A new file after so many bytes.
    pub log_rotate_bytes: Option<u64>,
    /// A new file after so long, a duration.
    pub log_rotate_duration: Option<String>,
    /// Old files that are kept; negative: none, 0: all.
    pub log_rotate_max_files: Option<i64>,
    /// Address to listen on.
    pub bind_addr: Option<String>,
    /// Ports to listen on.
    pub ports: Ports,
    /// Addresses to listen on, by service.
    pub addresses: Addresses,
    /// Addresses that others should use.
    pub advertise: Addresses,
    /// The node.
    pub client: ClientFile,
    /// The server.
    pub server: ServerFile,
    /// Driver plugins and their configuration.
    pub plugin: BTreeMap<String, PluginFile>,
    /// Metrics.
    pub telemetry: TelemetryFile,
    /// Access control.
    pub acl: AclFile,
    /// Limits of the HTTP server.
    pub limits: LimitsFile,
    /// Extra response headers.
    pub http_api_response_headers: BTreeMap<String, String>,
    /// Leave gracefully on SIGINT.
    pub leave_on_interrupt: Option<bool>,
    /// Leave gracefully on SIGTERM.
    pub leave_on_terminate: Option<bool>,
    /// Debug routes.
    pub enable_debug: Option<bool>,
    /// There is nothing to check here; accepted for the sake of existing files.
    pub disable_update_check: Option<bool>,
    /// As `disable_update_check`.
    pub disable_anonymous_signature: Option<bool>,
    /// Where external plugins lie.
    pub plugin_dir: Unsupported,
    /// TLS.
    pub tls: Unsupported,
    /// External Consul.
    pub consul: Unsupported,
    /// Vault.
    pub vault: Unsupported,
    /// Pages for browsers.
    pub ui: UiFile,
    /// Autopilot.
    pub autopilot: Unsupported,
    /// Audit log.
    pub audit: Unsupported,
    /// Sentinel.
    pub sentinel: Unsupported,
    /// What wraps the root keys, by provider.
    pub keyring: Option<Value>,
    /// Usage reports.
    pub reporting: Unsupported,
    /// Syslog.
    pub enable_syslog: Unsupported,
    /// Syslog facility.
    pub syslog_facility: Unsupported,
    /// Connections between agents.
    pub rpc: Unsupported,
    /// The event log of Windows.
    pub eventlog: Unsupported,
    /// Several Vaults.
    pub vaults: Unsupported,
    /// Several Consuls.
    pub consuls: Unsupported,
    /// Settings that were given, are known, and have no effect yet.
    #[serde(skip)]
    pub known: Vec<&'static str>,
}

/// A setting that is known but has no effect yet.
pub type Unsupported = Option<Value>;

impl FileConfig {
    /// The settings that are given here but have no effect yet, by name.
    pub fn unsupported(&self) -> Vec<&'static str> {
        let groups: [(&'static str, &Unsupported); 20] = [
            ("plugin_dir", &self.plugin_dir),
            ("tls", &self.tls),
            ("consul", &self.consul),
            ("vault", &self.vault),
            ("autopilot", &self.autopilot),
            ("audit", &self.audit),
            ("sentinel", &self.sentinel),
            ("reporting", &self.reporting),
            ("enable_syslog", &self.enable_syslog),
            ("syslog_facility", &self.syslog_facility),
            ("client.servers", &self.client.servers),
            ("client.server_join", &self.client.server_join),
            ("client.template", &self.client.template),
            ("client.host_network", &self.client.host_network),
            ("rpc", &self.rpc),
            ("eventlog", &self.eventlog),
            ("vaults", &self.vaults),
            ("consuls", &self.consuls),
            ("server.server_join", &self.server.server_join),
            ("server.encrypt", &self.server.encrypt),
        ];
        let blocks = groups.into_iter().filter(|(_, value)| asks_for_something(value)).map(|(name, _)| name);
        blocks.chain(self.values_without_effect()).chain(self.known.iter().copied()).collect()
    }

    fn values_without_effect(&self) -> impl Iterator<Item = &'static str> {
        let (client, server) = (&self.client, &self.server);
        let given = [
            ("leave_on_interrupt", self.leave_on_interrupt == Some(true)),
            ("leave_on_terminate", self.leave_on_terminate == Some(true)),
            ("ui", self.ui.others.values().any(|value| asks_for_something(&Some(value.clone())))),
            ("client.disk_free_mb", client.disk_free_mb.is_some()),
            ("client.reserved.cores", client.reserved.cores.is_some()),
            ("server.data_dir", server.data_dir.is_some()),
            ("acl.replication_token", self.acl.replication_token.as_ref().is_some_and(|token| !token.is_empty())),
        ];
        given.into_iter().filter(|(_, is_given)| *is_given).map(|(name, _)| name)
    }
}

/// Whether a value differs from plain "off".
fn asks_for_something(value: &Unsupported) -> bool {
    match value {
        None | Some(Value::Null | Value::Bool(false)) => false,
        Some(Value::Object(map)) => map.get("enabled") != Some(&Value::Bool(false)) && !map.is_empty(),
        Some(_) => true,
    }
}

/// `ui`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct UiFile {
    /// Whether browsers are shown pages.
    pub enabled: Option<bool>,
    /// Labels and links of the pages.
    #[serde(flatten)]
    pub others: BTreeMap<String, Value>,
}

/// `ports`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Ports {
    /// The HTTP API.
    pub http: Option<u16>,
    /// RPC.
    pub rpc: Option<u16>,
    /// Gossip.
    pub serf: Option<u16>,
}

/// `addresses` and `advertise`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Addresses {
    /// The HTTP API.
    pub http: Option<String>,
    /// RPC.
    pub rpc: Option<String>,
    /// Gossip.
    pub serf: Option<String>,
}

/// `client`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClientFile {
    /// Whether this agent runs allocations.
    pub enabled: Option<bool>,
    /// Where the node's own state is kept.
    pub state_dir: Option<String>,
    /// Where allocations live.
    pub alloc_dir: Option<String>,
    /// Class.
    pub node_class: Option<String>,
    /// Pool.
    pub node_pool: Option<String>,
    /// Meta.
    pub meta: BTreeMap<String, String>,
    /// Options such as `driver.allowlist`.
    pub options: BTreeMap<String, String>,
    /// The interface whose address tasks get.
    pub network_interface: Option<String>,
    /// MHz, instead of detection.
    pub cpu_total_compute: Option<i64>,
    /// MiB, instead of detection.
    pub memory_total_mb: Option<i64>,
    /// MiB, instead of detection.
    pub disk_total_mb: Option<i64>,
    /// MiB, instead of detection.
    pub disk_free_mb: Option<i64>,
    /// First dynamic port.
    pub min_dynamic_port: Option<u16>,
    /// Last dynamic port.
    pub max_dynamic_port: Option<u16>,
    /// What tasks may not have.
    pub reserved: ReservedFile,
    /// Upper limit of a task's `kill_timeout`, a duration.
    pub max_kill_timeout: Option<String>,
    /// Terminal allocations kept.
    pub gc_max_allocs: Option<u32>,
    /// Programs that make dynamic host volumes.
    pub host_volume_plugin_dir: Option<String>,
    /// Where dynamic host volumes are.
    pub host_volumes_dir: Option<String>,
    /// Volumes of the host, by name.
    pub host_volume: BTreeMap<String, HostVolumeFile>,
    /// Servers to join.
    pub servers: Unsupported,
    /// Servers to join.
    pub server_join: Unsupported,
    /// Template settings.
    pub template: Unsupported,
    /// Named host networks.
    pub host_network: Unsupported,
}

/// `client.reserved`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ReservedFile {
    /// MHz.
    pub cpu: Option<i64>,
    /// Cores, e.g. `0-1`.
    pub cores: Option<String>,
    /// MiB.
    pub memory: Option<i64>,
    /// MiB.
    pub disk: Option<i64>,
    /// Ports, e.g. `22,80-90`.
    pub reserved_ports: Option<String>,
}

/// `client.host_volume`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HostVolumeFile {
    /// Path on the host.
    pub path: String,
    /// No writes.
    pub read_only: bool,
}

/// `server`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ServerFile {
    /// Whether this agent is a server.
    pub enabled: Option<bool>,
    /// Servers of the cluster; only 1 yet.
    pub bootstrap_expect: Option<u32>,
    /// Where the log is kept.
    pub data_dir: Option<String>,
    /// Scheduling workers.
    pub num_schedulers: Option<usize>,
    /// Slack of heartbeats, a duration.
    pub heartbeat_grace: Option<String>,
    /// Shortest heartbeat interval, a duration.
    pub min_heartbeat_ttl: Option<String>,
    /// Whether node pools may have scheduler configurations, and namespaces rules for pools and clusters.
    pub governance: Option<bool>,
    /// Always 3.
    pub raft_protocol: Option<u32>,
    /// Timers; there is nothing to slow down with one server.
    pub raft_multiplier: Option<u32>,
    /// Evaluations are collected after this, a duration.
    pub eval_gc_threshold: Option<String>,
    /// Evaluations of batch jobs are collected after this, a duration.
    pub batch_eval_gc_threshold: Option<String>,
    /// Time that nodes have after a change of leaders, a duration.
    pub failover_heartbeat_ttl: Option<String>,
    /// Heartbeats that the cluster may cost in a second.
    pub max_heartbeats_per_second: Option<f64>,
    /// Allocations that a job may ask for.
    pub job_max_count: Option<u64>,
    /// The longest source that is kept with a job: bytes, or with a unit such as `1MB`.
    pub job_max_source_size: Option<String>,
    /// Versions that are kept of a job.
    pub job_tracked_versions: Option<u32>,
    /// Jobs are collected after this, a duration.
    pub job_gc_threshold: Option<String>,
    /// Deployments are collected after this, a duration.
    pub deployment_gc_threshold: Option<String>,
    /// Nodes are collected after this, a duration.
    pub node_gc_threshold: Option<String>,
    /// Between two collections, a duration.
    pub job_gc_interval: Option<String>,
    /// Root keys that nothing uses are removed after this, a duration.
    pub root_key_gc_threshold: Option<String>,
    /// Between two looks at the keyring, a duration.
    pub root_key_gc_interval: Option<String>,
    /// The active root key is replaced after this, a duration.
    pub root_key_rotation_threshold: Option<String>,
    /// The issuer of signed identities, a URL.
    pub oidc_issuer: Option<String>,
    /// Tokens that let new nodes in.
    pub client_introduction: IntroductionFile,
    /// Servers to join.
    pub server_join: Unsupported,
    /// Gossip key.
    pub encrypt: Unsupported,
}

/// `server.client_introduction`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct IntroductionFile {
    /// `none`, `warn` or `strict`: what becomes of nodes without a token.
    pub enforcement: Option<String>,
    /// How long a token is good for, a duration.
    pub default_identity_ttl: Option<String>,
    /// How long it can be at most, a duration.
    pub max_identity_ttl: Option<String>,
}

/// `plugin "NAME"`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PluginFile {
    /// For the driver.
    pub config: serde_json::Map<String, Value>,
    /// Arguments of an external plugin.
    pub args: Vec<String>,
}

/// `telemetry`: metrics are always collected, and served as JSON.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TelemetryFile {
    /// Serve the Prometheus form too.
    pub prometheus_metrics: Option<bool>,
    /// Of each allocation.
    pub publish_allocation_metrics: Option<bool>,
    /// Of the node.
    pub publish_node_metrics: Option<bool>,
    /// No host name in names.
    pub disable_hostname: Option<bool>,
    /// The node's name instead of the host's.
    pub use_node_name: Option<bool>,
    /// Between two measurements, a duration.
    pub collection_interval: Option<String>,
    /// How long numbers are added up before they are shown, a duration.
    pub in_memory_collection_interval: Option<String>,
    /// How long sums are kept, a duration.
    pub in_memory_retention_period: Option<String>,
    /// Where a statsd server listens, `host:port`.
    pub statsd_address: Option<String>,
    /// Where a statsite server listens, `host:port`.
    pub statsite_address: Option<String>,
    /// Where a DogStatsD server listens, `host:port`.
    pub datadog_address: Option<String>,
    /// Labels of all metrics that go there, `key:value`.
    pub datadog_tags: Vec<String>,
    /// Names to leave out (`-prefix`) or to let through (`+prefix`).
    pub prefix_filter: Vec<String>,
    /// What becomes of other names.
    pub filter_default: Option<bool>,
    /// No metrics of jobs that were dispatched.
    pub disable_dispatched_job_summary_metrics: Option<bool>,
    /// No metrics of quotas.
    pub disable_quota_utilization_metrics: Option<bool>,
    /// No names of callers in metrics of requests.
    pub disable_rpc_rate_metrics_labels: Option<bool>,
    /// No metrics of the steps before and after a task.
    pub disable_allocation_hook_metrics: Option<bool>,
    /// Metadata of jobs as labels.
    pub include_alloc_metadata_in_metrics: Option<bool>,
    /// Which of it.
    pub allowed_metadata_keys_in_metrics: Vec<String>,
}

/// `acl`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AclFile {
    /// Whether tokens are asked for.
    pub enabled: Option<bool>,
    /// Cache, a duration.
    pub token_ttl: Option<String>,
    /// Cache, a duration.
    pub policy_ttl: Option<String>,
    /// Cache, a duration.
    pub role_ttl: Option<String>,
    /// A duration.
    pub token_min_expiration_ttl: Option<String>,
    /// A duration.
    pub token_max_expiration_ttl: Option<String>,
    /// For servers of other regions; there are none.
    pub replication_token: Option<String>,
    /// Holds the secret of the first token, which is made when there has not been any.
    pub bootstrap_token_file: Option<String>,
}

/// `limits`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LimitsFile {
    /// Connections per address; 0: no limit.
    pub http_max_conns_per_client: Option<u32>,
    /// A duration.
    pub https_handshake_timeout: Option<String>,
    /// A duration.
    pub rpc_handshake_timeout: Option<String>,
    /// Connections per address; 0: no limit.
    pub rpc_max_conns_per_client: Option<u32>,
}
