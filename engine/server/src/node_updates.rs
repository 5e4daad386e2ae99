//! What nodes say of their allocations, many reports per log entry.

use crate::error::{Result, ServerError};
use crate::evals;
use crate::server::Inner;
use drover_model::{AllocClientStatus, Allocation, EvalTrigger, Evaluation, JobKey, ReschedulePolicy, UnixNanos};
use drover_state::{ClientAllocUpdate, Command, Snapshot, UpdateAllocsFromClient};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};

/// Reports that may wait.
const MAX_PENDING_REPORTS: usize = 1024;
/// Allocations in one log entry.
const MAX_UPDATES_PER_COMMAND: usize = 1024;

/// One report of a node.
pub struct Report {
    updates: Vec<Allocation>,
    done: oneshot::Sender<Result<u64>>,
}

/// Takes reports.
pub struct AllocUpdates(mpsc::Sender<Report>);

impl AllocUpdates {
    /// A queue and its end.
    pub fn new() -> (Self, mpsc::Receiver<Report>) {
        let (sender, receiver) = mpsc::channel(MAX_PENDING_REPORTS);
        (Self(sender), receiver)
    }

    /// Hands in a report; answers with the index at which it was applied.
    pub async fn report(&self, updates: Vec<Allocation>) -> Result<u64> {
        let (done, answer) = oneshot::channel();
        let stopped = || ServerError::unavailable("the server is shut down");
        self.0.send(Report { updates, done }).await.map_err(|_| stopped())?;
        answer.await.map_err(|_| stopped())?
    }
}

/// Writes reports until shutdown; those that come while one is written go together.
pub(crate) async fn run(inner: Arc<Inner>, mut reports: mpsc::Receiver<Report>) {
    while let Some(first) = reports.recv().await {
        let mut waiting = vec![first.done];
        let mut updates = first.updates;
        while updates.len() < MAX_UPDATES_PER_COMMAND {
            let Ok(next) = reports.try_recv() else { break };
            updates.extend(next.updates);
            waiting.push(next.done);
        }
        let now = UnixNanos::now();
        let command = Command::UpdateAllocsFromClient(UpdateAllocsFromClient {
            evals: evaluations(&inner.store.snapshot(), &updates, now),
            updates: updates.into_iter().map(client_fields).collect(),
            now,
        });
        let written = inner.propose(command).await.map(|committed| committed.index);
        for done in waiting {
            // The node may have gone meanwhile.
            let _gone = done.send(written.clone());
        }
    }
}

fn client_fields(alloc: Allocation) -> ClientAllocUpdate {
    ClientAllocUpdate {
        id: alloc.id,
        client_status: alloc.client_status,
        client_description: alloc.client_description,
        task_states: alloc.task_states,
        deployment_status: alloc.deployment_status,
        network_status: alloc.network_status,
    }
}

/// One evaluation per job that has something to replace, or something back.
fn evaluations(snapshot: &Snapshot, updates: &[Allocation], now: UnixNanos) -> Vec<Evaluation> {
    let mut triggers: BTreeMap<JobKey, EvalTrigger> = BTreeMap::new();
    for update in updates {
        let Some(stored) = snapshot.alloc(&update.id) else { continue };
        if let Some(trigger) = trigger(snapshot, stored, update.client_status, now) {
            triggers.insert(stored.job_key(), trigger);
        }
    }
    triggers
        .into_iter()
        .filter_map(|(key, trigger)| Some((snapshot.job(&key)?, trigger)))
        .map(|(job, trigger)| Evaluation { job_modify_index: 0, ..evals::for_job(job, trigger, now) })
        .collect()
}

fn trigger(snapshot: &Snapshot, stored: &Allocation, status: AllocClientStatus, now: UnixNanos) -> Option<EvalTrigger> {
    if stored.client_status == AllocClientStatus::Unknown && status != AllocClientStatus::Unknown {
        return Some(EvalTrigger::Reconnect);
    }
    let newly_failed = status == AllocClientStatus::Failed && !stored.is_client_terminal();
    if !newly_failed || stored.is_server_terminal() || !stored.followup_eval_id.is_empty() {
        return None;
    }
    let job = snapshot.job(&stored.job_key())?;
    if job.stop {
        return None;
    }
    let policy = job.group(&stored.task_group)?.reschedule_policy.as_ref()?;
    may_be_replaced(policy, stored, now).then_some(EvalTrigger::RetryFailedAlloc)
}

fn may_be_replaced(policy: &ReschedulePolicy, alloc: &Allocation, now: UnixNanos) -> bool {
    if policy.unlimited {
        return true;
    }
    let events = alloc.reschedule_tracker.iter().flat_map(|tracker| &tracker.events);
    let used = events.filter(|event| now.since(event.reschedule_time) < policy.interval).count();
    used < policy.attempts as usize
}
