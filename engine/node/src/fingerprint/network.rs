//! Interfaces and their addresses.

use super::{Draft, read_line};
use drover_model::NetworkResource;
use drover_model::resources::{NodeAddress, NodeNetwork};
use nix::ifaddrs::getifaddrs;
use nix::net::if_::InterfaceFlags;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Assumed when an interface does not say, Mbit/s.
const FALLBACK_SPEED_MBITS: i64 = 1_000;
const LOOPBACK: &str = "lo";

/// One interface.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Interface {
    /// Its name.
    pub name: String,
    /// Its addresses with the length of their networks' prefixes, IPv4 first.
    pub addresses: Vec<(IpAddr, u8)>,
}

pub(super) fn fingerprint(draft: &mut Draft<'_>) {
    let resources = &mut draft.node.node_resources;
    if std::path::Path::new("/sys/module/bridge").exists() {
        resources.networks.push(NetworkResource { mode: "bridge".into(), ..NetworkResource::default() });
        resources.node_networks.push(NodeNetwork { mode: "bridge".into(), ..NodeNetwork::default() });
    }
    let Some(interface) = default_interface(&draft.config.network_interface) else {
        tracing::warn!(name = draft.config.network_interface, "no interface with an address: jobs get no ports");
        return;
    };
    let speed = read_line(format!("/sys/class/net/{}/speed", interface.name))
        .and_then(|text| text.parse::<i64>().ok())
        .filter(|speed| *speed > 0)
        .unwrap_or(FALLBACK_SPEED_MBITS);
    for (address, _) in &interface.addresses {
        let bits = if address.is_ipv4() { 32 } else { 128 };
        resources.networks.push(NetworkResource {
            mode: "host".into(),
            device: interface.name.clone(),
            cidr: format!("{address}/{bits}"),
            ip: address.to_string(),
            mbits: speed,
            ..NetworkResource::default()
        });
    }
    let is_loopback = interface.name == LOOPBACK;
    let mac = read_line(format!("/sys/class/net/{}/address", interface.name)).filter(|_| !is_loopback);
    resources.node_networks.push(NodeNetwork {
        mode: "host".into(),
        device: interface.name.clone(),
        mac_address: mac.unwrap_or_default(),
        speed,
        addresses: interface.addresses.iter().map(|(address, _)| node_address(address)).collect(),
    });
    if let Some((address, _)) = interface.addresses.first() {
        draft.set("unique.network.ip-address", address.to_string());
    }
    draft.set("nomad.bridge.hairpin_mode", "false");
}

fn node_address(address: &IpAddr) -> NodeAddress {
    NodeAddress {
        family: if address.is_ipv4() { "ipv4" } else { "ipv6" }.into(),
        alias: "default".into(),
        address: address.to_string(),
        ..NodeAddress::default()
    }
}

/// The named interface, or the one of the default route, or one that is up, or the loopback one.
pub fn default_interface(name: &str) -> Option<Interface> {
    let all = interfaces();
    let find = |name: &str| all.iter().find(|(interface, _)| interface.name == name);
    if !name.is_empty() {
        return find(name).map(|(interface, _)| interface.clone());
    }
    let chosen = default_route()
        .and_then(|name| find(&name))
        .or_else(|| all.iter().find(|(interface, is_up)| *is_up && interface.name != LOOPBACK))
        .or_else(|| find(LOOPBACK));
    chosen.map(|(interface, _)| interface.clone())
}

fn interfaces() -> Vec<(Interface, bool)> {
    let mut all: Vec<(Interface, bool)> = Vec::new();
    let Ok(addresses) = getifaddrs() else { return all };
    for entry in addresses {
        let Some(storage) = entry.address else { continue };
        let address: IpAddr = match (storage.as_sockaddr_in(), storage.as_sockaddr_in6()) {
            (Some(v4), _) => v4.ip().into(),
            (_, Some(v6)) => v6.ip().into(),
            _ => continue,
        };
        if is_link_local(&address) {
            continue;
        }
        let prefix = entry.netmask.map_or(0, |mask| match (mask.as_sockaddr_in(), mask.as_sockaddr_in6()) {
            (Some(v4), _) => ones_v4(v4.ip()),
            (_, Some(v6)) => ones_v6(v6.ip()),
            _ => 0,
        });
        let is_up = entry.flags.contains(InterfaceFlags::IFF_UP);
        match all.iter_mut().find(|(interface, _)| interface.name == entry.interface_name) {
            Some((interface, _)) => interface.addresses.push((address, prefix)),
            None => {
                let interface = Interface { name: entry.interface_name, addresses: vec![(address, prefix)] };
                all.push((interface, is_up));
            }
        }
    }
    for (interface, _) in &mut all {
        interface.addresses.sort_by_key(|(address, _)| address.is_ipv6());
    }
    all
}

fn is_link_local(address: &IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_unicast_link_local(),
    }
}

fn ones_v4(mask: Ipv4Addr) -> u8 {
    u8::try_from(u32::from(mask).count_ones()).unwrap_or(32)
}

fn ones_v6(mask: Ipv6Addr) -> u8 {
    u8::try_from(u128::from(mask).count_ones()).unwrap_or(128)
}

fn default_route() -> Option<String> {
    let table = std::fs::read_to_string("/proc/net/route").ok()?;
    route_in(&table)
}

/// The interface of the default route with the lowest metric.
fn route_in(table: &str) -> Option<String> {
    table
        .lines()
        .skip(1)
        .filter_map(|line| {
            let fields: Vec<_> = line.split_whitespace().collect();
            let is_default = *fields.get(1)? == "00000000" && *fields.get(7)? == "00000000";
            let metric: u32 = fields.get(6)?.parse().ok()?;
            is_default.then(|| (metric, fields[0].to_owned()))
        })
        .min()
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_route_with_the_lowest_metric_wins() {
        let table = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n\
            wlan0\t00000000\t0101A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0\n\
            eth0\t00000000\t0101A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n\
            eth0\t0001A8C0\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0\n";
        assert_eq!(route_in(table).as_deref(), Some("eth0"));
    }

    #[test]
    fn the_loopback_interface_has_addresses() {
        let interface = default_interface("lo").unwrap();
        assert_eq!(interface.addresses[0].0, IpAddr::from([127, 0, 0, 1]));
        assert_eq!(default_interface("no-such-interface"), None);
    }
}
