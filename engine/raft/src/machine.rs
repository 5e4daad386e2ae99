//! What commands are applied to, and its driver for the consensus core.
#![expect(clippy::result_large_err, reason = "the consensus library fixes the error type")]

use crate::snapshots::{SnapshotStore, StoredSnapshot};
use crate::types::{Outcomes, Types, storage_error};
use openraft::storage::RaftStateMachine;
use openraft::{
    AnyError, BasicNode, Entry, EntryPayload, ErrorSubject, ErrorVerb, LogId, RaftSnapshotBuilder, Snapshot,
    SnapshotMeta, StorageError, StoredMembership,
};
use std::io::Cursor;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Any error of a state machine.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;
/// Encodes a view of the state that was taken earlier.
pub type SnapshotFn = Box<dyn FnOnce() -> Result<Vec<u8>, BoxError> + Send + Sync>;

/// What commands are applied to. `apply` must be deterministic.
pub trait StateMachine: Send + Sync + 'static {
    /// One change.
    type Command: Send + Sync + 'static;
    /// What became of it.
    type Outcome: Send + Sync + 'static;
    /// A command as bytes, for the log.
    ///
    /// # Errors
    /// When it cannot be encoded; it is not proposed then.
    fn encode(&self, command: &Self::Command) -> Result<Vec<u8>, BoxError>;
    /// A command from the log.
    ///
    /// # Errors
    /// When the bytes are damaged or of an unknown version; the node stops then.
    fn decode(&self, bytes: &[u8]) -> Result<Self::Command, BoxError>;
    /// Applies a command. Indexes count commands, without gaps.
    fn apply(&self, index: u64, command: &Self::Command) -> Self::Outcome;
    /// Takes a view of the state at once, to be encoded later and elsewhere.
    fn snapshot(&self) -> SnapshotFn;
    /// Replaces the state by an encoded one.
    ///
    /// # Errors
    /// When the bytes are damaged or of an unknown version.
    fn restore(&self, bytes: &[u8]) -> Result<(), BoxError>;
}

/// The driver of a state machine.
pub(crate) struct Driver<M: StateMachine> {
    machine: Arc<M>,
    store: Arc<SnapshotStore>,
    applied: Option<LogId<u64>>,
    membership: StoredMembership<u64, BasicNode>,
    /// Commands applied so far; shared with the handle.
    command_index: Arc<AtomicU64>,
}

impl<M: StateMachine> Driver<M> {
    /// Restores the newest snapshot, if there is one.
    pub(crate) fn open(
        machine: Arc<M>,
        store: Arc<SnapshotStore>,
        command_index: Arc<AtomicU64>,
    ) -> Result<Self, crate::RaftError> {
        let mut driver = Self { machine, store, applied: None, membership: StoredMembership::default(), command_index };
        if let Some(stored) = driver.store.load()? {
            driver.machine.restore(&stored.data).map_err(crate::RaftError::Machine)?;
            driver.adopt(&stored);
        }
        Ok(driver)
    }

    fn adopt(&mut self, stored: &StoredSnapshot) {
        self.applied = stored.meta.last_log_id;
        self.membership = stored.meta.last_membership.clone();
        self.command_index.store(stored.command_index, Ordering::Release);
    }

    fn apply_entry(&mut self, entry: Entry<Types>) -> Result<Outcomes, StorageError<u64>> {
        self.applied = Some(entry.log_id);
        let payload = match entry.payload {
            EntryPayload::Blank => return Ok(Outcomes::default()),
            EntryPayload::Membership(membership) => {
                self.membership = StoredMembership::new(Some(entry.log_id), membership);
                return Ok(Outcomes::default());
            }
            EntryPayload::Normal(payload) => payload,
        };
        let mut outcomes = Outcomes::default();
        for item in &payload.items {
            let index = self.command_index.load(Ordering::Acquire) + 1;
            let outcome = match item.live::<M::Command>() {
                Some(command) => self.machine.apply(index, command),
                None => {
                    let command = self.machine.decode(&item.bytes).map_err(|error| {
                        storage_error(ErrorSubject::Apply(entry.log_id), ErrorVerb::Read, AnyError::error(error))
                    })?;
                    self.machine.apply(index, &command)
                }
            };
            self.command_index.store(index, Ordering::Release);
            outcomes.0.push(Box::new(outcome));
        }
        Ok(outcomes)
    }
}

impl<M: StateMachine> RaftStateMachine<Types> for Driver<M> {
    type SnapshotBuilder = Builder;

    async fn applied_state(
        &mut self,
    ) -> Result<(Option<LogId<u64>>, StoredMembership<u64, BasicNode>), StorageError<u64>> {
        Ok((self.applied, self.membership.clone()))
    }

    async fn apply<I>(&mut self, entries: I) -> Result<Vec<Outcomes>, StorageError<u64>>
    where
        I: IntoIterator<Item = Entry<Types>> + Send,
        I::IntoIter: Send,
    {
        entries.into_iter().map(|entry| self.apply_entry(entry)).collect()
    }

    async fn get_snapshot_builder(&mut self) -> Builder {
        Builder {
            store: self.store.clone(),
            encode: Some(self.machine.snapshot()),
            meta: SnapshotMeta {
                last_log_id: self.applied,
                last_membership: self.membership.clone(),
                snapshot_id: self
                    .applied
                    .map_or_else(|| "0".to_owned(), |id| format!("{}-{}", id.leader_id.term, id.index)),
            },
            command_index: self.command_index.load(Ordering::Acquire),
        }
    }

    async fn begin_receiving_snapshot(&mut self) -> Result<Box<Cursor<Vec<u8>>>, StorageError<u64>> {
        Ok(Box::default())
    }

    async fn install_snapshot(
        &mut self,
        meta: &SnapshotMeta<u64, BasicNode>,
        snapshot: Box<Cursor<Vec<u8>>>,
    ) -> Result<(), StorageError<u64>> {
        let failed = |verb, error: AnyError| storage_error(ErrorSubject::Snapshot(Some(meta.signature())), verb, error);
        let stored = StoredSnapshot::from_transfer(meta.clone(), snapshot.get_ref())
            .map_err(|error| failed(ErrorVerb::Read, AnyError::new(&error)))?;
        self.machine.restore(&stored.data).map_err(|error| failed(ErrorVerb::Write, AnyError::error(error)))?;
        self.store.save(&stored).map_err(|error| failed(ErrorVerb::Write, AnyError::new(&error)))?;
        self.adopt(&stored);
        Ok(())
    }

    async fn get_current_snapshot(&mut self) -> Result<Option<Snapshot<Types>>, StorageError<u64>> {
        let stored = self
            .store
            .load()
            .map_err(|error| storage_error(ErrorSubject::Snapshot(None), ErrorVerb::Read, AnyError::new(&error)))?;
        Ok(stored.map(StoredSnapshot::into_transfer))
    }
}

/// Encodes and stores a view of the state, while the machine goes on.
pub(crate) struct Builder {
    store: Arc<SnapshotStore>,
    encode: Option<SnapshotFn>,
    meta: SnapshotMeta<u64, BasicNode>,
    command_index: u64,
}

impl RaftSnapshotBuilder<Types> for Builder {
    async fn build_snapshot(&mut self) -> Result<Snapshot<Types>, StorageError<u64>> {
        let (store, meta, command_index) = (self.store.clone(), self.meta.clone(), self.command_index);
        let signature = meta.signature();
        let encode = self.encode.take();
        let built = tokio::task::spawn_blocking(move || {
            // In memory a snapshot only lets the log be cut; the state itself is still there.
            let data = match encode {
                Some(encode) if store.is_durable() => encode().map_err(crate::RaftError::Machine)?,
                _ => Vec::new(),
            };
            let stored = StoredSnapshot { meta, command_index, data };
            store.save(&stored)?;
            Ok::<_, crate::RaftError>(stored.into_transfer())
        });
        let failed = |error: AnyError| storage_error(ErrorSubject::Snapshot(Some(signature)), ErrorVerb::Write, error);
        match built.await {
            Ok(Ok(snapshot)) => Ok(snapshot),
            Ok(Err(error)) => Err(failed(AnyError::new(&error))),
            Err(error) => Err(failed(AnyError::new(&error))),
        }
    }
}
