//! Facts about processes from `/proc`, and killing a tree of them.

use std::fs;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Start time of a process in clock ticks after boot. Together with the id it names a process for good: the kernel
/// gives an id out again, but not with the same start time.
pub fn start_time(pid: i32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    parse_start_time(&stat)
}

/// Field 22 of `/proc/PID/stat`, counted after the command's name, which may itself hold spaces and brackets.
fn parse_start_time(stat: &str) -> Option<u64> {
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_ascii_whitespace().nth(19)?.parse().ok()
}

/// Whether this very process still exists (a zombie counts as gone).
pub fn is_alive(pid: i32, expected_start_time: u64) -> bool {
    let Ok(stat) = fs::read_to_string(format!("/proc/{pid}/stat")) else {
        return false;
    };
    let zombie = stat
        .rsplit_once(')')
        .and_then(|(_, rest)| rest.split_ascii_whitespace().next())
        .is_some_and(|state| state == "Z" || state == "X");
    !zombie && parse_start_time(&stat) == Some(expected_start_time)
}

/// Children, grandchildren and so on of a process, without the process itself.
pub fn descendants(pid: i32) -> Vec<i32> {
    let mut found = Vec::new();
    let mut queue = vec![pid];
    while let Some(parent) = queue.pop() {
        for child in children(parent) {
            if !found.contains(&child) {
                found.push(child);
                queue.push(child);
            }
        }
    }
    found
}

fn children(pid: i32) -> Vec<i32> {
    let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else {
        return Vec::new();
    };
    threads
        .filter_map(Result::ok)
        .filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok())
        .flat_map(|text| text.split_ascii_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<_>>())
        .collect()
}

/// Sends SIGKILL to every descendant of a process, and says how many there were.
pub fn kill_descendants(pid: i32) -> usize {
    let all = descendants(pid);
    for child in &all {
        kill(Pid::from_raw(*child), Signal::SIGKILL).ok();
    }
    all.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn start_time_is_found_behind_a_hostile_name() {
        let stat = "42 (a) b (c) R 1 42 42 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 1 0 98765 1000 20";
        assert_eq!(parse_start_time(stat), Some(98_765));
        assert_eq!(parse_start_time("nonsense"), None);
    }

    #[test]
    fn another_start_time_is_another_process() {
        let pid = i32::try_from(std::process::id()).unwrap();
        let ticks = start_time(pid).unwrap();
        assert!(is_alive(pid, ticks));
        assert!(!is_alive(pid, ticks + 1));
        assert!(!is_alive(i32::MAX, ticks));
    }

    #[test]
    fn children_are_found_and_killed() {
        let mut child = std::process::Command::new("/bin/sh").args(["-c", "sleep 60 & wait"]).spawn().unwrap();
        let pid = i32::try_from(child.id()).unwrap();
        while descendants(pid).is_empty() {
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
        assert_eq!(kill_descendants(pid), 1);
        child.wait().unwrap();
    }
}
