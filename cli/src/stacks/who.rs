//! Who runs this command, for locks and the history; and whether the process that has a lock still lives.

use nix::unistd::{Uid, User, gethostname};
use std::fs;

/// `user@host`.
pub fn name() -> String {
    let user = User::from_uid(Uid::effective()).ok().flatten().map(|user| user.name);
    let user = user.or_else(|| std::env::var("USER").ok()).unwrap_or_else(|| Uid::effective().to_string());
    let host = gethostname().ok().and_then(|host| host.into_string().ok()).unwrap_or_default();
    if host.is_empty() { user } else { format!("{user}@{host}") }
}

/// Identifies this process among all of all machines: the boot, the namespace of processes, the number and when it began.
pub fn process() -> String {
    let pid = std::process::id();
    match (place(), began(pid)) {
        (Some(place), Some(began)) => format!("{place}/{pid}/{began}"),
        // Nobody can tell then whether it lives, and its lock has to run out.
        _ => String::new(),
    }
}

/// Whether a process is known to have ended: it ran on this machine, and is not there any more.
pub fn is_gone(process: &str) -> bool {
    let Some(place) = place() else { return false };
    let Some(rest) = process.strip_prefix(&place).and_then(|rest| rest.strip_prefix('/')) else { return false };
    let Some((pid, began_then)) = rest.split_once('/') else { return false };
    let Ok(pid) = pid.parse::<u32>() else { return false };
    began(pid).is_none_or(|now| now != began_then)
}

fn place() -> Option<String> {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let namespace = fs::read_link("/proc/self/ns/pid").ok()?;
    Some(format!("{}/{}", boot.trim(), namespace.display()))
}

/// When a process began, in ticks since the boot; none when it is not there.
fn began(pid: u32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name may hold blanks and brackets; the fields after it cannot. The first of them is the third of all.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace();
    if fields.next() == Some("Z") {
        return None;
    }
    fields.nth(18).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_lives_and_another_of_its_number_does_not() {
        let own = process();
        assert!(!is_gone(&own), "{own}");
        let (rest, _) = own.rsplit_once('/').unwrap();
        assert!(is_gone(&format!("{rest}/1")), "its number was used again");
        assert!(!is_gone("another-boot/pid:[1]/1/1"), "nothing is known of other machines");
        assert!(!is_gone(""), "nor of those that do not say");
    }
}
