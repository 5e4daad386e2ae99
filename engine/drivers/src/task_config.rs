//! What the node tells a driver about one task to run.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;

use serde_json::{Map, Value};

/// One task to start. Variables in the driver's configuration are already interpolated.
#[derive(Debug, Clone)]
pub struct TaskConfig {
    /// Allocation the task belongs to.
    pub alloc_id: String,
    /// Task name within the group.
    pub task_name: String,
    /// Job, group and namespace, for labels on containers.
    pub job_id: String,
    /// Job's name.
    pub job_name: String,
    /// Task group.
    pub group_name: String,
    /// Namespace of the job.
    pub namespace: String,
    /// Node that runs it.
    pub node_id: String,
    /// Node's name.
    pub node_name: String,
    /// The task's environment, all of it.
    pub env: BTreeMap<String, String>,
    /// The job's `config` block for the driver.
    pub driver_config: Map<String, Value>,
    /// Directories.
    pub dirs: TaskDirs,
    /// Log rotation.
    pub logs: LogConfig,
    /// What the task may use.
    pub resources: TaskResources,
    /// User to run as; the driver's default when empty.
    pub user: String,
    /// Signal for stopping, by name; the driver's default when empty.
    pub kill_signal: String,
    /// Ports by label.
    pub ports: Vec<PortMapping>,
    /// Network namespace of the group, for `bridge` and CNI networks.
    pub network_namespace: Option<PathBuf>,
    /// Host name of the group's network.
    pub hostname: Option<String>,
    /// Name servers of the group's network.
    pub dns: Option<DnsConfig>,
    /// Host paths to show in the task (volumes).
    pub mounts: Vec<TaskMount>,
    /// Host devices to show in the task.
    pub devices: Vec<TaskDevice>,
}

impl TaskConfig {
    /// `TASK-ALLOCID`, the name of a container and of everything else that must be unique on a host.
    pub fn unique_name(&self) -> String {
        format!("{}-{}", self.task_name, self.alloc_id)
    }

    /// The port with a label.
    pub fn port(&self, label: &str) -> Option<&PortMapping> {
        self.ports.iter().find(|port| port.label == label)
    }
}

/// Directories of a task on the host; all exist when a driver is called.
#[derive(Debug, Clone)]
pub struct TaskDirs {
    /// Directory shared by the group's tasks, `ALLOC/alloc`.
    pub shared_alloc_dir: PathBuf,
    /// The task's own directory, `ALLOC/TASK`; the root of tasks in a chroot.
    pub task_dir: PathBuf,
    /// `ALLOC/TASK/local`.
    pub local_dir: PathBuf,
    /// `ALLOC/TASK/secrets`.
    pub secrets_dir: PathBuf,
    /// Directory for the driver's state of this task, outside the reach of the task, on the node's disk. Kept between
    /// the task's restarts.
    pub state_dir: PathBuf,
}

/// Log files `DIR/TASK.stdout.N` and `DIR/TASK.stderr.N`.
#[derive(Debug, Clone)]
pub struct LogConfig {
    /// Directory, normally `ALLOC/alloc/logs`.
    pub dir: PathBuf,
    /// Number of files kept per stream.
    pub max_files: u32,
    /// Size of one file, MiB.
    pub max_file_size_mb: u32,
    /// Keep no logs.
    pub disabled: bool,
}

/// Resources of one task.
#[derive(Debug, Clone, Default)]
pub struct TaskResources {
    /// CPU weight, MHz.
    pub cpu_mhz: u64,
    /// Memory reservation, MiB.
    pub memory_mb: u64,
    /// Memory limit when oversubscribing, MiB; 0 for the reservation.
    pub memory_max_mb: u64,
    /// Cores that the task has for itself.
    pub reserved_cores: Vec<u16>,
    /// CPU of the whole node, MHz; for limiting a container to its share.
    pub node_cpu_mhz: u64,
}

/// One port of the group's network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortMapping {
    /// Label in the job.
    pub label: String,
    /// Address on the host.
    pub host_ip: IpAddr,
    /// Port on the host.
    pub host_port: u16,
    /// Port inside the task; 0 for the same.
    pub to: u16,
}

/// Name resolution inside a task.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DnsConfig {
    /// Addresses of name servers.
    pub servers: Vec<String>,
    /// Search domains.
    pub searches: Vec<String>,
    /// Resolver options.
    pub options: Vec<String>,
}

/// One host path shown in a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskMount {
    /// On the host.
    pub host_path: PathBuf,
    /// In the task.
    pub task_path: PathBuf,
    /// Refuse writes.
    pub read_only: bool,
    /// `private`, `host-to-task` or `bidirectional`; empty for private.
    pub propagation_mode: String,
}

/// One host device shown in a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskDevice {
    /// On the host.
    pub host_path: PathBuf,
    /// In the task.
    pub task_path: PathBuf,
    /// `r`, `w`, `m`.
    pub permissions: String,
}
