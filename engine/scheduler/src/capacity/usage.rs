//! One node while it is being filled.

use super::Amounts;
use super::cores::{CoreSet, NumaAffinity, speed};
use super::devices::DeviceIndex;
use super::ports::{PortIndex, PortRng};
use drover_model::resources::{AllocatedCpu, AllocatedDevice, AllocatedMemory, AllocatedSharedResources};
use drover_model::{
    AllocatedResources, AllocatedTaskResources, Allocation, Lifecycle, NetworkResource, Node, PortMapping, TaskGroup,
};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What is taken on a node.
#[derive(Clone)]
pub(crate) struct NodeUsage {
    node: Arc<Node>,
    capacity: Amounts,
    used: Amounts,
    allocs: u32,
    cores: CoreSet,
    devices: DeviceIndex,
    /// Built when ports are first asked for: most nodes are never asked.
    ports: Option<Box<PortIndex>>,
    held: Vec<Arc<AllocatedResources>>,
}

/// What a group asks for, worked out once.
#[derive(Clone)]
pub(crate) struct GroupAsk {
    network: Option<NetworkResource>,
    amounts: Amounts,
    tasks: Vec<TaskAsk>,
    lifecycles: BTreeMap<String, Option<Lifecycle>>,
    disk_mb: i64,
    is_plain: bool,
    /// With `is_plain`, what every allocation of the group holds.
    template: Arc<AllocatedResources>,
}

#[derive(Clone)]
struct TaskAsk {
    name: String,
    resources: drover_model::Resources,
    memory_max_mb: i64,
}

/// A group's resources on one node.
pub(crate) struct Offer {
    pub(crate) resources: Arc<AllocatedResources>,
    /// The node's amounts with it.
    pub(crate) used: Amounts,
    pub(crate) capacity: Amounts,
    /// Matching and total weight of device affinities.
    pub(crate) device_affinity: Option<(f64, f64)>,
}

impl GroupAsk {
    /// Whether it asks for amounts only, no ports, cores or devices.
    pub(crate) const fn is_plain(&self) -> bool {
        self.is_plain
    }

    /// CPU, memory and disk.
    pub(crate) const fn amounts(&self) -> Amounts {
        self.amounts
    }

    /// With [`Self::is_plain`], what every allocation of the group holds.
    pub(crate) const fn template(&self) -> &Arc<AllocatedResources> {
        &self.template
    }

    pub(crate) fn new(group: &TaskGroup, oversubscription: bool) -> Self {
        let tasks: Vec<TaskAsk> = group
            .tasks
            .iter()
            .map(|task| TaskAsk {
                name: task.name.clone(),
                resources: task.resources.clone(),
                memory_max_mb: if oversubscription { task.resources.memory_max_mb } else { 0 },
            })
            .collect();
        let amounts =
            |task: &drover_model::Task| Amounts { cpu: task.resources.cpu, memory: task.resources.memory_mb, disk: 0 };
        let mut total = Amounts::peak(group.tasks.iter().map(|task| (task.lifecycle.as_ref(), amounts(task))));
        total.disk = group.ephemeral_disk.size_mb;
        let is_plain = group.networks.is_empty()
            && tasks.iter().all(|task| {
                task.resources.cores == 0 && task.resources.networks.is_empty() && task.resources.devices.is_empty()
            });
        let mut ask = Self {
            network: group.networks.first().cloned(),
            amounts: total,
            lifecycles: group.tasks.iter().map(|task| (task.name.clone(), task.lifecycle.clone())).collect(),
            disk_mb: group.ephemeral_disk.size_mb,
            tasks,
            is_plain,
            template: Arc::default(),
        };
        ask.template = Arc::new(ask.base());
        ask
    }

    fn base(&self) -> AllocatedResources {
        let tasks = self.tasks.iter().map(|task| {
            let given = AllocatedTaskResources {
                cpu: AllocatedCpu { cpu_shares: task.resources.cpu, reserved_cores: Vec::new() },
                memory: AllocatedMemory { memory_mb: task.resources.memory_mb, memory_max_mb: task.memory_max_mb },
                ..AllocatedTaskResources::default()
            };
            (task.name.clone(), given)
        });
        AllocatedResources {
            tasks: tasks.collect(),
            task_lifecycles: self.lifecycles.clone(),
            shared: AllocatedSharedResources { disk_mb: self.disk_mb, ..AllocatedSharedResources::default() },
        }
    }
}

impl NodeUsage {
    /// A node with these allocations; those that are done by the node's word hold nothing.
    pub(crate) fn new<'a>(node: Arc<Node>, allocs: impl IntoIterator<Item = &'a Allocation>) -> Self {
        let capacity = Amounts::of_node(&node);
        let mut usage = Self {
            node,
            capacity,
            used: Amounts::default(),
            allocs: 0,
            cores: CoreSet::default(),
            devices: DeviceIndex::default(),
            ports: None,
            held: Vec::new(),
        };
        for alloc in allocs {
            if let Some(resources) = &alloc.allocated_resources
                && !alloc.is_client_terminal()
            {
                usage.add(resources);
            }
        }
        usage
    }

    pub(crate) fn node_id(&self) -> &drover_model::NodeId {
        &self.node.id
    }

    pub(crate) fn add(&mut self, resources: &Arc<AllocatedResources>) {
        self.used = self.used.plus(Amounts::of_alloc(resources));
        self.allocs += 1;
        self.cores.add(resources);
        self.devices.add(resources);
        if let Some(ports) = &mut self.ports {
            ports.add(resources);
        }
        self.held.push(Arc::clone(resources));
    }

    pub(crate) fn remove(&mut self, resources: &Arc<AllocatedResources>) {
        let same = |held: &Arc<AllocatedResources>| Arc::ptr_eq(held, resources) || held == resources;
        let Some(at) = self.held.iter().position(same) else {
            return;
        };
        self.held.swap_remove(at);
        self.used = self.used.minus(Amounts::of_alloc(resources));
        self.allocs -= 1;
        self.cores.remove(resources);
        self.devices.remove(resources);
        if let Some(ports) = &mut self.ports {
            ports.remove(resources);
        }
    }

    fn ports(&mut self) -> &PortIndex {
        self.ports.get_or_insert_with(|| {
            let mut ports = PortIndex::of_node(&self.node);
            self.held.iter().for_each(|resources| ports.add(resources));
            Box::new(ports)
        })
    }

    /// The dimension in which too much is taken.
    pub(crate) fn overcommitted(&mut self) -> Option<String> {
        if self.cores.is_overcommitted(&self.node) {
            return Some("cores".to_owned());
        }
        if let Some(dimension) = self.exceeded(self.used, self.allocs) {
            return Some(dimension.to_owned());
        }
        if self.held.iter().any(|held| holds_ports(held))
            && let Some(port) = self.ports().collision()
        {
            return Some(format!("reserved alloc port collision: {port}"));
        }
        self.devices.is_overcommitted().then(|| "device oversubscribed".to_owned())
    }

    fn exceeded(&self, used: Amounts, allocs: u32) -> Option<&'static str> {
        exceeded(self.capacity, self.node.node_max_allocs, used, allocs)
    }

    /// What the node would give a group, or the dimension that it lacks.
    pub(crate) fn offer(&mut self, ask: &GroupAsk, rng: &mut PortRng) -> Result<Offer, String> {
        if ask.is_plain {
            let used = self.used.plus(ask.amounts);
            return match self.exceeded(used, self.allocs + 1) {
                Some(dimension) => Err(dimension.to_owned()),
                None => Ok(Offer {
                    resources: Arc::clone(&ask.template),
                    used,
                    capacity: self.capacity,
                    device_affinity: None,
                }),
            };
        }
        let mut resources = (*ask.template).clone();
        self.offer_networks(ask, &mut resources, rng)?;
        let device_affinity = self.offer_devices(ask, &mut resources)?;
        self.offer_cores(ask, &mut resources)?;
        let used = self.used.plus(Amounts::of_alloc(&resources));
        match self.exceeded(used, self.allocs + 1) {
            Some(dimension) => Err(dimension.to_owned()),
            None => Ok(Offer { resources: Arc::new(resources), used, capacity: self.capacity, device_affinity }),
        }
    }

    fn offer_networks(
        &mut self,
        ask: &GroupAsk,
        resources: &mut AllocatedResources,
        rng: &mut PortRng,
    ) -> Result<(), String> {
        let fail = |error: String| format!("network: {error}");
        let mut taken: Vec<PortMapping> = Vec::new();
        if let Some(network) = &ask.network {
            let network = self.resolve_host_networks(network)?;
            let ports = self.ports();
            let given = ports.assign(&network, rng).map_err(fail)?;
            resources.shared.networks = vec![ports.network_of(&network, &given)];
            taken.clone_from(&given);
            resources.shared.ports = given;
        }
        for task in &ask.tasks {
            let Some(network) = task.resources.networks.first() else { continue };
            let given = self.ports().assign_task(network, &taken, rng).map_err(fail)?;
            taken.extend(given.reserved_ports.iter().chain(&given.dynamic_ports).map(|port| PortMapping {
                value: port.value,
                host_ip: given.ip.clone(),
                ..PortMapping::default()
            }));
            if let Some(task) = resources.tasks.get_mut(&task.name) {
                task.networks = vec![given];
            }
        }
        Ok(())
    }

    /// Host networks may be interpolations of the node's attributes and meta.
    fn resolve_host_networks(&self, network: &NetworkResource) -> Result<NetworkResource, String> {
        let mut network = network.clone();
        for port in network.reserved_ports.iter_mut().chain(&mut network.dynamic_ports) {
            if !port.host_network.starts_with("${") {
                continue;
            }
            let resolved = crate::feasible::resolve(&port.host_network, &self.node);
            let Some(value) = resolved else {
                return Err(format!("network: missing host network {:?} for port {:?}", port.host_network, port.label));
            };
            port.host_network = value;
        }
        Ok(network)
    }

    fn offer_devices(&self, ask: &GroupAsk, resources: &mut AllocatedResources) -> Result<Option<(f64, f64)>, String> {
        let mut taken: Vec<AllocatedDevice> = Vec::new();
        let (mut matching, mut total) = (0.0, 0.0);
        for task in &ask.tasks {
            for request in &task.resources.devices {
                let picked = self.devices.pick(&self.node, request, &taken);
                let (device, score) = picked.map_err(|error| format!("devices: {error}"))?;
                matching += score;
                total += request.affinities.iter().map(|a| f64::from(a.weight).abs()).sum::<f64>();
                taken.push(device.clone());
                if let Some(task) = resources.tasks.get_mut(&task.name) {
                    task.devices.push(device);
                }
            }
        }
        Ok((total > 0.0).then_some((matching, total)))
    }

    fn offer_cores(&self, ask: &GroupAsk, resources: &mut AllocatedResources) -> Result<(), String> {
        let mut taken: Vec<u16> = Vec::new();
        for task in ask.tasks.iter().filter(|task| task.resources.cores > 0) {
            let count = usize::try_from(task.resources.cores).unwrap_or(usize::MAX);
            let cores = self.cores.pick(&self.node, count, &taken, NumaAffinity::of(&task.resources)).ok_or("cores")?;
            taken.extend(&cores);
            if let Some(given) = resources.tasks.get_mut(&task.name) {
                given.cpu = AllocatedCpu { cpu_shares: speed(&self.node, &cores), reserved_cores: cores };
            }
        }
        Ok(())
    }
}

/// The dimension in which `used` is too much; `max_allocs` is 0 where any number may be there.
pub(crate) fn exceeded(capacity: Amounts, max_allocs: u32, used: Amounts, allocs: u32) -> Option<&'static str> {
    if max_allocs > 0 && allocs > max_allocs {
        return Some("max allocation exceeded");
    }
    capacity.exceeded_by(used)
}

fn holds_ports(resources: &AllocatedResources) -> bool {
    !resources.shared.ports.is_empty()
        || !resources.shared.networks.is_empty()
        || resources.tasks.values().any(|task| !task.networks.is_empty())
}
