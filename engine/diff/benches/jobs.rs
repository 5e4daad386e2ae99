//! Comparing jobs: the same, one changed value, and everything new. `cargo bench -p drover-diff`.

#![expect(missing_docs, clippy::expect_used, reason = "a bench")]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use drover_diff::{RenderOptions, job_diff, render};
use drover_model::Job;

/// The model's own job, its group repeated.
fn job(groups: usize) -> Job {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../model/tests/fixtures/job.json");
    let text = std::fs::read_to_string(path).expect("the fixture of the model is there");
    let mut job: Job = serde_json::from_str(&text).expect("the fixture is a job");
    let group = job.task_groups[0].clone();
    job.task_groups = (0..groups)
        .map(|at| {
            let mut group = group.clone();
            group.name = format!("group-{at}");
            group
        })
        .collect();
    job
}

fn diffs(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("diff");
    group.sample_size(20);
    for groups in [1, 500] {
        let old = job(groups);
        let mut new = old.clone();
        new.task_groups[groups / 2].count += 1;
        let name = |step: &str| BenchmarkId::new(step.to_owned(), groups);
        group.bench_function(name("same"), |bench| bench.iter(|| job_diff(Some(&old), Some(black_box(&old)), false)));
        group.bench_function(name("one_value"), |bench| {
            bench.iter(|| job_diff(Some(&old), Some(black_box(&new)), false));
        });
        group.bench_function(name("contextual"), |bench| {
            bench.iter(|| job_diff(Some(&old), Some(black_box(&new)), true));
        });
        group.bench_function(name("new"), |bench| bench.iter(|| job_diff(None, Some(black_box(&new)), false)));
        let tree = job_diff(None, Some(&new), false);
        group.bench_function(name("render"), |bench| {
            bench.iter(|| render(black_box(&tree), &RenderOptions { verbose: true, ..RenderOptions::default() }));
        });
    }
    group.finish();
}

criterion_group!(benches, diffs);
criterion_main!(benches);
