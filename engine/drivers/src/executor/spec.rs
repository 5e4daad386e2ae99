//! From a task's configuration to the supervisor's specification.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use super::ResolvedUser;
use crate::driver::DriverError;
use crate::supervisor::cgroup::{self, CGROUP_ROOT, CgroupLimits, CgroupPlan};
use crate::supervisor::make_executable;
use crate::supervisor::spec::{Isolation, LogTarget, TaskSpec};
use crate::task_config::TaskConfig;

/// Mebibyte.
const MIB: u64 = 1024 * 1024;

/// What the drivers that run commands need to know of the agent.
#[derive(Debug, Clone)]
pub(crate) struct ExecutorOptions {
    /// Control group above all tasks, `drover` or `drover.slice`.
    pub(crate) cgroup_parent: String,
}

/// The parts of a specification that differ between drivers.
#[derive(Debug)]
pub(crate) struct TaskCommand {
    pub(crate) command: String,
    pub(crate) args: Vec<String>,
    pub(crate) work_dir: PathBuf,
    pub(crate) user: Option<ResolvedUser>,
    pub(crate) isolation: Option<Isolation>,
    pub(crate) oom_score_adj: Option<i32>,
    /// Refuse to run without limits.
    pub(crate) limits_required: bool,
}

impl ExecutorOptions {
    pub(crate) fn spec(&self, config: &TaskConfig, command: TaskCommand) -> Result<TaskSpec, DriverError> {
        let mut env = config.env.clone();
        if let (Some(user), true) = (&command.user, command.isolation.is_some()) {
            env.insert("HOME".into(), user.home.clone());
            env.insert("USER".into(), user.name.clone());
            env.insert("LOGNAME".into(), user.name.clone());
        }
        let restrict_devices = command.isolation.is_some();
        let cgroup = self.cgroup(config, restrict_devices, command.limits_required)?;
        Ok(TaskSpec {
            id: config.unique_name(),
            state_dir: config.dirs.state_dir.clone(),
            socket: socket_name(),
            command: command.command,
            args: command.args,
            env: env.into_iter().map(|(key, value)| format!("{key}={value}")).collect(),
            work_dir: command.work_dir,
            user: command.user.map(|user| user.ids),
            stdout: (!config.logs.disabled).then(|| log_target(config, "stdout")),
            stderr: (!config.logs.disabled).then(|| log_target(config, "stderr")),
            cgroup,
            isolation: command.isolation,
            network_namespace: config.network_namespace.clone(),
            oom_score_adj: command.oom_score_adj,
        })
    }

    fn cgroup(
        &self,
        config: &TaskConfig,
        restrict_devices: bool,
        required: bool,
    ) -> Result<Option<CgroupPlan>, DriverError> {
        let root = Path::new(CGROUP_ROOT);
        let version = nix::unistd::Uid::effective().is_root().then(|| cgroup::detect(root)).flatten();
        let Some(version) = version else {
            let error = "the host has no control groups that could limit the task";
            return if required { Err(DriverError::fatal(error)) } else { Ok(None) };
        };
        let limits = CgroupLimits {
            cpu_mhz: config.resources.cpu_mhz,
            memory_mib: config.resources.memory_mb,
            memory_max_mib: config.resources.memory_max_mb,
            reserved_cores: config.resources.reserved_cores.clone(),
            restrict_devices,
        };
        let name = format!("{}.{}", config.alloc_id, config.task_name);
        let mut plan = cgroup::plan(version, root, &self.cgroup_parent, &name, &limits);
        plan.best_effort = !required;
        Ok(Some(plan))
    }
}

/// Where a stream of a task goes.
pub(crate) fn log_target(config: &TaskConfig, stream: &str) -> LogTarget {
    LogTarget {
        dir: config.logs.dir.clone(),
        prefix: format!("{}.{stream}", config.task_name),
        max_files: config.logs.max_files.max(1),
        max_file_bytes: u64::from(config.logs.max_file_size_mb.max(1)) * MIB,
    }
}

/// Abstract socket names are limited to 107 bytes and need no file; this one is never used twice.
fn socket_name() -> String {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    let count = COUNTER.fetch_add(1, Ordering::Relaxed);
    format!("drover-task-{}-{now:x}-{count}", std::process::id())
}

/// Finds a program that runs with the host's root: in the task's directory, then in its PATH.
pub(crate) fn find_on_host(command: &str, config: &TaskConfig) -> Result<PathBuf, DriverError> {
    let path = Path::new(command);
    let mut places = vec![config.dirs.local_dir.join(path), config.dirs.task_dir.join(path)];
    if !command.contains('/') {
        let search = config.env.get("PATH").map_or("/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", String::as_str);
        places.extend(std::env::split_paths(search).map(|dir| dir.join(path)));
    }
    // Joining an absolute path gives that path.
    let found = places.into_iter().find(|place| place.exists()).ok_or_else(|| {
        DriverError::fatal(format!("failed to launch command: binary {command:?} could not be found"))
    })?;
    if found.starts_with(&config.dirs.task_dir) {
        make_executable(&found);
    }
    Ok(found)
}
