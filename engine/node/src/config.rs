//! How a node is configured.

use drover_base::Nanos;
use drover_model::node::HostVolumeConfig;
use drover_model::resources::NodeReservedResources;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// Everything that a node must be told; the agent makes it from its configuration.
#[derive(Clone, Debug)]
pub struct NodeConfig {
    /// Directory of the node's own state: its id, its allocations, its tasks. Must survive the agent.
    pub state_dir: PathBuf,
    /// Directory of the allocations' directories.
    pub alloc_dir: PathBuf,
    /// The node's name.
    pub name: String,
    /// Region, for `NOMAD_REGION` and `${node.region}`.
    pub region: String,
    /// Datacenter.
    pub datacenter: String,
    /// Class, for constraints.
    pub node_class: String,
    /// Pool.
    pub node_pool: String,
    /// Address of the agent's HTTP API, `HOST:PORT`.
    pub http_addr: String,
    /// Whether that API needs TLS.
    pub tls_enabled: bool,
    /// Metadata from the configuration.
    pub meta: BTreeMap<String, String>,
    /// Names of the drivers that may be used; empty for all.
    pub driver_allowlist: Vec<String>,
    /// Names of drivers that may not be used.
    pub driver_denylist: Vec<String>,
    /// Interface whose addresses allocations get; empty for the one of the default route.
    pub network_interface: String,
    /// Total CPU in MHz instead of what is found; 0 to find it.
    pub cpu_total_compute: i64,
    /// Total memory in MiB instead of what is found; 0 to find it.
    pub memory_total_mb: i64,
    /// Total disk in MiB instead of what is found; 0 to find it.
    pub disk_total_mb: i64,
    /// What allocations may not use.
    pub reserved: NodeReservedResources,
    /// First dynamic port.
    pub min_dynamic_port: u16,
    /// Last dynamic port.
    pub max_dynamic_port: u16,
    /// The most allocations at a time; 0 for no limit.
    pub max_allocs: u32,
    /// Directories of the host that groups may mount, by name.
    pub host_volumes: BTreeMap<String, HostVolumeConfig>,
    /// Programs that make dynamic host volumes.
    pub host_volume_plugin_dir: PathBuf,
    /// Where the dynamic host volumes of plugins are.
    pub host_volumes_dir: PathBuf,
    /// Whether artifacts may be files of the host: then whoever may run jobs may read them.
    pub allows_file_artifacts: bool,
    /// The parent of the tasks' control groups, for `NOMAD_PARENT_CGROUP`.
    pub cgroup_parent: String,
    /// The agent's environment that tasks of drivers without images inherit, already without secrets.
    pub host_env: Vec<(String, String)>,
    /// The most time that a job may give its tasks between signal and kill.
    pub max_kill_timeout: Nanos,
    /// Ended allocations kept on disk; older ones are collected.
    pub gc_max_allocs: usize,
    /// Between looks for ended allocations to collect.
    pub gc_interval: Duration,
    /// Version of Drover's API, `nomad.version` for constraints.
    pub version: String,
    /// Revision of the build, `nomad.revision`.
    pub revision: String,
}

impl NodeConfig {
    /// A node with the usual settings that keeps everything below `data_dir`.
    pub fn in_dir(data_dir: impl Into<PathBuf>) -> Self {
        let data_dir = data_dir.into();
        Self {
            state_dir: data_dir.join("client"),
            alloc_dir: data_dir.join("alloc"),
            name: String::new(),
            region: "global".into(),
            datacenter: "dc1".into(),
            node_class: String::new(),
            node_pool: "default".into(),
            http_addr: String::new(),
            tls_enabled: false,
            meta: BTreeMap::new(),
            driver_allowlist: Vec::new(),
            driver_denylist: Vec::new(),
            network_interface: String::new(),
            cpu_total_compute: 0,
            memory_total_mb: 0,
            disk_total_mb: 0,
            reserved: NodeReservedResources::default(),
            min_dynamic_port: 20_000,
            max_dynamic_port: 32_000,
            max_allocs: 0,
            host_volumes: BTreeMap::new(),
            host_volume_plugin_dir: data_dir.join("host_volume_plugins"),
            host_volumes_dir: data_dir.join("host_volumes"),
            allows_file_artifacts: false,
            cgroup_parent: String::new(),
            host_env: Vec::new(),
            max_kill_timeout: Nanos::from_secs(30),
            gc_max_allocs: 50,
            gc_interval: Duration::from_secs(60),
            version: "2.0.5".into(),
            revision: String::new(),
        }
    }

    /// Whether a driver may be used.
    pub fn allows_driver(&self, name: &str) -> bool {
        let listed = |list: &[String]| list.iter().any(|entry| entry == name);
        (self.driver_allowlist.is_empty() || listed(&self.driver_allowlist)) && !listed(&self.driver_denylist)
    }
}

/// Names of variables that hold secrets of the agent, and are never handed to tasks.
pub const SECRET_VARIABLES: &[&str] = &[
    "CONSUL_TOKEN",
    "CONSUL_HTTP_TOKEN",
    "NOMAD_LICENSE",
    "NOMAD_TOKEN",
    "VAULT_TOKEN",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "GOOGLE_APPLICATION_CREDENTIALS",
];
