//! Secondary indexes: one key to many primary keys.

use crate::rows::{AsKey, Key};
use imbl::{OrdMap, OrdSet};

/// One key to many primary keys, both in order. Empty sets are never kept.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Index<K: Ord + Clone, V: Ord + Clone>(OrdMap<K, OrdSet<V>>);

impl<K: Ord + Clone, V: Ord + Clone> Default for Index<K, V> {
    fn default() -> Self {
        Self(OrdMap::new())
    }
}

impl<K: Ord + Clone, V: Ord + Clone> Index<K, V> {
    pub(crate) fn add(&mut self, key: K, value: V) {
        // An entry would look the key up twice.
        if let Some(set) = self.0.get_mut(&key) {
            set.insert(value);
        } else {
            self.0.insert(key, OrdSet::unit(value));
        }
    }

    pub(crate) fn remove(&mut self, key: &K, value: &V) {
        if let Some(set) = self.0.get_mut(key) {
            set.remove(value);
            if set.is_empty() {
                self.0.remove(key);
            }
        }
    }

    pub(crate) fn of<'a>(&'a self, key: &K) -> impl Iterator<Item = &'a V> + use<'a, K, V> {
        self.0.get(key).into_iter().flat_map(OrdSet::iter)
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = &K> + '_ {
        self.0.keys()
    }

    /// How many the key has.
    pub(crate) fn count(&self, key: &K) -> usize {
        self.0.get(key).map_or(0, OrdSet::len)
    }
}

/// One key to the ids of many rows; see [`Index`].
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct IdIndex<K: Ord + Clone>(Index<K, Key>);

impl<K: Ord + Clone> Default for IdIndex<K> {
    fn default() -> Self {
        Self(Index::default())
    }
}

impl<K: Ord + Clone> IdIndex<K> {
    pub(crate) fn add(&mut self, key: K, id: &impl AsKey) {
        self.0.add(key, id.as_key());
    }

    pub(crate) fn remove(&mut self, key: &K, id: &impl AsKey) {
        self.0.remove(key, &id.as_key());
    }

    pub(crate) fn of<'a>(&'a self, key: &K) -> impl Iterator<Item = &'a Key> + use<'a, K> {
        self.0.of(key)
    }

    /// How many the key has.
    pub(crate) fn count(&self, key: &K) -> usize {
        self.0.count(key)
    }
}

/// How many there are of something per key. Zeroes are never kept.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tally<K: Ord + Clone>(OrdMap<K, usize>);

impl<K: Ord + Clone> Default for Tally<K> {
    fn default() -> Self {
        Self(OrdMap::new())
    }
}

impl<K: Ord + Clone> Tally<K> {
    pub(crate) fn add(&mut self, key: K) {
        if let Some(count) = self.0.get_mut(&key) {
            *count += 1;
        } else {
            self.0.insert(key, 1);
        }
    }

    pub(crate) fn remove(&mut self, key: &K) {
        if let Some(count) = self.0.get_mut(key) {
            *count -= 1;
            if *count == 0 {
                self.0.remove(key);
            }
        }
    }

    pub(crate) fn has(&self, key: &K) -> bool {
        self.0.contains_key(key)
    }
}
