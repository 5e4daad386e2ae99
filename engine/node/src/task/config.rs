//! What a driver is told about a task.

use super::env::{EnvSource, TaskEnv, VisiblePaths, all_ports};
use crate::alloc::dir::AllocDir;
use crate::config::NodeConfig;
use drover_drivers::{DnsConfig, FsIsolation, LogConfig, PortMapping, TaskConfig, TaskDirs, TaskMount, TaskResources};
use drover_model::{Allocation, Node, Task, TextMap};
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

/// Everything about a task that does not change while it runs.
#[derive(Clone, Copy, Debug)]
pub struct TaskSource<'a> {
    /// The node's configuration.
    pub config: &'a NodeConfig,
    /// The node.
    pub node: &'a Node,
    /// The allocation, with its job.
    pub alloc: &'a Allocation,
    /// The task.
    pub task: &'a Task,
    /// The allocation's directories.
    pub dir: &'a AllocDir,
    /// How the task sees the file system.
    pub isolation: FsIsolation,
}

impl TaskSource<'_> {
    /// The task's environment, with variables that templates made.
    pub fn env(&self, templates: &TextMap) -> TaskEnv {
        let paths = self.paths();
        TaskEnv::build(&EnvSource {
            alloc: self.alloc,
            task: self.task,
            node: self.node,
            region: &self.config.region,
            paths: &paths,
            host: (self.isolation != FsIsolation::Image).then_some(self.config.host_env.as_slice()),
            templates,
        })
    }

    fn paths(&self) -> VisiblePaths {
        if self.isolation != FsIsolation::None {
            return VisiblePaths {
                alloc_dir: "/alloc".into(),
                task_dir: "/local".into(),
                secrets_dir: "/secrets".into(),
            };
        }
        let text = |path: PathBuf| path.to_string_lossy().into_owned();
        let task = self.dir.task(&self.task.name);
        VisiblePaths {
            alloc_dir: text(self.dir.shared()),
            task_dir: text(task.join("local")),
            secrets_dir: text(task.join(crate::alloc::dir::SECRETS_DIR)),
        }
    }

    /// What the driver is told. `Err` names a volume that the node does not have.
    pub fn driver_config(&self, env: &TaskEnv, state_dir: PathBuf) -> Result<TaskConfig, String> {
        let Self { alloc, task, dir, .. } = self;
        let root = dir.task(&task.name);
        let group = alloc.group();
        let network = group.and_then(|group| group.networks.first());
        let resources = alloc.allocated_resources.as_deref();
        let ports = resources.map(|resources| all_ports(resources, &task.name)).unwrap_or_default();
        Ok(TaskConfig {
            alloc_id: alloc.id.to_string(),
            task_name: task.name.clone(),
            job_id: alloc.job_id.to_string(),
            job_name: alloc.job.as_ref().map_or_else(String::new, |job| job.name.clone()),
            group_name: alloc.task_group.clone(),
            namespace: alloc.namespace.to_string(),
            node_id: self.node.id.to_string(),
            node_name: self.node.name.clone(),
            env: env.vars().clone(),
            driver_config: env.replace_config(&task.config),
            dirs: TaskDirs {
                shared_alloc_dir: dir.shared(),
                local_dir: root.join("local"),
                secrets_dir: root.join(crate::alloc::dir::SECRETS_DIR),
                task_dir: root,
                state_dir,
            },
            logs: LogConfig {
                dir: dir.logs(),
                max_files: task.log_config.max_files,
                max_file_size_mb: task.log_config.max_file_size_mb,
                disabled: task.log_config.disabled,
            },
            resources: self.resources(),
            user: env.replace(&task.user),
            kill_signal: task.kill_signal.clone(),
            ports: ports.iter().map(port).collect(),
            network_namespace: None,
            hostname: network.map(|network| env.replace(&network.hostname)).filter(|name| !name.is_empty()),
            dns: network.and_then(|network| network.dns.as_ref()).map(|dns| DnsConfig {
                servers: dns.servers.clone(),
                searches: dns.searches.clone(),
                options: dns.options.clone(),
            }),
            mounts: self.mounts(env)?,
            devices: Vec::new(),
        })
    }

    fn resources(&self) -> TaskResources {
        let all = self.alloc.allocated_resources.as_deref();
        let Some(own) = all.and_then(|all| all.tasks.get(&self.task.name)) else {
            return TaskResources::default();
        };
        let number = |value: i64| u64::try_from(value).unwrap_or_default();
        TaskResources {
            cpu_mhz: number(own.cpu.cpu_shares),
            memory_mb: number(own.memory.memory_mb),
            memory_max_mb: number(own.memory.memory_max_mb),
            reserved_cores: own.cpu.reserved_cores.clone(),
            node_cpu_mhz: number(self.node.node_resources.cpu.cpu_shares),
        }
    }

    fn mounts(&self, env: &TaskEnv) -> Result<Vec<TaskMount>, String> {
        let Some(group) = self.alloc.group() else { return Ok(Vec::new()) };
        let mut mounts = Vec::new();
        for wanted in &self.task.volume_mounts {
            let request = group
                .volumes
                .get(&wanted.volume)
                .ok_or_else(|| format!("volume {:?} is not defined in the group", wanted.volume))?;
            if request.kind != "host" {
                return Err(format!(
                    "volume {:?}: type {:?} is not supported by this node",
                    wanted.volume, request.kind
                ));
            }
            let source = request.source_of(self.alloc.index());
            let volume = self
                .node
                .host_volumes
                .get(&source)
                .ok_or_else(|| format!("host volume {source:?} is not on this node"))?;
            mounts.push(TaskMount {
                host_path: PathBuf::from(&volume.path),
                task_path: PathBuf::from(env.replace(&wanted.destination)),
                read_only: wanted.read_only || request.read_only || volume.read_only,
                propagation_mode: wanted.propagation_mode.clone(),
            });
        }
        Ok(mounts)
    }
}

fn port(port: &drover_model::PortMapping) -> PortMapping {
    PortMapping {
        label: port.label.clone(),
        host_ip: port.host_ip.parse().unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)),
        host_port: port.value,
        to: u16::try_from(port.to).unwrap_or_default(),
    }
}
