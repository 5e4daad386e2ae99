//! The plain sums of what allocations hold and nodes have: CPU, memory, disk.

use crate::task::LifecycleHook;
use crate::{AllocatedResources, AllocatedTaskResources, Lifecycle, Node};

/// CPU in MHz, memory and disk in MiB.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Amounts {
    /// MHz.
    pub cpu: i64,
    /// MiB.
    pub memory: i64,
    /// MiB.
    pub disk: i64,
}

impl Amounts {
    /// What a node has for allocations: all of it less what it keeps for itself.
    pub fn of_node(node: &Node) -> Self {
        let (has, keeps) = (&node.node_resources, &node.reserved_resources);
        Self {
            cpu: has.cpu.cpu_shares - keeps.cpu.cpu_shares,
            memory: has.memory.memory_mb - keeps.memory.memory_mb,
            disk: has.disk.disk_mb - keeps.disk.disk_mb,
        }
    }

    /// What an allocation holds at its peak: tasks that never run at the same time share.
    pub fn of_alloc(resources: &AllocatedResources) -> Self {
        let tasks = resources.tasks.iter().map(|(name, task)| {
            let lifecycle = resources.task_lifecycles.get(name).and_then(Option::as_ref);
            (lifecycle, Self::of_task(task))
        });
        let mut total = Self::peak(tasks);
        total.disk += resources.shared.disk_mb;
        total
    }

    /// The most that tasks with these lifecycles hold at any time.
    pub fn peak<'a>(tasks: impl Iterator<Item = (Option<&'a Lifecycle>, Self)>) -> Self {
        let (mut throughout, mut before, mut main, mut after) =
            (Self::default(), Self::default(), Self::default(), Self::default());
        for (lifecycle, amounts) in tasks {
            let phase = match lifecycle {
                Some(Lifecycle { hook: LifecycleHook::Prestart, sidecar: true }) => &mut throughout,
                Some(Lifecycle { hook: LifecycleHook::Prestart, sidecar: false }) => &mut before,
                Some(Lifecycle { hook: LifecycleHook::Poststop, .. }) => &mut after,
                Some(Lifecycle { hook: LifecycleHook::Poststart, .. }) | None => &mut main,
            };
            *phase = phase.plus(amounts);
        }
        throughout.plus(before.max(main).max(after))
    }

    fn of_task(task: &AllocatedTaskResources) -> Self {
        Self { cpu: task.cpu.cpu_shares, memory: task.memory.memory_mb, disk: 0 }
    }

    /// The sum.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self { cpu: self.cpu + other.cpu, memory: self.memory + other.memory, disk: self.disk + other.disk }
    }

    /// The difference.
    #[must_use]
    pub const fn minus(self, other: Self) -> Self {
        Self { cpu: self.cpu - other.cpu, memory: self.memory - other.memory, disk: self.disk - other.disk }
    }

    fn max(self, other: Self) -> Self {
        Self { cpu: self.cpu.max(other.cpu), memory: self.memory.max(other.memory), disk: self.disk.max(other.disk) }
    }

    /// The first thing that `used` has more of, named as the wire names it.
    pub const fn exceeded_by(self, used: Self) -> Option<&'static str> {
        if used.cpu > self.cpu {
            Some("cpu")
        } else if used.memory > self.memory {
            Some("memory")
        } else if used.disk > self.disk {
            Some("disk")
        } else {
            None
        }
    }
}

/// What the live allocations of a node hold together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NodeHold {
    /// In sum.
    pub amounts: Amounts,
    /// How many there are.
    pub allocs: u32,
    /// How many of them hold ports, cores or devices too, which sums do not tell.
    pub special: u32,
}

impl NodeHold {
    /// Counts what an allocation holds.
    pub fn add(&mut self, resources: &AllocatedResources) {
        self.amounts = self.amounts.plus(Amounts::of_alloc(resources));
        self.allocs += 1;
        self.special += u32::from(resources.is_special());
    }

    /// Counts it no more.
    pub fn remove(&mut self, resources: &AllocatedResources) {
        self.amounts = self.amounts.minus(Amounts::of_alloc(resources));
        self.allocs -= 1;
        self.special -= u32::from(resources.is_special());
    }

    /// Whether nothing is held.
    pub const fn is_empty(&self) -> bool {
        self.allocs == 0
    }
}

impl AllocatedResources {
    /// Whether it holds something that only one allocation can hold: ports, cores or devices.
    pub fn is_special(&self) -> bool {
        !self.shared.ports.is_empty()
            || !self.shared.networks.is_empty()
            || self.tasks.values().any(|task| {
                !task.networks.is_empty() || !task.devices.is_empty() || !task.cpu.reserved_cores.is_empty()
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_that_never_run_together_share() {
        let lifecycle = |hook, sidecar| Some(Lifecycle { hook, sidecar });
        let of = |cpu| Amounts { cpu, memory: cpu, disk: 0 };
        let (init, proxy, stop) = (
            lifecycle(LifecycleHook::Prestart, false),
            lifecycle(LifecycleHook::Prestart, true),
            lifecycle(LifecycleHook::Poststop, false),
        );
        let tasks = [(None, of(100)), (init.as_ref(), of(300)), (proxy.as_ref(), of(10)), (stop.as_ref(), of(200))];
        assert_eq!(Amounts::peak(tasks.into_iter()).cpu, 310);
    }
}
