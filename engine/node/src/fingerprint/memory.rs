//! Memory.

use super::Draft;

const MIB: i64 = 1024 * 1024;

pub(super) fn fingerprint(draft: &mut Draft<'_>) {
    let configured = draft.config.memory_total_mb * MIB;
    let total = if configured > 0 { configured } else { total_bytes() };
    draft.set("memory.totalbytes", total.to_string());
    draft.node.node_resources.memory.memory_mb = total / MIB;
}

fn total_bytes() -> i64 {
    let info = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kib = info.lines().find_map(|line| {
        let rest = line.strip_prefix("MemTotal:")?;
        rest.trim().trim_end_matches("kB").trim().parse::<i64>().ok()
    });
    kib.unwrap_or_default() * 1024
}
