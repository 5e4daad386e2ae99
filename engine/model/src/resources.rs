//! What tasks ask for, what nodes have, what allocations were given.

use crate::{Affinity, Constraint, NetworkResource, PortMapping};
use drover_base::serde_null;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a task asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Resources {
    /// Share of CPU in MHz.
    #[serde(rename = "CPU")]
    pub cpu: i64,
    /// Whole cores for the task alone.
    pub cores: i64,
    /// Memory in MiB that is reserved, and the limit unless `memory_max_mb` is more.
    #[serde(rename = "MemoryMB")]
    pub memory_mb: i64,
    /// Limit in MiB under oversubscription; 0: none, -1: unlimited.
    #[serde(rename = "MemoryMaxMB")]
    pub memory_max_mb: i64,
    /// Disk in MiB (from the group's ephemeral disk).
    #[serde(rename = "DiskMB")]
    pub disk_mb: i64,
    /// Of no effect.
    #[serde(rename = "IOPS")]
    pub iops: i64,
    /// Networks of the task (deprecated in favour of the group's).
    #[serde(with = "serde_null")]
    pub networks: Vec<NetworkResource>,
    /// Devices such as GPUs.
    #[serde(with = "serde_null")]
    pub devices: Vec<DeviceRequest>,
    /// NUMA preference.
    #[serde(rename = "NUMA")]
    pub numa: Option<Numa>,
    /// Size in MiB of the secrets directory.
    #[serde(rename = "SecretsMB")]
    pub secrets_mb: i64,
}

/// How cores should relate to NUMA nodes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Numa {
    /// `none`, `prefer` or `require`.
    pub affinity: String,
    /// Devices that must be on the same NUMA node.
    #[serde(with = "serde_null")]
    pub devices: Vec<String>,
}

/// Devices of a kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct DeviceRequest {
    /// `type`, `vendor/type` or `vendor/type/model`.
    pub name: String,
    /// How many.
    pub count: u64,
    /// Which ones.
    #[serde(with = "serde_null")]
    pub constraints: Vec<Constraint>,
    /// Which ones rather.
    #[serde(with = "serde_null")]
    pub affinities: Vec<Affinity>,
}

/// What an allocation holds of its node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct AllocatedResources {
    /// Per task.
    pub tasks: BTreeMap<String, AllocatedTaskResources>,
    /// Per task, the hook it runs in, if it has one.
    pub task_lifecycles: BTreeMap<String, Option<crate::Lifecycle>>,
    /// Of the group.
    pub shared: AllocatedSharedResources,
}

/// What one task holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct AllocatedTaskResources {
    /// CPU.
    pub cpu: AllocatedCpu,
    /// Memory.
    pub memory: AllocatedMemory,
    /// Networks of the task.
    #[serde(with = "serde_null")]
    pub networks: Vec<NetworkResource>,
    /// Devices.
    #[serde(with = "serde_null")]
    pub devices: Vec<AllocatedDevice>,
}

/// CPU held.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct AllocatedCpu {
    /// MHz.
    pub cpu_shares: i64,
    /// Core numbers for the task alone.
    #[serde(with = "serde_null")]
    pub reserved_cores: Vec<u16>,
}

/// Memory held, in MiB.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct AllocatedMemory {
    /// Reserved.
    #[serde(rename = "MemoryMB")]
    pub memory_mb: i64,
    /// Limit under oversubscription.
    #[serde(rename = "MemoryMaxMB")]
    pub memory_max_mb: i64,
}

/// Devices held.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct AllocatedDevice {
    /// Who makes it.
    pub vendor: String,
    /// Its type.
    #[serde(rename = "Type")]
    pub kind: String,
    /// Its model.
    pub name: String,
    /// Which ones.
    #[serde(rename = "DeviceIDs", with = "serde_null")]
    pub device_ids: Vec<String>,
}

/// What the group's tasks share.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct AllocatedSharedResources {
    /// The group's networks with their ports picked.
    #[serde(with = "serde_null")]
    pub networks: Vec<NetworkResource>,
    /// Ephemeral disk in MiB.
    #[serde(rename = "DiskMB")]
    pub disk_mb: i64,
    /// All ports of the group.
    #[serde(with = "serde_null")]
    pub ports: Vec<PortMapping>,
}

/// What a node has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct NodeResources {
    /// CPU.
    pub cpu: NodeCpu,
    /// Memory.
    pub memory: NodeMemory,
    /// Disk.
    pub disk: NodeDisk,
    /// Addresses that tasks may use.
    #[serde(with = "serde_null")]
    pub networks: Vec<NetworkResource>,
    /// Interfaces with all their addresses.
    #[serde(with = "serde_null")]
    pub node_networks: Vec<NodeNetwork>,
    /// Groups of equal devices.
    #[serde(with = "serde_null")]
    pub devices: Vec<NodeDeviceGroup>,
    /// First dynamic port.
    pub min_dynamic_port: u16,
    /// Last dynamic port.
    pub max_dynamic_port: u16,
    /// Cores and sockets.
    pub processors: Processors,
}

/// A node's CPU.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct NodeCpu {
    /// MHz of all cores together.
    pub cpu_shares: i64,
    /// Cores.
    pub total_cpu_cores: u16,
    /// Cores that tasks may have alone.
    #[serde(with = "serde_null")]
    pub reservable_cpu_cores: Vec<u16>,
}

/// A node's memory in MiB.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct NodeMemory {
    /// MiB.
    #[serde(rename = "MemoryMB")]
    pub memory_mb: i64,
}

/// A node's disk in MiB.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct NodeDisk {
    /// MiB.
    #[serde(rename = "DiskMB")]
    pub disk_mb: i64,
}

/// An interface of a node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct NodeNetwork {
    /// `host` or a CNI name.
    pub mode: String,
    /// Interface name.
    pub device: String,
    /// Hardware address.
    pub mac_address: String,
    /// Megabits per second.
    pub speed: i64,
    /// Its addresses.
    #[serde(with = "serde_null")]
    pub addresses: Vec<NodeAddress>,
}

/// An address of an interface.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct NodeAddress {
    /// `ipv4` or `ipv6`.
    pub family: String,
    /// The host network's name, `default` for the first.
    pub alias: String,
    /// The address.
    pub address: String,
    /// Ports that tasks may not have, e.g. `22,80-90`.
    pub reserved_ports: String,
    /// The gateway.
    pub gateway: String,
}

/// Equal devices of a node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct NodeDeviceGroup {
    /// Who makes them.
    pub vendor: String,
    /// Their type.
    #[serde(rename = "Type")]
    pub kind: String,
    /// Their model.
    pub name: String,
    /// Each one.
    #[serde(with = "serde_null")]
    pub instances: Vec<NodeDevice>,
    /// What constraints can ask of them.
    #[serde(with = "serde_null")]
    pub attributes: BTreeMap<String, serde_json::Value>,
}

/// One device of a node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct NodeDevice {
    /// Its id.
    #[serde(rename = "ID")]
    pub id: String,
    /// Whether it works.
    pub healthy: bool,
    /// Why not.
    pub health_description: String,
}

/// The processors of a node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Processors {
    /// Their layout.
    pub topology: Topology,
}

/// Cores, sockets and NUMA nodes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Topology {
    /// NUMA nodes.
    #[serde(with = "serde_null")]
    pub nodes: Vec<u16>,
    /// Distances between NUMA nodes.
    #[serde(with = "serde_null")]
    pub distances: Vec<Vec<u16>>,
    /// Each core.
    #[serde(with = "serde_null")]
    pub cores: Vec<Core>,
    /// MHz given by configuration instead of detection; 0: none.
    pub override_total_compute: i64,
    /// MHz withheld from tasks. The name is the wire's.
    #[serde(rename = "OverrideWitholdCompute")]
    pub override_withhold_compute: i64,
}

/// One core.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Core {
    /// Socket.
    #[serde(rename = "SocketID")]
    pub socket_id: u16,
    /// NUMA node.
    #[serde(rename = "NodeID")]
    pub node_id: u16,
    /// Number.
    #[serde(rename = "ID")]
    pub id: u16,
    /// Whether it is an efficiency core.
    pub grade: bool,
    /// Whether tasks may not use it.
    pub disable: bool,
    /// MHz at base clock.
    pub base_speed: i64,
    /// MHz at most.
    pub max_speed: i64,
    /// MHz guessed where the kernel tells nothing.
    pub guess_speed: i64,
}

/// What a node keeps for itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct NodeReservedResources {
    /// CPU.
    pub cpu: NodeReservedCpu,
    /// Memory.
    pub memory: NodeMemory,
    /// Disk.
    pub disk: NodeDisk,
    /// Ports.
    pub networks: NodeReservedNetworks,
}

/// CPU that a node keeps for itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct NodeReservedCpu {
    /// MHz.
    pub cpu_shares: i64,
    /// Core numbers.
    #[serde(with = "serde_null")]
    pub reserved_cpu_cores: Vec<u16>,
}

/// Ports that a node keeps for itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct NodeReservedNetworks {
    /// E.g. `22,80-90`.
    pub reserved_host_ports: String,
}
