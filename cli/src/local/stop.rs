//! Stops the agent, and removes what it kept.

use super::start::lock;
use super::{LocalError, Paths, Record};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::time::{Duration, Instant};

/// How long the agent may take to end.
const MAX_STOP_S: u64 = 20;
/// Between two looks at it.
const POLL_MS: u64 = 5;

/// Asks the agent to stop and waits for its end. Its tasks go on, and it finds them again at its next
/// start. Returns the agent that was stopped, or `None` when none was running.
///
/// # Errors
/// When it does not end in time.
pub fn stop(paths: &Paths) -> Result<Option<Record>, LocalError> {
    let _lock = lock(paths)?;
    let Some(record) = Record::of_running(paths) else { return Ok(None) };
    // A failure means that it has just ended by itself.
    let _ = kill(Pid::from_raw(record.pid), Signal::SIGTERM);
    let began = Instant::now();
    while record.is_running() {
        if began.elapsed() > Duration::from_secs(MAX_STOP_S) {
            let log = paths.log().display().to_string();
            return Err(LocalError::Stuck { pid: record.pid, seconds: MAX_STOP_S, log });
        }
        std::thread::sleep(Duration::from_millis(POLL_MS));
    }
    remove_file(&paths.record())?;
    Ok(Some(record))
}

/// Removes the data, the log and the record. The agent must not be running and its tasks must be gone.
///
/// # Errors
/// When something cannot be removed.
pub fn wipe(paths: &Paths) -> Result<(), LocalError> {
    let _lock = lock(paths)?;
    let data = paths.data();
    unmount_below(&data);
    match std::fs::remove_dir_all(&data) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(LocalError::file("remove", &data, e)),
        _ => {}
    }
    remove_file(&paths.log())?;
    remove_file(&paths.record())
}

/// Secrets directories are mounts of their own when the agent ran as root.
fn unmount_below(folder: &std::path::Path) {
    let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    let mut points: Vec<&str> = mounts.lines().filter_map(|line| line.split(' ').nth(1)).collect();
    points.sort_unstable_by_key(|point| std::cmp::Reverse(point.len()));
    for point in points.into_iter().filter(|point| std::path::Path::new(point).starts_with(folder)) {
        // What stays mounted makes the removal fail with its name.
        let _ = nix::mount::umount2(point, nix::mount::MntFlags::MNT_DETACH);
    }
}

fn remove_file(path: &std::path::Path) -> Result<(), LocalError> {
    match std::fs::remove_file(path) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(LocalError::file("remove", path, e)),
        _ => Ok(()),
    }
}
