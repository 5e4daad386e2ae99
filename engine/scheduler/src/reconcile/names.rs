//! The numbers in the names of a group's allocations.

use super::filters::AllocSet;
use drover_model::alloc::alloc_name;
use drover_model::{Allocation, TaskGroup};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Which numbers are taken.
pub(crate) struct NameIndex<'a> {
    job: &'a str,
    group: &'a str,
    count: u32,
    taken: BTreeSet<u32>,
}

impl<'a> NameIndex<'a> {
    pub(crate) fn new<'b>(
        job: &'a str,
        group: &'a TaskGroup,
        allocs: impl IntoIterator<Item = &'b Arc<Allocation>>,
    ) -> Self {
        let taken = allocs.into_iter().filter_map(|alloc| alloc.index()).collect();
        Self { job, group: &group.name, count: group.count, taken }
    }

    fn name(&self, index: u32) -> String {
        alloc_name(self.job, self.group, index)
    }

    pub(crate) fn release(&mut self, alloc: &Allocation) {
        if let Some(index) = alloc.index() {
            self.taken.remove(&index);
        }
    }

    /// The highest `n` taken names, which are free from then on.
    pub(crate) fn highest(&mut self, n: usize) -> BTreeSet<String> {
        let indexes: Vec<u32> = self.taken.iter().rev().take(n).copied().collect();
        for index in &indexes {
            self.taken.remove(index);
        }
        indexes.into_iter().map(|index| self.name(index)).collect()
    }

    /// `n` names: free ones first, then from 0 again.
    pub(crate) fn next(&mut self, n: usize) -> Vec<String> {
        let mut indexes: Vec<u32> = (0..self.count).filter(|index| !self.taken.contains(index)).take(n).collect();
        let missing = n - indexes.len();
        indexes.extend((0..).take(missing));
        self.taken.extend(&indexes);
        indexes.into_iter().map(|index| self.name(index)).collect()
    }

    /// `n` names for canaries: those of what will be updated, then free ones, then beyond the count.
    pub(crate) fn next_canaries(&mut self, n: usize, canaries: &AllocSet, destructive: &AllocSet) -> Vec<String> {
        let used: BTreeSet<u32> = canaries.values().filter_map(|alloc| alloc.index()).collect();
        let updated: BTreeSet<u32> = destructive.values().filter_map(|alloc| alloc.index()).collect();
        let free = (0..self.count).filter(|index| !self.taken.contains(index));
        let mut indexes: Vec<u32> = Vec::with_capacity(n);
        for index in updated.into_iter().filter(|index| *index < self.count).chain(free).chain(self.count..) {
            if indexes.len() == n {
                break;
            }
            if !used.contains(&index) && !indexes.contains(&index) {
                indexes.push(index);
            }
        }
        self.taken.extend(&indexes);
        indexes.into_iter().map(|index| self.name(index)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index<'a>(group: &'a TaskGroup, taken: &[u32]) -> NameIndex<'a> {
        let allocs: Vec<_> = taken
            .iter()
            .map(|i| Arc::new(Allocation { name: alloc_name("j", "g", *i), ..Allocation::default() }))
            .collect();
        NameIndex::new("j", group, &allocs)
    }

    #[test]
    fn free_numbers_are_used_first() {
        let group = TaskGroup { name: "g".into(), count: 4, ..TaskGroup::default() };
        assert_eq!(index(&group, &[1, 3]).next(3), ["j.g[0]", "j.g[2]", "j.g[0]"]);
        assert_eq!(index(&group, &[0, 2, 7]).highest(2).into_iter().collect::<Vec<_>>(), ["j.g[2]", "j.g[7]"]);
        let none = AllocSet::default();
        assert_eq!(index(&group, &[0, 1, 2, 3]).next_canaries(2, &none, &none), ["j.g[4]", "j.g[5]"]);
    }
}
