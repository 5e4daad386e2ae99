//! When locks of variables run out: pure, time comes in.

use drover_model::registry::VariableLock;
use drover_model::{Namespace, Nanos, UnixNanos};
use std::collections::HashMap;

/// A lock lasts for so many of its TTLs after the last renewal: a renewal that is a little late still counts.
const TTLS: i64 = 2;

/// A variable: namespace and path.
pub type Key = (Namespace, String);

/// The locks that are held, and until when.
#[derive(Debug, Default)]
pub struct Locks(HashMap<Key, Held>);

#[derive(Debug)]
struct Held {
    id: String,
    until: UnixNanos,
}

impl Locks {
    /// A lock was taken or renewed at `now`.
    pub fn hold(&mut self, key: Key, lock: &VariableLock, now: UnixNanos) {
        let lasts = Nanos(lock.ttl.0.saturating_mul(TTLS).saturating_add(lock.lock_delay.0));
        self.0.insert(key, Held { id: lock.id.clone(), until: now.plus(lasts) });
    }

    /// A lock was given back.
    pub fn forget(&mut self, key: &Key) {
        self.0.remove(key);
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Takes out the locks that ran out, with their ids.
    pub fn expired(&mut self, now: UnixNanos) -> Vec<(Key, String)> {
        self.0.extract_if(|_, held| held.until <= now).map(|(key, held)| (key, held.id)).collect()
    }

    /// When the next one runs out.
    pub fn next(&self) -> Option<UnixNanos> {
        self.0.values().map(|held| held.until).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_lasts_two_ttls_and_its_delay() {
        let lock = VariableLock { id: "a".into(), ttl: Nanos::from_secs(10), lock_delay: Nanos::from_secs(5) };
        let key = || (Namespace::from("default"), "x".to_owned());
        let at = |secs: i64| UnixNanos(Nanos::from_secs(secs).0);
        let mut locks = Locks::default();
        locks.hold(key(), &lock, at(0));
        assert_eq!((locks.expired(at(24)), locks.next()), (Vec::new(), Some(at(25))));
        locks.hold(key(), &lock, at(20));
        assert_eq!(locks.expired(at(44)), Vec::new(), "it was renewed");
        assert_eq!(locks.expired(at(45)), [(key(), "a".to_owned())]);
        assert_eq!(locks.next(), None, "each runs out once");
    }
}
