//! Launches periodic jobs.

pub mod core;

use self::core::{Launch, Periodic, child};
use crate::error::Result;
use crate::server::Inner;
use crate::{evals, timer};
use drover_model::{EvalTrigger, Evaluation, Job, JobKey, JobStatus, UnixNanos};
use drover_state::{Applied, Command, PeriodicLaunch, RegisterJob, Snapshot};
use parking_lot::Mutex;
use std::sync::Arc;
use tokio::sync::Notify;

/// The next launches, shared with the observer of the state.
#[derive(Debug, Default)]
pub struct Shared {
    periodic: Mutex<Periodic>,
    notify: Notify,
}

impl Shared {
    /// A job as it is now.
    pub fn track(&self, job: &Arc<Job>, after: UnixNanos) {
        self.periodic.lock().track(job, after);
        self.notify.notify_one();
    }
    /// A job is gone.
    pub fn forget(&self, key: &JobKey) {
        self.periodic.lock().forget(key);
    }
    /// Forgets all.
    pub fn clear(&self) {
        self.periodic.lock().clear();
    }
}

/// Launches until the task is dropped.
pub(crate) async fn run(inner: Arc<Inner>) {
    loop {
        let (due, wakeup) = {
            let mut periodic = inner.periodic.periodic.lock();
            (periodic.due(UnixNanos::now()), periodic.next_wakeup())
        };
        for Launch { job, at } in due {
            let overlaps = overlaps(&inner.store.snapshot(), &job);
            if job.periodic.as_ref().is_some_and(|config| config.prohibit_overlap) && overlaps {
                tracing::debug!(job = %job.id, "not launched, as its last launch still runs");
                continue;
            }
            if let Err(error) = launch(&inner, &job, at).await {
                tracing::error!(job = %job.id, %error, "periodic job could not be launched");
            }
        }
        timer::until(wakeup, inner.periodic.notify.notified()).await;
    }
}

fn overlaps(snapshot: &Snapshot, job: &Job) -> bool {
    snapshot.children_of(&job.key()).any(|child| child.status != JobStatus::Dead)
}

/// A launch that was made.
#[derive(Clone, Debug)]
pub(crate) struct Launched {
    /// The evaluation of the child.
    pub eval: Evaluation,
    /// Raft index.
    pub index: u64,
}

/// Registers the child for a launch at `at`.
pub(crate) async fn launch(inner: &Inner, job: &Job, at: UnixNanos) -> Result<Launched> {
    let now = UnixNanos::now();
    let child = Job { submit_time: now, ..child(job, at) };
    let eval = evals::for_job(&child, EvalTrigger::PeriodicJob, now);
    let register = RegisterJob {
        job: Arc::new(child),
        submission: None,
        eval: Some(eval.clone()),
        enforce_index: None,
        keep_versions: None,
    };
    let launched = PeriodicLaunch { key: job.key(), launched: at };
    let batch = Command::Batch(vec![Command::RegisterJob(register), Command::UpsertPeriodicLaunch(launched)]);
    let committed = inner.propose(batch).await?;
    debug_assert!(matches!(committed.applied, Applied::Batch(_)), "a batch answers as a batch");
    Ok(Launched { eval, index: committed.index })
}
