//! Reads of state, which may wait for a newer index.

use crate::answers::{Answer, Stamp};
use crate::context::{Context, ReadOptions};
use crate::error::Result;
use crate::reply::Reply;
use drover_state::{Snapshot, WatchKey};
use http::StatusCode;
use std::sync::Arc;
use tokio::time::{Instant, timeout_at};

/// Answers from a snapshot with the headers of a read. With `index` in the request it first waits
/// until `index_of` is above it, the time is over, or the agent shuts down; `keys` says what to wake for.
pub(crate) async fn read(
    context: &Context,
    options: &ReadOptions,
    keys: impl FnOnce() -> Vec<WatchKey>,
    index_of: impl Fn(&Snapshot) -> u64,
    render: impl FnOnce(&Snapshot) -> Result<Reply>,
) -> Result<Reply> {
    let snapshot = settled(context, options, keys, &index_of).await?;
    let index = index_of(&snapshot);
    with_index(render(&snapshot), index)
}

/// As [`read`], for documents that many callers ask for again and again: each is made once and kept as long as
/// `stamp_of` is the same. `question` tells documents apart that have the same stamp; `None`: this one is only for
/// its caller.
pub(crate) async fn read_shared(
    context: &Context,
    options: &ReadOptions,
    keys: impl FnOnce() -> Vec<WatchKey>,
    index_of: impl Fn(&Snapshot) -> u64,
    question: Option<String>,
    (stamp_of, render): (impl FnOnce(&Snapshot) -> Result<Stamp>, impl FnOnce(&Snapshot) -> Result<Answer>),
) -> Result<Reply> {
    let snapshot = settled(context, options, keys, &index_of).await?;
    let answers = &context.state.answers;
    let made = || {
        let stamp = stamp_of(&snapshot)?;
        if let Some(answer) = question.as_ref().and_then(|question| answers.get(question, &stamp)) {
            return Ok(Reply::shared(answer));
        }
        let answer = Arc::new(render(&snapshot)?);
        if let Some(question) = question {
            answers.put(question, stamp, answer.clone());
        }
        Ok(Reply::shared(answer))
    };
    with_index(made(), index_of(&snapshot))
}

/// The state that a read is answered from.
async fn settled(
    context: &Context,
    options: &ReadOptions,
    keys: impl FnOnce() -> Vec<WatchKey>,
    index_of: &impl Fn(&Snapshot) -> u64,
) -> Result<Snapshot> {
    context.check_region()?;
    let store = context.state.store();
    let mut snapshot = store.snapshot();
    if options.index > 0 && index_of(&snapshot) <= options.index {
        let deadline = Instant::now() + options.wait;
        let mut watch = store.watch(keys());
        let generation = store.generation();
        loop {
            watch.rearm();
            snapshot = store.snapshot();
            // After a restore an object may have an older index than the one that was seen.
            if index_of(&snapshot) > options.index || store.generation() != generation {
                break;
            }
            tokio::select! {
                woken = timeout_at(deadline, &mut watch) => if woken.is_err() { break },
                () = context.state.stopped() => break,
            }
        }
    }
    Ok(snapshot)
}

fn with_index(rendered: Result<Reply>, index: u64) -> Result<Reply> {
    match rendered {
        Ok(reply) => Ok(reply.read_at(index)),
        Err(mut error) => {
            if error.status == StatusCode::NOT_FOUND {
                error.index = Some(index);
            }
            Err(error)
        }
    }
}
