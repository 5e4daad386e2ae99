//! What holds after any sequence of commands.

use drover_model::placement::{DeploymentUpdate, PlacementResult};
use drover_model::registry::{JobSummary, StoredVariable};
use drover_model::*;
use drover_state::*;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;

const IDS: u8 = 5;

fn key(n: u8) -> JobKey {
    JobKey::new(Namespace::from(if n % 4 == 3 { "other" } else { "default" }), JobId::from(format!("job{n}")))
}

fn job(n: u8, count: u32) -> Job {
    let key = key(n);
    let group = TaskGroup { name: "g".to_owned(), count, ..TaskGroup::default() };
    let parent = if n == 4 { JobId::from("job0") } else { JobId::default() };
    let kind = if n == 1 { JobType::System } else { JobType::Service };
    Job { id: key.id, namespace: key.namespace, parent_id: parent, kind, task_groups: vec![group], ..Job::default() }
}

fn eval(n: u8, job: u8, status: EvalStatus) -> Evaluation {
    let key = key(job);
    Evaluation {
        id: EvalId::from(format!("eval{n}")),
        namespace: key.namespace,
        job_id: key.id,
        status,
        queued_allocations: BTreeMap::from([("g".to_owned(), u32::from(n))]),
        ..Evaluation::default()
    }
}

fn alloc(n: u8, owner: u8, node: u8, desired: AllocDesiredStatus) -> Allocation {
    let key = key(owner);
    Allocation {
        id: AllocId::from(format!("alloc{owner}.{n}")),
        namespace: key.namespace,
        job_id: key.id,
        eval_id: EvalId::from(format!("eval{n}")),
        node_id: NodeId::from(format!("node{node}")),
        task_group: "g".to_owned(),
        desired_status: desired,
        deployment_id: DeploymentId::from(format!("deployment{owner}")),
        deployment_status: n.is_multiple_of(2).then(|| AllocDeploymentStatus { canary: n == 0, ..Default::default() }),
        previous_allocation: if n == 3 { AllocId::from(format!("alloc{owner}.2")) } else { AllocId::default() },
        ..Allocation::default()
    }
}

fn deployment(owner: u8) -> Deployment {
    let state = DeploymentState { desired_total: 2, progress_deadline: Nanos::from_mins(10), ..Default::default() };
    Deployment {
        task_groups: BTreeMap::from([("g".to_owned(), state)]),
        ..Deployment::new(DeploymentId::from(format!("deployment{owner}")), &job(owner, 1), 50, UnixNanos(1))
    }
}

fn placement(owner: u8, placed: Vec<Allocation>, with_deployment: bool) -> Command {
    let mut result = PlacementResult::default();
    for alloc in placed {
        result.node_allocation.entry(alloc.node_id.clone()).or_default().push(alloc);
    }
    result.deployment = with_deployment.then(|| deployment(owner));
    Command::ApplyPlacement(ApplyPlacement {
        eval_id: EvalId::from("eval0"),
        job: Some(Arc::new(job(owner, 1))),
        result: Arc::new(result),
        preemption_evals: Vec::new(),
        now: UnixNanos(5),
    })
}

fn id() -> impl Strategy<Value = u8> {
    0..IDS
}

fn command() -> impl Strategy<Value = Command> {
    let now = UnixNanos(9);
    let status = prop::sample::select(EvalStatus::ALL);
    let client = prop::sample::select(AllocClientStatus::ALL);
    prop_oneof![
        (id(), 1_u32..4, prop::option::of(id())).prop_map(|(n, count, e)| Command::RegisterJob(RegisterJob {
            job: Arc::new(job(n, count)),
            submission: Some(Default::default()),
            eval: e.map(|e| eval(e, n, EvalStatus::Pending)),
            enforce_index: None,
            keep_versions: None,
        })),
        (id(), any::<bool>()).prop_map(move |(n, purge)| Command::DeregisterJob(DeregisterJob {
            key: key(n),
            purge,
            no_shutdown_delay: true,
            eval: None,
            now,
        })),
        (id(), status).prop_map(|(n, status)| Command::UpsertEvals(vec![eval(n, n, status)])),
        (id(), prop::collection::vec((id(), id()), 0..4), any::<bool>()).prop_map(|(owner, list, with)| {
            let list = list.into_iter().map(|(n, node)| alloc(n, owner, node, AllocDesiredStatus::Run)).collect();
            placement(owner, list, with)
        }),
        (id(), id(), client, prop::option::of(any::<bool>())).prop_map(move |(owner, n, client_status, healthy)| {
            let update = ClientAllocUpdate {
                id: AllocId::from(format!("alloc{owner}.{n}")),
                client_status,
                deployment_status: Some(AllocDeploymentStatus { healthy, ..Default::default() }),
                ..Default::default()
            };
            Command::UpdateAllocsFromClient(UpdateAllocsFromClient { updates: vec![update], evals: vec![], now })
        }),
        id().prop_map(move |n| Command::UpsertNode(UpsertNode {
            node: Arc::new(Node {
                id: NodeId::from(format!("node{n}")),
                node_pool: format!("p{n}"),
                ..Node::default()
            }),
            now,
            evals: vec![],
        })),
        id().prop_map(move |n| Command::UpdateDeploymentStatus(UpdateDeploymentStatus {
            update: DeploymentUpdate {
                id: DeploymentId::from(format!("deployment{n}")),
                status: DeploymentStatus::Successful,
                description: String::new(),
            },
            job: None,
            eval: None,
            now,
        })),
        (id(), id()).prop_map(|(n, a)| Command::UpsertServices(vec![ServiceRegistration {
            id: format!("service{n}"),
            service_name: format!("name{}", a % 2),
            namespace: "default".into(),
            alloc_id: AllocId::from(format!("alloc{a}.0")),
            node_id: NodeId::from(format!("node{a}")),
            ..Default::default()
        }])),
        id().prop_map(|n| Command::DeleteServices(DeleteServices::ByNode(NodeId::from(format!("node{n}"))))),
        (id(), prop::option::of(0_u64..30)).prop_map(move |(n, cas)| Command::UpsertVariable(UpsertVariable {
            variable: StoredVariable { namespace: "default".into(), path: format!("v{n}"), ..Default::default() },
            cas,
            now,
        })),
        (id(), id()).prop_map(|(owner, n)| Command::Reap(Reap {
            evals: vec![EvalId::from(format!("eval{n}"))],
            allocs: vec![AllocId::from(format!("alloc{owner}.{n}"))],
            deployments: vec![DeploymentId::from(format!("deployment{n}"))],
            jobs: vec![],
            nodes: vec![NodeId::from(format!("node{n}"))],
        })),
    ]
}

/// The same rows counted anew; what was collected meanwhile stays counted, so this holds only without removals.
fn recount(snapshot: &Snapshot, summary: &JobSummary) -> BTreeMap<AllocClientStatus, u32> {
    let mut counts = BTreeMap::new();
    let key = JobKey::new(summary.namespace.clone(), summary.job_id.clone());
    for alloc in snapshot.allocs_by_job(&key) {
        *counts.entry(alloc.client_status).or_default() += 1;
    }
    counts
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn restoring_what_was_encoded_is_the_identity(commands in prop::collection::vec(command(), 1..60)) {
        let store = StateStore::new();
        let mut encoded_before = None;
        for (number, command) in commands.iter().enumerate() {
            let bytes = codec::encode_command(command).unwrap();
            prop_assert_eq!(&codec::decode_command(&bytes).unwrap(), command);
            store.apply(number as u64 + 10, command);
            if number == commands.len() / 2 {
                let snapshot = store.snapshot();
                let bytes = codec::encode_state(&snapshot).unwrap();
                encoded_before = Some((snapshot, bytes));
            }
        }
        // Snapshots do not change under later commands.
        let (snapshot, bytes) = encoded_before.unwrap();
        prop_assert_eq!(codec::encode_state(&snapshot).unwrap(), bytes);
        // Restoring makes the secondary indexes anew from the rows: equality says that they were right.
        let bytes = codec::encode_state(&store.snapshot()).unwrap();
        let restored = StateStore::new();
        restored.restore(&bytes).unwrap();
        prop_assert!(restored.snapshot().same_as(&store.snapshot()));
    }

    #[test]
    fn summaries_count_what_is_there(commands in prop::collection::vec(command(), 1..60)) {
        let store = StateStore::new();
        let keeps = |command: &&Command| !matches!(command, Command::Reap(_) | Command::DeregisterJob(_));
        for (number, command) in commands.iter().filter(keeps).enumerate() {
            store.apply(number as u64 + 10, command);
        }
        let snapshot = store.snapshot();
        for job in snapshot.jobs() {
            let summary = snapshot.job_summary(&job.key()).unwrap();
            let counts = recount(&snapshot, summary);
            let of = |status| counts.get(&status).copied().unwrap_or(0);
            // Allocations placed before their job was registered are not counted.
            if snapshot.allocs_by_job(&job.key()).any(|alloc| alloc.create_index < job.create_index) {
                continue;
            }
            let group = &summary.summary["g"];
            prop_assert_eq!(group.running, of(AllocClientStatus::Running));
            prop_assert_eq!(group.complete, of(AllocClientStatus::Complete));
            prop_assert_eq!(group.failed, of(AllocClientStatus::Failed));
            prop_assert_eq!(group.starting, of(AllocClientStatus::Pending));
        }
    }
}
