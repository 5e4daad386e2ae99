//! Linux capabilities: names, sets, and restricting the calling process to a set.

use std::io;

use thiserror::Error;

/// Names in the order of their bit numbers (`linux/capability.h`).
const NAMES: [&str; 41] = [
    "chown",
    "dac_override",
    "dac_read_search",
    "fowner",
    "fsetid",
    "kill",
    "setgid",
    "setuid",
    "setpcap",
    "linux_immutable",
    "net_bind_service",
    "net_broadcast",
    "net_admin",
    "net_raw",
    "ipc_lock",
    "ipc_owner",
    "sys_module",
    "sys_rawio",
    "sys_chroot",
    "sys_ptrace",
    "sys_pacct",
    "sys_admin",
    "sys_boot",
    "sys_nice",
    "sys_resource",
    "sys_time",
    "sys_tty_config",
    "mknod",
    "lease",
    "audit_write",
    "audit_control",
    "setfcap",
    "mac_override",
    "mac_admin",
    "syslog",
    "wake_alarm",
    "block_suspend",
    "audit_read",
    "perfmon",
    "bpf",
    "checkpoint_restore",
];

/// What tasks may hold unless an operator allows more: Docker's set without `net_raw`.
pub const DEFAULT_ALLOWED: [&str; 13] = [
    "audit_write",
    "chown",
    "dac_override",
    "fowner",
    "fsetid",
    "kill",
    "mknod",
    "net_bind_service",
    "setfcap",
    "setgid",
    "setpcap",
    "setuid",
    "sys_chroot",
];

/// Capabilities that a task asked for and may not have.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CapabilityError {
    /// Not on the operator's list.
    #[error("driver does not allow the following capabilities: {}", .0.join(", "))]
    NotAllowed(Vec<String>),
    /// No capability has this name.
    #[error("unknown capabilities: {}; write them like net_bind_service", .0.join(", "))]
    Unknown(Vec<String>),
}

/// `CAP_NET_RAW`, `NET_RAW` and `net_raw` are the same capability.
pub fn normalize(name: &str) -> String {
    let lower = name.trim().to_ascii_lowercase();
    lower.strip_prefix("cap_").unwrap_or(&lower).to_owned()
}

/// Bits of the named capabilities; `all` is every one.
pub fn bits<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<u64, CapabilityError> {
    let mut set = 0;
    let mut unknown = Vec::new();
    for name in names {
        let name = normalize(name);
        if name == "all" {
            set |= (1 << NAMES.len()) - 1;
        } else if let Some(bit) = NAMES.iter().position(|known| *known == name) {
            set |= 1 << bit;
        } else {
            unknown.push(name);
        }
    }
    if unknown.is_empty() { Ok(set) } else { Err(CapabilityError::Unknown(unknown)) }
}

/// Names of the bits, in bit order.
pub fn names(set: u64) -> Vec<&'static str> {
    NAMES.iter().enumerate().filter(|(bit, _)| set & (1 << bit) != 0).map(|(_, name)| *name).collect()
}

/// The set of a task: the defaults that are allowed, without `drop`, with `add`, all within `allowed`.
pub fn task_set(allowed: u64, add: &[String], drop: &[String]) -> Result<u64, CapabilityError> {
    let default = bits(DEFAULT_ALLOWED)? & allowed;
    let added = bits(add.iter().map(String::as_str))?;
    let dropped = bits(drop.iter().map(String::as_str))?;
    let refused = names(added & !allowed);
    if !refused.is_empty() {
        return Err(CapabilityError::NotAllowed(refused.into_iter().map(str::to_owned).collect()));
    }
    Ok((default & !dropped) | added)
}

/// Takes every capability outside `set` away from what this process, and all it executes, can ever get.
/// Call before changing the user.
#[expect(unsafe_code, reason = "prctl has no safe wrapper for the bounding set")]
pub fn limit_bounding_set(set: u64) -> io::Result<()> {
    for bit in (0..NAMES.len()).filter(|bit| set & (1 << bit) == 0) {
        // SAFETY: prctl with integer arguments only touches this process's credentials.
        if unsafe { libc::prctl(libc::PR_CAPBSET_DROP, bit, 0, 0, 0) } != 0 {
            let error = io::Error::last_os_error();
            // Older kernels know fewer capabilities.
            if error.raw_os_error() != Some(libc::EINVAL) {
                return Err(error);
            }
        }
    }
    Ok(())
}

/// Keeps permitted capabilities across the change to another user. Call before changing it.
pub fn keep_across_user_change() -> io::Result<()> {
    nix::sys::prctl::set_keepcaps(true)?;
    Ok(())
}

#[repr(C)]
struct Header {
    version: u32,
    pid: i32,
}

#[repr(C)]
#[derive(Clone, Copy)]
struct Data {
    effective: u32,
    permitted: u32,
    inheritable: u32,
}

/// `_LINUX_CAPABILITY_VERSION_3`: two 32-bit words per set.
const VERSION_3: u32 = 0x2008_0522;

/// Makes `set` (as far as this process holds it) the permitted, effective, inheritable and ambient set, so that an
/// ordinary user's program has it after `execve`. Call after changing the user.
#[expect(unsafe_code, reason = "capget, capset and the ambient set have no safe wrapper in libc or nix")]
pub fn apply(set: u64) -> io::Result<()> {
    let mut header = Header { version: VERSION_3, pid: 0 };
    let mut data = [Data { effective: 0, permitted: 0, inheritable: 0 }; 2];
    // SAFETY: header and data are valid, writable and of the layout of version 3.
    if unsafe { libc::syscall(libc::SYS_capget, &raw mut header, data.as_mut_ptr()) } != 0 {
        return Err(io::Error::last_os_error());
    }
    let held = u64::from(data[0].permitted) | (u64::from(data[1].permitted) << 32);
    let wanted = set & held;
    for (word, entry) in data.iter_mut().enumerate() {
        let part = u32::try_from((wanted >> (32 * word)) & u64::from(u32::MAX)).unwrap_or(u32::MAX);
        *entry = Data { effective: part, permitted: part, inheritable: part };
    }
    // SAFETY: as above; the kernel only reads data.
    if unsafe { libc::syscall(libc::SYS_capset, &raw mut header, data.as_ptr()) } != 0 {
        return Err(io::Error::last_os_error());
    }
    for bit in (0..NAMES.len()).filter(|bit| wanted & (1 << bit) != 0) {
        // SAFETY: prctl with integer arguments only touches this process's credentials.
        if unsafe { libc::prctl(libc::PR_CAP_AMBIENT, libc::PR_CAP_AMBIENT_RAISE, bit, 0, 0) } != 0 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_set_has_the_well_known_bits() {
        assert_eq!(bits(DEFAULT_ALLOWED).unwrap(), 0xa804_05fb);
    }

    #[test]
    fn names_are_accepted_in_every_spelling() {
        assert_eq!(bits(["CAP_NET_RAW"]).unwrap(), 1 << 13);
        assert_eq!(bits(["net_raw"]).unwrap(), 1 << 13);
        assert_eq!(bits(["all"]).unwrap().count_ones(), 41);
        assert_eq!(bits(["nonsense"]), Err(CapabilityError::Unknown(vec!["nonsense".into()])));
    }

    #[test]
    fn only_allowed_capabilities_can_be_added() {
        let allowed = bits(DEFAULT_ALLOWED).unwrap();
        let error = task_set(allowed, &["sys_admin".into()], &[]).unwrap_err();
        assert_eq!(error.to_string(), "driver does not allow the following capabilities: sys_admin");
        assert_eq!(names(task_set(allowed, &["chown".into()], &["all".into()]).unwrap()), ["chown"]);
        assert_eq!(task_set(allowed, &[], &[]).unwrap(), allowed);
    }
}
