//! Reads of a snapshot, by table.

mod acl;
mod clusters;
mod jobs;
mod storage;
mod work;

use imbl::OrdMap;
use std::ops::Bound;

/// The rows whose text key begins with `prefix`, in order.
fn by_prefix<'a, K, V>(map: &'a OrdMap<K, V>, prefix: &'a str) -> impl Iterator<Item = &'a V> + 'a
where
    K: Ord + Clone + From<&'a str> + AsRef<str>,
    V: Clone,
{
    let start = if prefix.is_empty() { Bound::Unbounded } else { Bound::Included(K::from(prefix)) };
    map.range((start, Bound::Unbounded))
        .take_while(move |(key, _)| key.as_ref().starts_with(prefix))
        .map(|(_, value)| value)
}
