//! Rules that clients rely on: versions, compare-and-set, deployments, watches.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends")]

use drover_model::placement::PlacementResult;
use drover_model::registry::StoredVariable;
use drover_model::*;
use drover_state::*;
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

fn job(count: u32) -> Job {
    let group = TaskGroup { name: "g".to_owned(), count, ..TaskGroup::default() };
    Job { id: "web".into(), namespace: "default".into(), task_groups: vec![group], ..Job::default() }
}

fn register(store: &StateStore, job: Job, enforce_index: Option<u64>) -> Result<Applied, StateError> {
    let eval = Evaluation {
        id: EvalId::from(format!("e{}", store.index())),
        namespace: "default".into(),
        job_id: "web".into(),
        ..Evaluation::default()
    };
    let command = Command::RegisterJob(RegisterJob {
        job: Arc::new(job),
        submission: None,
        eval: Some(eval),
        enforce_index,
        keep_versions: None,
    });
    store.apply(store.index() + 1, &command).result
}

fn key() -> JobKey {
    JobKey::new("default", "web")
}

fn place(store: &StateStore, id: &str, deployment: Option<Deployment>) {
    let alloc = Allocation {
        id: id.into(),
        namespace: "default".into(),
        job_id: "web".into(),
        node_id: "n".into(),
        task_group: "g".to_owned(),
        deployment_id: "d".into(),
        deployment_status: Some(AllocDeploymentStatus { canary: true, ..Default::default() }),
        ..Allocation::default()
    };
    let result = PlacementResult {
        node_allocation: BTreeMap::from([("n".into(), vec![alloc])]),
        deployment,
        ..PlacementResult::default()
    };
    let command = ApplyPlacement {
        eval_id: "e".into(),
        job: store.snapshot().job(&key()).cloned(),
        result: Arc::new(result),
        preemption_evals: vec![],
        now: UnixNanos(100),
    };
    store.apply(store.index() + 1, &Command::ApplyPlacement(command)).result.unwrap();
}

fn report(store: &StateStore, id: &str, client_status: AllocClientStatus, healthy: Option<bool>) {
    let update = ClientAllocUpdate {
        id: id.into(),
        client_status,
        deployment_status: Some(AllocDeploymentStatus {
            healthy,
            timestamp: UnixNanos(200).into(),
            ..Default::default()
        }),
        ..Default::default()
    };
    let command = UpdateAllocsFromClient { updates: vec![update], evals: vec![], now: UnixNanos(200) };
    store.apply(store.index() + 1, &Command::UpdateAllocsFromClient(command)).result.unwrap();
}

#[test]
fn an_unchanged_specification_makes_no_new_version() {
    let store = StateStore::new();
    assert_eq!(
        register(&store, job(1), None).unwrap(),
        Applied::Job { job_modify_index: 1, version: 0, changed: true }
    );
    let again = Job { submit_time: UnixNanos(77), ..job(1) };
    assert_eq!(
        register(&store, again, None).unwrap(),
        Applied::Job { job_modify_index: 1, version: 0, changed: false }
    );
    assert_eq!(store.snapshot().evals_by_job(&key()).count(), 2, "the evaluation is made all the same");
    assert_eq!(
        register(&store, job(2), None).unwrap(),
        Applied::Job { job_modify_index: 3, version: 1, changed: true }
    );
    for count in 3..12 {
        register(&store, job(count), None).unwrap();
    }
    let snapshot = store.snapshot();
    let versions: Vec<u64> = snapshot.job_versions(&key()).iter().map(|job| job.version).collect();
    assert_eq!(versions, [10, 9, 8, 7, 6, 5]);
}

#[test]
fn a_stable_version_outlives_younger_ones() {
    let store = StateStore::new();
    register(&store, job(1), None).unwrap();
    let stable = UpdateJobStability { key: key(), version: 0, stable: true };
    store.apply(2, &Command::UpdateJobStability(stable)).result.unwrap();
    for count in 2..10 {
        register(&store, job(count), None).unwrap();
    }
    let snapshot = store.snapshot();
    assert_eq!(snapshot.latest_stable_version(&key()).unwrap().version, 0);
    assert_eq!(snapshot.job_versions(&key()).len(), 6);
}

#[test]
fn registration_compares_and_sets() {
    let store = StateStore::new();
    let text = |result: Result<Applied, StateError>| result.unwrap_err().to_string();
    assert_eq!(text(register(&store, job(1), Some(5))), "Enforcing job modify index 5: job does not exist");
    register(&store, job(1), Some(0)).unwrap();
    assert_eq!(text(register(&store, job(2), Some(0))), "Enforcing job modify index 0: job already exists");
    assert_eq!(
        text(register(&store, job(2), Some(1))),
        "Enforcing job modify index 1: job exists with conflicting job modify index: 2"
    );
    assert_eq!(store.snapshot().job(&key()).unwrap().version, 0, "nothing of a refused command is applied");
    register(&store, job(2), Some(2)).unwrap();
}

#[test]
fn status_follows_evaluations_and_allocations() {
    let store = StateStore::new();
    register(&store, job(1), None).unwrap();
    let status = || store.snapshot().job(&key()).unwrap().status;
    assert_eq!(status(), JobStatus::Pending);
    place(&store, "a", None);
    assert_eq!(status(), JobStatus::Running);
    let eval = store.snapshot().evals_by_job(&key()).next().unwrap().clone();
    let done = Evaluation { status: EvalStatus::Complete, ..(*eval).clone() };
    store.apply(store.index() + 1, &Command::UpsertEvals(vec![done])).result.unwrap();
    report(&store, "a", AllocClientStatus::Complete, None);
    assert_eq!(status(), JobStatus::Dead);
}

#[test]
fn deployments_count_health_and_promote() {
    let store = StateStore::new();
    register(&store, job(1), None).unwrap();
    let state = DeploymentState {
        desired_canaries: 1,
        desired_total: 1,
        progress_deadline: Nanos(1000),
        ..DeploymentState::default()
    };
    let deployment = Deployment {
        task_groups: BTreeMap::from([("g".to_owned(), state)]),
        ..Deployment::new("d".into(), &job(1), 50, UnixNanos(1))
    };
    place(&store, "a", Some(deployment));
    let group = || store.snapshot().deployment(&"d".into()).unwrap().task_groups["g"].clone();
    assert_eq!((group().placed_allocs, group().placed_canaries.len()), (1, 1));
    assert_eq!(group().require_progress_by.unwrap().nanos(), Some(UnixNanos(1100)));
    let promote = DeploymentPromote { id: "d".into(), groups: None, eval: None, now: UnixNanos(300) };
    let promote = Command::DeploymentPromote(promote);
    let refused = store.apply(store.index() + 1, &promote).result.unwrap_err().to_string();
    assert_eq!(refused, "1 error occurred:\n\t* Task group \"g\" has 0/1 healthy allocations\n\n");
    report(&store, "a", AllocClientStatus::Running, Some(true));
    assert_eq!(group().healthy_allocs, 1);
    assert_eq!(group().require_progress_by.unwrap().nanos(), Some(UnixNanos(1200)));
    store.apply(store.index() + 1, &promote).result.unwrap();
    assert!(group().promoted);
    assert!(!store.snapshot().alloc(&"a".into()).unwrap().is_canary());
    report(&store, "a", AllocClientStatus::Running, Some(false));
    assert_eq!((group().healthy_allocs, group().unhealthy_allocs), (0, 1));
}

#[test]
fn a_batch_is_all_or_nothing() {
    let store = StateStore::new();
    let good = Command::PutMeta(PutMeta { key: "k".to_owned(), value: Some("v".to_owned()) });
    let bad = Command::DeleteNamespaces(vec!["default".into()]);
    let outcome = store.apply(1, &Command::Batch(vec![good.clone(), bad]));
    assert!(outcome.result.is_err());
    assert_eq!((store.snapshot().meta("k"), store.index()), (None, 1));
    store.apply(2, &Command::Batch(vec![good.clone(), good])).result.unwrap();
    assert_eq!(store.snapshot().meta("k"), Some("v"));
}

#[test]
fn variables_compare_and_set() {
    let store = StateStore::new();
    let write = |cas| {
        let variable = StoredVariable { namespace: "default".into(), path: "p".to_owned(), ..Default::default() };
        store
            .apply(store.index() + 1, &Command::UpsertVariable(UpsertVariable { variable, cas, now: UnixNanos(1) }))
            .result
    };
    write(Some(0)).unwrap();
    assert!(matches!(write(Some(0)), Err(StateError::Variable(VariableConflict { current: Some(_), wanted: 0 }))));
    write(Some(1)).unwrap();
}

#[test]
fn a_watch_wakes_only_for_what_it_names() {
    let store = StateStore::new();
    let mut context = Context::from_waker(Waker::noop());
    let mut mine = pin!(store.watch(vec![WatchKey::Job(key())]));
    let mut other = pin!(store.watch(vec![WatchKey::Job(JobKey::new("default", "db"))]));
    let mut table = pin!(store.watch(vec![WatchKey::Table(Table::Jobs)]));
    assert_eq!(mine.as_mut().poll(&mut context), Poll::Pending);
    register(&store, job(1), None).unwrap();
    assert_eq!(mine.as_mut().poll(&mut context), Poll::Ready(()));
    assert_eq!(table.as_mut().poll(&mut context), Poll::Ready(()));
    assert_eq!(other.as_mut().poll(&mut context), Poll::Pending);
    mine.rearm();
    assert_eq!(mine.as_mut().poll(&mut context), Poll::Pending);
}
