//! Networks and resources.

use drover_hcl::schema::Schema;
use drover_wire::job::{CniConfig, DnsConfig, NetworkResource, NumaResource, Port, RequestedDevice, Resources};

use super::job::push;
use super::{Decoder, Item};

const NETWORK: Schema = Schema::attributes(&["mode", "device", "cidr", "ip", "hostname", "mbits"])
    .with_blocks(&[("dns", &[]), ("port", &["label"]), ("reserved_ports", &["label"]), ("cni", &[])])
    .with_dynamic();
const PORT: Schema = Schema::attributes(&["static", "to", "host_network", "ignore_collision"]);
const DNS: Schema = Schema::attributes(&["servers", "searches", "options"]);
const CNI: Schema = Schema::attributes(&["args"]);
const RESOURCES: Schema = Schema::attributes(&["cpu", "cores", "memory", "memory_max", "disk", "iops", "secrets"])
    .with_blocks(&[("network", &[]), ("device", &["name"]), ("numa", &[])])
    .with_dynamic();
const DEVICE: Schema =
    Schema::attributes(&["count"]).with_blocks(&[("constraint", &[]), ("affinity", &[])]).with_dynamic();
const NUMA: Schema = Schema::attributes(&["affinity", "devices"]);

impl Decoder<'_> {
    pub(super) fn network(&mut self, item: &Item<'_>) -> NetworkResource {
        let fields = self.open(item, &NETWORK);
        let mut network = NetworkResource {
            mode: self.plain_text(&fields, "mode"),
            device: self.plain_text(&fields, "device"),
            cidr: self.plain_text(&fields, "cidr"),
            ip: self.plain_text(&fields, "ip"),
            hostname: self.plain_text(&fields, "hostname"),
            m_bits: self.integer(&fields, "mbits"),
            ..NetworkResource::default()
        };
        let mut written_reserved: Option<Vec<Port>> = None;
        self.blocks(&fields, &NETWORK, &mut |decoder, item| match &*item.kind {
            "dns" => {
                let fields = decoder.open(item, &DNS);
                network.dns = Some(DnsConfig {
                    servers: decoder.texts(&fields, "servers"),
                    searches: decoder.texts(&fields, "searches"),
                    options: decoder.texts(&fields, "options"),
                });
            }
            "cni" => {
                let fields = decoder.open(item, &CNI);
                network.cni = Some(CniConfig { args: decoder.text_map(&fields, "args") });
            }
            "reserved_ports" => push(&mut written_reserved, decoder.port(item)),
            "port" => {
                let port = decoder.port(item);
                push(if port.value > 0 { &mut network.reserved_ports } else { &mut network.dynamic_ports }, port);
            }
            _ => {}
        });
        // The older block counts only where no port block stands beside it.
        if network.reserved_ports.is_none() && network.dynamic_ports.is_none() {
            network.reserved_ports = written_reserved;
        }
        network
    }

    fn port(&mut self, item: &Item<'_>) -> Port {
        let fields = self.open(item, &PORT);
        Port {
            label: item.label(),
            value: self.plain_integer(&fields, "static"),
            to: self.plain_integer(&fields, "to"),
            host_network: self.plain_text(&fields, "host_network"),
            ignore_collision: self.plain_flag(&fields, "ignore_collision"),
        }
    }

    pub(super) fn resources(&mut self, item: &Item<'_>) -> Resources {
        let fields = self.open(item, &RESOURCES);
        let mut resources = Resources {
            cpu: self.integer(&fields, "cpu"),
            cores: self.integer(&fields, "cores"),
            memory_mb: self.integer(&fields, "memory"),
            memory_max_mb: self.integer(&fields, "memory_max"),
            disk_mb: self.integer(&fields, "disk"),
            iops: self.integer(&fields, "iops"),
            secrets_mb: self.integer(&fields, "secrets"),
            ..Resources::default()
        };
        self.blocks(&fields, &RESOURCES, &mut |decoder, item| match &*item.kind {
            "network" => push(&mut resources.networks, decoder.network(item)),
            "device" => push(&mut resources.devices, decoder.device(item)),
            "numa" => {
                let fields = decoder.open(item, &NUMA);
                resources.numa = Some(NumaResource {
                    affinity: decoder.plain_text(&fields, "affinity"),
                    devices: decoder.texts(&fields, "devices"),
                });
            }
            _ => {}
        });
        resources
    }

    fn device(&mut self, item: &Item<'_>) -> RequestedDevice {
        let fields = self.open(item, &DEVICE);
        let mut device = RequestedDevice {
            name: item.label(),
            count: self.bounded(&fields, "count"),
            constraints: None,
            affinities: None,
        };
        self.blocks(&fields, &DEVICE, &mut |decoder, item| match &*item.kind {
            "constraint" => push(&mut device.constraints, decoder.constraint(item)),
            "affinity" => push(&mut device.affinities, decoder.affinity(item)),
            _ => {}
        });
        device
    }
}
