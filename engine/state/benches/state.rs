//! What a snapshot costs with a thousand and with a million allocations, and what 10,000 watchers cost a change that
//! wakes one of them.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout, reason = "a bench prints its result")]

use drover_model::{
    AllocClientStatus, AllocId, Allocation, Job, JobKey, NodeId, PlacementResult, Task, TaskGroup, UnixNanos,
};
use drover_state::{
    ApplyPlacement, ClientAllocUpdate, Command, RegisterJob, StateStore, UpdateAllocsFromClient, WatchKey,
};
use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Wake, Waker};
use std::time::{Duration, Instant};

const PER_COMMAND: usize = 10_000;
const NODES: usize = 6_100;
const WATCHERS: usize = 10_000;
const ROUNDS: usize = 1_000;

fn main() {
    for rows in [1_000, 1_000_000] {
        let store = filled(rows);
        let begin = Instant::now();
        (0..ROUNDS * 1_000).for_each(|_| drop(std::hint::black_box(store.snapshot())));
        println!("{rows:>9} allocations: a snapshot takes {:?}", begin.elapsed() / 1_000_000);
        println!("{rows:>9} allocations: a change takes {:?}", change(&store, rows));
        watched(&store, rows);
    }
}

fn apply(store: &StateStore, command: &Command) {
    store.apply(store.index() + 1, command).result.unwrap();
}

fn alloc_id(number: usize) -> AllocId {
    format!("{:08x}-0000-4000-8000-{number:012x}", (number as u32).wrapping_mul(0x9e37_79b1)).into()
}

fn filled(rows: usize) -> StateStore {
    let store = StateStore::new();
    let group = TaskGroup { name: "g".to_owned(), count: 1, tasks: vec![Task::default()], ..TaskGroup::default() };
    let job = Job { id: "web".into(), namespace: "default".into(), task_groups: vec![group], ..Job::default() };
    let register =
        RegisterJob { job: Arc::new(job), submission: None, eval: None, enforce_index: None, keep_versions: None };
    apply(&store, &Command::RegisterJob(register));
    let job = store.snapshot().job(&JobKey::new("default", "web")).cloned();
    let mut number = 0;
    while number < rows {
        let mut node_allocation: BTreeMap<NodeId, Vec<Allocation>> = BTreeMap::new();
        for _ in 0..PER_COMMAND.min(rows - number) {
            let node = number % NODES;
            let alloc = Allocation {
                id: alloc_id(number),
                namespace: "default".into(),
                job_id: "web".into(),
                node_id: format!("{node:08x}-0000-4000-8000-000000000000").into(),
                eval_id: "e".into(),
                task_group: "g".to_owned(),
                ..Allocation::default()
            };
            node_allocation.entry(alloc.node_id.clone()).or_default().push(alloc);
            number += 1;
        }
        let result = Arc::new(PlacementResult { node_allocation, ..PlacementResult::default() });
        let (job, now) = (job.clone(), UnixNanos(1));
        let plan = ApplyPlacement { eval_id: "e".into(), job, result, preemption_evals: Vec::new(), now };
        apply(&store, &Command::ApplyPlacement(plan));
    }
    store
}

fn report(number: usize) -> Command {
    let client_status = AllocClientStatus::Running;
    let update = ClientAllocUpdate { id: alloc_id(number), client_status, ..ClientAllocUpdate::default() };
    Command::UpdateAllocsFromClient(UpdateAllocsFromClient { updates: vec![update], evals: vec![], now: UnixNanos(2) })
}

/// The time of a change of one allocation, while somebody holds a snapshot.
fn change(store: &StateStore, rows: usize) -> Duration {
    let _held = store.snapshot();
    let begin = Instant::now();
    (0..ROUNDS).for_each(|round| apply(store, &report(round * 7919 % rows)));
    begin.elapsed() / ROUNDS as u32
}

struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// The same with 10,000 watchers, each of an allocation of its own, where one is waited for by one of them.
fn watched(store: &StateStore, rows: usize) {
    let woken = Arc::new(Woken(AtomicUsize::new(0)));
    let waker = Waker::from(woken.clone());
    let mut context = Context::from_waker(&waker);
    let watches: Vec<_> = (0..WATCHERS)
        .map(|number| {
            let mut watch = store.watch(vec![WatchKey::Alloc(alloc_id(number))]);
            assert!(pin!(&mut watch).poll(&mut context).is_pending());
            watch
        })
        .collect();
    let changed = rows.min(ROUNDS);
    let begin = Instant::now();
    (0..changed).for_each(|number| apply(store, &report(number)));
    let each = begin.elapsed() / changed as u32;
    let woken = woken.0.load(Ordering::Relaxed);
    println!("{rows:>9} allocations: with {WATCHERS} watchers a change takes {each:?}; {changed} changes woke {woken}");
    assert_eq!(woken, changed, "each change wakes the one who waits for it");
    drop(watches);
}
