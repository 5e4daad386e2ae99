//! Gathers concurrent proposals, so that they share one log entry and one write to disk.

use crate::RaftError;
use crate::log::Segments;
use crate::types::{Item, Outcomes, Payload, Raft};
use openraft::error::{ClientWriteError, RaftError as CoreError};
use parking_lot::Mutex;
use std::any::Any;
use std::sync::{Arc, Weak};
use tokio::sync::{mpsc, oneshot};

/// Proposals waiting for their turn.
pub(crate) const MAX_QUEUED_PROPOSALS: usize = 4096;
/// Proposals in one entry.
const MAX_BATCH_PROPOSALS: usize = 512;
/// Bytes of one entry, unless a single command is longer.
const MAX_BATCH_BYTES: usize = 4 * 1024 * 1024;
/// The longest command.
pub(crate) const MAX_COMMAND_BYTES: usize = 256 * 1024 * 1024;
/// What an entry needs beyond its commands, generously.
const ENTRY_OVERHEAD_BYTES: usize = 1024;
/// What a command needs beyond its bytes.
const ITEM_OVERHEAD_BYTES: usize = 8;

pub(crate) type Outcome = Box<dyn Any + Send + Sync>;
pub(crate) type Answer = Result<Outcome, RaftError>;

/// A command and who waits for it.
pub(crate) struct Proposal {
    pub item: Item,
    pub answer: oneshot::Sender<Answer>,
}

/// Runs until all handles are gone or the core stops.
pub(crate) async fn run(raft: Raft, disk: Option<Weak<Mutex<Segments>>>, mut queue: mpsc::Receiver<Proposal>) {
    let mut waiting = None;
    loop {
        let first = match waiting.take() {
            Some(proposal) => proposal,
            None => match queue.recv().await {
                Some(proposal) => proposal,
                None => return,
            },
        };
        let mut bytes = first.item.bytes.len();
        let mut batch = vec![first];
        while batch.len() < MAX_BATCH_PROPOSALS {
            let Ok(next) = queue.try_recv() else { break };
            if bytes + next.item.bytes.len() > MAX_BATCH_BYTES {
                waiting = Some(next);
                break;
            }
            bytes += next.item.bytes.len();
            batch.push(next);
        }
        let disk = disk.as_ref().and_then(Weak::upgrade);
        write(&raft, disk.as_ref(), batch, bytes).await;
    }
}

async fn write(raft: &Raft, disk: Option<&Arc<Mutex<Segments>>>, batch: Vec<Proposal>, bytes: usize) {
    if let Some(disk) = disk
        && let Err(error) = reserve(raft, disk.clone(), bytes + batch.len() * ITEM_OVERHEAD_BYTES).await
    {
        return refuse(batch, &error);
    }
    let (items, answers): (Vec<_>, Vec<_>) = batch.into_iter().map(|proposal| (proposal.item, proposal.answer)).unzip();
    match raft.client_write(Payload { items }).await {
        Ok(written) => {
            let Outcomes(outcomes) = written.data;
            for (answer, outcome) in answers.into_iter().zip(outcomes) {
                // Nobody may wait any more.
                let _gone = answer.send(Ok(outcome));
            }
        }
        Err(error) => {
            for answer in answers {
                let _gone = answer.send(Err(of_core(&error)));
            }
        }
    }
}

/// Asks for the space before the core is told: an error here costs nothing but this batch.
async fn reserve(raft: &Raft, disk: Arc<Mutex<Segments>>, bytes: usize) -> Result<(), RaftError> {
    let next = raft.data_metrics().borrow().last_log.map_or(0, |id| id.index + 1);
    let wanted = (bytes + ENTRY_OVERHEAD_BYTES) as u64;
    if let Some(segments) = disk.try_lock()
        && segments.has_room(wanted)
    {
        return Ok(());
    }
    let reserving = tokio::task::spawn_blocking(move || disk.lock().reserve(wanted, next));
    reserving.await.unwrap_or_else(|error| Err(RaftError::Fatal(error.to_string())))
}

fn refuse(batch: Vec<Proposal>, error: &RaftError) {
    for proposal in batch {
        let copy = match error {
            RaftError::DiskFull(source) => RaftError::DiskFull(std::io::Error::new(source.kind(), source.to_string())),
            other => RaftError::Fatal(other.to_string()),
        };
        let _gone = proposal.answer.send(Err(copy));
    }
}

fn of_core(error: &CoreError<u64, ClientWriteError<u64, openraft::BasicNode>>) -> RaftError {
    match error {
        CoreError::APIError(ClientWriteError::ForwardToLeader(_)) => RaftError::NotLeader,
        CoreError::APIError(other) => RaftError::Fatal(other.to_string()),
        CoreError::Fatal(openraft::error::Fatal::Stopped) => RaftError::Closed,
        CoreError::Fatal(fatal) => RaftError::Fatal(fatal.to_string()),
    }
}
