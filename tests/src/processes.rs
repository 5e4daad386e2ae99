//! Processes of tasks: finding them, and ending what a failed test leaves.

use nix::mount::{MntFlags, umount2};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::path::Path;

/// The processes with `NAME=VALUE` in their environment, oldest first.
pub fn with_environment(setting: &str) -> Vec<i32> {
    let is_set = |environ: &[u8]| environ.split(|byte| *byte == 0).any(|entry| entry == setting.as_bytes());
    matching(is_set)
}

/// The processes with this argument, oldest first.
pub fn with_argument(argument: &str) -> Vec<i32> {
    let is_given = |text: &[u8]| text.split(|byte| *byte == 0).any(|entry| entry == argument.as_bytes());
    matching(is_given)
}

/// The processes of an allocation's tasks.
pub fn of_allocation(id: &str) -> Vec<i32> {
    with_environment(&format!("NOMAD_ALLOC_ID={id}"))
}

/// Whether a process is there and no zombie.
pub fn is_running(pid: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(')').is_some_and(|(_, rest)| !rest.trim_start().starts_with('Z'))
}

/// Ends every process that has `folder` in its environment or arguments, and unmounts what is below it.
pub fn sweep(folder: &Path) {
    let Some(name) = folder.to_str().filter(|name| name.len() > 8) else { return };
    // A supervisor would start its task's end handling while its task is being ended; two rounds get both.
    for _ in 0..2 {
        for pid in matching(|text| contains(text, name.as_bytes())) {
            // It may have ended meanwhile.
            let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
        }
    }
    let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    let mut points: Vec<&str> = mounts.lines().filter_map(|line| line.split(' ').nth(1)).collect();
    points.sort_unstable_by_key(|point| std::cmp::Reverse(point.len()));
    for point in points.into_iter().filter(|point| Path::new(point).starts_with(folder)) {
        // What stays mounted is reported by the removal of the folder.
        let _ = umount2(point, MntFlags::MNT_DETACH);
    }
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

fn matching(is_wanted: impl Fn(&[u8]) -> bool) -> Vec<i32> {
    let own = i32::try_from(std::process::id()).expect("process ids are small");
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").expect("/proc is there").flatten() {
        let Ok(pid) = entry.file_name().to_string_lossy().parse::<i32>() else { continue };
        let read = |name: &str| std::fs::read(entry.path().join(name)).unwrap_or_default();
        if pid != own && (is_wanted(&read("environ")) || is_wanted(&read("cmdline"))) {
            found.push(pid);
        }
    }
    found.sort_unstable();
    found
}
