//! From a task's configuration to a container's.

use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};

use bollard::models::{
    ContainerCreateBody, DeviceMapping, EndpointIpamConfig, EndpointSettings, HostConfig, HostConfigCgroupnsModeEnum,
    HostConfigLogConfig, Mount, MountBindOptions, MountBindOptionsPropagationEnum, MountTmpfsOptions, MountType,
    MountVolumeOptions, NetworkingConfig, PortBinding, ResourcesUlimits,
};

use super::DockerOptions;
use super::config::{DockerConfig, MountConfig};
use crate::supervisor::caps;
use crate::supervisor::cgroup::{self, CGROUP_ROOT, CgroupVersion, core_list};
use crate::task_config::TaskConfig;

/// Mebibyte.
const MIB: i64 = 1024 * 1024;
/// Label that tells whose container it is; tools for Nomad look for it.
pub(super) const ALLOC_LABEL: &str = "com.hashicorp.nomad.alloc_id";
/// What Docker gives a container by itself.
const DOCKER_DEFAULT_CAPS: [&str; 14] = [
    "audit_write",
    "chown",
    "dac_override",
    "fowner",
    "fsetid",
    "kill",
    "mknod",
    "net_bind_service",
    "net_raw",
    "setfcap",
    "setgid",
    "setpcap",
    "setuid",
    "sys_chroot",
];
/// Default period of the CPU quota, microseconds.
const CPU_PERIOD_US: i64 = 100_000;

/// The container of a task; the error is for people.
pub(super) fn describe(
    task: &TaskConfig,
    config: &DockerConfig,
    options: &DockerOptions,
) -> Result<ContainerCreateBody, String> {
    let ports = port_bindings(task, config)?;
    let mut command: Vec<String> = config.command.iter().cloned().collect();
    command.extend(config.args.iter().cloned());
    let mut host = host_config(task, config, options)?;
    if !ports.is_empty() {
        let bindings = ports.iter().map(|(port, binding)| (port.clone(), Some(vec![binding.clone()])));
        host.port_bindings = Some(bindings.collect());
    }
    Ok(ContainerCreateBody {
        image: Some(config.image.clone()),
        hostname: config.hostname.clone().or_else(|| task.hostname.clone()),
        user: non_empty(&task.user),
        env: Some(task.env.iter().map(|(key, value)| format!("{key}={value}")).collect()),
        cmd: (!command.is_empty()).then_some(command),
        entrypoint: config.entrypoint.clone(),
        working_dir: config.work_dir.clone(),
        tty: Some(config.tty),
        open_stdin: Some(config.interactive),
        stop_signal: non_empty(&task.kill_signal),
        labels: Some(labels(task, config, options)),
        exposed_ports: Some(ports.into_iter().map(|(port, _)| port).collect()),
        networking_config: networking(config),
        host_config: Some(host),
        ..ContainerCreateBody::default()
    })
}

fn non_empty(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

fn some_list(list: &[String]) -> Option<Vec<String>> {
    (!list.is_empty()).then(|| list.to_vec())
}

/// `PORT/tcp` and `PORT/udp` of every label in `ports`, with their place on the host.
fn port_bindings(task: &TaskConfig, config: &DockerConfig) -> Result<Vec<(String, PortBinding)>, String> {
    let mut bindings = Vec::new();
    for label in &config.ports {
        let port = task.port(label).ok_or_else(|| format!("Port {label:?} not found, check network block"))?;
        let inside = if port.to == 0 { port.host_port } else { port.to };
        for protocol in ["tcp", "udp"] {
            let binding =
                PortBinding { host_ip: Some(port.host_ip.to_string()), host_port: Some(port.host_port.to_string()) };
            bindings.push((format!("{inside}/{protocol}"), binding));
        }
    }
    Ok(bindings)
}

fn labels(task: &TaskConfig, config: &DockerConfig, options: &DockerOptions) -> HashMap<String, String> {
    let mut labels: HashMap<String, String> = config.labels.clone().into_iter().collect();
    labels.insert(ALLOC_LABEL.into(), task.alloc_id.clone());
    let available = [
        ("job_name", &task.job_name),
        ("job_id", &task.job_id),
        ("task_group_name", &task.group_name),
        ("task_name", &task.task_name),
        ("namespace", &task.namespace),
        ("node_name", &task.node_name),
        ("node_id", &task.node_id),
    ];
    for (name, value) in available {
        let wanted =
            |pattern: &String| pattern.strip_suffix('*').map_or(pattern == name, |start| name.starts_with(start));
        if options.extra_labels.iter().any(wanted) {
            labels.insert(format!("com.hashicorp.nomad.{name}"), value.clone());
        }
    }
    labels
}

fn host_config(task: &TaskConfig, config: &DockerConfig, options: &DockerOptions) -> Result<HostConfig, String> {
    if config.privileged && !options.allow_privileged {
        return Err(
            "Docker privileged mode is disabled on this agent; the operator allows it with allow_privileged".into()
        );
    }
    if let Some(runtime) = &config.runtime
        && !options.allow_runtimes.contains(runtime)
    {
        return Err(format!(
            "requested runtime {runtime:?} is not allowed; allow_runtimes has {:?}",
            options.allow_runtimes
        ));
    }
    let (cap_add, cap_drop) = capabilities(config, options)?;
    let dns = task.dns.clone().unwrap_or_default();
    let or = |own: &[String], group: &[String]| some_list(if own.is_empty() { group } else { own });
    let (log_type, log_config) = config.logging.clone().unwrap_or_else(|| options.logging.clone());
    let mut host = HostConfig {
        binds: Some(binds(task, config, options)?),
        mounts: Some(mounts(task, config, options)?),
        devices: Some(devices(task, config)),
        cap_add: some_list(&cap_add),
        cap_drop: some_list(&cap_drop),
        cgroupns_mode: cgroup_namespace(config.cgroupns.as_deref())?,
        dns: or(&config.dns_servers, &dns.servers),
        dns_search: or(&config.dns_search_domains, &dns.searches),
        dns_options: or(&config.dns_options, &dns.options),
        extra_hosts: some_list(&config.extra_hosts),
        group_add: some_list(&config.group_add),
        ipc_mode: config.ipc_mode.clone(),
        pid_mode: config.pid_mode.clone(),
        uts_mode: config.uts_mode.clone(),
        userns_mode: config.userns_mode.clone(),
        runtime: config.runtime.clone(),
        network_mode: config.network_mode.clone(),
        privileged: Some(config.privileged),
        readonly_rootfs: Some(config.readonly_rootfs),
        security_opt: some_list(&config.security_opt),
        storage_opt: (!config.storage_opt.is_empty()).then(|| config.storage_opt.clone().into_iter().collect()),
        sysctls: (!config.sysctl.is_empty()).then(|| config.sysctl.clone().into_iter().collect()),
        ulimits: Some(ulimits(config)?),
        shm_size: config.shm_size,
        init: config.init.then_some(true),
        oom_score_adj: config.oom_score_adj,
        volume_driver: config.volume_driver.clone(),
        log_config: Some(HostConfigLogConfig { typ: Some(log_type), config: Some(log_config.into_iter().collect()) }),
        ..HostConfig::default()
    };
    limit(&mut host, task, config, options);
    Ok(host)
}

fn limit(host: &mut HostConfig, task: &TaskConfig, config: &DockerConfig, options: &DockerOptions) {
    let resources = &task.resources;
    let bytes = |mib: u64| i64::try_from(mib).unwrap_or(i64::MAX / MIB).saturating_mul(MIB);
    let reserved = bytes(resources.memory_mb);
    let hard = config.memory_hard_limit_mb.map_or(bytes(resources.memory_max_mb), |limit| limit.saturating_mul(MIB));
    if reserved > 0 {
        let limit = hard.max(reserved);
        host.memory = Some(limit);
        // The sum of memory and swap: no swap.
        host.memory_swap = Some(limit);
        host.memory_reservation = (limit > reserved).then_some(reserved);
        if cgroup::detect(Path::new(CGROUP_ROOT)) == Some(CgroupVersion::V1) {
            host.memory_swappiness = Some(0);
        }
    }
    host.cpu_shares = i64::try_from(resources.cpu_mhz).ok().filter(|shares| *shares > 0).map(|shares| shares.max(2));
    if !resources.reserved_cores.is_empty() {
        host.cpuset_cpus = Some(core_list(&resources.reserved_cores));
    }
    if config.cpu_hard_limit && resources.node_cpu_mhz > 0 {
        let period = config.cpu_cfs_period.unwrap_or(CPU_PERIOD_US);
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get) as u64;
        let share = u64::try_from(period).unwrap_or(0) * cores * resources.cpu_mhz / resources.node_cpu_mhz;
        host.cpu_period = Some(period);
        host.cpu_quota = i64::try_from(share).ok();
    }
    host.pids_limit = config.pids_limit.or(options.pids_limit);
}

/// What to add to and take from Docker's own set, so that the container ends with what the operator allows.
fn capabilities(config: &DockerConfig, options: &DockerOptions) -> Result<(Vec<String>, Vec<String>), String> {
    if config.privileged {
        return Ok((Vec::new(), Vec::new()));
    }
    let allowed = caps::bits(options.allow_caps.iter().map(String::as_str)).map_err(|error| error.to_string())?;
    let wanted = caps::task_set(allowed, &config.cap_add, &config.cap_drop).map_err(|error| error.to_string())?;
    let default = caps::bits(DOCKER_DEFAULT_CAPS).map_err(|error| error.to_string())?;
    let spell =
        |set: u64| caps::names(set).into_iter().map(|name| format!("CAP_{}", name.to_ascii_uppercase())).collect();
    Ok((spell(wanted & !default), spell(default & !wanted)))
}

fn cgroup_namespace(mode: Option<&str>) -> Result<Option<HostConfigCgroupnsModeEnum>, String> {
    match mode {
        None => Ok(None),
        Some("host") => Ok(Some(HostConfigCgroupnsModeEnum::HOST)),
        Some("private") => Ok(Some(HostConfigCgroupnsModeEnum::PRIVATE)),
        Some(other) => Err(format!("cgroupns must be host or private, got {other:?}")),
    }
}

/// `nofile = "1024:2048"`, soft and hard, or one number for both.
fn ulimits(config: &DockerConfig) -> Result<Vec<ResourcesUlimits>, String> {
    let mut limits = Vec::new();
    for (name, value) in &config.ulimit {
        let (soft, hard) = value.split_once(':').unwrap_or((value, value));
        let number = |text: &str| {
            text.trim().parse::<i64>().map_err(|_| format!("Malformed ulimit {name}={value:?}: expected SOFT:HARD"))
        };
        limits.push(ResourcesUlimits {
            name: Some(name.clone()),
            soft: Some(number(soft)?),
            hard: Some(number(hard)?),
        });
    }
    Ok(limits)
}

/// The task's directories and `volumes`, as `SOURCE:TARGET[:MODE]`.
fn binds(task: &TaskConfig, config: &DockerConfig, options: &DockerOptions) -> Result<Vec<String>, String> {
    let dirs = &task.dirs;
    let mut binds = vec![
        format!("{}:/alloc", dirs.shared_alloc_dir.display()),
        format!("{}:/local", dirs.local_dir.display()),
        format!("{}:/secrets", dirs.secrets_dir.display()),
    ];
    if task.logs.dir.starts_with(&dirs.shared_alloc_dir) {
        // The log files belong to the collector.
        binds.push(format!("{}:/alloc/logs:ro", task.logs.dir.display()));
    }
    for volume in &config.volumes {
        let (source, rest) = volume
            .split_once(':')
            .ok_or_else(|| format!("invalid docker volume {volume:?}: expected SOURCE:TARGET"))?;
        if config.volume_driver.is_some() {
            require_volumes(options, volume)?;
            binds.push(volume.clone());
            continue;
        }
        binds.push(format!("{}:{rest}", host_path(task, options, source, volume)?));
    }
    Ok(binds)
}

fn require_volumes(options: &DockerOptions, what: &str) -> Result<(), String> {
    if options.volumes_enabled {
        Ok(())
    } else {
        Err(format!("volumes are not enabled; cannot mount host path: {what:?}"))
    }
}

/// A relative path is one below the task's directory; anything outside the allocation needs the operator's consent.
fn host_path(task: &TaskConfig, options: &DockerOptions, source: &str, what: &str) -> Result<String, String> {
    let task_dir = &task.dirs.task_dir;
    let path = lexically_normal(&task_dir.join(source));
    let inside = [Some(task_dir.as_path()), task.dirs.shared_alloc_dir.parent()]
        .into_iter()
        .flatten()
        .any(|dir| path.starts_with(dir));
    if !inside {
        require_volumes(options, what)?;
    }
    Ok(path.display().to_string())
}

fn lexically_normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => {
                normal.pop();
            }
            Component::CurDir => {}
            other => normal.push(other),
        }
    }
    normal
}

fn mounts(task: &TaskConfig, config: &DockerConfig, options: &DockerOptions) -> Result<Vec<Mount>, String> {
    let mut mounts = Vec::new();
    for entry in &task.mounts {
        mounts.push(Mount {
            typ: Some(MountType::BIND),
            source: Some(entry.host_path.display().to_string()),
            target: Some(entry.task_path.display().to_string()),
            read_only: Some(entry.read_only),
            bind_options: propagation(match entry.propagation_mode.as_str() {
                "host-to-task" => Some("rslave"),
                "bidirectional" => Some("rshared"),
                _ => None,
            })?,
            ..Mount::default()
        });
    }
    for entry in &config.mounts {
        mounts.push(mount(task, entry, options)?);
    }
    Ok(mounts)
}

fn mount(task: &TaskConfig, entry: &MountConfig, options: &DockerOptions) -> Result<Mount, String> {
    let mut mount = Mount { target: Some(entry.target.clone()), read_only: Some(entry.read_only), ..Mount::default() };
    match entry.kind.as_str() {
        "bind" => {
            mount.typ = Some(MountType::BIND);
            mount.source = Some(host_path(task, options, &entry.source, &entry.source)?);
            mount.bind_options = propagation(entry.propagation.as_deref())?;
        }
        "tmpfs" => {
            mount.typ = Some(MountType::TMPFS);
            mount.tmpfs_options = Some(MountTmpfsOptions {
                size_bytes: entry.tmpfs_size,
                mode: entry.tmpfs_mode,
                ..MountTmpfsOptions::default()
            });
        }
        _ => {
            require_volumes(options, &entry.source)?;
            mount.typ = Some(MountType::VOLUME);
            mount.source = non_empty(&entry.source);
            mount.volume_options = Some(MountVolumeOptions {
                no_copy: Some(entry.no_copy),
                labels: Some(entry.labels.clone().into_iter().collect()),
                ..MountVolumeOptions::default()
            });
        }
    }
    Ok(mount)
}

fn propagation(mode: Option<&str>) -> Result<Option<MountBindOptions>, String> {
    use MountBindOptionsPropagationEnum as Mode;
    let mode = match mode {
        None => return Ok(None),
        Some("private") => Mode::PRIVATE,
        Some("rprivate") => Mode::RPRIVATE,
        Some("shared") => Mode::SHARED,
        Some("rshared") => Mode::RSHARED,
        Some("slave") => Mode::SLAVE,
        Some("rslave") => Mode::RSLAVE,
        Some(other) => return Err(format!("mount propagation {other:?} is unknown")),
    };
    Ok(Some(MountBindOptions { propagation: Some(mode), ..MountBindOptions::default() }))
}

fn devices(task: &TaskConfig, config: &DockerConfig) -> Vec<DeviceMapping> {
    let device = |host: String, inside: String, permissions: Option<String>| DeviceMapping {
        path_on_host: Some(host),
        path_in_container: Some(inside),
        cgroup_permissions: Some(permissions.unwrap_or_else(|| "rwm".into())),
    };
    let own = config.devices.iter().map(|entry| {
        let inside = entry.container_path.clone().unwrap_or_else(|| entry.host_path.clone());
        device(entry.host_path.clone(), inside, entry.permissions.clone())
    });
    let given = task.devices.iter().map(|entry| {
        let (host, inside) = (entry.host_path.display().to_string(), entry.task_path.display().to_string());
        device(host, inside, non_empty(&entry.permissions))
    });
    own.chain(given).collect()
}

/// Settings of the container's end of a network of the user's own.
fn networking(config: &DockerConfig) -> Option<NetworkingConfig> {
    let has_address = config.ipv4_address.is_some() || config.ipv6_address.is_some();
    let endpoint = EndpointSettings {
        aliases: some_list(&config.network_aliases),
        mac_address: config.mac_address.clone(),
        ipam_config: has_address.then(|| EndpointIpamConfig {
            ipv4_address: config.ipv4_address.clone(),
            ipv6_address: config.ipv6_address.clone(),
            ..EndpointIpamConfig::default()
        }),
        ..EndpointSettings::default()
    };
    if endpoint == EndpointSettings::default() {
        return None;
    }
    let network = config.network_mode.clone().unwrap_or_else(|| "bridge".into());
    Some(NetworkingConfig { endpoints_config: Some(HashMap::from([(network, endpoint)])) })
}
