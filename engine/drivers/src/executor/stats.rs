//! Measuring the processes of a task.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::driver::{CpuUsage, MemoryUsage, ResourceUsage, TaskStats};
use crate::supervisor::process;
use crate::supervisor::spec::Processes;

/// Kernel's unit of CPU time in `/proc`; 100 on every architecture Linux supports today.
const NANOS_PER_TICK: u64 = 10_000_000;

/// CPU time seen at the previous measurement, by process.
#[derive(Debug, Default)]
pub(super) struct Samples {
    taken: Option<Instant>,
    cpu_ns: HashMap<i32, (u64, u64)>,
}

struct ProcessUsage {
    user_ns: u64,
    system_ns: u64,
    rss: u64,
}

pub(super) fn measure(processes: &Processes, samples: &mut Samples) -> TaskStats {
    let mut pids = process::descendants(processes.supervisor_pid);
    if !process::is_alive(processes.supervisor_pid, processes.supervisor_start_time) {
        pids.clear();
    }
    let now = Instant::now();
    let elapsed = samples.taken.map(|taken| now.duration_since(taken).as_nanos());
    let mut seen = HashMap::new();
    let mut by_process = BTreeMap::new();
    let mut total = ResourceUsage::default();
    for pid in pids {
        let Some(usage) = read_process(pid) else {
            continue;
        };
        let (user_before, system_before) =
            samples.cpu_ns.get(&pid).copied().unwrap_or((usage.user_ns, usage.system_ns));
        let percent = |now: u64, before: u64| match elapsed {
            #[expect(clippy::cast_precision_loss, reason = "a percentage needs no more than 52 bits")]
            Some(elapsed) if elapsed > 0 => now.saturating_sub(before) as f64 * 100.0 / elapsed as f64,
            _ => 0.0,
        };
        let user_mode = percent(usage.user_ns, user_before);
        let system_mode = percent(usage.system_ns, system_before);
        seen.insert(pid, (usage.user_ns, usage.system_ns));
        let usage = ResourceUsage {
            memory: MemoryUsage { rss: usage.rss, measured: vec!["RSS", "Swap"], ..MemoryUsage::default() },
            cpu: CpuUsage {
                user_mode,
                system_mode,
                percent: user_mode + system_mode,
                total_ns: usage.user_ns + usage.system_ns,
                measured: vec!["System Mode", "User Mode", "Percent"],
                ..CpuUsage::default()
            },
        };
        add(&mut total, &usage);
        by_process.insert(pid, usage);
    }
    total.memory.measured = vec!["RSS", "Swap"];
    total.cpu.measured = vec!["System Mode", "User Mode", "Percent"];
    *samples = Samples { taken: Some(now), cpu_ns: seen };
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    TaskStats { total, processes: by_process, timestamp_ns: i64::try_from(since.as_nanos()).unwrap_or(i64::MAX) }
}

fn add(total: &mut ResourceUsage, usage: &ResourceUsage) {
    total.memory.rss += usage.memory.rss;
    total.cpu.user_mode += usage.cpu.user_mode;
    total.cpu.system_mode += usage.cpu.system_mode;
    total.cpu.percent += usage.cpu.percent;
    total.cpu.total_ns += usage.cpu.total_ns;
}

fn read_process(pid: i32) -> Option<ProcessUsage> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    let number = |index: usize| fields.get(index)?.parse::<u64>().ok();
    // Counted from the state, field 3 of proc(5): utime 14, stime 15, rss 24.
    Some(ProcessUsage {
        user_ns: number(11)? * NANOS_PER_TICK,
        system_ns: number(12)? * NANOS_PER_TICK,
        rss: number(21)? * page_bytes(),
    })
}

fn page_bytes() -> u64 {
    let size = nix::unistd::sysconf(nix::unistd::SysconfVar::PAGE_SIZE).ok().flatten();
    size.and_then(|size| u64::try_from(size).ok()).unwrap_or(4096)
}
