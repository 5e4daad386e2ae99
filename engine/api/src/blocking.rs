//! Reads of state, which may wait for a newer index.

use crate::context::{Context, ReadOptions};
use crate::error::Result;
use crate::reply::Reply;
use drover_state::{Snapshot, WatchKey};
use http::StatusCode;
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
    context.check_region()?;
    let store = context.state.store();
    let mut snapshot = store.snapshot();
    if options.index > 0 && index_of(&snapshot) <= options.index {
        let deadline = Instant::now() + options.wait;
        let mut watch = store.watch(keys());
        loop {
            watch.rearm();
            snapshot = store.snapshot();
            if index_of(&snapshot) > options.index {
                break;
            }
            tokio::select! {
                woken = timeout_at(deadline, &mut watch) => if woken.is_err() { break },
                () = context.state.stopped() => break,
            }
        }
    }
    let index = index_of(&snapshot);
    match render(&snapshot) {
        Ok(reply) => Ok(reply.read_at(index)),
        Err(mut error) => {
            if error.status == StatusCode::NOT_FOUND {
                error.index = Some(index);
            }
            Err(error)
        }
    }
}
