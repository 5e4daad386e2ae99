//! Empties draining nodes, a few allocations at a time.

pub mod core;

use self::core::{DrainingJob, DrainingNode, next_deadline, step};
use crate::evals;
use crate::server::Inner;
use crate::timer;
use drover_model::{DesiredTransition, EvalTrigger, JobKey, NodeEvent, TextMap, UnixNanos};
use drover_state::{Command, DrainOutcome, Snapshot, UpdateAllocDesiredTransition, UpdateNodeDrain};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::Notify;

/// Wakes the drainer.
#[derive(Debug, Default)]
pub struct Signals {
    notify: Notify,
    draining: AtomicBool,
}

impl Signals {
    /// A drain began or changed.
    pub fn wake(&self) {
        self.notify.notify_one();
    }
    /// An allocation changed: of interest only while a node is draining.
    pub fn wake_if_draining(&self) {
        if self.draining.load(Ordering::Acquire) {
            self.wake();
        }
    }
}

/// Drains until the task is dropped.
pub(crate) async fn run(inner: Arc<Inner>) {
    loop {
        let now = UnixNanos::now();
        let snapshot = inner.store.snapshot();
        let nodes = draining_nodes(&snapshot);
        inner.drainer.draining.store(!nodes.is_empty(), Ordering::Release);
        let step = step(&nodes, &draining_jobs(&snapshot, &nodes), now);
        if !step.is_empty() {
            for command in commands(&snapshot, &nodes, &step, now) {
                if let Err(error) = inner.propose(command).await {
                    tracing::warn!(%error, "a drain could not go on; it is tried again");
                }
            }
        }
        timer::until(next_deadline(&nodes, now), inner.drainer.notify.notified()).await;
    }
}

fn draining_nodes(snapshot: &Snapshot) -> Vec<DrainingNode> {
    let draining = snapshot.nodes().filter(|node| node.drain_strategy.is_some());
    draining
        .map(|node| DrainingNode { node: node.clone(), allocs: snapshot.allocs_by_node(&node.id).cloned().collect() })
        .collect()
}

fn draining_jobs(snapshot: &Snapshot, nodes: &[DrainingNode]) -> BTreeMap<JobKey, DrainingJob> {
    let mut jobs = BTreeMap::new();
    for alloc in nodes.iter().flat_map(|node| &node.allocs).filter(|alloc| !alloc.is_client_terminal()) {
        let key = alloc.job_key();
        if let (false, Some(job)) = (jobs.contains_key(&key), snapshot.job(&key).or(alloc.job.as_ref())) {
            let allocs = snapshot.allocs_by_job(&key).cloned().collect();
            jobs.insert(key, DrainingJob { job: job.clone(), allocs });
        }
    }
    jobs
}

fn commands(snapshot: &Snapshot, nodes: &[DrainingNode], step: &core::DrainStep, now: UnixNanos) -> Vec<Command> {
    let mut commands = Vec::new();
    if !step.migrate.is_empty() {
        let migrate = DesiredTransition { migrate: Some(true), ..DesiredTransition::default() };
        let jobs = step.jobs.iter().filter_map(|key| snapshot.job(key));
        commands.push(Command::UpdateAllocDesiredTransition(UpdateAllocDesiredTransition {
            transitions: step.migrate.iter().map(|id| (id.clone(), migrate.clone())).collect(),
            evals: jobs.map(|job| evals::for_job(job, EvalTrigger::NodeDrain, now)).collect(),
            now,
        }));
    }
    for id in &step.done {
        let forced = nodes.iter().any(|draining| {
            draining.node.id == *id
                && draining
                    .node
                    .drain_strategy
                    .as_ref()
                    .is_some_and(|strategy| strategy.force_deadline.nanos().is_some_and(|at| at <= now))
        });
        let mut details = TextMap::new();
        if forced {
            details.insert("deadline_reached".to_owned(), "true".to_owned());
        }
        commands.push(Command::UpdateNodeDrain(UpdateNodeDrain {
            node_id: id.clone(),
            strategy: None,
            mark_eligible: false,
            outcome: DrainOutcome::Complete,
            meta: TextMap::new(),
            accessor_id: String::new(),
            event: Some(drain_event("Node drain complete", details, now)),
            now,
            evals: Vec::new(),
        }));
    }
    commands
}

/// An event of a node's drain.
pub(crate) fn drain_event(message: &str, details: TextMap, now: UnixNanos) -> NodeEvent {
    NodeEvent {
        message: message.to_owned(),
        subsystem: "Drain".to_owned(),
        details,
        timestamp: now.into(),
        create_index: 0,
    }
}
