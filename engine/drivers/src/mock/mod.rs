//! mock_driver: pretends to run tasks, inside the agent. For tests of everything around drivers.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Map, Value, json};
use tokio::sync::watch;

use crate::driver::{
    Driver, DriverCapabilities, DriverError, DriverFingerprint, DriverNetwork, EventSink, ExecRequest, ExecSession,
    ExitResult, FsIsolation, StartedTask, TaskHandle, TaskStats,
};
use crate::executor::log_target;
use crate::schema::{ConfigReader, parse_duration};
use crate::supervisor::logs::Rotator;
use crate::task_config::TaskConfig;

const NAME: &str = "mock_driver";

/// A job's `config` block for this driver.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct MockConfig {
    run_for: Duration,
    exit_code: i32,
    exit_signal: i32,
    exit_err_msg: Option<String>,
    kill_after: Duration,
    signal_error: Option<String>,
    start_error: Option<String>,
    start_error_recoverable: bool,
    start_block_for: Duration,
    plugin_exit_after: Duration,
    stdout_string: String,
    stdout_repeat: i64,
    stdout_repeat_duration: Duration,
    stderr_string: String,
    stderr_repeat: i64,
    stderr_repeat_duration: Duration,
    driver_ip: Option<String>,
    driver_advertise: bool,
}

impl MockConfig {
    fn parse(config: &Map<String, Value>) -> Result<Self, DriverError> {
        let mut reader = ConfigReader::new(config);
        let number = |value: Option<i64>| i32::try_from(value.unwrap_or(0)).unwrap_or(i32::MAX);
        let parsed = Self {
            run_for: duration(&mut reader, "run_for"),
            exit_code: number(reader.integer("exit_code")),
            exit_signal: number(reader.integer("exit_signal")),
            exit_err_msg: reader.string("exit_err_msg").filter(|text| !text.is_empty()),
            kill_after: duration(&mut reader, "kill_after"),
            signal_error: reader.string("signal_error").filter(|text| !text.is_empty()),
            start_error: reader.string("start_error").filter(|text| !text.is_empty()),
            start_error_recoverable: reader.boolean("start_error_recoverable").unwrap_or(false),
            start_block_for: duration(&mut reader, "start_block_for"),
            plugin_exit_after: duration(&mut reader, "plugin_exit_after"),
            stdout_string: reader.string("stdout_string").unwrap_or_default(),
            stdout_repeat: reader.integer("stdout_repeat").unwrap_or(0),
            stdout_repeat_duration: duration(&mut reader, "stdout_repeat_duration"),
            stderr_string: reader.string("stderr_string").unwrap_or_default(),
            stderr_repeat: reader.integer("stderr_repeat").unwrap_or(0),
            stderr_repeat_duration: duration(&mut reader, "stderr_repeat_duration"),
            driver_ip: reader.string("driver_ip").filter(|ip| !ip.is_empty()),
            driver_advertise: reader.boolean("driver_advertise").unwrap_or(false),
        };
        reader.string("driver_port_map");
        reader.blocks("exec_command");
        reader.finish()?;
        Ok(parsed)
    }
}

fn duration(reader: &mut ConfigReader<'_>, key: &'static str) -> Duration {
    let Some(text) = reader.string(key).filter(|text| !text.is_empty()) else {
        return Duration::ZERO;
    };
    parse_duration(&text).unwrap_or_else(|| {
        reader.fault(format!("{key}: {text:?} is not a duration; write it like 500ms, 10s or 1m30s"));
        Duration::ZERO
    })
}

#[derive(Debug)]
struct MockTask {
    config: MockConfig,
    stop: watch::Sender<Option<i32>>,
    exit: watch::Receiver<Option<ExitResult>>,
}

/// The driver.
#[derive(Debug, Default)]
pub struct Mock {
    tasks: Mutex<HashMap<String, Arc<MockTask>>>,
}

impl Mock {
    /// Without tasks.
    pub fn new() -> Self {
        Self::default()
    }

    fn find(&self, handle: &TaskHandle) -> Result<Arc<MockTask>, DriverError> {
        let tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        tasks.get(&handle.task_id).cloned().ok_or_else(|| DriverError::TaskNotFound(handle.task_id.clone()))
    }
}

#[async_trait]
impl Driver for Mock {
    fn name(&self) -> &'static str {
        NAME
    }

    fn capabilities(&self) -> DriverCapabilities {
        DriverCapabilities {
            send_signals: true,
            exec: false,
            fs_isolation: FsIsolation::None,
            joins_network_namespace: false,
            maps_ports: false,
            survives_agent: false,
        }
    }

    async fn fingerprint(&self) -> DriverFingerprint {
        DriverFingerprint::healthy(NAME)
    }

    fn validate_config(&self, config: &Map<String, Value>) -> Result<(), DriverError> {
        MockConfig::parse(config).map(drop)
    }

    async fn start(&self, config: &TaskConfig, _events: &EventSink) -> Result<StartedTask, DriverError> {
        let parsed = MockConfig::parse(&config.driver_config)?;
        tokio::time::sleep(parsed.start_block_for).await;
        if let Some(message) = &parsed.start_error {
            return Err(DriverError::Failure { message: message.clone(), recoverable: parsed.start_error_recoverable });
        }
        let task_id = config.unique_name();
        let network = parsed.driver_ip.clone().map(|ip| DriverNetwork {
            ip,
            auto_advertise: parsed.driver_advertise,
            ..DriverNetwork::default()
        });
        let (stop, stopped) = watch::channel(None);
        let (finished, exit) = watch::channel(None);
        tokio::spawn(run(parsed.clone(), config.clone(), stopped, finished));
        let task = Arc::new(MockTask { config: parsed, stop, exit });
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner).insert(task_id.clone(), task);
        let handle = TaskHandle { driver: NAME.into(), version: 1, task_id, state: json!({}) };
        Ok(StartedTask { handle, network })
    }

    async fn recover(&self, handle: &TaskHandle) -> Result<(), DriverError> {
        self.find(handle).map(drop)
    }

    async fn wait(&self, handle: &TaskHandle) -> Result<ExitResult, DriverError> {
        let mut exit = self.find(handle)?.exit.clone();
        let result = exit.wait_for(Option::is_some).await.map(|exit| exit.clone());
        Ok(result.ok().flatten().unwrap_or_default())
    }

    async fn stop(&self, handle: &TaskHandle, timeout: Duration, signal: Option<&str>) -> Result<(), DriverError> {
        let task = self.find(handle)?;
        let number = crate::signals::signal_number(signal.unwrap_or("SIGINT")).map_err(DriverError::fatal)?;
        // `kill_after` pretends that the task takes its time to obey.
        let obeys_after = task.config.kill_after;
        tokio::time::sleep(obeys_after.min(timeout)).await;
        task.stop.send_replace(Some(if obeys_after > timeout { libc::SIGKILL } else { number }));
        self.wait(handle).await.map(drop)
    }

    async fn destroy(&self, handle: &TaskHandle) -> Result<(), DriverError> {
        if let Ok(task) = self.find(handle) {
            task.stop.send_replace(Some(libc::SIGKILL));
            self.tasks.lock().unwrap_or_else(PoisonError::into_inner).remove(&handle.task_id);
        }
        Ok(())
    }

    async fn signal(&self, handle: &TaskHandle, _signal: &str) -> Result<(), DriverError> {
        match &self.find(handle)?.config.signal_error {
            Some(message) => Err(DriverError::fatal(message.clone())),
            None => Ok(()),
        }
    }

    async fn stats(&self, handle: &TaskHandle) -> Result<TaskStats, DriverError> {
        self.find(handle).map(|_| TaskStats::default())
    }

    async fn exec(&self, _handle: &TaskHandle, _request: ExecRequest) -> Result<ExecSession, DriverError> {
        Err(DriverError::Unsupported { driver: NAME, what: "commands inside a task" })
    }
}

async fn run(
    mock: MockConfig,
    task: TaskConfig,
    mut stopped: watch::Receiver<Option<i32>>,
    finished: watch::Sender<Option<ExitResult>>,
) {
    let out = print(&task, "stdout", &mock.stdout_string, mock.stdout_repeat, mock.stdout_repeat_duration);
    let err = print(&task, "stderr", &mock.stderr_string, mock.stderr_repeat, mock.stderr_repeat_duration);
    let printing = async { tokio::join!(out, err) };
    let mut result = ExitResult {
        exit_code: mock.exit_code,
        signal: mock.exit_signal,
        err: mock.exit_err_msg.clone(),
        ..ExitResult::default()
    };
    let plugin_end = if mock.plugin_exit_after.is_zero() { Duration::MAX } else { mock.plugin_exit_after };
    tokio::select! {
        _ = async { tokio::join!(printing, tokio::time::sleep(mock.run_for)) } => {}
        () = tokio::time::sleep(plugin_end) => {
            result.err = Some("the driver ended".into());
        }
        Ok(signal) = stopped.wait_for(Option::is_some) => {
            result.signal = signal.unwrap_or_default();
        }
    }
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    result.finished_at_ns = i64::try_from(since.as_nanos()).unwrap_or(i64::MAX);
    finished.send_replace(Some(result));
}

async fn print(task: &TaskConfig, stream: &str, text: &str, repeat: i64, pause: Duration) {
    if text.is_empty() {
        return;
    }
    let Ok(mut log) = Rotator::open(log_target(task, stream)) else {
        return;
    };
    log.write(text.as_bytes());
    for _ in 0..repeat {
        tokio::time::sleep(pause).await;
        log.write(text.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_keys_are_refused() {
        let config = json!({"run_for": "10s", "foo": 1});
        let error = MockConfig::parse(config.as_object().unwrap()).unwrap_err();
        assert!(error.to_string().contains("No argument or block type is named \"foo\""), "{error}");
    }
}
