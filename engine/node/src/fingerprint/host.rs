//! The operating system.

use super::{Draft, read_line};
use nix::sys::utsname::uname;
use std::collections::HashMap;

pub(super) fn fingerprint(draft: &mut Draft<'_>) {
    draft.set("kernel.name", "linux");
    if let Ok(system) = uname() {
        draft.set("kernel.version", system.release().to_string_lossy());
        draft.set("kernel.arch", system.machine().to_string_lossy());
        draft.set("unique.hostname", system.nodename().to_string_lossy());
        draft.set("cpu.arch", architecture(&system.machine().to_string_lossy()));
    }
    let (name, version) = distribution();
    draft.set("os.name", name);
    draft.set("os.version", version);
}

/// The names that the reference uses for architectures.
fn architecture(machine: &str) -> String {
    match machine {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "i686" | "i586" | "i386" => "386",
        "armv7l" | "armv6l" => "arm",
        other => other,
    }
    .to_owned()
}

fn distribution() -> (String, String) {
    let release = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
    let fields = fields(&release);
    let name = fields.get("ID").cloned().unwrap_or_else(|| "linux".into());
    // Debian's own file has the minor version too.
    let precise = if name == "debian" { read_line("/etc/debian_version") } else { None };
    let version = precise
        .filter(|version| version.starts_with(|c: char| c.is_ascii_digit()))
        .or_else(|| fields.get("VERSION_ID").cloned())
        .unwrap_or_else(|| "unknown".into());
    (name, version)
}

fn fields(release: &str) -> HashMap<&str, String> {
    release
        .lines()
        .filter_map(|line| line.split_once('='))
        .map(|(key, value)| (key.trim(), value.trim().trim_matches(['"', '\'']).to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_around_values_are_no_part_of_them() {
        let fields = fields("NAME=\"Debian GNU/Linux\"\nID=debian\nVERSION_ID='12'\n");
        assert_eq!(fields["ID"], "debian");
        assert_eq!(fields["VERSION_ID"], "12");
    }
}
