//! Which drivers work here. Asking may take a while, so answers are applied to the node as they come.

use drover_base::UnixNanos;
use drover_drivers::DriverFingerprint;
use drover_model::{DriverInfo, Node};

/// Applies a driver's answer to the node. Says whether anything but the time changed.
pub fn apply(node: &mut Node, name: &str, found: &DriverFingerprint, now: UnixNanos) -> bool {
    let mut info = DriverInfo {
        attributes: found.attributes.clone(),
        detected: found.detected,
        healthy: found.healthy,
        health_description: found.health_description.clone(),
        update_time: now.into(),
    };
    if let Some(known) = node.drivers.get(name) {
        info.update_time = known.update_time;
        if *known == info {
            return false;
        }
        info.update_time = now.into();
    }
    let prefix = format!("driver.{name}");
    let is_own = |key: &str| key == prefix || key.strip_prefix(&prefix).is_some_and(|rest| rest.starts_with('.'));
    node.attributes.retain(|key, _| !is_own(key));
    if found.detected {
        for (key, value) in &found.attributes {
            // Constraints compare with "1".
            let value = if *key == prefix && value == "true" { "1" } else { value };
            node.attributes.insert(key.clone(), value.to_owned());
        }
    }
    node.drivers.insert(name.to_owned(), info);
    node.computed_class = super::computed_class(node);
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_driver_comes_and_goes() {
        let mut node = Node::default();
        let found = DriverFingerprint::healthy("raw_exec");
        assert!(apply(&mut node, "raw_exec", &found, UnixNanos(5)));
        assert_eq!(node.attributes["driver.raw_exec"], "1");
        assert_eq!(node.drivers["raw_exec"].attributes["driver.raw_exec"], "true");
        assert!(!apply(&mut node, "raw_exec", &found, UnixNanos(6)));
        assert_eq!(node.drivers["raw_exec"].update_time.nanos(), Some(UnixNanos(5)));
        assert!(apply(&mut node, "raw_exec", &DriverFingerprint::undetected("gone"), UnixNanos(7)));
        assert!(node.attributes.is_empty());
        assert!(!node.drivers["raw_exec"].healthy);
    }
}
