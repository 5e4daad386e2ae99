//! The class of a node: nodes of one class are alike to the scheduler.

use drover_model::Node;
use sha2::{Digest, Sha256};

/// Prefix of what only one node has.
const UNIQUE: &str = "unique.";

/// A hash of everything that a constraint can ask of more than one node.
pub fn computed_class(node: &Node) -> String {
    let mut hash = Sha256::new();
    let mut add = |text: &str| {
        hash.update(text.len().to_le_bytes());
        hash.update(text.as_bytes());
    };
    for text in [&node.datacenter, &node.node_class, &node.node_pool] {
        add(text);
    }
    for map in [&node.attributes, &node.meta] {
        for (key, value) in map.iter().filter(|(key, _)| !key.starts_with(UNIQUE)) {
            add(key);
            add(value);
        }
        add("");
    }
    for device in &node.node_resources.devices {
        for text in [&device.vendor, &device.kind, &device.name] {
            add(text);
        }
    }
    let digest = hash.finalize();
    let mut first = [0_u8; 8];
    first.copy_from_slice(&digest[..8]);
    format!("v1:{}", u64::from_be_bytes(first))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_nodes_can_share_counts() {
        let mut node = Node::default();
        let empty = computed_class(&node);
        node.attributes.insert("unique.hostname".into(), "a".into());
        node.name = "a".into();
        assert_eq!(computed_class(&node), empty);
        node.attributes.insert("kernel.name".into(), "linux".into());
        let linux = computed_class(&node);
        assert_ne!(linux, empty);
        node.meta.insert("rack".into(), "r1".into());
        assert_ne!(computed_class(&node), linux);
    }
}
