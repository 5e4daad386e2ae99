//! Placements per second on large clusters, beside the reference where its benchmark is found.
//!
//! The state is that of the reference's benchmark: nodes over two datacenters and 25 racks, each of 4 cores of
//! 3,500 MHz and 32,000 MiB, and one service job of `ALLOCS` allocations (600) of 6,000 MHz and 6,000 MiB that is
//! constrained to the first half of the racks, with and without a spread over racks. The same evaluation is worked
//! out again and again; nothing is committed. The best of `ROUNDS` (20) counts: others may use the machine too.
//!
//! `NODES=5000` measures one size only. The reference is the binary that `NOMAD_SCHEDULER_BENCH` names, or
//! `nomad-scheduler-bench` in `~/.cache/drover-peers`; `NOMAD_SCHEDULER_BENCH=` measures without it.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout, reason = "a bench prints its result")]

#[path = "../tests/support/mod.rs"]
mod support;

use drover_model::{Constraint, Job, Spread, UnixNanos};
use drover_scheduler::{Context, schedule};
use drover_state::{Command, RegisterJob, StateStore, UpsertNode};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

const RACKS: usize = 25;
const SIZES: [usize; 3] = [1_000, 5_000, 10_000];

fn number(name: &str, default: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn main() {
    let allocs = number("ALLOCS", 600);
    let sizes = std::env::var("NODES").ok().and_then(|text| text.parse().ok()).map_or(SIZES.to_vec(), |n| vec![n]);
    let peer = peer();
    if peer.is_none() {
        println!("the reference's benchmark was not found: only this scheduler is measured");
    }
    println!(
        "{:>7} {:>7} {:>14} {:>14} {:>15} {:>8}",
        "nodes", "spread", "µs/placement", "placements/s", "reference/s", "ratio"
    );
    for spread in [false, true] {
        let mut first = None;
        for nodes in &sizes {
            let each = own(*nodes, allocs, spread).as_secs_f64() / allocs as f64;
            let reference = peer.as_ref().and_then(|path| reference(path, *nodes, allocs, spread));
            let (of_reference, ratio) = reference.map_or((String::new(), String::new()), |rate| {
                (format!("{rate:.0}"), format!("{:.0}x", 1.0 / each / rate))
            });
            println!("{nodes:>7} {spread:>7} {:>14.2} {:>14.0} {of_reference:>15} {ratio:>8}", each * 1e6, 1.0 / each);
            let growth = each / *first.get_or_insert(each);
            if sizes.last() == Some(nodes) && sizes.len() > 1 {
                println!("        cost per placement at {nodes} nodes: {growth:.2} times that at {}", sizes[0]);
            }
        }
    }
}

/// The best time of one evaluation.
fn own(nodes: usize, allocs: usize, spread: bool) -> Duration {
    let store = StateStore::new();
    let now = UnixNanos(1_000_000_000_000);
    let apply = |command: Command| store.apply(store.index() + 1, &command).result.unwrap();
    for i in 0..nodes {
        let mut node = support::node(i);
        node.id = format!("{:08x}-0000-4000-8000-{i:012x}", (i as u32).wrapping_mul(0x9e37_79b1)).into();
        node.datacenter = format!("dc-{}", i % 2 + 1);
        node.node_resources.cpu.cpu_shares = 4 * 3500;
        node.node_resources.memory.memory_mb = 32_000;
        node.node_resources.disk.disk_mb = 100 * 1024;
        node.meta.insert("rack".into(), format!("r{}", i % RACKS));
        node.computed_class = format!("v1:{}", 1_000_000_007 * (i % RACKS * 2 + i % 2 + 1));
        apply(Command::UpsertNode(UpsertNode { node: Arc::new(node), now, evals: Vec::new() }));
    }
    let job = job(allocs, spread);
    let key = job.key();
    apply(Command::RegisterJob(RegisterJob {
        job: Arc::new(job),
        submission: None,
        eval: None,
        enforce_index: None,
        keep_versions: None,
    }));
    let snapshot = store.snapshot();
    let mut cluster = support::Cluster::with_nodes(0);
    cluster.jobs.insert(key.clone(), Arc::clone(snapshot.job(&key).unwrap()));
    let eval = cluster.eval("bench");
    let run = |seed| schedule(&snapshot, &eval, Context { seed, now }).unwrap();
    let placed: usize = run(0).plan.node_allocation.values().map(Vec::len).sum();
    assert_eq!(placed, allocs, "all are placed");
    let rounds = 0..number("ROUNDS", 20);
    let times = rounds.map(|seed| {
        let start = Instant::now();
        std::hint::black_box(run(seed as u64));
        start.elapsed()
    });
    times.min().unwrap()
}

fn job(allocs: usize, spread: bool) -> Job {
    let mut job = support::job("bench", u32::try_from(allocs).unwrap());
    job.task_groups[0].tasks[0].resources.cpu = 6000;
    job.task_groups[0].tasks[0].resources.memory_mb = 6000;
    job.constraints = vec![Constraint {
        left: "${meta.rack}".into(),
        operand: "set_contains_any".into(),
        right: (0..RACKS / 2).map(|i| format!("r{i}")).collect::<Vec<_>>().join(","),
    }];
    if spread {
        job.spreads = vec![Spread { attribute: "${meta.rack}".into(), weight: 100, targets: Vec::new() }];
    }
    job
}

fn peer() -> Option<PathBuf> {
    let path = match std::env::var_os("NOMAD_SCHEDULER_BENCH") {
        Some(path) => PathBuf::from(path),
        None => PathBuf::from(std::env::var_os("HOME")?).join(".cache/drover-peers/nomad-scheduler-bench"),
    };
    path.is_file().then_some(path)
}

/// Placements per second of the reference: the best of three evaluations, or one with a spread, which take long.
fn reference(path: &PathBuf, nodes: usize, allocs: usize, spread: bool) -> Option<f64> {
    let tries = if spread { 1 } else { 3 };
    let output = std::process::Command::new(path)
        .args(["-test.run", "XXX", "-test.bench", "BenchmarkOne", "-test.benchtime", "2x"])
        .args(["-test.count", &tries.to_string()])
        .env("NODES", nodes.to_string())
        .env("ALLOCS", allocs.to_string())
        .env("SPREAD", if spread { "1" } else { "" })
        .current_dir(std::env::temp_dir())
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let rates = text.lines().filter_map(|line| line.trim().strip_suffix(" placements/s")?.split_whitespace().last());
    rates
        .filter_map(|rate| rate.parse::<f64>().ok())
        .fold(None, |best, rate| Some(best.map_or(rate, |b: f64| b.max(rate))))
}
