//! What raw_exec and exec share: running a command under a supervisor process.

mod exec_session;
mod spec;
mod stats;
mod user;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub(crate) use spec::{ExecutorOptions, TaskCommand, find_on_host, log_target};
pub(crate) use user::{ResolvedUser, resolve_user};

use crate::driver::{DriverError, ExecRequest, ExecSession, ExitResult, StartedTask, TaskHandle, TaskStats};
use crate::signals::signal_number;
use crate::supervisor::client::Outcome;
use crate::supervisor::spec::{EXIT_FILE, ExitRecord, Operation, Processes, STATE_FILE, Spec, TaskSpec};
use crate::supervisor::{Launcher, SupervisorClient, SupervisorError, process};

/// Version of [`HandleState`].
const HANDLE_VERSION: u32 = 1;
/// Longest wait for the end of a task that was killed.
const KILL_WAIT: Duration = Duration::from_secs(10);
/// Said when a task ended because its supervisor did.
const SUPERVISOR_KILLED: &str = "the task's supervisor process was killed, and the task with it";

/// The driver's part of a [`TaskHandle`].
#[derive(Debug, Clone, Serialize, Deserialize)]
struct HandleState {
    state_dir: PathBuf,
    processes: Processes,
}

/// A task known to this agent.
#[derive(Debug)]
struct Running {
    state: HandleState,
    /// None for a task that had ended before this agent found it.
    client: Option<SupervisorClient>,
    ended: Option<ExitRecord>,
    samples: Mutex<stats::Samples>,
}

/// Runs commands for one driver.
#[derive(Debug)]
pub(crate) struct Executor {
    driver: &'static str,
    launcher: Arc<Launcher>,
    tasks: Mutex<HashMap<String, Arc<Running>>>,
}

impl Executor {
    pub(crate) fn new(driver: &'static str, launcher: Arc<Launcher>) -> Self {
        Self { driver, launcher, tasks: Mutex::default() }
    }

    pub(crate) async fn start(&self, task_id: String, spec: TaskSpec) -> Result<StartedTask, DriverError> {
        let state_dir = spec.state_dir.clone();
        self.prepare_state_dir(&state_dir).await?;
        let (client, processes) = self
            .launcher
            .launch(&Spec::Task(Box::new(spec)))
            .await
            .map_err(|error| DriverError::fatal(format!("failed to launch command: {}", chain(&error))))?;
        let state = HandleState { state_dir, processes };
        let handle = TaskHandle {
            driver: self.driver.into(),
            version: HANDLE_VERSION,
            task_id: task_id.clone(),
            state: serde_json::to_value(&state)
                .map_err(|error| DriverError::fatal(format!("encode task handle: {error}")))?,
        };
        self.remember(task_id, Running { state, client: Some(client), ended: None, samples: Mutex::default() });
        Ok(StartedTask { handle, network: None })
    }

    /// Makes the state directory, and ends what an agent that died before storing the handle may have started.
    async fn prepare_state_dir(&self, state_dir: &Path) -> Result<(), DriverError> {
        let failed = |error: std::io::Error| {
            DriverError::recoverable(format!("task state directory {}: {error}", state_dir.display()))
        };
        make_private_dir(state_dir).map_err(failed)?;
        if let Some(processes) = read_json::<Processes>(&state_dir.join(STATE_FILE)) {
            end_for_good(&processes).await;
        }
        for file in [STATE_FILE, EXIT_FILE] {
            match std::fs::remove_file(state_dir.join(file)) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(failed(error)),
                _ => {}
            }
        }
        Ok(())
    }

    pub(crate) async fn recover(&self, handle: &TaskHandle) -> Result<(), DriverError> {
        if self.find(handle).is_ok() {
            return Ok(());
        }
        let not_found = || DriverError::TaskNotFound(handle.task_id.clone());
        if handle.version != HANDLE_VERSION {
            return Err(not_found());
        }
        let state: HandleState = serde_json::from_value(handle.state.clone()).map_err(|_| not_found())?;
        let (client, ended) = match SupervisorClient::connect(&state.processes.socket).await {
            // The socket's name is never used twice, but trust is good and comparing is cheap.
            Ok((client, found)) if same_task(&found, &state.processes) => (Some(client), None),
            Ok(_) | Err(_) => {
                let ended = read_json::<ExitRecord>(&state.state_dir.join(EXIT_FILE));
                if ended.is_none() {
                    end_for_good(&state.processes).await;
                    return Err(not_found());
                }
                (None, ended)
            }
        };
        self.remember(handle.task_id.clone(), Running { state, client, ended, samples: Mutex::default() });
        Ok(())
    }

    pub(crate) async fn wait(&self, handle: &TaskHandle) -> Result<ExitResult, DriverError> {
        let task = self.find(handle)?;
        Ok(task.wait().await)
    }

    pub(crate) async fn stop(
        &self,
        handle: &TaskHandle,
        timeout: Duration,
        signal: Option<&str>,
    ) -> Result<(), DriverError> {
        let task = self.find(handle)?;
        let signal = signal_number(signal.unwrap_or("SIGINT")).map_err(DriverError::fatal)?;
        let timeout_ms = u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX);
        task.request(Operation::Stop { signal, timeout_ms }).await?;
        task.wait().await;
        Ok(())
    }

    pub(crate) async fn signal(&self, handle: &TaskHandle, signal: &str) -> Result<(), DriverError> {
        let task = self.find(handle)?;
        let signal = signal_number(signal).map_err(DriverError::fatal)?;
        task.request(Operation::Signal { signal }).await
    }

    pub(crate) async fn destroy(&self, handle: &TaskHandle) -> Result<(), DriverError> {
        let Ok(task) = self.find(handle) else {
            return Ok(());
        };
        end_for_good(&task.state.processes).await;
        match std::fs::remove_dir_all(&task.state.state_dir) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                let dir = task.state.state_dir.display();
                return Err(DriverError::recoverable(format!("remove task state directory {dir}: {error}")));
            }
            _ => {}
        }
        self.lock().remove(&handle.task_id);
        Ok(())
    }

    pub(crate) fn stats(&self, handle: &TaskHandle) -> Result<TaskStats, DriverError> {
        let task = self.find(handle)?;
        let mut samples = task.samples.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(stats::measure(&task.state.processes, &mut samples))
    }

    pub(crate) async fn exec(&self, handle: &TaskHandle, request: ExecRequest) -> Result<ExecSession, DriverError> {
        let task = self.find(handle)?;
        exec_session::open(&task.state.processes.socket, request).await
    }

    fn find(&self, handle: &TaskHandle) -> Result<Arc<Running>, DriverError> {
        let tasks = self.lock();
        tasks.get(&handle.task_id).cloned().ok_or_else(|| DriverError::TaskNotFound(handle.task_id.clone()))
    }

    fn remember(&self, task_id: String, task: Running) {
        self.lock().insert(task_id, Arc::new(task));
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arc<Running>>> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Running {
    /// A task that has ended already needs no request.
    async fn request(&self, operation: Operation) -> Result<(), DriverError> {
        let Some(client) = &self.client else {
            return Ok(());
        };
        match client.request(operation).await {
            Ok(()) | Err(SupervisorError::Gone) => Ok(()),
            Err(error) => Err(DriverError::fatal(chain(&error))),
        }
    }

    async fn wait(&self) -> ExitResult {
        let outcome = match (&self.client, &self.ended) {
            (Some(client), _) => client.outcome().await,
            (None, Some(record)) => Outcome::Exited(record.clone()),
            (None, None) => Outcome::SupervisorLost,
        };
        match outcome {
            Outcome::Exited(record) => exit_result(&record),
            Outcome::Running | Outcome::SupervisorLost => {
                if let Some(record) = read_json::<ExitRecord>(&self.state.state_dir.join(EXIT_FILE)) {
                    return exit_result(&record);
                }
                end_for_good(&self.state.processes).await;
                ExitResult {
                    exit_code: 128 + libc::SIGKILL,
                    signal: libc::SIGKILL,
                    err: Some(SUPERVISOR_KILLED.into()),
                    ..ExitResult::default()
                }
            }
        }
    }
}

fn exit_result(record: &ExitRecord) -> ExitResult {
    let lost = record.log_bytes_lost;
    ExitResult {
        exit_code: record.exit_code,
        signal: record.signal,
        oom_killed: record.oom_killed,
        err: (lost > 0).then(|| format!("{lost} bytes of output could not be written to the log")),
        finished_at_ns: record.finished_at_ns,
    }
}

fn same_task(found: &Processes, stored: &Processes) -> bool {
    (found.pid, found.start_time) == (stored.pid, stored.start_time)
}

/// Ends a task by every means: its supervisor's, its control groups, its process id.
async fn end_for_good(processes: &Processes) {
    if process::is_alive(processes.supervisor_pid, processes.supervisor_start_time)
        && let Ok((client, _)) = SupervisorClient::connect(&processes.socket).await
    {
        client.request(Operation::Stop { signal: libc::SIGKILL, timeout_ms: 0 }).await.ok();
        tokio::time::timeout(KILL_WAIT, client.outcome()).await.ok();
    }
    if process::is_alive(processes.pid, processes.start_time) {
        process::kill_descendants(processes.pid);
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(processes.pid), nix::sys::signal::Signal::SIGKILL).ok();
    }
    if let Some(plan) = processes.cgroup.clone() {
        // Normally the supervisor has removed them, and this finds nothing.
        tokio::task::spawn_blocking(move || {
            plan.kill_all();
            plan.remove();
        })
        .await
        .ok();
    }
}

/// A file that a crash cut short is as good as none.
fn read_json<T: serde::de::DeserializeOwned>(path: &Path) -> Option<T> {
    let value: Value = serde_json::from_slice(&std::fs::read(path).ok()?).ok()?;
    serde_json::from_value(value).ok()
}

pub(crate) fn make_private_dir(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// An error with its causes, `a: b: c`.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
