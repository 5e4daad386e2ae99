//! Whole cores that a task has for itself.

use drover_model::{AllocatedResources, Node};

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

    /// The lowest `count` free cores that are not in `also_taken`, or `None`.
    pub(crate) fn pick(&self, node: &Node, count: usize, also_taken: &[u16]) -> Option<Vec<u16>> {
        let free = node.node_resources.cpu.reservable_cpu_cores.iter().copied();
        let picked: Vec<u16> = free
            .filter(|core| is_reservable(node, *core))
            .filter(|core| !self.taken.contains(core) && !also_taken.contains(core))
            .take(count)
            .collect();
        (picked.len() == count).then_some(picked)
    }
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
