//! The services of an allocation as the catalog has them, and the addresses of its checks.

use crate::task::env::{TaskEnv, inner_port};
use drover_drivers::DriverNetwork;
use drover_model::{Allocation, Node, PortMapping, Service, ServiceRegistration};

/// What the address of a service depends on.
#[derive(Clone, Copy, Debug)]
pub struct AddressSource<'a> {
    /// The ports that were given to the allocation or the task.
    pub ports: &'a [PortMapping],
    /// The network that the driver made for the task.
    pub network: Option<&'a DriverNetwork>,
    /// The node's own address.
    pub node_ip: &'a str,
}

/// The owner of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner<'a> {
    /// The group.
    Group(&'a str),
    /// A task.
    Task(&'a str),
}

/// The service's entry in the catalog; none when its port cannot be told.
pub fn registration(
    alloc: &Allocation,
    node: &Node,
    owner: Owner<'_>,
    service: &Service,
    env: &TaskEnv,
    source: &AddressSource<'_>,
) -> Option<ServiceRegistration> {
    let name = env.replace(&service.name);
    let label = env.replace(&service.port_label);
    let mode = service.address_mode.as_str();
    let custom = env.replace(&service.address);
    let (address, port) = address(mode, &label, &custom, source)?;
    let uses_canary_tags = alloc.is_canary() && !service.canary_tags.is_empty();
    let tags = if uses_canary_tags { &service.canary_tags } else { &service.tags };
    Some(ServiceRegistration {
        id: registration_id(alloc, owner, &name, &label),
        service_name: name,
        namespace: alloc.namespace.clone(),
        node_id: node.id.clone(),
        datacenter: node.datacenter.clone(),
        job_id: alloc.job_id.clone(),
        alloc_id: alloc.id.clone(),
        tags: env.replace_all(tags),
        address,
        port,
        ..ServiceRegistration::default()
    })
}

/// `_nomad-task-ALLOC-group-GROUP-NAME-PORT`, or with the task's name in place of the group's.
fn registration_id(alloc: &Allocation, owner: Owner<'_>, name: &str, label: &str) -> String {
    let owner = match owner {
        Owner::Group(group) => format!("group-{group}"),
        Owner::Task(task) => task.to_owned(),
    };
    format!("_nomad-task-{}-{owner}-{name}-{label}", alloc.id)
}

/// The address and port that a label means. A label may be a number; without one the port is 0.
pub fn address(mode: &str, label: &str, custom: &str, source: &AddressSource<'_>) -> Option<(String, u16)> {
    let mapped = source.ports.iter().find(|port| port.label == label);
    let number = label.parse::<u16>().ok();
    let network = source.network.filter(|network| mode == "driver" || (mode == "auto" && network.auto_advertise));
    if let Some(network) = network.filter(|_| custom.is_empty()) {
        let inner = network.port_map.get(label).copied().or_else(|| mapped.map(inner_port)).or(number);
        return Some((network.ip.clone(), inner.unwrap_or_default()));
    }
    let ip = |port: Option<&PortMapping>| match (custom, port) {
        ("", Some(port)) if !port.host_ip.is_empty() => port.host_ip.clone(),
        ("", _) => source.node_ip.to_owned(),
        (custom, _) => custom.to_owned(),
    };
    match (mapped, number) {
        (Some(port), _) if mode == "alloc" => Some((ip(Some(port)), inner_port(port))),
        (Some(port), _) => Some((ip(Some(port)), port.value)),
        (None, Some(number)) => Some((ip(None), number)),
        (None, None) if label.is_empty() => Some((ip(None), 0)),
        (None, None) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(mode: &str, label: &str, custom: &str, network: Option<&DriverNetwork>) -> Option<(String, u16)> {
        let ports = [PortMapping {
            label: "http".into(),
            value: 25_000,
            to: 8080,
            host_ip: "10.0.0.1".into(),
            ignore_collision: false,
        }];
        address(mode, label, custom, &AddressSource { ports: &ports, network, node_ip: "192.0.2.1" })
    }

    #[test]
    fn addresses_follow_the_mode() {
        let driver = DriverNetwork {
            ip: "172.17.0.2".into(),
            auto_advertise: false,
            port_map: [("http".to_owned(), 80)].into(),
        };
        let is = |ip: &str, port| Some((ip.to_owned(), port));
        assert_eq!(check("auto", "http", "", None), is("10.0.0.1", 25_000));
        assert_eq!(check("auto", "http", "", Some(&driver)), is("10.0.0.1", 25_000));
        assert_eq!(check("driver", "http", "", Some(&driver)), is("172.17.0.2", 80));
        assert_eq!(check("auto", "9000", "", None), is("192.0.2.1", 9000));
        assert_eq!(check("auto", "http", "example.com", None), is("example.com", 25_000));
        assert_eq!(check("auto", "", "", None), is("192.0.2.1", 0));
        assert_eq!(check("auto", "nope", "", None), None);
    }

    #[test]
    fn ids_are_those_of_the_reference() {
        let alloc = Allocation { id: "a1".into(), ..Allocation::default() };
        assert_eq!(registration_id(&alloc, Owner::Group("g"), "site", "http"), "_nomad-task-a1-group-g-site-http");
        assert_eq!(registration_id(&alloc, Owner::Task("t"), "site", ""), "_nomad-task-a1-t-site-");
    }
}
