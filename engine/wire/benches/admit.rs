//! From a submitted job of 50 groups to the canonical one: reading, defaults, validation, conversion.
#![expect(clippy::unwrap_used, missing_docs, reason = "a bench that cannot go on ends")]

use criterion::{Criterion, criterion_group, criterion_main};
use drover_wire::admission::admit;
use drover_wire::job::{Canonical, Job};
use serde_json::json;
use std::hint::black_box;

fn job() -> String {
    let group = |number: usize| {
        json!({"Name": format!("g{number}"), "Count": 2, "Tasks": [{
            "Name": "t", "Driver": "raw_exec", "Config": {"command": "/bin/sleep", "args": ["3600"]},
            "Env": {"A": "1", "B": "2", "C": "3", "D": "4"}, "Resources": {"CPU": 1, "MemoryMB": 10},
        }]})
    };
    let groups: Vec<_> = (0..50).map(group).collect();
    json!({"ID": "j", "Name": "j", "Type": "service", "Datacenters": ["*"], "TaskGroups": groups}).to_string()
}

fn admission(criterion: &mut Criterion) {
    let text = job();
    let submitted: Job = serde_json::from_str(&text).unwrap();
    criterion.bench_function("read", |bench| bench.iter(|| serde_json::from_str::<Job>(black_box(&text)).unwrap()));
    criterion.bench_function("canonical form", |bench| {
        bench.iter(|| {
            let mut job = submitted.clone();
            job.canonicalize();
            job
        });
    });
    criterion.bench_function("admission", |bench| bench.iter(|| admit(black_box(submitted.clone())).unwrap()));
}

criterion_group!(benches, admission);
criterion_main!(benches);
