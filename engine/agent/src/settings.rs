//! The agent's settings as those of the server and the node.

use crate::config::{AgentConfig, ClientSettings, ServerSettings};
use drover_model::node::HostVolumeConfig;
use drover_model::resources::{NodeMemory, NodeReservedCpu, NodeReservedNetworks, NodeReservedResources};
use drover_node::NodeConfig;
use drover_node::SECRET_VARIABLES;
use drover_server::ServerConfig;
use std::path::{Path, PathBuf};

/// The version of the API that this speaks, as nodes and the agent report it.
pub const API_VERSION: &str = "2.0.5";

pub(crate) fn server(config: &AgentConfig, settings: &ServerSettings, name: &str) -> ServerConfig {
    let mut server = ServerConfig {
        region: config.region.clone(),
        name: name.to_owned(),
        workers: settings.workers,
        governance: settings.governance,
        data_dir: config.data_dir.as_ref().map(|dir| dir.join("server")),
        ..ServerConfig::default()
    };
    let set = |target: &mut drover_base::Nanos, value: Option<drover_base::Nanos>| {
        if let Some(value) = value {
            *target = value;
        }
    };
    set(&mut server.heartbeat.grace, settings.heartbeat_grace);
    set(&mut server.heartbeat.min_ttl, settings.min_heartbeat_ttl);
    set(&mut server.gc.eval_threshold, settings.eval_gc_threshold);
    set(&mut server.heartbeat.failover_ttl, settings.failover_heartbeat_ttl);
    server.heartbeat.max_per_second = settings.max_heartbeats_per_second.unwrap_or(server.heartbeat.max_per_second);
    server.jobs = settings.jobs;
    set(&mut server.gc.batch_eval_threshold, settings.batch_eval_gc_threshold);
    set(&mut server.gc.job_threshold, settings.job_gc_threshold);
    set(&mut server.gc.deployment_threshold, settings.deployment_gc_threshold);
    set(&mut server.gc.node_threshold, settings.node_gc_threshold);
    set(&mut server.gc.interval, settings.gc_interval);
    set(&mut server.keyring.gc_threshold, settings.root_key_gc_threshold);
    set(&mut server.keyring.gc_interval, settings.root_key_gc_interval);
    set(&mut server.keyring.rotation_threshold, settings.root_key_rotation_threshold);
    set(&mut server.introduction.default_ttl, settings.introduction_ttl.0);
    set(&mut server.introduction.max_ttl, settings.introduction_ttl.1);
    server.oidc_issuer.clone_from(&settings.oidc_issuer);
    server.acl.enabled = config.acl.enabled;
    server.acl.bootstrap_token.clone_from(&config.acl.bootstrap_token);
    set(&mut server.acl.min_token_ttl, config.acl.min_token_ttl);
    set(&mut server.acl.max_token_ttl, config.acl.max_token_ttl);
    server
}

/// The node's settings; `dir` is where it keeps things unless the configuration says otherwise.
pub(crate) fn node(config: &AgentConfig, settings: &ClientSettings, name: &str, dir: &Path) -> NodeConfig {
    let file = &settings.file;
    let option = |key: &str| list(file.options.get(key));
    let base = NodeConfig::in_dir(dir);
    NodeConfig {
        state_dir: file.state_dir.as_ref().map_or(base.state_dir.clone(), PathBuf::from),
        alloc_dir: file.alloc_dir.as_ref().map_or(base.alloc_dir.clone(), PathBuf::from),
        name: name.to_owned(),
        region: config.region.clone(),
        datacenter: config.datacenter.clone(),
        node_class: file.node_class.clone().unwrap_or_default(),
        node_pool: file.node_pool.clone().unwrap_or_else(|| "default".into()),
        http_addr: config.advertise[0].to_string(),
        meta: default_meta().chain(file.meta.clone()).collect(),
        driver_allowlist: option("driver.allowlist"),
        driver_denylist: option("driver.denylist"),
        network_interface: file.network_interface.clone().unwrap_or_default(),
        cpu_total_compute: file.cpu_total_compute.unwrap_or(0),
        memory_total_mb: file.memory_total_mb.unwrap_or(0),
        disk_total_mb: file.disk_total_mb.unwrap_or(0),
        reserved: reserved(file),
        min_dynamic_port: settings.dynamic_ports.0,
        max_dynamic_port: settings.dynamic_ports.1,
        host_volumes: host_volumes(file),
        host_volume_plugin_dir: file
            .host_volume_plugin_dir
            .as_ref()
            .map_or(base.host_volume_plugin_dir.clone(), PathBuf::from),
        host_volumes_dir: file.host_volumes_dir.as_ref().map_or(base.host_volumes_dir.clone(), PathBuf::from),
        host_env: std::env::vars().filter(|(name, _)| !SECRET_VARIABLES.contains(&name.as_str())).collect(),
        max_kill_timeout: settings.max_kill_timeout,
        gc_max_allocs: file.gc_max_allocs.map_or(base.gc_max_allocs, |n| n as usize),
        version: API_VERSION.into(),
        ..base
    }
}

/// What jobs that ask for a service mesh read from every node; operators may say otherwise.
const DEFAULT_META: [(&str, &str); 6] = [
    ("connect.gateway_image", "docker.io/envoyproxy/envoy:v${NOMAD_envoy_version}"),
    ("connect.log_level", "info"),
    ("connect.proxy_concurrency", "1"),
    ("connect.sidecar_image", "docker.io/envoyproxy/envoy:v${NOMAD_envoy_version}"),
    ("connect.transparent_proxy.default_outbound_port", "15001"),
    ("connect.transparent_proxy.default_uid", "101"),
];

fn default_meta() -> impl Iterator<Item = (String, String)> {
    DEFAULT_META.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned()))
}

fn list(text: Option<&String>) -> Vec<String> {
    let parts = text.map(String::as_str).unwrap_or_default().split(',').map(str::trim);
    parts.filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

fn reserved(file: &crate::config::ClientFile) -> NodeReservedResources {
    NodeReservedResources {
        cpu: NodeReservedCpu { cpu_shares: file.reserved.cpu.unwrap_or(0), ..NodeReservedCpu::default() },
        memory: NodeMemory { memory_mb: file.reserved.memory.unwrap_or(0) },
        disk: drover_model::resources::NodeDisk { disk_mb: file.reserved.disk.unwrap_or(0) },
        networks: NodeReservedNetworks {
            reserved_host_ports: file.reserved.reserved_ports.clone().unwrap_or_default(),
        },
    }
}

fn host_volumes(file: &crate::config::ClientFile) -> std::collections::BTreeMap<String, HostVolumeConfig> {
    let volume = |(name, volume): (&String, &crate::config::HostVolumeFile)| {
        let config = HostVolumeConfig {
            name: name.clone(),
            path: volume.path.clone(),
            read_only: volume.read_only,
            id: String::new(),
        };
        (name.clone(), config)
    };
    file.host_volume.iter().map(volume).collect()
}
