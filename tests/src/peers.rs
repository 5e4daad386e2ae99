//! What some tests need beyond the binary; without it they are skipped, saying so.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The reference's binary of that name, or `None` with a message.
pub fn peer(name: &str) -> Option<PathBuf> {
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/peers");
    let folder =
        Command::new(shared.join("unpack")).stderr(Stdio::null()).output().ok().filter(|out| out.status.success());
    let found = folder
        .map(|out| Path::new(String::from_utf8_lossy(&out.stdout).trim()).join(name))
        .filter(|path| path.exists());
    if found.is_none() {
        skip(&format!("the reference's {name} is not at hand"));
    }
    found
}

/// Whether the docker daemon answers; `false` with a message.
pub fn docker_available() -> bool {
    let status = Command::new("docker").arg("info").stdout(Stdio::null()).stderr(Stdio::null()).status();
    let available = status.is_ok_and(|status| status.success());
    if !available {
        skip("the docker daemon does not answer");
    }
    available
}

/// Whether the tests run as root; `false` with a message.
pub fn is_root() -> bool {
    let root = nix::unistd::geteuid().is_root();
    if !root {
        skip("not root");
    }
    root
}

#[expect(clippy::print_stderr, reason = "a skipped test says so")]
fn skip(why: &str) {
    eprintln!("skipped: {why}");
}
