//! How placing grows with the number of allocations, up to 2,000,000 on 6,100 nodes, and how long it takes
//! until all is placed again after 10 % of the nodes died.
//!
//! `cargo bench -p drover-sim` prints the whole curve; `cargo bench -p drover-sim -- 10000 100000` some points
//! of it. Each point runs in a process of its own, so that its memory is its own.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout, reason = "a bench prints its result")]

use drover_sim::{JobShape, NodeShape, Simulation};
use std::time::Instant;

const NODES: usize = 6_100;
const JOBS: u32 = 100;
const POINTS: [u32; 4] = [10_000, 100_000, 1_000_000, 2_000_000];
const CHILD: &str = "--one-point";

fn main() {
    let numbers: Vec<u32> = std::env::args().filter_map(|arg| arg.replace('_', "").parse().ok()).collect();
    if std::env::args().any(|arg| arg == CHILD) {
        return one(numbers[0]);
    }
    println!("cpu: processor time, in seconds; MiB: resident memory once all is placed, and at its peak");
    println!(
        "{:>10} {:>9} {:>8} {:>11} {:>8} {:>8} {:>8} {:>9} {:>8} {:>8}",
        "allocs", "placed s", "cpu", "per second", "MiB", "peak", "B/alloc", "lost", "again s", "cpu"
    );
    let points = if numbers.is_empty() { POINTS.to_vec() } else { numbers };
    for point in points {
        let own = std::env::current_exe().unwrap();
        assert!(std::process::Command::new(own).arg(CHILD).arg(point.to_string()).status().unwrap().success());
    }
}

fn one(allocs: u32) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(run(allocs));
}

async fn run(allocs: u32) {
    let workers = std::env::var("WORKERS").ok().and_then(|text| text.parse().ok()).unwrap_or(2);
    let mut sim = Simulation::start(workers).await.unwrap();
    if std::env::var_os("COUNT_BYTES").is_some() {
        sim.log().count_bytes();
    }
    sim.add_nodes(NODES, &NodeShape::default()).await.unwrap();
    let before = rss_kib("VmRSS");
    let (begin, cpu) = (Instant::now(), cpu_seconds());
    for job in 0..JOBS {
        sim.submit(&format!("job-{job}"), &JobShape::of(allocs / JOBS)).await.unwrap();
    }
    sim.settle().await;
    let (placed, placed_cpu) = (begin.elapsed().as_secs_f64(), cpu_seconds() - cpu);
    let held = rss_kib("VmRSS") - before;
    let first = sim.check().unwrap();
    assert_eq!(first.live, allocs as usize);

    let (begin, cpu) = (Instant::now(), cpu_seconds());
    sim.kill_every(10).await.unwrap();
    sim.settle().await;
    let (again, again_cpu) = (begin.elapsed().as_secs_f64(), cpu_seconds() - cpu);
    let second = sim.check().unwrap();
    assert_eq!(second.live, allocs as usize);
    println!(
        "{allocs:>10} {placed:>9.2} {placed_cpu:>8.2} {:>11.0} {:>8} {:>8} {:>8} {:>9} {again:>8.2} {again_cpu:>8.2}",
        f64::from(allocs) / placed,
        (held + before) / 1024,
        rss_kib("VmHWM") / 1024,
        held * 1024 / u64::from(allocs),
        second.all - first.all,
    );
    let (commands, bytes) = sim.log().written();
    if bytes > 0 {
        println!("           {commands} commands, {} MiB in the log", bytes / 1024 / 1024);
    }
    // What is left is the kernel's to take back.
    std::process::exit(0);
}

/// Processor time of the process so far, in seconds: on a busy machine it says more than the clock.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    // User and system time, in hundredths of a second.
    let ticks: u64 = fields.skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    ticks as f64 / 100.0
}

/// A line of the process's status; 0 where there is none.
fn rss_kib(field: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':').map(str::to_owned));
    line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse().ok()).unwrap_or(0)
}
