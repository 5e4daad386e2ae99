//! The group's network mode and host networks.

use super::target::Target;
use drover_model::{Node, TaskGroup};

/// What a group's network needs of a node.
pub(crate) struct NetworkCheck {
    mode: String,
    /// Label and host network of each port.
    ports: Vec<(String, String)>,
}

impl NetworkCheck {
    pub(crate) fn new(group: &TaskGroup) -> Option<Self> {
        let network = group.networks.first()?;
        let ports = network.reserved_ports.iter().chain(&network.dynamic_ports);
        let ports = ports.filter(|port| !port.host_network.is_empty());
        Some(Self {
            mode: if network.mode.is_empty() { "host".to_owned() } else { network.mode.clone() },
            ports: ports.map(|port| (port.label.clone(), port.host_network.clone())).collect(),
        })
    }

    pub(crate) fn check(&self, node: &Node) -> Result<(), String> {
        if !self.has_mode(node) {
            return Err("missing network".to_owned());
        }
        for (label, host_network) in &self.ports {
            let wanted = Target::new(host_network);
            let known = wanted.value(node).is_some_and(|name| {
                name == "default"
                    || node.node_resources.node_networks.iter().flat_map(|n| &n.addresses).any(|a| a.alias == name)
            });
            if !known {
                return Err(format!("missing host network {host_network:?} for port {label:?}"));
            }
        }
        Ok(())
    }

    fn has_mode(&self, node: &Node) -> bool {
        let resources = &node.node_resources;
        match self.mode.as_str() {
            "host" | "none" => true,
            mode => {
                resources.networks.iter().any(|network| network.mode == mode)
                    || resources.node_networks.iter().any(|network| network.mode == mode)
            }
        }
    }
}
