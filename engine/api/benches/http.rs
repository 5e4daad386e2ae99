//! What a request costs from end to end: one client, one connection, a server that keeps everything in memory.
#![expect(clippy::unwrap_used, missing_docs, reason = "a bench that cannot go on ends")]

#[path = "../tests/support/mod.rs"]
mod support;

use criterion::{Criterion, criterion_group, criterion_main};
use serde_json::{Value, json};
use support::{Api, job};

const GROUPS: usize = 50;
const JOBS: usize = 500;

fn large() -> Value {
    let mut large = job("large");
    let env: Value = (0..10).map(|key| (format!("K{key}"), json!(format!("value-{key}")))).collect();
    let group = |number| {
        let mut group = large["TaskGroups"][0].clone();
        group["Name"] = json!(format!("g{number}"));
        group["Tasks"][0]["Env"] = env.clone();
        group
    };
    let groups: Vec<Value> = (0..GROUPS).map(group).collect();
    large["TaskGroups"] = json!(groups);
    large
}

fn requests(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let api = runtime.block_on(async {
        let api = Api::start().await;
        for number in 0..JOBS {
            api.register(&format!("job-{number}")).await;
        }
        assert_eq!(api.put("/v1/jobs", json!({"Job": large()})).await.status, 200);
        api
    });
    let mut changed = large();
    for group in changed["TaskGroups"].as_array_mut().unwrap() {
        group["Count"] = json!(3);
        group["Tasks"][0]["Env"]["K3"] = json!("changed");
    }
    let plan = json!({"Job": changed, "Diff": true});
    criterion.bench_function("plan with diff of 50 groups", |bench| {
        bench.iter(|| runtime.block_on(api.put("/v1/job/large/plan", plan.clone())));
    });
    criterion.bench_function("register", |bench| bench.iter(|| runtime.block_on(api.register("job-0"))));
    criterion.bench_function("list of 500 jobs", |bench| bench.iter(|| runtime.block_on(api.get("/v1/jobs"))));
    criterion.bench_function("read of a job", |bench| bench.iter(|| runtime.block_on(api.get("/v1/job/job-1"))));
    runtime.block_on(api.stop());
}

criterion_group!(benches, requests);
criterion_main!(benches);
