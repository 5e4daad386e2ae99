//! Leadership: taking up all work from the state, following every change, and laying it down.

use crate::blocked::core::{Admission, Capacity};
use crate::endpoints::quotas::free as free_quota;
use crate::server::Inner;
use crate::{deployments, drainer, gc, heartbeat, keyring, locks, periodic, worker};
use drover_base::uuid;
use drover_model::{
    Allocation, EvalId, EvalStatus, EvalTrigger, Evaluation, Job, Nanos, Node, NodeStatus, UnixNanos, WireTime,
};
use drover_state::{Command, Event, EventPayload, Observer, Snapshot};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::task::JoinSet;

/// Wait before an evaluation that failed too often is tried once more.
const FAILED_FOLLOW_UP_WAIT: Nanos = Nanos::from_mins(1);

/// Wait after a write that the log did not take.
const WRITE_RETRY_WAIT: Duration = Duration::from_secs(1);
/// The fewest workers: they wait for the log most of the time.
const MIN_WORKERS: usize = 4;
/// Between two tries of evaluations whose plans were refused too often.
const REFUSED_RETRY_INTERVAL: Nanos = Nanos::from_mins(1);

/// Whether this server leads.
#[derive(Debug, Default)]
pub struct Leadership(AtomicBool);

impl Leadership {
    /// Whether it does now.
    pub fn is_leader(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// Follows the state while this server leads. It runs on the thread that applies: it only moves
/// things between queues in memory, and wakes those who do the work.
struct Reactor(Weak<Inner>);

/// Watches the state for `inner`.
pub(crate) fn observe(inner: &Arc<Inner>) {
    inner.store.observe(Arc::new(Reactor(Arc::downgrade(inner))));
}

impl Observer for Reactor {
    fn applied(&self, snapshot: &Snapshot, events: &[Event]) {
        if let Some(inner) = self.0.upgrade().filter(|inner| inner.leadership.is_leader()) {
            for event in events {
                react(&inner, snapshot, &event.payload);
            }
        }
    }
    fn restored(&self, snapshot: &Snapshot) {
        if let Some(inner) = self.0.upgrade().filter(|inner| inner.leadership.is_leader()) {
            lay_down(&inner);
            take_up(&inner, snapshot);
        }
    }
}

/// Leads whenever the log says so.
pub(crate) async fn lead(inner: Arc<Inner>) {
    loop {
        inner.log.wait_for_leadership().await;
        inner.leadership.0.store(true, Ordering::Release);
        take_up(&inner, &inner.store.snapshot());
        tracing::info!(workers = workers(&inner), "cluster leadership acquired");
        if let Err(error) = inner.bootstrap_as_configured().await {
            tracing::warn!(%error, "the configured bootstrap token could not be made");
        }
        let mut work = JoinSet::new();
        for number in 0..workers(&inner) {
            work.spawn(worker::run(inner.clone(), number));
        }
        work.spawn(delayed(inner.clone()));
        work.spawn(try_refused_again(inner.clone()));
        work.spawn(deployments::run(inner.clone()));
        work.spawn(drainer::run(inner.clone()));
        work.spawn(periodic::run(inner.clone()));
        work.spawn(heartbeat::run(inner.clone()));
        work.spawn(gc::run(inner.clone()));
        work.spawn(crate::storage::run(inner.clone()));
        work.spawn(locks::run(inner.clone()));
        work.spawn(keyring::lead::run(inner.clone()));
        inner.log.wait_for_loss().await;
        inner.leadership.0.store(false, Ordering::Release);
        tracing::info!("cluster leadership lost");
        work.shutdown().await;
        lay_down(&inner);
    }
}

fn workers(inner: &Inner) -> usize {
    match inner.config.workers {
        0 => std::thread::available_parallelism().map_or(1, std::num::NonZero::get).max(MIN_WORKERS),
        configured => configured,
    }
}

/// Takes up everything that the state says is under way. What changes meanwhile comes through the
/// observer too; taking something in twice does no harm.
fn take_up(inner: &Inner, snapshot: &Snapshot) {
    let now = UnixNanos::now();
    inner.queue.pause(snapshot.scheduler_configuration().pause_eval_broker);
    for eval in snapshot.evals() {
        follow_eval(inner, eval);
    }
    for node in snapshot.nodes().filter(|node| node.status != NodeStatus::Down) {
        inner.heartbeats.restore(&node.id, now);
    }
    for job in snapshot.jobs() {
        let after = snapshot.periodic_launch(&job.key()).unwrap_or(now);
        inner.periodic.track(job, after);
    }
    for deployment in snapshot.deployments().filter(|deployment| deployment.is_active()) {
        inner.deployments.mark(&deployment.id);
    }
    inner.variable_locks.restore(snapshot);
    inner.drainer.wake();
}

fn lay_down(inner: &Inner) {
    inner.queue.clear();
    *inner.blocked.lock() = crate::blocked::core::Blocked::default();
    inner.periodic.clear();
    inner.variable_locks.clear();
    inner.heartbeats.clear();
    inner.deployments.clear();
}

fn react(inner: &Inner, snapshot: &Snapshot, payload: &EventPayload) {
    match payload {
        EventPayload::Evaluation(eval) => follow_eval(inner, eval),
        EventPayload::Allocation(alloc) => follow_alloc(inner, snapshot, alloc),
        EventPayload::Node(node) => follow_node(inner, snapshot, node),
        EventPayload::Job(job) => follow_job(inner, snapshot, job),
        EventPayload::Deployment(deployment) => inner.deployments.mark(&deployment.id),
        // Nobody acts on the other tables.
        _ => {}
    }
}

fn follow_eval(inner: &Inner, eval: &Arc<Evaluation>) {
    match eval.status {
        EvalStatus::Pending => inner.queue.enqueue([eval.clone()]),
        EvalStatus::Blocked => {
            let admission = inner.blocked.lock().block(eval.clone());
            match admission {
                Admission::Waits { replaced } => inner.cancel(replaced.into_iter().collect()),
                Admission::Outdated => inner.cancel(vec![eval.clone()]),
                Admission::RunsAgain => inner.queue.enqueue([eval.clone()]),
            }
        }
        EvalStatus::Complete if eval.failed_tg_allocs.is_empty() => {
            inner.blocked.lock().untrack(&eval.job_key());
        }
        EvalStatus::Complete | EvalStatus::Failed | EvalStatus::Canceled => {
            inner.blocked.lock().remove(&eval.id);
        }
    }
}

fn follow_alloc(inner: &Inner, snapshot: &Snapshot, alloc: &Allocation) {
    if !alloc.deployment_id.is_empty() {
        inner.deployments.mark(&alloc.deployment_id);
    }
    if alloc.is_terminal()
        && let Some(node) = snapshot.node(&alloc.node_id)
    {
        free(inner, node, snapshot.index());
        let namespace = snapshot.namespace(&alloc.namespace);
        namespace.iter().for_each(|namespace| free_quota(inner, &namespace.quota, snapshot.index()));
    }
    inner.drainer.wake_if_draining();
}

fn follow_node(inner: &Inner, snapshot: &Snapshot, node: &Arc<Node>) {
    if snapshot.node(&node.id).is_none() || node.status == NodeStatus::Down {
        inner.heartbeats.forget(&node.id);
        return;
    }
    if node.is_ready() {
        free(inner, node, snapshot.index());
    }
    if node.drain_strategy.is_some() {
        inner.drainer.wake();
    }
}

fn follow_job(inner: &Inner, snapshot: &Snapshot, job: &Arc<Job>) {
    let key = job.key();
    match snapshot.job(&key) {
        None => {
            inner.periodic.forget(&key);
            let waiting = inner.blocked.lock().untrack(&key);
            inner.cancel(waiting);
        }
        Some(current) => {
            if current.stop {
                let waiting = inner.blocked.lock().untrack(&key);
                inner.cancel(waiting);
            }
            inner.periodic.track(current, UnixNanos::now());
        }
    }
}

/// Capacity came free on a node.
fn free(inner: &Inner, node: &Node, index: u64) {
    let capacity = Capacity { node_id: node.id.clone(), class: node.computed_class.clone(), index };
    let unblocked = inner.blocked.lock().unblock(&capacity);
    if !unblocked.is_empty() {
        inner.queue.enqueue(unblocked);
    }
}

/// Moves delayed evaluations on; those that failed too often end, and are tried again much later.
async fn delayed(inner: Arc<Inner>) {
    loop {
        let failed = inner.queue.advance().await;
        let now = UnixNanos::now();
        let mut evals = Vec::with_capacity(failed.len() * 2);
        for eval in &failed {
            let follow_up = Evaluation {
                id: EvalId::from(uuid::random()),
                triggered_by: EvalTrigger::FailedFollowUp,
                status: EvalStatus::Pending,
                status_description: String::new(),
                wait_until: WireTime::from(now.plus(FAILED_FOLLOW_UP_WAIT)),
                previous_eval: eval.id.clone(),
                create_time: now,
                modify_time: now,
                ..(**eval).clone()
            };
            let limit = crate::broker::core::DELIVERY_LIMIT;
            evals.push(Evaluation {
                status: EvalStatus::Failed,
                status_description: format!("evaluation reached delivery limit ({limit})"),
                next_eval: follow_up.id.clone(),
                modify_time: now,
                ..(**eval).clone()
            });
            evals.push(follow_up);
        }
        if let Err(error) = inner.propose(Command::UpsertEvals(evals)).await {
            tracing::warn!(%error, "failed evaluations could not be written; they are tried once more");
            tokio::time::sleep(WRITE_RETRY_WAIT).await;
            inner.queue.enqueue(failed);
        }
    }
}

/// Evaluations whose plans were refused too often wait for no capacity: they are tried again now and then.
async fn try_refused_again(inner: Arc<Inner>) {
    loop {
        tokio::time::sleep(REFUSED_RETRY_INTERVAL.as_duration()).await;
        let refused = inner.blocked.lock().take_refused();
        inner.queue.enqueue(refused);
    }
}
