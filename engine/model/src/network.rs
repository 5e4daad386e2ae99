//! Networks, ports and DNS of groups and tasks.

use drover_base::serde_null;
use serde::{Deserialize, Serialize};

/// A network that is asked for, or one that was given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct NetworkResource {
    /// `host`, `bridge`, `none`, `cni/NAME`; empty means host.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub mode: String,
    /// The host's device.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub device: String,
    /// The host's block of addresses.
    #[serde(rename = "CIDR", skip_serializing_if = "String::is_empty")]
    pub cidr: String,
    /// The host's address.
    #[serde(rename = "IP", skip_serializing_if = "String::is_empty")]
    pub ip: String,
    /// Host name inside the network namespace.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub hostname: String,
    /// Megabits per second; of no effect.
    #[serde(rename = "MBits", skip_serializing_if = "is_zero")]
    pub mbits: i64,
    /// Name servers of the allocation.
    #[serde(rename = "DNS", skip_serializing_if = "Option::is_none")]
    pub dns: Option<Dns>,
    /// Ports with a fixed number.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "serde_null::deserialize")]
    pub reserved_ports: Vec<Port>,
    /// Ports whose number the scheduler picks.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "serde_null::deserialize")]
    pub dynamic_ports: Vec<Port>,
}

fn is_zero(n: &i64) -> bool {
    *n == 0
}

/// A named port.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Port {
    /// Its name within the group.
    pub label: String,
    /// The number on the host; 0 until one is picked.
    #[serde(skip_serializing_if = "is_zero_port")]
    pub value: u16,
    /// The number inside the task's network; 0: the same. -1 means the same as the host's port.
    #[serde(skip_serializing_if = "is_zero_to")]
    pub to: i32,
    /// Which of the node's networks.
    pub host_network: String,
    /// Do not count collisions of this static port.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub ignore_collision: bool,
}

fn is_zero_port(n: &u16) -> bool {
    *n == 0
}

fn is_zero_to(n: &i32) -> bool {
    *n == 0
}

/// A port that an allocation was given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct PortMapping {
    /// Its name within the group.
    pub label: String,
    /// The number on the host.
    pub value: u16,
    /// The number inside the task's network; 0: the same.
    #[serde(skip_serializing_if = "is_zero_to")]
    pub to: i32,
    /// The host's address.
    #[serde(rename = "HostIP")]
    pub host_ip: String,
    /// Whether the collision was ignored on request.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub ignore_collision: bool,
}

/// Name resolution of an allocation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Dns {
    /// Name servers.
    #[serde(with = "serde_null")]
    pub servers: Vec<String>,
    /// Search domains.
    #[serde(with = "serde_null")]
    pub searches: Vec<String>,
    /// Resolver options.
    #[serde(with = "serde_null")]
    pub options: Vec<String>,
}
