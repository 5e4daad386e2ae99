//! A log that keeps nothing: each command is applied at once.

use async_trait::async_trait;
use drover_server::{Committed, ProposeError, ProposeLog};
use drover_state::{Command, StateStore, codec};
use parking_lot::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Applies commands in the order in which they come.
#[derive(Debug)]
pub struct MemoryLog {
    store: StateStore,
    /// The index of the last command; held while one is applied.
    index: Mutex<u64>,
    is_counting: AtomicBool,
    bytes: AtomicU64,
    commands: AtomicU64,
}

impl MemoryLog {
    /// A log in front of `store`.
    pub fn new(store: StateStore) -> Self {
        Self {
            index: Mutex::new(store.index()),
            store,
            is_counting: AtomicBool::new(false),
            bytes: AtomicU64::new(0),
            commands: AtomicU64::new(0),
        }
    }

    /// From now on each command is encoded too, as a log on disk would have it, and its bytes are counted.
    pub fn count_bytes(&self) {
        self.is_counting.store(true, Ordering::Relaxed);
    }

    /// Commands so far, and their bytes as far as they were counted.
    pub fn written(&self) -> (u64, u64) {
        (self.commands.load(Ordering::Relaxed), self.bytes.load(Ordering::Relaxed))
    }
}

#[async_trait]
impl ProposeLog for MemoryLog {
    async fn propose(&self, command: Command) -> Result<Committed, ProposeError> {
        if self.is_counting.load(Ordering::Relaxed) {
            let bytes =
                codec::encode_command(&command).map_err(|error| ProposeError::Unavailable(error.to_string()))?;
            self.bytes.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        }
        self.commands.fetch_add(1, Ordering::Relaxed);
        let outcome = {
            let mut index = self.index.lock();
            *index += 1;
            self.store.apply(*index, &command)
        };
        Ok(Committed { index: outcome.index, applied: outcome.result? })
    }
    async fn wait_for_leadership(&self) {}
    async fn wait_for_loss(&self) {
        std::future::pending::<()>().await;
    }
}
