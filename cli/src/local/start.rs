//! Starts the agent in the background unless it runs already.

use super::ready::has_ready_node;
use super::record::start_ticks;
use super::{LocalError, Paths, Record};
use nix::fcntl::{Flock, FlockArg};
use std::fs::{File, OpenOptions};
use std::net::TcpListener;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a start may take.
const MAX_START_S: u64 = 20;
/// How often an agent is started when ports are taken before it has them.
const MAX_ATTEMPTS: u32 = 4;
/// Between two looks at a starting agent.
const POLL_MS: u64 = 3;
/// The log is set aside above this size.
const MAX_LOG_BYTES: u64 = 10 << 20;
/// The port that people expect; another one is taken when it is in use.
const USUAL_PORT: u16 = 4646;

/// A running local engine.
#[derive(Clone, Debug)]
pub struct Started {
    /// The agent.
    pub record: Record,
    /// Whether this call started it.
    pub is_new: bool,
}

/// Returns the running agent, or starts one and waits until its node takes work.
///
/// # Errors
/// When files cannot be written, or the agent ends or does not answer.
pub fn ensure_started(paths: &Paths, exe: &Path, version: &str) -> Result<Started, LocalError> {
    if let Some(record) = Record::of_running(paths) {
        return Ok(Started { record, is_new: false });
    }
    let _lock = lock(paths)?;
    // Another terminal may have been faster.
    if let Some(record) = Record::of_running(paths) {
        return Ok(Started { record, is_new: false });
    }
    let (child, port) = launch(paths, exe)?;
    let address = format!("http://127.0.0.1:{port}");
    let pid = i32::try_from(child.id()).expect("process ids are positive and small");
    let record = Record { pid, start_ticks: start_ticks(pid).unwrap_or(0), address, version: version.to_owned() };
    record.save(paths)?;
    Ok(Started { record, is_new: true })
}

/// Takes the lock, waiting for another command that holds it.
pub(super) fn lock(paths: &Paths) -> Result<Flock<File>, LocalError> {
    let failed = |e| LocalError::file("create", &paths.folder, e);
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&paths.folder).map_err(failed)?;
    let path = paths.lock();
    let file = OpenOptions::new().create(true).append(true).open(&path);
    let file = file.map_err(|e| LocalError::file("open", &path, e))?;
    Flock::lock(file, FlockArg::LockExclusive).map_err(|(_, e)| LocalError::file("lock", &path, e.into()))
}

/// Starts an agent on a free port; on another one when somebody takes it before the agent does.
fn launch(paths: &Paths, exe: &Path) -> Result<(Child, u16), LocalError> {
    let socket = paths.socket();
    let mut attempts = 1;
    loop {
        let port = free_port();
        let mut child = spawn(paths, exe, port)?;
        match wait(paths, &mut child, || has_ready_node(socket.as_deref(), port)) {
            Ok(()) => return Ok((child, port)),
            Err(LocalError::Died { .. }) if attempts < MAX_ATTEMPTS && is_taken(port) => attempts += 1,
            Err(error) => return Err(error),
        }
    }
}

fn is_taken(port: u16) -> bool {
    TcpListener::bind(("127.0.0.1", port)).is_err()
}

fn free_port() -> u16 {
    let bound = TcpListener::bind(("127.0.0.1", USUAL_PORT)).or_else(|_| TcpListener::bind(("127.0.0.1", 0)));
    bound.and_then(|listener| listener.local_addr()).map_or(USUAL_PORT, |address| address.port())
}

fn spawn(paths: &Paths, exe: &Path, port: u16) -> Result<Child, LocalError> {
    let log_path = paths.log();
    if log_path.metadata().is_ok_and(|meta| meta.len() > MAX_LOG_BYTES) {
        let old = log_path.with_extension("log.1");
        std::fs::rename(&log_path, &old).map_err(|e| LocalError::file("set aside", &log_path, e))?;
    }
    let log = OpenOptions::new().create(true).append(true).open(&log_path);
    let log = log.map_err(|e| LocalError::file("open", &log_path, e))?;
    let errors = log.try_clone().map_err(|e| LocalError::file("open", &log_path, e))?;
    let mut command = Command::new(exe);
    command.args(["agent", "-local", "-log-level=INFO"]);
    command.arg(format!("-http-port={port}")).arg("-data-dir").arg(paths.data());
    if let Some(socket) = paths.socket() {
        command.arg("-http-socket").arg(socket);
    }
    command.current_dir("/").stdin(Stdio::null()).stdout(log).stderr(errors);
    for name in std::env::vars_os().map(|(name, _)| name) {
        // The caller's choice of an engine is not the engine's own.
        let text = name.to_string_lossy();
        if (text.starts_with("NOMAD_") || text.starts_with("DROVER_")) && text != "DROVER_LOCAL_DIR" {
            command.env_remove(&name);
        }
    }
    command.spawn().map_err(|e| LocalError::file("start", exe, e))
}

fn wait(paths: &Paths, child: &mut Child, is_ready: impl Fn() -> bool) -> Result<(), LocalError> {
    let log = paths.log();
    let began = Instant::now();
    while !is_ready() {
        if matches!(child.try_wait(), Ok(Some(_))) {
            return Err(LocalError::Died { log: log.display().to_string(), tail: tail(&log) });
        }
        if began.elapsed() > Duration::from_secs(MAX_START_S) {
            return Err(LocalError::Slow { seconds: MAX_START_S, log: log.display().to_string() });
        }
        std::thread::sleep(Duration::from_millis(POLL_MS));
    }
    Ok(())
}

fn tail(log: &Path) -> String {
    const LINES: usize = 12;
    let text = std::fs::read(log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(LINES)..].join("\n")
}
