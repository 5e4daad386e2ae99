//! What the integration tests share: a task's directories and configuration in a temporary place.

#![allow(dead_code, reason = "every test binary uses its own part")]
#![allow(clippy::unwrap_used, reason = "a test ends where something fails")]
#![allow(clippy::needless_pass_by_value, reason = "json! makes values")]

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use drover_drivers::raw_exec::RawExec;
use drover_drivers::{Driver, EventSink, Launcher, LogConfig, TaskConfig, TaskDirs, TaskHandle, TaskResources};
use serde_json::Value;

/// The helper with the supervisor's entry point.
pub const SUPERVISOR: &str = env!("CARGO_BIN_EXE_drover-supervise-test");
/// Limit for everything that tests wait for.
pub const WAIT: Duration = Duration::from_secs(20);

pub fn launcher() -> Arc<Launcher> {
    Arc::new(Launcher::new(SUPERVISOR))
}

pub fn raw_exec() -> RawExec {
    RawExec::new(true, "drover-test", launcher())
}

/// Directories of one task, removed at the end.
pub struct Fixture {
    /// None where the directory is somebody else's.
    owned: Option<tempfile::TempDir>,
    pub dir: PathBuf,
    pub config: TaskConfig,
}

impl Fixture {
    /// A task with this `config` block.
    pub fn new(driver_config: Value) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut fixture = Self::at(dir.path(), driver_config);
        fixture.owned = Some(dir);
        fixture
    }

    /// A task in an existing directory.
    pub fn at(dir: &Path, driver_config: Value) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        // Tasks run as other users, who must be able to reach their directories.
        open_to_all(dir);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let alloc_id = format!("test-{}-{count}", std::process::id());
        let task_dir = dir.join("t");
        let dirs = TaskDirs {
            shared_alloc_dir: dir.join("alloc"),
            local_dir: task_dir.join("local"),
            secrets_dir: task_dir.join("secrets"),
            task_dir,
            state_dir: dir.join("state"),
        };
        let logs = dirs.shared_alloc_dir.join("logs");
        for path in [&dirs.local_dir, &dirs.secrets_dir, &logs] {
            std::fs::create_dir_all(path).unwrap();
            open_to_all(path);
        }
        open_to_all(&dirs.shared_alloc_dir);
        open_to_all(&dirs.task_dir);
        let env = [("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"), ("NOMAD_TASK_NAME", "t")];
        let config = TaskConfig {
            alloc_id,
            task_name: "t".into(),
            job_id: "job".into(),
            job_name: "job".into(),
            group_name: "group".into(),
            namespace: "default".into(),
            node_id: "node".into(),
            node_name: "node".into(),
            env: env.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect::<BTreeMap<_, _>>(),
            driver_config: driver_config.as_object().unwrap().clone(),
            dirs,
            logs: LogConfig { dir: logs, max_files: 3, max_file_size_mb: 10, disabled: false },
            resources: TaskResources { cpu_mhz: 100, memory_mb: 64, ..TaskResources::default() },
            user: String::new(),
            kill_signal: String::new(),
            ports: Vec::new(),
            network_namespace: None,
            hostname: None,
            dns: None,
            mounts: Vec::new(),
            devices: Vec::new(),
        };
        Self { owned: None, dir: dir.to_path_buf(), config }
    }

    /// A shell script.
    pub fn script(script: &str) -> Self {
        Self::new(serde_json::json!({"command": "/bin/sh", "args": ["-c", script]}))
    }

    pub fn log(&self, stream: &str) -> String {
        let path = self.config.logs.dir.join(format!("t.{stream}.0"));
        std::fs::read_to_string(path).unwrap_or_default()
    }

    pub fn stdout(&self) -> String {
        self.log("stdout")
    }

    pub async fn start(&self, driver: &dyn Driver) -> TaskHandle {
        driver.start(&self.config, &EventSink::none()).await.unwrap().handle
    }

    /// Waits until the task has written this.
    pub async fn wait_for_output(&self, text: &str) {
        wait_until(&format!("output {text:?}"), || self.stdout().contains(text)).await;
    }
}

fn open_to_all(path: &Path) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o777)).unwrap();
}

/// Waits for a condition; the limit is [`WAIT`].
pub async fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + WAIT;
    while !condition() {
        assert!(Instant::now() < deadline, "waited too long for {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

pub fn state_of(handle: &TaskHandle, pointer: &str) -> i32 {
    let value = handle.state.pointer(pointer).and_then(Value::as_i64).unwrap();
    i32::try_from(value).unwrap()
}

pub fn is_process(pid: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    !stat.is_empty() && !stat.contains(") Z ")
}

pub fn is_root() -> bool {
    nix::unistd::Uid::effective().is_root()
}

/// Says why a test does nothing.
#[expect(clippy::print_stderr, reason = "the reader of a test's output must see it")]
pub fn skip(reason: &str) {
    eprintln!("SKIPPED: {reason}");
}

pub fn path(text: &str) -> PathBuf {
    PathBuf::from(text)
}
