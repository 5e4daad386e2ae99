//! Locks of variables that are not renewed run out.

pub mod core;

use self::core::{Key, Locks};
use crate::server::Inner;
use crate::timer;
use drover_model::registry::VariableLock;
use drover_model::{Nanos, UnixNanos};
use drover_state::{Command, LockVariable, Snapshot};
use parking_lot::Mutex;
use std::sync::Arc;
use tokio::sync::Notify;

/// Wait before a lock that could not be ended is tried again.
const RETRY_WAIT: Nanos = Nanos::from_secs(1);

/// The locks, shared with those who take, renew and release them.
#[derive(Debug, Default)]
pub struct Shared {
    locks: Mutex<Locks>,
    notify: Notify,
}

impl Shared {
    /// A lock was taken or renewed just now.
    pub fn hold(&self, key: Key, lock: &VariableLock) {
        self.locks.lock().hold(key, lock, UnixNanos::now());
        self.notify.notify_one();
    }
    /// A lock was given back.
    pub fn forget(&self, key: &Key) {
        self.locks.lock().forget(key);
    }
    /// Takes up the locks of a state. Nobody knows when they were last renewed, so that their time begins anew.
    pub fn restore(&self, snapshot: &Snapshot) {
        for variable in snapshot.variables() {
            if let Some(lock) = &variable.lock {
                self.hold((variable.namespace.clone(), variable.path.clone()), lock);
            }
        }
    }
    /// Forgets all.
    pub fn clear(&self) {
        self.locks.lock().clear();
    }
}

/// Ends locks that run out, until the task is dropped.
pub(crate) async fn run(inner: Arc<Inner>) {
    loop {
        let (expired, next) = {
            let mut locks = inner.variable_locks.locks.lock();
            (locks.expired(UnixNanos::now()), locks.next())
        };
        let mut wakeup = next;
        for (key, lock_id) in expired {
            let (namespace, path) = key;
            tracing::debug!(%namespace, path, "lock of a variable ran out");
            let release = LockVariable::Release { namespace, path, lock_id };
            if let Err(error) = inner.log.propose(Command::LockVariable(release)).await
                && !matches!(error, crate::ProposeError::Refused(_))
            {
                tracing::warn!(%error, "a lock that ran out could not be ended; it is tried again");
                inner.variable_locks.restore(&inner.store.snapshot());
                wakeup = Some(UnixNanos::now().plus(RETRY_WAIT));
            }
        }
        timer::until(wakeup, inner.variable_locks.notify.notified()).await;
    }
}
