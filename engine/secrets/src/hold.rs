//! What the process does while it holds secrets.

/// Lets the kernel write no memory image of this process when it ends badly, and nobody else of the same user look into it.
///
/// It does not pass on to programs that are started: their limits stay as they were.
///
/// # Errors
/// The system refuses.
#[cfg(target_os = "linux")]
pub fn forbid_core_dumps() -> std::io::Result<()> {
    nix::sys::prctl::set_dumpable(false).map_err(Into::into)
}

/// Lets the kernel write no memory image of this process when it ends badly. Programs that are started inherit it.
///
/// # Errors
/// The system refuses.
#[cfg(not(target_os = "linux"))]
pub fn forbid_core_dumps() -> std::io::Result<()> {
    use nix::sys::resource::{Resource, setrlimit};
    setrlimit(Resource::RLIMIT_CORE, 0, 0).map_err(Into::into)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #[test]
    fn the_process_cannot_be_dumped() {
        super::forbid_core_dumps().unwrap();
        assert!(!nix::sys::prctl::get_dumpable().unwrap());
    }
}
