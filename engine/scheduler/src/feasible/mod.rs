//! Hard checks: which nodes may hold a group at all. One file each.
//!
//! Most checks give the same answer for all nodes of a computed class, and are made once per class
//! ([`classes`]); those that look at unique attributes "escape" and are made for every node.

mod classes;
mod constraint;
mod csi;
mod device;
mod distinct;
mod driver;
mod network;
mod pool;
mod quota;
mod target;
mod version;
mod volume;

pub(crate) use classes::{ClassCache, Verdict};
pub(crate) use constraint::CompiledConstraint;
pub(crate) use device::{affinity_matches, device_matches};
pub(crate) use distinct::{DistinctHosts, DistinctProperty, PropertyCount};
pub(crate) use pool::{Candidates, belongs, candidates, pool_name};
pub(crate) use quota::QuotaGate;
pub(crate) use target::{Target, pool_of, resolve};
pub(crate) use volume::Around;
pub use volume::meets;

use drover_model::{ClusterView, Job, Node, TaskGroup};

/// Everything that a node must satisfy for one group, in the order of the checks.
pub(crate) struct GroupChecks {
    drivers: Vec<String>,
    constraints: Vec<CompiledConstraint>,
    devices: Vec<drover_model::DeviceRequest>,
    network: Option<network::NetworkCheck>,
    volumes: volume::VolumeCheck,
    pub(crate) escaped: bool,
}

impl GroupChecks {
    pub(crate) fn new(group: &TaskGroup) -> Self {
        let all = group.constraints.iter().chain(group.tasks.iter().flat_map(|task| &task.constraints));
        let constraints: Vec<CompiledConstraint> = all.filter_map(CompiledConstraint::new).collect();
        let devices: Vec<_> = group.tasks.iter().flat_map(|task| task.resources.devices.iter().cloned()).collect();
        Self {
            drivers: driver::wanted(group),
            escaped: constraints.iter().any(CompiledConstraint::escapes_class),
            constraints,
            devices,
            network: network::NetworkCheck::new(group),
            volumes: volume::VolumeCheck::new(group),
        }
    }

    /// What is the same for all nodes of a class. `Err` is the text that the metrics count.
    pub(crate) fn check_class(&self, node: &Node) -> Result<(), String> {
        if !driver::has_all(node, &self.drivers) {
            return Err(driver::MISSING.to_owned());
        }
        if let Some(broken) = self.constraints.iter().find(|constraint| !constraint.holds(node)) {
            return Err(broken.to_string());
        }
        if !device::has_all(node, &self.devices) {
            return Err(device::MISSING.to_owned());
        }
        self.network.as_ref().map_or(Ok(()), |network| network.check(node))
    }

    /// The drivers that are not there, or do not work.
    pub(crate) fn missing_drivers<'a>(&'a self, node: &'a Node) -> impl Iterator<Item = &'a String> {
        self.drivers.iter().filter(|driver| !driver::has_all(node, std::slice::from_ref(driver)))
    }
    /// Whether the node has the devices, used or not.
    pub(crate) fn has_devices(&self, node: &Node) -> bool {
        device::has_all(node, &self.devices)
    }
    /// Whether the node has the network's mode and host networks. `Err` is the text that the metrics count.
    pub(crate) fn check_network(&self, node: &Node) -> Result<(), String> {
        self.network.as_ref().map_or(Ok(()), |network| network.check(node))
    }

    /// Looks up what the cluster knows of the group's volumes.
    pub(crate) fn bind(&mut self, view: &dyn ClusterView, job: &Job, group: &TaskGroup) {
        self.volumes.bind(view, job, group);
    }

    /// Whether the group is the only writer of a host volume.
    pub(crate) fn is_sole_writer(&self, volume: &str, alloc_index: Option<u32>) -> bool {
        self.volumes.is_sole_writer(volume, alloc_index)
    }

    /// Whether anything differs between nodes of a class.
    #[inline]
    pub(crate) const fn has_node_checks(&self) -> bool {
        !self.volumes.is_empty()
    }

    /// What may differ between nodes of a class. Without `around` the allocation is on the node already.
    pub(crate) fn check_node(
        &self,
        view: &dyn ClusterView,
        node: &Node,
        alloc_index: Option<u32>,
        around: Option<&Around<'_>>,
    ) -> Result<(), String> {
        self.volumes.check(view, node, alloc_index, around)
    }
}

/// The job's own constraints.
pub(crate) struct JobChecks {
    constraints: Vec<CompiledConstraint>,
    pub(crate) escaped: bool,
}

impl JobChecks {
    pub(crate) fn new(job: &Job) -> Self {
        let constraints: Vec<_> = job.constraints.iter().filter_map(CompiledConstraint::new).collect();
        Self { escaped: constraints.iter().any(CompiledConstraint::escapes_class), constraints }
    }
    pub(crate) fn check(&self, node: &Node) -> Result<(), String> {
        match self.constraints.iter().find(|constraint| !constraint.holds(node)) {
            Some(broken) => Err(broken.to_string()),
            None => Ok(()),
        }
    }
}
