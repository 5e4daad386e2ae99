//! Whole cores that a task has for itself.

use drover_model::{AllocatedResources, Node, Resources};
use std::collections::BTreeMap;

/// Core numbers in use on a node.
#[derive(Clone, Debug, Default)]
pub(crate) struct CoreSet {
    taken: Vec<u16>,
    overlap: bool,
}

impl CoreSet {
    pub(crate) fn add(&mut self, resources: &AllocatedResources) {
        for core in resources.tasks.values().flat_map(|task| &task.cpu.reserved_cores) {
            self.take(*core);
        }
    }

    pub(crate) fn remove(&mut self, resources: &AllocatedResources) {
        for core in resources.tasks.values().flat_map(|task| &task.cpu.reserved_cores) {
            self.taken.retain(|taken| taken != core);
        }
    }

    fn take(&mut self, core: u16) {
        if self.taken.contains(&core) {
            self.overlap = true;
        } else {
            self.taken.push(core);
        }
    }

    /// Whether two tasks hold the same core, or one that the node does not give away.
    pub(crate) fn is_overcommitted(&self, node: &Node) -> bool {
        self.overlap || self.taken.iter().any(|core| !is_reservable(node, *core))
    }

    /// `count` free cores that are not in `also_taken`, or `None`. Without a NUMA preference the lowest
    /// ones. With one they come from a single NUMA node, the one that is left with the fewest; when none
    /// has enough, `prefer` takes from as few as possible and `require` does without.
    pub(crate) fn pick(
        &self,
        node: &Node,
        count: usize,
        also_taken: &[u16],
        affinity: NumaAffinity,
    ) -> Option<Vec<u16>> {
        let free = node.node_resources.cpu.reservable_cpu_cores.iter().copied();
        let free: Vec<u16> = free
            .filter(|core| is_reservable(node, *core))
            .filter(|core| !self.taken.contains(core) && !also_taken.contains(core))
            .collect();
        if free.len() < count {
            return None;
        }
        if affinity == NumaAffinity::None {
            return Some(free.into_iter().take(count).collect());
        }
        let mut by_node: BTreeMap<u16, Vec<u16>> = BTreeMap::new();
        for core in free {
            by_node.entry(numa_node_of(node, core)).or_default().push(core);
        }
        let single = by_node.values().filter(|cores| cores.len() >= count).min_by_key(|cores| cores.len());
        if let Some(cores) = single {
            return Some(cores[..count].to_vec());
        }
        if affinity == NumaAffinity::Require {
            return None;
        }
        let mut largest_first: Vec<Vec<u16>> = by_node.into_values().collect();
        largest_first.sort_by_key(|cores| std::cmp::Reverse(cores.len()));
        let mut picked: Vec<u16> = largest_first.into_iter().flatten().take(count).collect();
        picked.sort_unstable();
        Some(picked)
    }
}

/// How a task's cores relate to NUMA nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NumaAffinity {
    /// In no way.
    None,
    /// Rather on one.
    Prefer,
    /// On one.
    Require,
}

impl NumaAffinity {
    pub(crate) fn of(resources: &Resources) -> Self {
        match resources.numa.as_ref().map(|numa| numa.affinity.as_str()) {
            Some("prefer") => Self::Prefer,
            Some("require") => Self::Require,
            _ => Self::None,
        }
    }
}

/// Nodes that say nothing of their topology have one NUMA node.
fn numa_node_of(node: &Node, core: u16) -> u16 {
    let known = &node.node_resources.processors.topology.cores;
    known.iter().find(|known| known.id == core).map_or(0, |known| known.node_id)
}

fn is_reservable(node: &Node, core: u16) -> bool {
    node.node_resources.cpu.reservable_cpu_cores.contains(&core)
        && !node.reserved_resources.cpu.reserved_cpu_cores.contains(&core)
}

/// MHz of these cores together.
pub(crate) fn speed(node: &Node, cores: &[u16]) -> i64 {
    let known = &node.node_resources.processors.topology.cores;
    let even = || {
        let cpu = &node.node_resources.cpu;
        cpu.cpu_shares / i64::from(cpu.total_cpu_cores.max(1))
    };
    cores
        .iter()
        .map(|number| match known.iter().find(|core| core.id == *number) {
            Some(core) if core.base_speed > 0 => core.base_speed,
            Some(core) if core.max_speed > 0 => core.max_speed,
            Some(core) if core.guess_speed > 0 => core.guess_speed,
            _ => even(),
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use drover_model::resources::Core;

    /// Two NUMA nodes of four cores each.
    fn node() -> Node {
        let mut node = Node::default();
        node.node_resources.cpu.reservable_cpu_cores = (0..8).collect();
        node.node_resources.processors.topology.cores =
            (0..8).map(|id| Core { id, node_id: id / 4, ..Core::default() }).collect();
        node
    }

    fn check(taken: &[u16], count: usize, affinity: NumaAffinity, want: Option<&[u16]>) {
        let set = CoreSet { taken: taken.to_vec(), overlap: false };
        assert_eq!(set.pick(&node(), count, &[], affinity).as_deref(), want, "{taken:?} {count} {affinity:?}");
    }

    #[test]
    fn cores_keep_to_a_numa_node() {
        check(&[0, 1], 3, NumaAffinity::None, Some(&[2, 3, 4]));
        check(&[0, 1], 3, NumaAffinity::Prefer, Some(&[4, 5, 6]));
        check(&[0, 1], 3, NumaAffinity::Require, Some(&[4, 5, 6]));
        // The fuller node is used up first.
        check(&[4, 5], 2, NumaAffinity::Require, Some(&[6, 7]));
        check(&[0, 4], 4, NumaAffinity::Require, None);
        check(&[0, 1, 4], 4, NumaAffinity::Prefer, Some(&[2, 5, 6, 7]));
        check(&[0, 1, 2, 3, 4], 4, NumaAffinity::Prefer, None);
    }
}
