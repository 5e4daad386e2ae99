//! Ports in use on a node, and picking free ones.

use drover_model::{AllocatedResources, NetworkResource, Node, Port, PortMapping};
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};

/// Random picks before the free ports are listed.
const MAX_RANDOM_PICKS: usize = 20;
const DEFAULT_HOST_NETWORK: &str = "default";
const DEFAULT_MIN_DYNAMIC_PORT: u16 = 20_000;
const DEFAULT_MAX_DYNAMIC_PORT: u16 = 32_000;
const WORDS: usize = 65_536 / 64;

/// Where dynamic ports come from.
pub(crate) struct PortRng(SmallRng);

impl PortRng {
    pub(crate) fn new(seed: u64) -> Self {
        Self(SmallRng::seed_from_u64(seed))
    }
    fn between(&mut self, low: u16, high: u16) -> u16 {
        self.0.random_range(low..=high)
    }
}

/// One bit per port.
#[derive(Clone)]
struct PortSet(Box<[u64; WORDS]>);

impl PortSet {
    fn new() -> Self {
        Self(Box::new([0; WORDS]))
    }
    fn contains(&self, port: u16) -> bool {
        self.0[usize::from(port) / 64] >> (port % 64) & 1 == 1
    }
    fn insert(&mut self, port: u16) -> bool {
        let fresh = !self.contains(port);
        self.0[usize::from(port) / 64] |= 1 << (port % 64);
        fresh
    }
    fn remove(&mut self, port: u16) {
        self.0[usize::from(port) / 64] &= !(1 << (port % 64));
    }
}

#[derive(Clone)]
struct HostAddress {
    host_network: String,
    ip: String,
    used: PortSet,
}

/// Ports in use on a node, by address.
#[derive(Clone)]
pub(crate) struct PortIndex {
    addresses: Vec<HostAddress>,
    /// The address of the first interface: what networks of groups and tasks are shown with.
    host_ip: String,
    device: String,
    dynamic: (u16, u16),
    collision: Option<u16>,
}

impl PortIndex {
    /// The ports of a node without allocations.
    pub(crate) fn of_node(node: &Node) -> Self {
        let resources = &node.node_resources;
        let mut addresses: Vec<HostAddress> = Vec::new();
        let mut add = |host_network: &str, ip: &str, reserved: &str| {
            let mut used = PortSet::new();
            reserve(&mut used, reserved);
            reserve(&mut used, &node.reserved_resources.networks.reserved_host_ports);
            addresses.push(HostAddress { host_network: host_network.to_owned(), ip: ip.to_owned(), used });
        };
        for network in &resources.node_networks {
            for address in &network.addresses {
                add(&address.alias, &address.address, &address.reserved_ports);
            }
        }
        for network in &resources.networks {
            let known = resources.node_networks.iter().flat_map(|n| &n.addresses).any(|a| a.address == network.ip);
            if !network.ip.is_empty() && !known {
                add(DEFAULT_HOST_NETWORK, &network.ip, "");
            }
        }
        let host = resources.node_networks.iter().find(|network| network.mode == "host");
        let host_ip = host.and_then(|network| network.addresses.first()).map(|address| address.address.clone());
        let first = resources.networks.iter().find(|network| !network.ip.is_empty());
        let host_ip = host_ip.or_else(|| first.map(|network| network.ip.clone())).unwrap_or_default();
        let device = first.map(|network| network.device.clone()).unwrap_or_default();
        let dynamic = (
            if resources.min_dynamic_port == 0 { DEFAULT_MIN_DYNAMIC_PORT } else { resources.min_dynamic_port },
            if resources.max_dynamic_port == 0 { DEFAULT_MAX_DYNAMIC_PORT } else { resources.max_dynamic_port },
        );
        Self { addresses, host_ip, device, dynamic, collision: None }
    }

    /// Takes an allocation's ports.
    pub(crate) fn add(&mut self, resources: &AllocatedResources) {
        for port in &resources.shared.ports {
            self.take(&port.host_ip, port.value, port.ignore_collision);
        }
        if resources.shared.ports.is_empty() {
            resources.shared.networks.iter().for_each(|network| self.take_network(network));
        }
        resources.tasks.values().flat_map(|task| &task.networks).for_each(|network| self.take_network(network));
    }

    /// Gives an allocation's ports back.
    pub(crate) fn remove(&mut self, resources: &AllocatedResources) {
        for port in &resources.shared.ports {
            self.release(&port.host_ip, port.value);
        }
        for network in resources
            .tasks
            .values()
            .flat_map(|task| &task.networks)
            .chain(resources.shared.networks.iter().filter(|_| resources.shared.ports.is_empty()))
        {
            for port in network.reserved_ports.iter().chain(&network.dynamic_ports) {
                self.release(&network.ip, port.value);
            }
        }
    }

    fn take_network(&mut self, network: &NetworkResource) {
        for port in network.reserved_ports.iter().chain(&network.dynamic_ports) {
            self.take(&network.ip, port.value, port.ignore_collision);
        }
    }

    fn take(&mut self, ip: &str, port: u16, ignore_collision: bool) {
        if port == 0 {
            return;
        }
        let mut known = false;
        for address in self.addresses.iter_mut().filter(|address| address.ip == ip) {
            known = true;
            if !address.used.insert(port) && !ignore_collision {
                self.collision = Some(port);
            }
        }
        if !known {
            let mut used = PortSet::new();
            used.insert(port);
            self.addresses.push(HostAddress { host_network: String::new(), ip: ip.to_owned(), used });
        }
    }

    fn release(&mut self, ip: &str, port: u16) {
        self.addresses.iter_mut().filter(|address| address.ip == ip).for_each(|address| address.used.remove(port));
    }

    /// A port that two allocations hold.
    pub(crate) const fn collision(&self) -> Option<u16> {
        self.collision
    }

    /// Picks the ports of a group's network.
    pub(crate) fn assign(&self, ask: &NetworkResource, rng: &mut PortRng) -> Result<Vec<PortMapping>, String> {
        let mut given: Vec<PortMapping> = Vec::with_capacity(ask.reserved_ports.len() + ask.dynamic_ports.len());
        for port in &ask.reserved_ports {
            let mapping = self.assign_static(port, &given)?;
            given.push(mapping);
        }
        for port in &ask.dynamic_ports {
            let mapping = self.assign_dynamic(port, ask, &given, rng)?;
            given.push(mapping);
        }
        Ok(given)
    }

    fn on_network<'a>(&'a self, port: &'a Port) -> impl Iterator<Item = &'a HostAddress> {
        let wanted = if port.host_network.is_empty() { DEFAULT_HOST_NETWORK } else { &port.host_network };
        self.addresses.iter().filter(move |address| address.host_network == wanted)
    }

    /// A static port goes to the first of the network's addresses that has it free.
    fn assign_static(&self, port: &Port, given: &[PortMapping]) -> Result<PortMapping, String> {
        let is_taken = |address: &HostAddress| {
            address.used.contains(port.value) || given.iter().any(|g| g.host_ip == address.ip && g.value == port.value)
        };
        let mut any = false;
        for address in self.on_network(port) {
            any = true;
            if port.ignore_collision || !is_taken(address) {
                return Ok(mapping(port, port.value, address));
            }
        }
        if any {
            return Err(format!("reserved port collision {}={}", port.label, port.value));
        }
        Err(no_addresses(port))
    }

    /// A dynamic port goes to the first of the network's addresses that has one free.
    fn assign_dynamic(
        &self,
        port: &Port,
        ask: &NetworkResource,
        given: &[PortMapping],
        rng: &mut PortRng,
    ) -> Result<PortMapping, String> {
        let mut any = false;
        for address in self.on_network(port) {
            any = true;
            let is_free = |value: u16| {
                !address.used.contains(value)
                    && !given.iter().any(|g| g.value == value)
                    && !ask.reserved_ports.iter().any(|reserved| reserved.value == value)
            };
            if let Some(value) = self.pick_dynamic(is_free, rng) {
                return Ok(mapping(port, value, address));
            }
        }
        Err(if any { "dynamic port selection failed".to_owned() } else { no_addresses(port) })
    }

    fn pick_dynamic(&self, is_free: impl Fn(u16) -> bool, rng: &mut PortRng) -> Option<u16> {
        let (low, high) = self.dynamic;
        if low > high {
            return None;
        }
        for _ in 0..MAX_RANDOM_PICKS {
            let value = rng.between(low, high);
            if is_free(value) {
                return Some(value);
            }
        }
        (low..=high).find(|value| is_free(*value))
    }

    /// The network as the allocation shows it, with the picked numbers.
    pub(crate) fn network_of(&self, ask: &NetworkResource, given: &[PortMapping]) -> NetworkResource {
        let mut network = ask.clone();
        for port in &mut network.dynamic_ports {
            if let Some(found) = given.iter().find(|mapping| mapping.label == port.label) {
                port.value = found.value;
                port.to = found.to;
            }
        }
        network.ip.clone_from(&self.host_ip);
        network
    }

    /// Picks the ports of a task's own network (the older form).
    pub(crate) fn assign_task(
        &self,
        ask: &NetworkResource,
        also_taken: &[PortMapping],
        rng: &mut PortRng,
    ) -> Result<NetworkResource, String> {
        let Some(address) = self.addresses.iter().find(|address| address.ip == self.host_ip) else {
            return Err("no networks available".to_owned());
        };
        let mut network = NetworkResource {
            mode: ask.mode.clone(),
            device: self.device.clone(),
            ip: address.ip.clone(),
            mbits: ask.mbits,
            dns: ask.dns.clone(),
            reserved_ports: ask.reserved_ports.clone(),
            dynamic_ports: ask.dynamic_ports.clone(),
            ..NetworkResource::default()
        };
        let taken = |value: u16| {
            address.used.contains(value) || also_taken.iter().any(|g| g.host_ip == address.ip && g.value == value)
        };
        if let Some(port) = ask.reserved_ports.iter().find(|port| taken(port.value) && !port.ignore_collision) {
            return Err(format!("reserved port collision {}={}", port.label, port.value));
        }
        let mut picked: Vec<u16> = ask.reserved_ports.iter().map(|port| port.value).collect();
        for port in &mut network.dynamic_ports {
            let value = self.pick_dynamic(|value| !taken(value) && !picked.contains(&value), rng);
            port.value = value.ok_or_else(|| "dynamic port selection failed".to_owned())?;
            if port.to == -1 {
                port.to = i32::from(port.value);
            }
            picked.push(port.value);
        }
        Ok(network)
    }
}

fn mapping(port: &Port, value: u16, address: &HostAddress) -> PortMapping {
    PortMapping {
        label: port.label.clone(),
        value,
        to: if port.to == -1 { i32::from(value) } else { port.to },
        host_ip: address.ip.clone(),
        ignore_collision: port.ignore_collision,
    }
}

fn no_addresses(port: &Port) -> String {
    let network = if port.host_network.is_empty() { DEFAULT_HOST_NETWORK } else { &port.host_network };
    format!("no addresses available for {network} network")
}

/// Takes the ports of a list such as `22,80-90`; what cannot be read was refused by the node itself.
fn reserve(used: &mut PortSet, ports: &str) {
    for part in ports.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let (low, high) = part.split_once('-').unwrap_or((part, part));
        if let (Ok(low), Ok(high)) = (low.trim().parse::<u16>(), high.trim().parse::<u16>()) {
            (low..=high).for_each(|port| {
                used.insert(port);
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use drover_model::resources::{NodeAddress, NodeNetwork};

    fn node(reserved: &str) -> Node {
        let mut node = Node::default();
        let address = |ip: &str| NodeAddress { alias: "default".into(), address: ip.into(), ..NodeAddress::default() };
        node.node_resources.node_networks = vec![NodeNetwork {
            mode: "host".into(),
            addresses: vec![address("10.0.0.1"), address("::1")],
            ..NodeNetwork::default()
        }];
        node.reserved_resources.networks.reserved_host_ports = reserved.into();
        (node.node_resources.min_dynamic_port, node.node_resources.max_dynamic_port) = (20_000, 20_003);
        node
    }

    fn port(label: &str, value: u16) -> Port {
        Port { label: label.into(), value, host_network: "default".into(), ..Port::default() }
    }

    #[test]
    fn reserved_ports_are_never_given() {
        let index = PortIndex::of_node(&node("20000-20002,443"));
        let ask = NetworkResource { dynamic_ports: vec![port("http", 0)], ..NetworkResource::default() };
        let given = index.assign(&ask, &mut PortRng::new(1)).unwrap();
        assert_eq!((given[0].value, given[0].host_ip.as_str()), (20_003, "10.0.0.1"));
        let ask = NetworkResource { reserved_ports: vec![port("tls", 443)], ..NetworkResource::default() };
        assert_eq!(index.assign(&ask, &mut PortRng::new(1)).unwrap_err(), "reserved port collision tls=443");
    }

    #[test]
    fn dynamic_ports_run_out() {
        let index = PortIndex::of_node(&node(""));
        let ports = (0..5).map(|i| port(&format!("p{i}"), 0)).collect::<Vec<_>>();
        let four = NetworkResource { dynamic_ports: ports[..4].to_vec(), ..NetworkResource::default() };
        let mut values: Vec<_> =
            index.assign(&four, &mut PortRng::new(7)).unwrap().into_iter().map(|m| m.value).collect();
        values.sort_unstable();
        assert_eq!(values, [20_000, 20_001, 20_002, 20_003]);
        let mut two_addresses = index;
        for value in values {
            two_addresses.take("10.0.0.1", value, false);
            two_addresses.take("::1", value, false);
        }
        let one = NetworkResource { dynamic_ports: ports[4..].to_vec(), ..NetworkResource::default() };
        assert_eq!(two_addresses.assign(&one, &mut PortRng::new(7)).unwrap_err(), "dynamic port selection failed");
    }
}
