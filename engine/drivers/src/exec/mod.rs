//! exec: runs a command isolated from the host, with what Linux itself offers.
//!
//! The task's directory is its `/`. The host's programs and libraries appear in it as read-only bind mounts, so a
//! start copies nothing; namespaces, control groups, an ordinary user and a small set of capabilities do the rest.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Map, Value};

use crate::driver::{
    Driver, DriverCapabilities, DriverError, DriverFingerprint, EventSink, ExecRequest, ExecSession, ExitResult,
    FsIsolation, StartedTask, TaskHandle, TaskStats,
};
use crate::executor::{Executor, ExecutorOptions, TaskCommand, resolve_user};
use crate::schema::ConfigReader;
use crate::supervisor::spec::{BindMount, Isolation};
use crate::supervisor::{Launcher, caps, cgroup};
use crate::task_config::TaskConfig;

const NAME: &str = "exec";
/// Whom tasks run as unless they say otherwise.
const DEFAULT_USER: &str = "nobody";
/// Host paths that appear in a task's root at the same place.
const DEFAULT_CHROOT: [&str; 9] =
    ["/bin", "/etc", "/lib", "/lib32", "/lib64", "/run/resolvconf", "/run/systemd/resolve", "/sbin", "/usr"];

/// The operator's settings.
#[derive(Debug, Clone)]
pub struct ExecOptions {
    /// Capabilities that tasks may be given, `all` included.
    pub allow_caps: Vec<String>,
    /// Users that tasks must not run as.
    pub denied_users: Vec<String>,
    /// Share the host's process ids unless the task says otherwise.
    pub default_pid_mode: NamespaceMode,
    /// Share the host's IPC objects unless the task says otherwise.
    pub default_ipc_mode: NamespaceMode,
    /// Host path and place in the task's root; empty for the default.
    pub chroot_env: Vec<(PathBuf, PathBuf)>,
    /// Control group above all tasks.
    pub cgroup_parent: String,
}

impl Default for ExecOptions {
    fn default() -> Self {
        Self {
            allow_caps: caps::DEFAULT_ALLOWED.iter().map(|name| (*name).to_owned()).collect(),
            denied_users: vec!["root".into()],
            default_pid_mode: NamespaceMode::Private,
            default_ipc_mode: NamespaceMode::Private,
            chroot_env: Vec::new(),
            cgroup_parent: crate::DEFAULT_CGROUP_PARENT.into(),
        }
    }
}

/// Whether a task has a namespace of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NamespaceMode {
    /// Its own.
    Private,
    /// The host's.
    Host,
}

/// A job's `config` block for this driver.
#[derive(Debug, Clone, PartialEq, Eq)]
struct ExecConfig {
    command: String,
    args: Vec<String>,
    work_dir: Option<PathBuf>,
    pid_mode: Option<String>,
    ipc_mode: Option<String>,
    cap_add: Vec<String>,
    cap_drop: Vec<String>,
}

impl ExecConfig {
    fn parse(config: &Map<String, Value>) -> Result<Self, DriverError> {
        let mut reader = ConfigReader::new(config);
        let parsed = Self {
            command: reader.required_string("command"),
            args: reader.string_list("args"),
            work_dir: reader.string("work_dir").filter(|dir| !dir.is_empty()).map(PathBuf::from),
            pid_mode: reader.string("pid_mode").filter(|mode| !mode.is_empty()),
            ipc_mode: reader.string("ipc_mode").filter(|mode| !mode.is_empty()),
            cap_add: reader.string_list("cap_add"),
            cap_drop: reader.string_list("cap_drop"),
        };
        reader.finish()?;
        Ok(parsed)
    }
}

/// The driver.
#[derive(Debug)]
pub struct Exec {
    options: ExecOptions,
    executor_options: ExecutorOptions,
    executor: Executor,
}

impl Exec {
    /// With the operator's settings.
    pub fn new(options: ExecOptions, launcher: Arc<Launcher>) -> Self {
        Self {
            executor_options: ExecutorOptions { cgroup_parent: options.cgroup_parent.clone() },
            options,
            executor: Executor::new(NAME, launcher),
        }
    }

    fn isolation(&self, config: &TaskConfig, parsed: &ExecConfig) -> Result<Isolation, DriverError> {
        let allowed = caps::bits(self.options.allow_caps.iter().map(String::as_str))
            .map_err(|error| DriverError::fatal(format!("allow_caps of the exec driver: {error}")))?;
        let capabilities = caps::task_set(allowed, &parsed.cap_add, &parsed.cap_drop)
            .map_err(|error| DriverError::fatal(error.to_string()))?;
        let pid_mode = mode("pid_mode", parsed.pid_mode.as_deref(), self.options.default_pid_mode)?;
        let ipc_mode = mode("ipc_mode", parsed.ipc_mode.as_deref(), self.options.default_ipc_mode)?;
        Ok(Isolation {
            root: config.dirs.task_dir.clone(),
            mounts: self.mounts(config),
            private_pid: pid_mode == NamespaceMode::Private,
            private_ipc: ipc_mode == NamespaceMode::Private,
            capabilities,
        })
    }

    fn mounts(&self, config: &TaskConfig) -> Vec<BindMount> {
        let mount = |source: &Path, target: &Path, read_only, optional| BindMount {
            source: source.into(),
            target: target.into(),
            read_only,
            optional,
        };
        let mut mounts: Vec<BindMount> = if self.options.chroot_env.is_empty() {
            DEFAULT_CHROOT.iter().map(|path| mount(Path::new(path), Path::new(path), true, true)).collect()
        } else {
            self.options.chroot_env.iter().map(|(source, target)| mount(source, target, true, true)).collect()
        };
        let dirs = &config.dirs;
        mounts.push(mount(&dirs.shared_alloc_dir, Path::new("/alloc"), false, false));
        for (dir, name) in [(&dirs.local_dir, "local"), (&dirs.secrets_dir, "secrets")] {
            if *dir != dirs.task_dir.join(name) {
                mounts.push(mount(dir, &Path::new("/").join(name), false, false));
            }
        }
        mounts.extend(
            config.mounts.iter().map(|entry| mount(&entry.host_path, &entry.task_path, entry.read_only, false)),
        );
        mounts
    }
}

#[async_trait]
impl Driver for Exec {
    fn name(&self) -> &'static str {
        NAME
    }

    fn capabilities(&self) -> DriverCapabilities {
        DriverCapabilities {
            send_signals: true,
            exec: true,
            fs_isolation: FsIsolation::Chroot,
            joins_network_namespace: true,
            maps_ports: false,
            survives_agent: true,
        }
    }

    async fn fingerprint(&self) -> DriverFingerprint {
        if !nix::unistd::Uid::effective().is_root() {
            return DriverFingerprint::undetected("Driver must run as root");
        }
        if cgroup::detect(Path::new(cgroup::CGROUP_ROOT)).is_none() {
            return DriverFingerprint::undetected("No cgroup hierarchy is mounted at /sys/fs/cgroup");
        }
        DriverFingerprint::healthy(NAME)
    }

    fn validate_config(&self, config: &Map<String, Value>) -> Result<(), DriverError> {
        ExecConfig::parse(config).map(drop)
    }

    async fn start(&self, config: &TaskConfig, _events: &EventSink) -> Result<StartedTask, DriverError> {
        let parsed = ExecConfig::parse(&config.driver_config)?;
        if let Some(dir) = parsed.work_dir.as_ref().filter(|dir| !dir.is_absolute()) {
            return Err(invalid(&format!("work_dir must be absolute but got relative path {dir:?}")));
        }
        let name = if config.user.is_empty() { DEFAULT_USER } else { &config.user };
        let user = resolve_user(name).map_err(|error| invalid(&error))?;
        if self.options.denied_users.contains(&user.name) {
            return Err(DriverError::fatal(format!("running as user {:?} is disallowed", user.name)));
        }
        let isolation = self.isolation(config, &parsed)?;
        prepare_root(&config.dirs.task_dir)
            .map_err(|error| DriverError::recoverable(format!("prepare the task's root: {error}")))?;
        let command = TaskCommand {
            command: parsed.command,
            args: parsed.args,
            work_dir: parsed.work_dir.unwrap_or_else(|| "/".into()),
            user: Some(user),
            isolation: Some(isolation),
            oom_score_adj: None,
            limits_required: true,
        };
        let spec = self.executor_options.spec(config, command)?;
        self.executor.start(config.unique_name(), spec).await
    }

    async fn recover(&self, handle: &TaskHandle) -> Result<(), DriverError> {
        self.executor.recover(handle).await
    }

    async fn wait(&self, handle: &TaskHandle) -> Result<ExitResult, DriverError> {
        self.executor.wait(handle).await
    }

    async fn stop(&self, handle: &TaskHandle, timeout: Duration, signal: Option<&str>) -> Result<(), DriverError> {
        self.executor.stop(handle, timeout, signal).await
    }

    async fn destroy(&self, handle: &TaskHandle) -> Result<(), DriverError> {
        self.executor.destroy(handle).await
    }

    async fn signal(&self, handle: &TaskHandle, signal: &str) -> Result<(), DriverError> {
        self.executor.signal(handle, signal).await
    }

    async fn stats(&self, handle: &TaskHandle) -> Result<TaskStats, DriverError> {
        self.executor.stats(handle)
    }

    async fn exec(&self, handle: &TaskHandle, request: ExecRequest) -> Result<ExecSession, DriverError> {
        self.executor.exec(handle, request).await
    }
}

fn mode(key: &str, value: Option<&str>, default: NamespaceMode) -> Result<NamespaceMode, DriverError> {
    match value {
        None => Ok(default),
        Some("private") => Ok(NamespaceMode::Private),
        Some("host") => Ok(NamespaceMode::Host),
        Some(other) => Err(invalid(&format!("{key} must be \"private\" or \"host\", got {other:?}"))),
    }
}

fn invalid(fault: &str) -> DriverError {
    DriverError::fatal(format!("failed driver config validation: {fault}"))
}

/// Every program expects a `/tmp` that anyone may write to.
fn prepare_root(root: &Path) -> std::io::Result<()> {
    let tmp = root.join("tmp");
    if !std::fs::symlink_metadata(&tmp).is_ok_and(|found| found.is_dir()) {
        std::fs::create_dir(&tmp)?;
        std::fs::set_permissions(&tmp, std::fs::Permissions::from_mode(0o1777))?;
    }
    Ok(())
}
