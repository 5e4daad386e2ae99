//! Networks and ports of a group.

use super::items;
use crate::job::{NetworkResource, Port, TaskGroup};
use crate::problems::Problems;
use std::collections::BTreeMap;

const MAX_PORT: i64 = 65_535;

pub(super) fn networks(group: &TaskGroup) -> Problems {
    let mut problems = Problems::default();
    let mut labels: BTreeMap<&str, &str> = BTreeMap::new();
    let mut numbers: BTreeMap<(&str, i64), String> = BTreeMap::new();
    for network in items(&group.networks) {
        of_owner(network, "taskgroup network", &mut labels, &mut numbers, &mut problems);
    }
    for task in items(&group.tasks) {
        let networks = task.resources.iter().flat_map(|resources| items(&resources.networks));
        for network in networks {
            of_owner(network, &task.name, &mut labels, &mut numbers, &mut problems);
        }
    }
    problems
}

fn of_owner<'a>(
    network: &'a NetworkResource,
    owner: &'a str,
    labels: &mut BTreeMap<&'a str, &'a str>,
    numbers: &mut BTreeMap<(&'a str, i64), String>,
    problems: &mut Problems,
) {
    problems.add_if(!is_domain_name(&network.hostname), "Hostname is not a valid DNS name");
    for port in items(&network.reserved_ports).iter().chain(items(&network.dynamic_ports)) {
        if !port.label.is_empty()
            && let Some(first) = labels.insert(&port.label, owner)
        {
            problems.add(format!("Port label {} already in use by {first}", port.label));
        }
        range(port, problems);
        if port.ignore_collision && !matches!(network.mode.as_str(), "" | "host") {
            problems.add(format!(
                "Port {:?} collision may not be ignored on non-host network mode {:?}",
                port.label, network.mode
            ));
        }
    }
    for port in items(&network.reserved_ports).iter().filter(|port| (1..=MAX_PORT).contains(&port.value)) {
        let user = format!("{owner}:{}", port.label);
        if port.ignore_collision {
            continue;
        }
        match numbers.get(&(port.host_network.as_str(), port.value)) {
            Some(first) => problems.add(format!("Static port {} already reserved by {first}", port.value)),
            None => {
                numbers.insert((&port.host_network, port.value), user);
            }
        }
    }
}

fn range(port: &Port, problems: &mut Problems) {
    if port.value > MAX_PORT {
        problems.add(format!("Port {} ({}) cannot be greater than {MAX_PORT}", port.label, port.value));
    } else if port.value < 0 {
        problems.add(format!("Port {} ({}) cannot be less than 0", port.label, port.value));
    }
    if port.to > MAX_PORT {
        problems.add(format!("Port {:?} cannot be mapped to a port ({}) greater than {MAX_PORT}", port.label, port.to));
    } else if port.to < -1 {
        problems.add(format!("Port {:?} cannot be mapped to negative value {}", port.label, port.to));
    }
}

/// Labels of at most 63 bytes between dots, 255 bytes together; interpolations are the node's business.
fn is_domain_name(name: &str) -> bool {
    let labels = name.strip_suffix('.').unwrap_or(name);
    name.contains("${")
        || labels.is_empty()
        || (name.len() <= 255 && labels.split('.').all(|label| (1..=63).contains(&label.len())))
}
