//! Devices that tasks ask for: whether a node has any that would do.

use super::constraint::holds;
use drover_model::resources::NodeDeviceGroup;
use drover_model::{Affinity, DeviceRequest, Node};
use serde_json::Value;
use std::borrow::Cow;

/// What the metrics count.
pub(crate) const MISSING: &str = "missing devices";

/// Whether a node has enough healthy devices for each request, used or not.
pub(crate) fn has_all(node: &Node, requests: &[DeviceRequest]) -> bool {
    let groups = &node.node_resources.devices;
    let mut left: Vec<u64> =
        groups.iter().map(|group| group.instances.iter().filter(|device| device.healthy).count() as u64).collect();
    requests.iter().all(|request| {
        let wanted = request.count.max(1);
        let found =
            groups.iter().zip(&left).position(|(group, left)| *left >= wanted && device_matches(group, request));
        found.is_some_and(|at| {
            left[at] -= wanted;
            true
        })
    })
}

/// Whether a group of devices has the name that is asked for and satisfies the constraints.
pub(crate) fn device_matches(group: &NodeDeviceGroup, request: &DeviceRequest) -> bool {
    let mut parts = request.name.splitn(3, '/');
    let named = match (parts.next(), parts.next(), parts.next()) {
        (Some(kind), None, None) => kind == group.kind,
        (Some(vendor), Some(kind), None) => vendor == group.vendor && kind == group.kind,
        (Some(vendor), Some(kind), Some(name)) => vendor == group.vendor && kind == group.kind && name == group.name,
        _ => false,
    };
    named && request.constraints.iter().all(|c| compare(group, &c.left, &c.operand, &c.right))
}

/// Whether an affinity of a device request matches.
pub(crate) fn affinity_matches(group: &NodeDeviceGroup, affinity: &Affinity) -> bool {
    compare(group, &affinity.left, &affinity.operand, &affinity.right)
}

fn compare(group: &NodeDeviceGroup, left: &str, operand: &str, right: &str) -> bool {
    let (left, right) = (value(group, left), value(group, right));
    let in_base_units = |text: &Option<Cow<'_, str>>| text.as_deref().and_then(quantity);
    if matches!(operand, "=" | "==" | "is" | "!=" | "not" | "<" | "<=" | ">" | ">=")
        && let (Some(left), Some(right)) = (in_base_units(&left), in_base_units(&right))
    {
        return match operand {
            "=" | "==" | "is" => left == right,
            "!=" | "not" => left != right,
            "<" => left < right,
            "<=" => left <= right,
            ">" => left > right,
            _ => left >= right,
        };
    }
    holds(left.as_deref(), operand, right.as_deref())
}

fn value<'a>(group: &'a NodeDeviceGroup, text: &'a str) -> Option<Cow<'a, str>> {
    let Some(inner) = text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}')) else {
        return Some(Cow::Borrowed(text));
    };
    match inner {
        "device.vendor" => Some(Cow::Borrowed(&group.vendor)),
        "device.type" => Some(Cow::Borrowed(&group.kind)),
        "device.model" => Some(Cow::Borrowed(&group.name)),
        "device.ids" => {
            let ids: Vec<_> = group.instances.iter().map(|device| device.id.as_str()).collect();
            Some(Cow::Owned(ids.join(",")))
        }
        _ => attribute(group.attributes.get(inner.strip_prefix("device.attr.")?)?).map(Cow::Owned),
    }
}

/// An attribute on the wire: one of `Float`, `Int`, `String`, `Bool`, with a `Unit`.
fn attribute(value: &Value) -> Option<String> {
    let unit = value.get("Unit").and_then(Value::as_str).unwrap_or_default();
    ["Float", "Int", "String", "Bool"].iter().find_map(|kind| match value.get(kind)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(format!("{number} {unit}").trim_end().to_owned()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    })
}

/// `11 GiB`, `1980MHz`, `250 W` in base units, with the kind of unit.
fn quantity(text: &str) -> Option<(f64, &'static str)> {
    const UNITS: [(&str, f64, &str); 27] = [
        ("KiB", 1024.0, "B"),
        ("MiB", 1_048_576.0, "B"),
        ("GiB", 1_073_741_824.0, "B"),
        ("TiB", 1_099_511_627_776.0, "B"),
        ("KiB/s", 1024.0, "B/s"),
        ("MiB/s", 1_048_576.0, "B/s"),
        ("GiB/s", 1_073_741_824.0, "B/s"),
        ("TiB/s", 1_099_511_627_776.0, "B/s"),
        ("kB", 1e3, "B"),
        ("KB", 1e3, "B"),
        ("MB", 1e6, "B"),
        ("GB", 1e9, "B"),
        ("TB", 1e12, "B"),
        ("kB/s", 1e3, "B/s"),
        ("KB/s", 1e3, "B/s"),
        ("MB/s", 1e6, "B/s"),
        ("GB/s", 1e9, "B/s"),
        ("TB/s", 1e12, "B/s"),
        ("Hz", 1.0, "Hz"),
        ("MHz", 1e6, "Hz"),
        ("GHz", 1e9, "Hz"),
        ("mW", 1e-3, "W"),
        ("W", 1.0, "W"),
        ("kW", 1e3, "W"),
        ("MW", 1e6, "W"),
        ("GW", 1e9, "W"),
        ("", 1.0, ""),
    ];
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.' && c != '-').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let number: f64 = number.parse().ok()?;
    let (_, scale, kind) = UNITS.iter().find(|(name, _, _)| *name == unit.trim())?;
    Some((number * scale, *kind))
}

#[cfg(test)]
mod tests {
    use super::*;
    use drover_model::Constraint;
    use drover_model::resources::NodeDevice;

    #[test]
    fn constraints_know_units() {
        let group = NodeDeviceGroup {
            vendor: "nvidia".into(),
            kind: "gpu".into(),
            name: "1080ti".into(),
            instances: vec![NodeDevice { id: "a".into(), healthy: true, ..NodeDevice::default() }],
            attributes: [("memory".to_owned(), serde_json::json!({"Int": 11, "Unit": "GiB"}))].into(),
        };
        let ask = |name: &str, right: &str| DeviceRequest {
            name: name.into(),
            count: 1,
            constraints: vec![Constraint {
                left: "${device.attr.memory}".into(),
                operand: ">".into(),
                right: right.into(),
            }],
            ..DeviceRequest::default()
        };
        assert!(device_matches(&group, &ask("gpu", "1024 MiB")));
        assert!(device_matches(&group, &ask("nvidia/gpu", "10 GB")));
        assert!(!device_matches(&group, &ask("nvidia/gpu/1080ti", "12 GiB")));
        assert!(!device_matches(&group, &ask("amd/gpu", "1 GiB")));
    }
}
