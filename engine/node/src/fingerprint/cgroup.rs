//! Control groups.

use super::Draft;
use std::path::Path;

pub(super) fn fingerprint(draft: &mut Draft<'_>) {
    let root = Path::new("/sys/fs/cgroup");
    if root.join("cgroup.controllers").exists() {
        draft.set("os.cgroups.version", "2");
    } else if root.join("memory").exists() || root.join("cpu").exists() {
        draft.set("os.cgroups.version", "1");
    }
}
