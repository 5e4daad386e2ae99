//! The log: all entries since the last purge in memory, and on disk when there is one.

mod segments;

use crate::RaftError;
use crate::types::{Types, storage_error};
use openraft::storage::{LogFlushed, RaftLogStorage};
use openraft::{
    AnyError, Entry, ErrorSubject, ErrorVerb, LogId, LogState, OptionalSend, RaftLogId, RaftLogReader, StorageError,
    Vote,
};
use parking_lot::{Mutex, RwLock};
pub(crate) use segments::{DEFAULT_SEGMENT_BYTES, Segments};
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::ops::RangeBounds;
use std::sync::Arc;

/// The log; clones share it.
#[derive(Clone)]
pub(crate) struct LogStore(Arc<Shared>);

struct Shared {
    memory: RwLock<Memory>,
    disk: Option<Arc<Mutex<Segments>>>,
}

#[derive(Default)]
struct Memory {
    entries: BTreeMap<u64, Entry<Types>>,
    purged: Option<LogId<u64>>,
    vote: Option<Vote<u64>>,
}

impl LogStore {
    /// A log that forgets everything.
    pub(crate) fn in_memory() -> Self {
        Self(Arc::new(Shared { memory: RwLock::default(), disk: None }))
    }

    /// The log in a directory.
    pub(crate) fn on_disk(disk: Arc<Mutex<Segments>>) -> Result<Self, RaftError> {
        let mut segments = disk.lock();
        let purged = segments.purged()?;
        let vote = segments.vote()?;
        let first = purged.map_or(0, |id| id.index + 1);
        let entries = segments.load()?.into_iter().map(|entry| (entry.log_id.index, entry));
        let entries = entries.filter(|(index, _)| *index >= first).collect();
        drop(segments);
        let memory = RwLock::new(Memory { entries, purged, vote });
        Ok(Self(Arc::new(Shared { memory, disk: Some(disk) })))
    }

    /// Runs a write to disk where it may block.
    async fn write(
        &self,
        subject: ErrorSubject<u64>,
        work: impl FnOnce(&mut Segments) -> Result<(), RaftError> + Send + 'static,
    ) -> Result<(), StorageError<u64>> {
        let Some(disk) = self.0.disk.clone() else { return Ok(()) };
        match tokio::task::spawn_blocking(move || work(&mut disk.lock())).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(storage_error(subject, ErrorVerb::Write, AnyError::new(&error))),
            Err(error) => Err(storage_error(subject, ErrorVerb::Write, AnyError::new(&error))),
        }
    }
}

impl RaftLogReader<Types> for LogStore {
    async fn try_get_log_entries<RB: RangeBounds<u64> + Clone + Debug + OptionalSend>(
        &mut self,
        range: RB,
    ) -> Result<Vec<Entry<Types>>, StorageError<u64>> {
        Ok(self.0.memory.read().entries.range(range).map(|(_, entry)| entry.clone()).collect())
    }
}

impl RaftLogStorage<Types> for LogStore {
    type LogReader = Self;

    async fn get_log_state(&mut self) -> Result<LogState<Types>, StorageError<u64>> {
        let memory = self.0.memory.read();
        let last = memory.entries.last_key_value().map(|(_, entry)| entry.log_id);
        Ok(LogState { last_purged_log_id: memory.purged, last_log_id: last.or(memory.purged) })
    }

    async fn get_log_reader(&mut self) -> Self {
        self.clone()
    }

    async fn save_vote(&mut self, vote: &Vote<u64>) -> Result<(), StorageError<u64>> {
        let copy = *vote;
        self.write(ErrorSubject::Vote, move |segments| segments.save_vote(&copy)).await?;
        self.0.memory.write().vote = Some(*vote);
        Ok(())
    }

    async fn read_vote(&mut self) -> Result<Option<Vote<u64>>, StorageError<u64>> {
        Ok(self.0.memory.read().vote)
    }

    async fn append<I>(&mut self, entries: I, callback: LogFlushed<Types>) -> Result<(), StorageError<u64>>
    where
        I: IntoIterator<Item = Entry<Types>> + OptionalSend,
        I::IntoIter: OptionalSend,
    {
        let entries: Vec<Entry<Types>> = entries.into_iter().collect();
        if self.0.disk.is_some() {
            let copies = entries.clone();
            self.write(ErrorSubject::Logs, move |segments| segments.append(&copies)).await?;
        }
        let mut memory = self.0.memory.write();
        memory.entries.extend(entries.into_iter().map(|entry| (entry.get_log_id().index, entry)));
        drop(memory);
        callback.log_io_completed(Ok(()));
        Ok(())
    }

    async fn truncate(&mut self, log_id: LogId<u64>) -> Result<(), StorageError<u64>> {
        self.write(ErrorSubject::Log(log_id), move |segments| segments.truncate(log_id.index)).await?;
        self.0.memory.write().entries.split_off(&log_id.index);
        Ok(())
    }

    async fn purge(&mut self, log_id: LogId<u64>) -> Result<(), StorageError<u64>> {
        self.write(ErrorSubject::Log(log_id), move |segments| segments.purge(log_id)).await?;
        let mut memory = self.0.memory.write();
        memory.purged = Some(log_id);
        let kept = memory.entries.split_off(&(log_id.index + 1));
        memory.entries = kept;
        Ok(())
    }
}
