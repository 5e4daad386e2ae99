//! The disk that allocations' directories lie on.

use super::Draft;
use nix::sys::statvfs::statvfs;
use std::path::Path;

const MIB: i64 = 1024 * 1024;

pub(super) fn fingerprint(draft: &mut Draft<'_>) {
    let dir = draft.config.alloc_dir.clone();
    let Some(existing) = dir.ancestors().find(|dir| dir.exists()) else { return };
    let Ok(disk) = statvfs(existing) else { return };
    let total = i64::try_from(disk.blocks() * disk.fragment_size()).unwrap_or(i64::MAX);
    draft.set("unique.storage.volume", device_of(existing).unwrap_or_default());
    draft.set("unique.storage.bytestotal", total.to_string());
    let configured = draft.config.disk_total_mb;
    draft.node.node_resources.disk.disk_mb = if configured > 0 { configured } else { total / MIB };
}

/// The device that is mounted at or above a directory.
pub(crate) fn device_of(dir: &Path) -> Option<String> {
    let dir = dir.canonicalize().ok()?;
    let table = std::fs::read_to_string("/proc/self/mounts").ok()?;
    table
        .lines()
        .filter_map(|line| {
            let mut fields = line.split(' ');
            Some((fields.next()?, fields.next()?))
        })
        .filter(|(_, point)| dir.starts_with(point))
        .max_by_key(|(_, point)| point.len())
        .map(|(device, _)| device.to_owned())
}
