//! The owner of the tables.

use crate::apply::Txn;
use crate::event::MAX_EVENT_BATCHES;
use crate::tables::Tables;
use crate::watch::Registry;
use crate::{ApplyOutcome, Command, Event, EventBatch, Snapshot, Watch, WatchKey, codec};
use parking_lot::{Mutex, RwLock};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Is told of every applied command, on the thread that applies: it must be quick and must not
/// apply commands itself.
pub trait Observer: Send + Sync {
    /// `events` changed at `snapshot.index()`.
    fn applied(&self, snapshot: &Snapshot, events: &[Event]);
    /// The whole state was replaced by a restored one.
    fn restored(&self, snapshot: &Snapshot);
}

/// The replicated state. Clones share it.
#[derive(Clone)]
pub struct StateStore(Arc<Shared>);

struct Shared {
    current: RwLock<Arc<Tables>>,
    /// Held while a command is applied: one at a time.
    writer: Mutex<()>,
    registry: Arc<Registry>,
    events: Mutex<VecDeque<Arc<EventBatch>>>,
    observers: RwLock<Vec<Arc<dyn Observer>>>,
    /// How often the whole state was replaced.
    generation: AtomicU64,
}

impl Default for StateStore {
    fn default() -> Self {
        Self::new()
    }
}

impl StateStore {
    /// The state of a new cluster.
    pub fn new() -> Self {
        Self(Arc::new(Shared {
            current: RwLock::new(Arc::new(Tables::default())),
            writer: Mutex::new(()),
            registry: Arc::default(),
            events: Mutex::new(VecDeque::with_capacity(MAX_EVENT_BATCHES)),
            observers: RwLock::new(Vec::new()),
            generation: AtomicU64::new(0),
        }))
    }

    /// Applies one command: all of it, or after an error nothing but the index.
    pub fn apply(&self, index: u64, command: &Command) -> ApplyOutcome {
        let _one_at_a_time = self.0.writer.lock();
        let before = self.0.current.read().clone();
        let mut txn = Txn::new((*before).clone(), index);
        let (done, result) = match txn.run(command) {
            Ok(applied) => (txn.finish(), Ok(applied)),
            Err(error) => (Txn::new((*before).clone(), index).finish(), Err(error)),
        };
        let snapshot = Snapshot(Arc::new(done.tables));
        if done.restored {
            self.0.generation.fetch_add(1, Ordering::AcqRel);
        }
        *self.0.current.write() = snapshot.0.clone();
        drop(before);
        if done.restored {
            self.publish_restored(&snapshot);
            return ApplyOutcome { index, events: Vec::new(), result };
        }
        self.publish(&snapshot, &done.events, &done.touched);
        ApplyOutcome { index, events: done.events, result }
    }

    fn publish(&self, snapshot: &Snapshot, events: &[Event], touched: &[WatchKey]) {
        if !events.is_empty() {
            let mut kept = self.0.events.lock();
            if kept.len() == MAX_EVENT_BATCHES {
                kept.pop_front();
            }
            kept.push_back(Arc::new(EventBatch { index: snapshot.index(), events: events.to_vec() }));
        }
        for observer in self.0.observers.read().iter() {
            observer.applied(snapshot, events);
        }
        if !self.0.registry.is_idle() {
            let of_events = crate::apply::watch_keys(events);
            self.0.registry.fire(of_events.iter().chain(touched));
        }
    }

    /// The state as it is now.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot(self.0.current.read().clone())
    }

    /// The index of the last applied command.
    pub fn index(&self) -> u64 {
        self.0.current.read().index
    }

    /// Waits for changes of any of `keys`; see [`Watch`].
    pub fn watch(&self, keys: Vec<WatchKey>) -> Watch {
        self.0.registry.watch(keys)
    }

    /// The kept events after `index`, oldest first. Combine with a watch on [`WatchKey::Events`].
    pub fn events_after(&self, index: u64) -> Vec<Arc<EventBatch>> {
        let kept = self.0.events.lock();
        let start = kept.partition_point(|batch| batch.index <= index);
        kept.iter().skip(start).cloned().collect()
    }

    /// Adds somebody to tell of every applied command.
    pub fn observe(&self, observer: Arc<dyn Observer>) {
        self.0.observers.write().push(observer);
    }

    /// Replaces the whole state by what [`codec::encode_state`] wrote.
    ///
    /// # Errors
    /// When the bytes are of another format or damaged; the state stays as it was.
    pub fn restore(&self, bytes: &[u8]) -> Result<(), codec::CodecError> {
        let tables = codec::decode_tables(bytes)?;
        let _one_at_a_time = self.0.writer.lock();
        let snapshot = Snapshot(Arc::new(tables));
        self.0.generation.fetch_add(1, Ordering::AcqRel);
        *self.0.current.write() = snapshot.0.clone();
        self.publish_restored(&snapshot);
        Ok(())
    }

    fn publish_restored(&self, snapshot: &Snapshot) {
        self.0.events.lock().clear();
        for observer in self.0.observers.read().iter() {
            observer.restored(snapshot);
        }
        self.0.registry.fire_all();
    }

    /// How often the whole state was replaced. Who waits for a newer index of an object starts anew when this
    /// changes: the object may have an older one now.
    pub fn generation(&self) -> u64 {
        self.0.generation.load(Ordering::Acquire)
    }
}

impl std::fmt::Debug for StateStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StateStore").field("index", &self.index()).finish_non_exhaustive()
    }
}
