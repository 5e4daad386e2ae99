//! docker: runs containers through the Docker daemon.
//!
//! The daemon runs the container, so it survives the agent; its output is collected by a small process of our own
//! (see [`crate::supervisor`]), so that nothing is lost while no agent runs.

mod client;
mod config;
mod container;
mod exec_session;
mod image;
mod logs;
mod stats;

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bollard::query_parameters::{
    CreateContainerOptionsBuilder, KillContainerOptionsBuilder, RemoveContainerOptionsBuilder,
};
use futures::StreamExt;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tokio::sync::watch;

use client::{Connection, message, status};
use config::DockerConfig;
use image::Images;

use crate::driver::{
    Driver, DriverCapabilities, DriverError, DriverFingerprint, DriverNetwork, EventSink, ExecRequest, ExecSession,
    ExitResult, FsIsolation, StartedTask, TaskHandle, TaskStats,
};
use crate::executor::{log_target, make_private_dir};
use crate::signals::signal_number;
use crate::supervisor::spec::DockerLogsSpec;
use crate::supervisor::{Launcher, caps};
use crate::task_config::TaskConfig;

const NAME: &str = "docker";
const HANDLE_VERSION: u32 = 1;
/// How long a container's end waits for the last of its output.
const LOG_WAIT: Duration = Duration::from_secs(5);
/// Pause before the daemon is asked again after it went away.
const RETRY_PAUSE: Duration = Duration::from_secs(1);
/// What the daemon has for the fingerprint must come within this time.
const FINGERPRINT_WAIT: Duration = Duration::from_secs(5);

/// The operator's settings.
#[derive(Debug, Clone)]
pub struct DockerOptions {
    /// The daemon's Unix socket, as a path or `unix://` URL.
    pub endpoint: String,
    /// Tasks may mount host paths and named volumes.
    pub volumes_enabled: bool,
    /// Tasks may be privileged.
    pub allow_privileged: bool,
    /// Capabilities that tasks may be given.
    pub allow_caps: Vec<String>,
    /// Runtimes that tasks may name.
    pub allow_runtimes: Vec<String>,
    /// Number of processes in a container, unless the task says otherwise.
    pub pids_limit: Option<i64>,
    /// Names (`job_name`, `task_*`, …) of further labels on containers.
    pub extra_labels: Vec<String>,
    /// Docker's own log driver and its options, unless the task says otherwise. It only buffers for the collector.
    pub logging: (String, BTreeMap<String, String>),
}

impl Default for DockerOptions {
    fn default() -> Self {
        let logging = BTreeMap::from([("max-file".into(), "2".into()), ("max-size".into(), "2m".into())]);
        Self {
            endpoint: "/var/run/docker.sock".into(),
            volumes_enabled: false,
            allow_privileged: false,
            allow_caps: caps::DEFAULT_ALLOWED.iter().map(|name| (*name).to_owned()).collect(),
            allow_runtimes: ["runc", "nvidia"].map(String::from).to_vec(),
            pids_limit: None,
            extra_labels: Vec::new(),
            logging: ("json-file".into(), logging),
        }
    }
}

impl DockerOptions {
    fn socket(&self) -> &str {
        self.endpoint.strip_prefix("unix://").unwrap_or(&self.endpoint)
    }
}

/// The driver's part of a [`TaskHandle`].
#[derive(Debug, Clone, Serialize, Deserialize)]
struct HandleState {
    container_id: String,
    logs: Option<DockerLogsSpec>,
    state_dir: PathBuf,
    stop_signal: String,
}

#[derive(Debug)]
struct Running {
    state: HandleState,
    logs_done: watch::Receiver<bool>,
    samples: Mutex<stats::Sample>,
}

/// The driver.
#[derive(Debug)]
pub struct Docker {
    options: DockerOptions,
    connection: Connection,
    launcher: Arc<Launcher>,
    images: Images,
    tasks: Mutex<HashMap<String, Arc<Running>>>,
}

impl Docker {
    /// With the operator's settings. The daemon is first contacted when it is needed.
    pub fn new(options: DockerOptions, launcher: Arc<Launcher>) -> Self {
        Self {
            connection: Connection::new(options.socket().to_owned()),
            options,
            launcher,
            images: Images::default(),
            tasks: Mutex::default(),
        }
    }

    async fn client(&self) -> Result<bollard::Docker, DriverError> {
        self.connection.client().await.map_err(DriverError::recoverable)
    }

    fn find(&self, handle: &TaskHandle) -> Result<Arc<Running>, DriverError> {
        let tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        tasks.get(&handle.task_id).cloned().ok_or_else(|| DriverError::TaskNotFound(handle.task_id.clone()))
    }

    fn remember(&self, task_id: &str, state: HandleState, docker: &bollard::Docker) {
        let logs_done = match &state.logs {
            Some(spec) => logs::keep(Arc::clone(&self.launcher), docker.clone(), spec.clone()),
            None => watch::channel(true).1,
        };
        let task = Running { state, logs_done, samples: Mutex::default() };
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        tasks.insert(task_id.to_owned(), Arc::new(task));
    }

    /// Creates the container, in place of one of the same name that an earlier start left over.
    async fn create(
        &self,
        docker: &bollard::Docker,
        task: &TaskConfig,
        config: &DockerConfig,
    ) -> Result<String, DriverError> {
        let body = container::describe(task, config, &self.options).map_err(|error| {
            let image = &config.image;
            DriverError::fatal(format!("Failed to create container configuration for image {image:?}: {error}"))
        })?;
        let name = task.unique_name();
        let options = || Some(CreateContainerOptionsBuilder::default().name(&name).build());
        let mut created = docker.create_container(options(), body.clone()).await;
        if created.as_ref().is_err_and(|error| status(error) == Some(409)) {
            remove(docker, &name).await?;
            created = docker.create_container(options(), body).await;
        }
        created
            .map(|answer| answer.id)
            .map_err(|error| DriverError::fatal(format!("Failed to create container: {}", message(&error))))
    }
}

#[async_trait]
impl Driver for Docker {
    fn name(&self) -> &'static str {
        NAME
    }

    fn capabilities(&self) -> DriverCapabilities {
        DriverCapabilities {
            send_signals: true,
            exec: true,
            fs_isolation: FsIsolation::Image,
            joins_network_namespace: false,
            maps_ports: true,
            survives_agent: true,
        }
    }

    async fn fingerprint(&self) -> DriverFingerprint {
        match tokio::time::timeout(FINGERPRINT_WAIT, self.describe_daemon()).await {
            Ok(Ok(fingerprint)) => fingerprint,
            Ok(Err(_)) | Err(_) => DriverFingerprint::undetected("Failed to connect to docker daemon"),
        }
    }

    fn validate_config(&self, config: &Map<String, Value>) -> Result<(), DriverError> {
        DockerConfig::parse(config).map(drop)
    }

    async fn start(&self, task: &TaskConfig, events: &EventSink) -> Result<StartedTask, DriverError> {
        let config = DockerConfig::parse(&task.driver_config)?;
        if task.network_namespace.is_some() {
            return Err(DriverError::fatal(
                "docker tasks cannot join a group's own network namespace; use network mode \"host\" and map ports",
            ));
        }
        let docker = self.client().await?;
        self.images.ensure(&docker, &config, events).await?;
        let state_dir = task.dirs.state_dir.clone();
        // A position in the output of an earlier container would hide the beginning of this one's.
        std::fs::remove_dir_all(&state_dir).ok();
        make_private_dir(&state_dir)
            .map_err(|error| DriverError::recoverable(format!("task state directory: {error}")))?;
        let container_id = self.create(&docker, task, &config).await?;
        if let Err(error) = docker.start_container(&container_id, None).await {
            let cause = message(&error);
            remove(&docker, &container_id).await.ok();
            return Err(DriverError::fatal(format!("Failed to start container {container_id}: {cause}")));
        }
        let state = HandleState {
            logs: (!task.logs.disabled).then(|| DockerLogsSpec {
                docker_socket: self.options.socket().into(),
                container_id: container_id.clone(),
                tty: config.tty,
                state_dir: state_dir.clone(),
                stdout: log_target(task, "stdout"),
                stderr: log_target(task, "stderr"),
            }),
            container_id,
            state_dir,
            stop_signal: task.kill_signal.clone(),
        };
        let handle = TaskHandle {
            driver: NAME.into(),
            version: HANDLE_VERSION,
            task_id: task.unique_name(),
            state: serde_json::to_value(&state)
                .map_err(|error| DriverError::fatal(format!("encode task handle: {error}")))?,
        };
        let network = network(&docker, &state.container_id, task, &config).await;
        self.remember(&handle.task_id, state, &docker);
        Ok(StartedTask { handle, network })
    }

    async fn recover(&self, handle: &TaskHandle) -> Result<(), DriverError> {
        if self.find(handle).is_ok() {
            return Ok(());
        }
        let not_found = || DriverError::TaskNotFound(handle.task_id.clone());
        if handle.version != HANDLE_VERSION {
            return Err(not_found());
        }
        let state: HandleState = serde_json::from_value(handle.state.clone()).map_err(|_| not_found())?;
        let docker = self.client().await?;
        match docker.inspect_container(&state.container_id, None).await {
            Ok(_) => {}
            Err(error) if status(&error) == Some(404) => return Err(not_found()),
            Err(error) => return Err(DriverError::recoverable(format!("inspect container: {}", message(&error)))),
        }
        self.remember(&handle.task_id, state, &docker);
        Ok(())
    }

    async fn wait(&self, handle: &TaskHandle) -> Result<ExitResult, DriverError> {
        let task = self.find(handle)?;
        let id = &task.state.container_id;
        loop {
            let Ok(docker) = self.client().await else {
                tokio::time::sleep(RETRY_PAUSE).await;
                continue;
            };
            // How the wait ended does not matter: what counts is the container's state.
            docker.wait_container(id, None).next().await;
            match docker.inspect_container(id, None).await {
                Ok(answer) => {
                    let state = answer.state.unwrap_or_default();
                    if state.running != Some(true) {
                        let mut done = task.logs_done.clone();
                        tokio::time::timeout(LOG_WAIT, done.wait_for(|done| *done)).await.ok();
                        return Ok(exit_result(&state));
                    }
                }
                Err(error) if status(&error) == Some(404) => {
                    return Ok(ExitResult {
                        exit_code: 128 + libc::SIGKILL,
                        err: Some("the container was removed".into()),
                        ..ExitResult::default()
                    });
                }
                Err(_) => {}
            }
            tokio::time::sleep(RETRY_PAUSE).await;
        }
    }

    async fn stop(&self, handle: &TaskHandle, timeout: Duration, signal: Option<&str>) -> Result<(), DriverError> {
        let task = self.find(handle)?;
        let default = if task.state.stop_signal.is_empty() { "SIGTERM" } else { &task.state.stop_signal };
        kill(&self.client().await?, &task.state.container_id, signal.unwrap_or(default)).await?;
        if tokio::time::timeout(timeout, self.wait(handle)).await.is_err() {
            kill(&self.client().await?, &task.state.container_id, "SIGKILL").await?;
            self.wait(handle).await?;
        }
        Ok(())
    }

    async fn destroy(&self, handle: &TaskHandle) -> Result<(), DriverError> {
        let Ok(task) = self.find(handle) else {
            return Ok(());
        };
        remove(&self.client().await?, &task.state.container_id).await?;
        std::fs::remove_dir_all(&task.state.state_dir).ok();
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner).remove(&handle.task_id);
        Ok(())
    }

    async fn signal(&self, handle: &TaskHandle, signal: &str) -> Result<(), DriverError> {
        let task = self.find(handle)?;
        kill(&self.client().await?, &task.state.container_id, signal).await
    }

    async fn stats(&self, handle: &TaskHandle) -> Result<TaskStats, DriverError> {
        let task = self.find(handle)?;
        let answer = stats::ask(&self.client().await?, &task.state.container_id).await?;
        let mut sample = task.samples.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(stats::convert(&answer, &mut sample))
    }

    async fn exec(&self, handle: &TaskHandle, request: ExecRequest) -> Result<ExecSession, DriverError> {
        let task = self.find(handle)?;
        exec_session::open(&self.client().await?, &task.state.container_id, request).await
    }
}

impl Docker {
    async fn describe_daemon(&self) -> Result<DriverFingerprint, String> {
        let docker = self.connection.client().await?;
        let info = docker.info().await.map_err(|error| message(&error))?;
        let mut fingerprint = DriverFingerprint::healthy(NAME);
        let mut set = |name: &str, value: String| {
            fingerprint.attributes.insert(format!("driver.docker.{name}"), value);
        };
        set("version", info.server_version.unwrap_or_default());
        set("os_type", info.os_type.unwrap_or_default());
        let mut runtimes: Vec<String> = info.runtimes.unwrap_or_default().into_keys().collect();
        runtimes.sort();
        set("runtimes", runtimes.join(","));
        if self.options.allow_privileged {
            set("privileged.enabled", "true".into());
        }
        if self.options.volumes_enabled {
            set("volumes.enabled", "true".into());
        }
        if let Ok(bridge) = docker.inspect_network("bridge", None).await {
            let configs = bridge.ipam.and_then(|ipam| ipam.config).unwrap_or_default();
            if let Some(gateway) = configs.into_iter().find_map(|config| config.gateway) {
                set("bridge_ip", gateway);
            }
        }
        Ok(fingerprint)
    }
}

fn exit_result(state: &bollard::models::ContainerState) -> ExitResult {
    let oom_killed = state.oom_killed.unwrap_or(false);
    let exit_code = state.exit_code.and_then(|code| i32::try_from(code).ok()).unwrap_or(0);
    let failed = (exit_code != 0).then(|| format!("Docker container exited with non-zero exit code: {exit_code}"));
    let error = state.error.clone().filter(|text| !text.is_empty()).or(failed);
    ExitResult {
        exit_code,
        // Docker does not tell a signal from an exit code above 128.
        signal: 0,
        oom_killed,
        err: if oom_killed { Some("OOM Killed".into()) } else { error },
        finished_at_ns: state.finished_at.as_deref().and_then(crate::supervisor::stamp_ns).unwrap_or(0),
    }
}

/// The container's address, and its ports by label.
async fn network(
    docker: &bollard::Docker,
    id: &str,
    task: &TaskConfig,
    config: &DockerConfig,
) -> Option<DriverNetwork> {
    let networks = docker.inspect_container(id, None).await.ok()?.network_settings?.networks?;
    let named = config.network_mode.as_ref().and_then(|mode| networks.get(mode));
    let endpoint = named.or_else(|| networks.get("bridge")).or_else(|| networks.values().next())?;
    let own_network = config
        .network_mode
        .as_ref()
        .is_some_and(|mode| !["bridge", "host", "default", "none"].contains(&mode.as_str()));
    let ip =
        if config.advertise_ipv6_address { endpoint.global_ipv6_address.clone() } else { endpoint.ip_address.clone() };
    let inside = |label: &String| {
        let port = task.port(label)?;
        Some((label.clone(), if port.to == 0 { port.host_port } else { port.to }))
    };
    Some(DriverNetwork {
        ip: ip.filter(|ip| !ip.is_empty())?,
        auto_advertise: config.advertise_ipv6_address || (own_network && config.ports.is_empty()),
        port_map: config.ports.iter().filter_map(inside).collect(),
    })
}

/// A container that does not run any more needs no signal.
async fn kill(docker: &bollard::Docker, id: &str, signal: &str) -> Result<(), DriverError> {
    let number = signal_number(signal).map_err(DriverError::fatal)?;
    let options = KillContainerOptionsBuilder::default().signal(&number.to_string()).build();
    match docker.kill_container(id, Some(options)).await {
        Err(error) if !matches!(status(&error), Some(404 | 409)) => {
            Err(DriverError::recoverable(format!("signal container {id}: {}", message(&error))))
        }
        _ => Ok(()),
    }
}

async fn remove(docker: &bollard::Docker, id: &str) -> Result<(), DriverError> {
    let options = RemoveContainerOptionsBuilder::default().force(true).v(true).build();
    match docker.remove_container(id, Some(options)).await {
        Err(error) if !matches!(status(&error), Some(404 | 409)) => {
            Err(DriverError::recoverable(format!("remove container {id}: {}", message(&error))))
        }
        _ => Ok(()),
    }
}
