//! Placements per second on a large cluster: `NODES` nodes (5000), one job of `ALLOCS` allocations (600)
//! constrained to the first half of `RACKS` racks (25), with `SPREAD=1` spread over racks. The same
//! evaluation is worked out again and again; nothing is committed.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout, reason = "a bench prints its result")]

#[path = "../tests/support/mod.rs"]
mod support;

use drover_model::{Constraint, Spread};
use drover_scheduler::{Context, schedule};
use std::time::Instant;
use support::Cluster;

fn number(name: &str, default: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn main() {
    let (nodes, allocs, racks) = (number("NODES", 5000), number("ALLOCS", 600), number("RACKS", 25));
    let spread = std::env::var("SPREAD").is_ok_and(|text| !text.is_empty());
    let rounds = number("ROUNDS", 20);
    let mut cluster = Cluster::with_nodes(0);
    for i in 0..nodes {
        let mut node = support::node(i);
        node.datacenter = format!("dc-{}", i % 2 + 1);
        node.node_resources.cpu.cpu_shares = 4 * 3500;
        node.node_resources.memory.memory_mb = 32_000;
        node.node_resources.disk.disk_mb = 100 * 1024;
        node.meta.insert("rack".into(), format!("r{}", i % racks));
        node.computed_class = format!("class-{}-{}", i % racks, i % 2);
        cluster.add_node(node);
    }
    let mut job = support::job("bench", u32::try_from(allocs).unwrap());
    job.task_groups[0].tasks[0].resources.cpu = 6000;
    job.task_groups[0].tasks[0].resources.memory_mb = 6000;
    job.constraints = vec![Constraint {
        left: "${meta.rack}".into(),
        operand: "set_contains_any".into(),
        right: (0..racks / 2).map(|i| format!("r{i}")).collect::<Vec<_>>().join(","),
    }];
    if spread {
        job.spreads = vec![Spread { attribute: "${meta.rack}".into(), weight: 100, targets: Vec::new() }];
    }
    cluster.register(job);
    let eval = cluster.eval("bench");
    let run = |seed| schedule(&cluster, &eval, Context { seed, now: cluster.now }).unwrap();
    let placed: usize = run(0).plan.node_allocation.values().map(Vec::len).sum();
    assert_eq!(placed, allocs, "all are placed");
    let start = Instant::now();
    for seed in 0..rounds {
        std::hint::black_box(run(seed as u64));
    }
    let each = start.elapsed() / u32::try_from(rounds).unwrap();
    println!(
        "{nodes} nodes, {allocs} allocations, spread {spread}: {each:?} per evaluation, {:.0} placements/s",
        allocs as f64 / each.as_secs_f64()
    );
}
