//! What a node finds out about its host.
//!
//! Everything here only reads a few files, so that a node can register within milliseconds; drivers, which may have to
//! ask other programs, are fingerprinted beside it by [`drivers`].

mod cgroup;
mod class;
mod cpu;
pub mod drivers;
mod host;
mod memory;
mod network;
mod signal;
mod storage;

pub use class::computed_class;
pub use signal::is_signal;
pub(crate) use storage::device_of;

use crate::config::NodeConfig;
use crate::identity::Identity;
use drover_base::UnixNanos;
use drover_model::{Node, NodeStatus, TextMap};

/// Attributes and resources of a node under construction.
#[derive(Debug)]
struct Draft<'a> {
    config: &'a NodeConfig,
    node: Node,
}

impl Draft<'_> {
    fn set(&mut self, key: &str, value: impl Into<String>) {
        let value = value.into();
        if !value.is_empty() {
            self.node.attributes.insert(key.to_owned(), value);
        }
    }
}

/// The node as this host is, without its drivers.
pub fn node(config: &NodeConfig, identity: &Identity, dynamic_meta: &TextMap) -> Node {
    let mut draft = Draft { config, node: Node::default() };
    let node = &mut draft.node;
    node.id = identity.id.clone();
    node.secret_id.clone_from(&identity.secret);
    node.datacenter.clone_from(&config.datacenter);
    node.node_class.clone_from(&config.node_class);
    node.node_pool.clone_from(&config.node_pool);
    node.http_addr.clone_from(&config.http_addr);
    node.tls_enabled = config.tls_enabled;
    node.meta.clone_from(&config.meta);
    node.meta.extend(dynamic_meta.clone());
    node.cgroup_parent.clone_from(&config.cgroup_parent);
    node.status = NodeStatus::Ready;
    node.status_updated_at = UnixNanos::now().0 / 1_000_000_000;
    node.reserved_resources.clone_from(&config.reserved);
    node.node_resources.min_dynamic_port = config.min_dynamic_port;
    node.node_resources.max_dynamic_port = config.max_dynamic_port;
    node.node_max_allocs = config.max_allocs;
    node.host_volumes.clone_from(&config.host_volumes);

    host::fingerprint(&mut draft);
    cpu::fingerprint(&mut draft);
    memory::fingerprint(&mut draft);
    storage::fingerprint(&mut draft);
    network::fingerprint(&mut draft);
    cgroup::fingerprint(&mut draft);
    signal::fingerprint(&mut draft);
    draft.set("nomad.version", &config.version);
    draft.set("nomad.revision", &config.revision);
    draft.set("nomad.service_discovery", "true");
    draft.set("unique.advertise.address", &config.http_addr);

    let mut node = draft.node;
    node.name = match config.name.as_str() {
        "" => node.attributes.get("unique.hostname").cloned().unwrap_or_default(),
        name => name.to_owned(),
    };
    node.computed_class = computed_class(&node);
    node
}

/// The first line of a small file, trimmed; nothing when it cannot be read.
fn read_line(path: impl AsRef<std::path::Path>) -> Option<String> {
    let text = std::fs::read_to_string(path).ok()?;
    Some(text.lines().next()?.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_knows_what_jobs_are_constrained_by() {
        let dir = tempfile::tempdir().unwrap();
        let identity = Identity::load_or_create(dir.path()).unwrap();
        let mut config = NodeConfig::in_dir(dir.path());
        config.network_interface = "lo".into();
        let started = std::time::Instant::now();
        let node = node(&config, &identity, &TextMap::new());
        assert!(started.elapsed().as_millis() < 1_000, "fingerprints must be fast");
        for key in [
            "cpu.arch",
            "cpu.numcores",
            "cpu.totalcompute",
            "kernel.name",
            "kernel.version",
            "memory.totalbytes",
            "nomad.version",
            "os.name",
            "os.version",
            "unique.hostname",
            "unique.network.ip-address",
            "unique.storage.bytestotal",
        ] {
            assert!(node.attributes.contains_key(key), "{key} is missing: {:?}", node.attributes);
        }
        assert_eq!(node.attributes["unique.network.ip-address"], "127.0.0.1");
        assert!(node.node_resources.cpu.cpu_shares > 0);
        assert!(node.node_resources.memory.memory_mb > 0);
        assert!(node.node_resources.disk.disk_mb > 0);
        assert!(node.computed_class.starts_with("v1:"));
    }
}
