//! What the process takes, under the names that Prometheus' own clients use.

use std::fs;

/// Ticks of the processor clock in a second, as the kernel shows them to programs.
const TICKS_PER_SECOND: f64 = 100.0;
/// Bytes of a page.
const PAGE_BYTES: f64 = 4096.0;

/// The families, for systems that have `/proc`; nothing elsewhere.
pub(super) fn text() -> String {
    let Some(found) = read() else { return String::new() };
    let families = [
        ("process_cpu_seconds_total", "counter", found.cpu_seconds),
        ("process_max_fds", "gauge", found.max_fds),
        ("process_open_fds", "gauge", found.open_fds),
        ("process_resident_memory_bytes", "gauge", found.resident_bytes),
        ("process_start_time_seconds", "gauge", found.started_seconds),
        ("process_threads", "gauge", found.threads),
        ("process_virtual_memory_bytes", "gauge", found.virtual_bytes),
    ];
    let family = |(name, kind, value)| format!("# HELP {name} {name}\n# TYPE {name} {kind}\n{name} {value}\n");
    families.map(family).concat()
}

struct Process {
    cpu_seconds: f64,
    started_seconds: f64,
    threads: f64,
    virtual_bytes: f64,
    resident_bytes: f64,
    open_fds: f64,
    max_fds: f64,
}

fn read() -> Option<Process> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The name, the second field, may hold anything: count from its end.
    let fields: Vec<f64> =
        stat.rsplit_once(')')?.1.split_whitespace().map(|field| field.parse().unwrap_or(0.0)).collect();
    // Fields are numbered from 1 in proc(5); the first one here is the third.
    let field = |number: usize| fields.get(number - 3).copied().unwrap_or(0.0);
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let max_fds = limits.lines().find_map(|line| line.strip_prefix("Max open files")?.split_whitespace().next());
    let booted = fs::read_to_string("/proc/stat").unwrap_or_default();
    let booted = booted.lines().find_map(|line| line.strip_prefix("btime ")?.trim().parse::<f64>().ok());
    Some(Process {
        cpu_seconds: (field(14) + field(15)) / TICKS_PER_SECOND,
        started_seconds: booted.unwrap_or(0.0) + field(22) / TICKS_PER_SECOND,
        threads: field(20),
        virtual_bytes: field(23),
        resident_bytes: field(24) * PAGE_BYTES,
        open_fds: fs::read_dir("/proc/self/fd").map_or(0.0, |found| found.count() as f64),
        max_fds: max_fds.and_then(|text| text.parse().ok()).unwrap_or(0.0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn the_numbers_are_those_of_this_process() {
        let found = read().unwrap();
        assert!(found.resident_bytes > 0.0 && found.virtual_bytes >= found.resident_bytes);
        assert!(found.threads >= 1.0 && found.open_fds >= 3.0 && found.started_seconds > 1e9);
        assert!(text().contains("# TYPE process_cpu_seconds_total counter\n"));
    }
}
