//! Forgets what is over.

pub mod core;

use self::core::{Age, Inventory, collect};
use crate::error::Result;
use crate::server::Inner;
use drover_model::UnixNanos;
use drover_state::{Command, Reap};
use std::sync::Arc;

/// Objects removed by one command at most.
const MAX_REAPED_PER_COMMAND: usize = 2048;

/// Collects at every interval until the task is dropped.
pub(crate) async fn run(inner: Arc<Inner>) {
    loop {
        tokio::time::sleep(inner.config.gc.interval.as_duration()).await;
        if let Err(error) = run_once(&inner, Age::Thresholds).await {
            tracing::warn!(%error, "what is over could not be forgotten");
        }
        if let Err(error) = inner.forget_expired_tokens(UnixNanos::now()).await {
            tracing::warn!(%error, "tokens that have ended could not be forgotten");
        }
    }
}

/// Collects now; gives back the raft index of the last change.
pub(crate) async fn run_once(inner: &Inner, age: Age) -> Result<u64> {
    let snapshot = inner.store.snapshot();
    let inventory = Inventory {
        evals: snapshot.evals().cloned().collect(),
        allocs: snapshot.allocs().cloned().collect(),
        deployments: snapshot.deployments().cloned().collect(),
        jobs: snapshot.jobs().cloned().collect(),
        nodes: snapshot.nodes().cloned().collect(),
    };
    let mut index = snapshot.index();
    for reap in chunks(collect(&inventory, &inner.config.gc, age, UnixNanos::now())) {
        index = inner.propose(Command::Reap(reap)).await?.index;
    }
    Ok(index)
}

fn chunks(mut reap: Reap) -> Vec<Reap> {
    let mut chunks = Vec::new();
    while reap != Reap::default() {
        let mut room = MAX_REAPED_PER_COMMAND;
        chunks.push(Reap {
            evals: take(&mut reap.evals, &mut room),
            allocs: take(&mut reap.allocs, &mut room),
            deployments: take(&mut reap.deployments, &mut room),
            jobs: take(&mut reap.jobs, &mut room),
            nodes: take(&mut reap.nodes, &mut room),
        });
    }
    chunks
}

fn take<T>(list: &mut Vec<T>, room: &mut usize) -> Vec<T> {
    let count = list.len().min(*room);
    *room -= count;
    list.drain(..count).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_collections_are_cut_into_commands() {
        let ids = |n: usize| (0..n).map(|n| format!("{n}")).collect::<Vec<_>>();
        let reap = Reap {
            evals: ids(3000).into_iter().map(Into::into).collect(),
            allocs: ids(10).into_iter().map(Into::into).collect(),
            ..Reap::default()
        };
        let chunks = chunks(reap);
        assert_eq!(chunks.iter().map(|chunk| chunk.evals.len() + chunk.allocs.len()).collect::<Vec<_>>(), [2048, 962]);
    }
}
