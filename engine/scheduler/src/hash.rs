//! A quick hash for ids and names of classes.
//!
//! An evaluation looks up each node and its class. Both names come from this cluster's own nodes, and the tables
//! live as long as one evaluation: nobody could gain by making them collide.

use std::hash::{BuildHasherDefault, Hasher};

/// For tables that are keyed by ids or classes.
pub(crate) type QuickHash = BuildHasherDefault<QuickHasher>;

/// Eight bytes at a time.
#[derive(Default)]
pub(crate) struct QuickHasher(u64);

impl Hasher for QuickHasher {
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.0 = (self.0.rotate_left(5) ^ u64::from_le_bytes(word)).wrapping_mul(0x517c_c1b7_2722_0a95);
        }
    }
    fn finish(&self) -> u64 {
        // The table takes the highest bits too.
        self.0 ^ (self.0 >> 29)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;
    use std::hash::BuildHasher;

    #[test]
    fn ids_that_differ_a_little_do_not_collide() {
        let hash = |text: &str| QuickHash::default().hash_one(text);
        let ids = (0..10_000).map(|n| format!("9085cb9c-0000-4000-8000-{n:012x}"));
        let hashes: HashSet<u64> = ids.map(|id| hash(&id)).collect();
        assert_eq!(hashes.len(), 10_000);
        // The low bits choose the place in the table.
        let places: HashSet<u64> = hashes.iter().map(|hash| hash & 0xfff).collect();
        assert!(places.len() > 3_000, "{}", places.len());
    }
}
