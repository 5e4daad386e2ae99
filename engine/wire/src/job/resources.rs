//! What tasks and groups need: CPU, memory, devices, networks, ports.

use super::policies::{Affinity, Constraint};
use super::shape::shape;

shape! {
    /// A task's resources. Sizes in MiB, CPU in MHz.
    Resources {
        cpu: Option<i64> = "CPU",
        cores: Option<i64> = "Cores",
        memory_mb: Option<i64> = "MemoryMB",
        memory_max_mb: Option<i64> = "MemoryMaxMB",
        disk_mb: Option<i64> = "DiskMB",
        networks: Option<Vec<NetworkResource>> = "Networks",
        devices: Option<Vec<RequestedDevice>> = "Devices",
        numa: Option<NumaResource> = "NUMA",
        secrets_mb: Option<i64> = "SecretsMB",
        iops: Option<i64> = "IOPS",
    }

    /// Where cores should be.
    NumaResource {
        affinity: String = "Affinity",
        devices: Option<Vec<String>> = "Devices",
    }

    /// A device.
    RequestedDevice {
        name: String = "Name",
        count: Option<u64> = "Count",
        constraints: Option<Vec<Constraint>> = "Constraints",
        affinities: Option<Vec<Affinity>> = "Affinities",
    }

    /// A network.
    NetworkResource {
        mode: String = "Mode",
        device: String = "Device",
        cidr: String = "CIDR",
        ip: String = "IP",
        dns: Option<DnsConfig> = "DNS",
        reserved_ports: Option<Vec<Port>> = "ReservedPorts",
        dynamic_ports: Option<Vec<Port>> = "DynamicPorts",
        hostname: String = "Hostname",
        m_bits: Option<i64> = "MBits",
        cni: Option<CniConfig> = "CNI",
    }

    /// A port.
    Port {
        label: String = "Label",
        value: i64 = "Value",
        to: i64 = "To",
        host_network: String = "HostNetwork",
        ignore_collision: bool = "IgnoreCollision",
    }

    /// Name servers within a network.
    DnsConfig {
        servers: Option<Vec<String>> = "Servers",
        searches: Option<Vec<String>> = "Searches",
        options: Option<Vec<String>> = "Options",
    }

    /// Arguments of a network plugin.
    CniConfig {
        args: Option<super::TextMap> = "Args",
    }
}
