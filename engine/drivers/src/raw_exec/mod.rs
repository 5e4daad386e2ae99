//! raw_exec: runs a command as it is, with no isolation from the host.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Map, Value};

use crate::driver::{
    Driver, DriverCapabilities, DriverError, DriverFingerprint, EventSink, ExecRequest, ExecSession, ExitResult,
    FsIsolation, StartedTask, TaskHandle, TaskStats,
};
use crate::executor::{Executor, ExecutorOptions, TaskCommand, find_on_host, resolve_user};
use crate::schema::ConfigReader;
use crate::supervisor::Launcher;
use crate::task_config::TaskConfig;

const NAME: &str = "raw_exec";

/// A job's `config` block for this driver.
#[derive(Debug, Clone, PartialEq, Eq)]
struct RawExecConfig {
    command: String,
    args: Vec<String>,
    work_dir: Option<PathBuf>,
    oom_score_adj: Option<i32>,
    denied_envvars: Vec<String>,
}

impl RawExecConfig {
    fn parse(config: &Map<String, Value>) -> Result<Self, DriverError> {
        let mut reader = ConfigReader::new(config);
        let parsed = Self {
            command: reader.required_string("command"),
            args: reader.string_list("args"),
            work_dir: reader.string("work_dir").filter(|dir| !dir.is_empty()).map(PathBuf::from),
            oom_score_adj: reader.integer("oom_score_adj").and_then(|score| i32::try_from(score).ok()),
            denied_envvars: reader.string_list("denied_envvars"),
        };
        for key in ["cgroup_v2_override", "cgroup_v1_override"] {
            if config.contains_key(key) {
                // Read as what it is, so that only one thing is said about it.
                let _ = if key.contains("v1") {
                    reader.string_map(key).len()
                } else {
                    reader.string(key).map_or(0, |text| text.len())
                };
                reader.fault(format!("{key} is not supported; tasks run below the agent's cgroup_parent"));
            }
        }
        if parsed.oom_score_adj.is_some_and(|score| !(0..=1000).contains(&score)) {
            reader.fault("oom_score_adj must be between 0 and 1000");
        }
        reader.finish()?;
        Ok(parsed)
    }
}

/// The driver.
#[derive(Debug)]
pub struct RawExec {
    enabled: bool,
    options: ExecutorOptions,
    executor: Executor,
}

impl RawExec {
    /// `enabled` as the operator decided: a command without isolation can do whatever the agent can.
    pub fn new(enabled: bool, cgroup_parent: &str, launcher: Arc<Launcher>) -> Self {
        Self {
            enabled,
            options: ExecutorOptions { cgroup_parent: cgroup_parent.into() },
            executor: Executor::new(NAME, launcher),
        }
    }
}

#[async_trait]
impl Driver for RawExec {
    fn name(&self) -> &'static str {
        NAME
    }

    fn capabilities(&self) -> DriverCapabilities {
        DriverCapabilities {
            send_signals: true,
            exec: true,
            fs_isolation: FsIsolation::None,
            joins_network_namespace: true,
            maps_ports: false,
            survives_agent: true,
        }
    }

    async fn fingerprint(&self) -> DriverFingerprint {
        if self.enabled { DriverFingerprint::healthy(NAME) } else { DriverFingerprint::undetected("disabled") }
    }

    fn validate_config(&self, config: &Map<String, Value>) -> Result<(), DriverError> {
        RawExecConfig::parse(config).map(drop)
    }

    async fn start(&self, config: &TaskConfig, _events: &EventSink) -> Result<StartedTask, DriverError> {
        if !self.enabled {
            return Err(DriverError::fatal(
                "the raw_exec driver is disabled on this node; enable it in the agent's client configuration",
            ));
        }
        let parsed = RawExecConfig::parse(&config.driver_config)?;
        if parsed.work_dir.as_ref().is_some_and(|dir| !dir.is_absolute()) {
            return Err(invalid("work_dir must be an absolute path"));
        }
        let user = match config.user.as_str() {
            "" => None,
            name => Some(resolve_user(name).map_err(|error| invalid(&error))?),
        };
        let mut config = config.clone();
        config.env.retain(|name, _| !parsed.denied_envvars.iter().any(|pattern| matches(pattern, name)));
        let command = TaskCommand {
            command: find_on_host(&parsed.command, &config)?.display().to_string(),
            args: parsed.args,
            work_dir: parsed.work_dir.unwrap_or_else(|| config.dirs.task_dir.clone()),
            user,
            isolation: None,
            oom_score_adj: parsed.oom_score_adj,
            limits_required: false,
        };
        let spec = self.options.spec(&config, command)?;
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

fn invalid(fault: &str) -> DriverError {
    DriverError::fatal(format!("failed driver config validation: {fault}"))
}

/// `AWS_*` matches by its beginning, everything else exactly.
fn matches(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(beginning) => name.starts_with(beginning),
        None => name == pattern,
    }
}
