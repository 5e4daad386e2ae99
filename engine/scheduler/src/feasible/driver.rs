//! Drivers that the group's tasks need.

use drover_model::{Node, TaskGroup};

/// What the metrics count.
pub(crate) const MISSING: &str = "missing drivers";

/// The drivers of a group, each once.
pub(crate) fn wanted(group: &TaskGroup) -> Vec<String> {
    let mut drivers: Vec<String> = group.tasks.iter().map(|task| task.driver.clone()).collect();
    drivers.sort_unstable();
    drivers.dedup();
    drivers
}

/// Whether each driver is there and works.
pub(crate) fn has_all(node: &Node, drivers: &[String]) -> bool {
    drivers.iter().all(|driver| match node.drivers.get(driver) {
        Some(info) => info.detected && info.healthy,
        // Nodes that do not report drivers one by one name them in their attributes.
        None => node.attributes.get(&format!("driver.{driver}")).is_some_and(|value| value == "1" || value == "true"),
    })
}
