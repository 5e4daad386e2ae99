//! A job's `config` block for docker.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::driver::DriverError;
use crate::schema::ConfigReader;

/// A job's `config` block, checked for names and types.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct DockerConfig {
    pub(super) image: String,
    pub(super) command: Option<String>,
    pub(super) args: Vec<String>,
    pub(super) entrypoint: Option<Vec<String>>,
    pub(super) force_pull: bool,
    pub(super) image_pull_timeout: Option<String>,
    pub(super) auth: Option<Auth>,
    pub(super) ports: Vec<String>,
    pub(super) labels: BTreeMap<String, String>,
    pub(super) volumes: Vec<String>,
    pub(super) volume_driver: Option<String>,
    pub(super) mounts: Vec<MountConfig>,
    pub(super) devices: Vec<DeviceConfig>,
    pub(super) network_mode: Option<String>,
    pub(super) network_aliases: Vec<String>,
    pub(super) ipv4_address: Option<String>,
    pub(super) ipv6_address: Option<String>,
    pub(super) mac_address: Option<String>,
    pub(super) hostname: Option<String>,
    pub(super) extra_hosts: Vec<String>,
    pub(super) dns_servers: Vec<String>,
    pub(super) dns_search_domains: Vec<String>,
    pub(super) dns_options: Vec<String>,
    pub(super) privileged: bool,
    pub(super) cap_add: Vec<String>,
    pub(super) cap_drop: Vec<String>,
    pub(super) security_opt: Vec<String>,
    pub(super) sysctl: BTreeMap<String, String>,
    pub(super) ulimit: BTreeMap<String, String>,
    pub(super) storage_opt: BTreeMap<String, String>,
    pub(super) group_add: Vec<String>,
    pub(super) shm_size: Option<i64>,
    pub(super) pids_limit: Option<i64>,
    pub(super) oom_score_adj: Option<i64>,
    pub(super) memory_hard_limit_mb: Option<i64>,
    pub(super) cpu_hard_limit: bool,
    pub(super) cpu_cfs_period: Option<i64>,
    pub(super) work_dir: Option<String>,
    pub(super) cgroupns: Option<String>,
    pub(super) ipc_mode: Option<String>,
    pub(super) pid_mode: Option<String>,
    pub(super) uts_mode: Option<String>,
    pub(super) userns_mode: Option<String>,
    pub(super) runtime: Option<String>,
    pub(super) init: bool,
    pub(super) tty: bool,
    pub(super) interactive: bool,
    pub(super) readonly_rootfs: bool,
    pub(super) logging: Option<(String, BTreeMap<String, String>)>,
    pub(super) advertise_ipv6_address: bool,
}

/// Credentials for a registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Auth {
    pub(super) username: Option<String>,
    pub(super) password: Option<String>,
    pub(super) server_address: Option<String>,
}

/// A `mount` block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct MountConfig {
    pub(super) kind: String,
    pub(super) source: String,
    pub(super) target: String,
    pub(super) read_only: bool,
    pub(super) propagation: Option<String>,
    pub(super) no_copy: bool,
    pub(super) labels: BTreeMap<String, String>,
    pub(super) tmpfs_size: Option<i64>,
    pub(super) tmpfs_mode: Option<i64>,
}

/// A `devices` block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DeviceConfig {
    pub(super) host_path: String,
    pub(super) container_path: Option<String>,
    pub(super) permissions: Option<String>,
}

impl DockerConfig {
    pub(super) fn parse(config: &Map<String, Value>) -> Result<Self, DriverError> {
        let mut reader = ConfigReader::new(config);
        let r = &mut reader;
        let mut text = |key| r.string(key).filter(|text| !text.is_empty());
        let parsed = Self {
            command: text("command"),
            image_pull_timeout: text("image_pull_timeout"),
            volume_driver: text("volume_driver"),
            network_mode: text("network_mode"),
            ipv4_address: text("ipv4_address"),
            ipv6_address: text("ipv6_address"),
            mac_address: text("mac_address"),
            hostname: text("hostname"),
            work_dir: text("work_dir"),
            cgroupns: text("cgroupns"),
            ipc_mode: text("ipc_mode"),
            pid_mode: text("pid_mode"),
            uts_mode: text("uts_mode"),
            userns_mode: text("userns_mode"),
            runtime: text("runtime"),
            image: r.required_string("image"),
            args: r.string_list("args"),
            entrypoint: r.optional_string_list("entrypoint"),
            force_pull: r.boolean("force_pull").unwrap_or(false),
            auth: auth(r),
            ports: r.string_list("ports"),
            labels: r.string_map("labels"),
            volumes: r.string_list("volumes"),
            mounts: mounts(r),
            devices: devices(r),
            network_aliases: r.string_list("network_aliases"),
            extra_hosts: r.string_list("extra_hosts"),
            dns_servers: r.string_list("dns_servers"),
            dns_search_domains: r.string_list("dns_search_domains"),
            dns_options: r.string_list("dns_options"),
            privileged: r.boolean("privileged").unwrap_or(false),
            cap_add: r.string_list("cap_add"),
            cap_drop: r.string_list("cap_drop"),
            security_opt: r.string_list("security_opt"),
            sysctl: r.string_map("sysctl"),
            ulimit: r.string_map("ulimit"),
            storage_opt: r.string_map("storage_opt"),
            group_add: r.string_list("group_add"),
            shm_size: r.integer("shm_size"),
            pids_limit: r.integer("pids_limit").filter(|limit| *limit > 0),
            oom_score_adj: r.integer("oom_score_adj"),
            memory_hard_limit_mb: r.integer("memory_hard_limit").filter(|limit| *limit > 0),
            cpu_hard_limit: r.boolean("cpu_hard_limit").unwrap_or(false),
            cpu_cfs_period: r.integer("cpu_cfs_period").filter(|period| *period > 0),
            init: r.boolean("init").unwrap_or(false),
            tty: r.boolean("tty").unwrap_or(false),
            interactive: r.boolean("interactive").unwrap_or(false),
            readonly_rootfs: r.boolean("readonly_rootfs").unwrap_or(false),
            logging: logging(r),
            advertise_ipv6_address: r.boolean("advertise_ipv6_address").unwrap_or(false),
        };
        // Accepted and without effect: a failed look-up of credentials, and a name that is taken, are never fatal here.
        reader.boolean("auth_soft_fail");
        reader.integer("container_exists_attempts");
        for key in ["load", "healthchecks", "isolation"] {
            if config.get(key).is_some_and(|value| !value.is_null()) {
                reader.string(key);
                reader.fault(format!("{key} is not supported by this docker driver"));
            }
        }
        reader.finish()?;
        Ok(parsed)
    }
}

fn auth(reader: &mut ConfigReader<'_>) -> Option<Auth> {
    let block = reader.blocks("auth").into_iter().next()?;
    let mut nested = ConfigReader::nested(block, "auth.");
    let auth = Auth {
        username: nested.string("username"),
        password: nested.string("password"),
        server_address: nested.string("server_address"),
    };
    nested.string("email");
    reader.absorb(nested);
    Some(auth)
}

fn mounts(reader: &mut ConfigReader<'_>) -> Vec<MountConfig> {
    let mut blocks = reader.blocks("mount");
    blocks.extend(reader.blocks("mounts"));
    blocks.into_iter().map(|block| mount(reader, block)).collect()
}

fn mount(reader: &mut ConfigReader<'_>, block: &Map<String, Value>) -> MountConfig {
    let mut nested = ConfigReader::nested(block, "mount.");
    let mut mount = MountConfig {
        kind: nested.string("type").unwrap_or_else(|| "volume".into()),
        source: nested.string("source").unwrap_or_default(),
        target: nested.required_string("target"),
        read_only: nested.boolean("readonly").unwrap_or(false),
        propagation: None,
        no_copy: false,
        labels: BTreeMap::new(),
        tmpfs_size: None,
        tmpfs_mode: None,
    };
    if !["bind", "volume", "tmpfs"].contains(&mount.kind.as_str()) {
        nested.fault(format!("mount.type must be bind, volume or tmpfs, got {:?}", mount.kind));
    }
    for options in nested.blocks("bind_options") {
        let mut inner = ConfigReader::nested(options, "mount.bind_options.");
        mount.propagation = inner.string("propagation").filter(|text| !text.is_empty());
        nested.absorb(inner);
    }
    for options in nested.blocks("volume_options") {
        let mut inner = ConfigReader::nested(options, "mount.volume_options.");
        mount.no_copy = inner.boolean("no_copy").unwrap_or(false);
        mount.labels = inner.string_map("labels");
        nested.absorb(inner);
    }
    for options in nested.blocks("tmpfs_options") {
        let mut inner = ConfigReader::nested(options, "mount.tmpfs_options.");
        mount.tmpfs_size = inner.integer("size");
        mount.tmpfs_mode = inner.integer("mode");
        nested.absorb(inner);
    }
    reader.absorb(nested);
    mount
}

fn devices(reader: &mut ConfigReader<'_>) -> Vec<DeviceConfig> {
    let blocks = reader.blocks("devices");
    blocks
        .into_iter()
        .map(|block| {
            let mut nested = ConfigReader::nested(block, "devices.");
            let device = DeviceConfig {
                host_path: nested.required_string("host_path"),
                container_path: nested.string("container_path"),
                permissions: nested.string("cgroup_permissions"),
            };
            reader.absorb(nested);
            device
        })
        .collect()
}

fn logging(reader: &mut ConfigReader<'_>) -> Option<(String, BTreeMap<String, String>)> {
    let block = reader.blocks("logging").into_iter().next()?;
    let mut nested = ConfigReader::nested(block, "logging.");
    let kind = nested.string("type").or_else(|| nested.string("driver"));
    nested.string("driver");
    let config = nested.string_map("config");
    reader.absorb(nested);
    Some((kind.unwrap_or_else(|| "json-file".into()), config))
}
