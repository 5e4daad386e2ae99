//! Workers: take an evaluation, run the scheduler, submit its plan, store what came of it.

pub(crate) mod pool;

use crate::applier;
use crate::broker::core::Delivery;
use crate::error::{Result, ServerError};
use crate::server::Inner;
use drover_model::{Evaluation, UnixNanos};
use drover_scheduler::{Context, Outcome, attempts_exhausted, max_attempts, schedule};
use drover_state::{Command, Snapshot};
use std::sync::Arc;
use std::time::Instant;

/// Works on evaluations until the task is dropped, as one of several workers.
pub(crate) async fn run(inner: Arc<Inner>, number: usize) {
    let mut changes = inner.workers.follow();
    loop {
        let kinds = pool::turn(&mut changes, number).await;
        let delivery = tokio::select! {
            delivery = inner.queue.next(&kinds) => delivery,
            Ok(()) = changes.changed() => continue,
        };
        let guard = Guard { inner: &inner, delivery: Some(&delivery) };
        match process(&inner, &delivery.eval).await {
            Ok(()) => guard.done(),
            Err(error) => {
                tracing::warn!(eval = %delivery.eval.id, job = %delivery.eval.job_id, %error, "evaluation failed");
                drop(guard);
            }
        }
    }
}

/// Gives the evaluation back unless it was done, even when the worker panics or is stopped.
struct Guard<'a> {
    inner: &'a Arc<Inner>,
    delivery: Option<&'a Delivery>,
}

impl Guard<'_> {
    fn done(mut self) {
        if let Some(delivery) = self.delivery.take() {
            let acked = self.inner.queue.ack(delivery);
            self.inner.cancel(acked.superseded);
        }
    }
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        if let Some(delivery) = self.delivery {
            let acked = self.inner.queue.nack(delivery);
            self.inner.cancel(acked.superseded);
        }
    }
}

async fn process(inner: &Arc<Inner>, eval: &Arc<Evaluation>) -> Result<()> {
    let mut attempts = 0;
    let mut min_index = eval.modify_index;
    loop {
        let snapshot = inner.snapshot_at_least(min_index).await;
        let seen_index = snapshot.index();
        let mut outcome = run_scheduler(snapshot, eval.clone()).await?;
        if !outcome.follow_ups.is_empty() {
            inner.propose(Command::UpsertEvals(outcome.follow_ups.clone())).await?;
        }
        if outcome.plan.is_no_op() {
            return store(inner, outcome, seen_index).await;
        }
        let result = applier::submit(inner, std::mem::take(&mut outcome.plan)).await?;
        if result.refresh_index == 0 {
            return store(inner, outcome, seen_index).await;
        }
        min_index = result.refresh_index;
        attempts = if result.made_progress { 0 } else { attempts + 1 };
        if attempts >= max_attempts(eval.job_type().unwrap_or_default()) {
            return store(inner, attempts_exhausted(&outcome, context()), seen_index).await;
        }
    }
}

/// The scheduler may think for long: it gets a thread of its own.
async fn run_scheduler(snapshot: Snapshot, eval: Arc<Evaluation>) -> Result<Outcome> {
    let work = tokio::task::spawn_blocking(move || {
        let start = Instant::now();
        schedule(&snapshot, &eval, context()).map(|outcome| outcome.taking(start.elapsed()))
    });
    let outcome = work.await.map_err(|error| ServerError::unavailable(format!("the scheduler stopped: {error}")))?;
    outcome.map_err(|error| ServerError::refused(error.to_string()))
}

fn context() -> Context {
    Context { seed: rand::random(), now: UnixNanos::now() }
}

/// Stores the evaluation and the blocked ones that it made. They remember what they have seen, so that
/// capacity that came since is not missed.
async fn store(inner: &Inner, outcome: Outcome, seen_index: u64) -> Result<()> {
    let blocked = outcome.blocked.into_iter().map(|eval| Evaluation { snapshot_index: seen_index, ..eval });
    let evals = std::iter::once(outcome.eval).chain(blocked).collect();
    inner.propose(Command::UpsertEvals(evals)).await?;
    Ok(())
}
