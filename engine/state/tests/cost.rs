//! Prints what commands cost; run with `--ignored --nocapture`.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement is read by people")]

use drover_model::placement::PlacementResult;
use drover_model::*;
use drover_state::*;
use std::sync::Arc;
use std::time::{Duration, Instant};

const NODES: usize = 1000;
const ALLOCS: usize = 20_000;
const PER_PLAN: usize = 50;

fn apply(store: &StateStore, command: &Command) -> Duration {
    let begin = Instant::now();
    store.apply(store.index() + 1, command).result.unwrap();
    begin.elapsed()
}

fn told(what: &str, count: usize, total: Duration) {
    println!(
        "{what}: {:.1} µs each, {:.0}/s",
        total.as_secs_f64() * 1e6 / count as f64,
        count as f64 / total.as_secs_f64()
    );
}

#[test]
#[ignore = "a measurement"]
fn cost() {
    let store = StateStore::new();
    let now = UnixNanos(1);
    let mut total = Duration::ZERO;
    for n in 0..NODES {
        let node = Arc::new(Node { id: format!("{n:036}").into(), node_pool: "default".to_owned(), ..Node::default() });
        total += apply(&store, &Command::UpsertNode(UpsertNode { node, now, evals: vec![] }));
    }
    told("register a node", NODES, total);
    let group = TaskGroup { name: "g".to_owned(), count: 1, tasks: vec![Task::default()], ..TaskGroup::default() };
    let job = Job { id: "web".into(), namespace: "default".into(), task_groups: vec![group], ..Job::default() };
    let register = RegisterJob {
        job: Arc::new(job.clone()),
        submission: None,
        eval: None,
        enforce_index: None,
        keep_versions: None,
    };
    apply(&store, &Command::RegisterJob(register));
    let job = store.snapshot().job(&job.key()).cloned();
    total = Duration::ZERO;
    for plan in 0..ALLOCS / PER_PLAN {
        let mut result = PlacementResult::default();
        for n in 0..PER_PLAN {
            let number = plan * PER_PLAN + n;
            let alloc = Allocation {
                id: format!("{number:036}").into(),
                namespace: "default".into(),
                job_id: "web".into(),
                node_id: format!("{:036}", number % NODES).into(),
                eval_id: format!("{plan:036}").into(),
                task_group: "g".to_owned(),
                ..Allocation::default()
            };
            result.node_allocation.entry(alloc.node_id.clone()).or_default().push(alloc);
        }
        let plan = ApplyPlacement {
            eval_id: "e".into(),
            job: job.clone(),
            result: Arc::new(result),
            preemption_evals: vec![],
            now,
        };
        total += apply(&store, &Command::ApplyPlacement(plan));
    }
    told("place an allocation", ALLOCS, total);
    total = Duration::ZERO;
    for n in 0..ALLOCS {
        let update = ClientAllocUpdate {
            id: format!("{n:036}").into(),
            client_status: AllocClientStatus::Running,
            ..Default::default()
        };
        let update = UpdateAllocsFromClient { updates: vec![update], evals: vec![], now };
        total += apply(&store, &Command::UpdateAllocsFromClient(update));
    }
    told("update an allocation, one per command", ALLOCS, total);
    let begin = Instant::now();
    let bytes = codec::encode_state(&store.snapshot()).unwrap();
    println!("encode the state: {:?}, {} KiB", begin.elapsed(), bytes.len() / 1024);
    let begin = Instant::now();
    StateStore::new().restore(&bytes).unwrap();
    println!("restore it: {:?}", begin.elapsed());
    let begin = Instant::now();
    for _ in 0..1_000_000 {
        std::hint::black_box(store.snapshot());
    }
    println!("take a snapshot: {:?}", begin.elapsed() / 1_000_000);
}
