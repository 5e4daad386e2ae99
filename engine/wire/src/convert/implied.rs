//! Constraints that follow from what a group uses: only nodes that can do it are considered.

use drover_model::constraint::operand;
use drover_model::service::ServiceProvider;
use drover_model::{Constraint, Job, Service, TaskGroup};
use std::collections::BTreeSet;

/// The plugins that bridge networks are made with.
const BRIDGE_PLUGINS: &[&str] = &["bridge", "firewall", "host-local", "loopback", "portmap"];

/// Adds the constraints that follow, unless the job says the same already.
pub(super) fn constrain(job: &mut Job) {
    let of_job = job.constraints.clone();
    for group in &mut job.task_groups {
        for constraint in implied(group) {
            if !of_job.contains(&constraint) && !group.constraints.contains(&constraint) {
                group.constraints.push(constraint);
            }
        }
        for task in &mut group.tasks {
            let partition = task.consul.as_ref().and_then(|consul| partition(&consul.partition));
            task.constraints.extend(partition.filter(|constraint| !task.constraints.contains(constraint)));
        }
    }
}

fn implied(group: &TaskGroup) -> Vec<Constraint> {
    let mut constraints = Vec::new();
    let mut add = |left: String, operand: &str, right: &str| {
        constraints.push(Constraint { left, right: right.to_owned(), operand: operand.to_owned() });
    };
    let signals = signals(group);
    if !signals.is_empty() {
        let list = signals.into_iter().collect::<Vec<_>>().join(",");
        add("${attr.os.signals}".to_owned(), operand::SET_CONTAINS, &list);
    }
    let native = |service: &&Service| service.provider == ServiceProvider::Nomad;
    if services(group).any(|service| native(&service)) {
        add("${attr.nomad.service_discovery}".to_owned(), "=", "true");
    }
    if services(group).filter(native).any(|service| !service.checks.is_empty()) {
        add("${attr.nomad.version}".to_owned(), operand::SEMVER, ">= 1.4.0");
    }
    if services(group).any(|service| !native(&service)) {
        add("${attr.consul.version}".to_owned(), operand::SEMVER, ">= 1.8.0");
    }
    if group.networks.iter().any(|network| network.mode == "bridge") {
        for plugin in BRIDGE_PLUGINS {
            add(format!("${{attr.plugins.cni.version.{plugin}}}"), operand::SEMVER, ">= 0.4.0");
        }
    }
    if group.tasks.iter().any(|task| !task.identities.is_empty()) {
        add("${attr.nomad.version}".to_owned(), operand::SEMVER, ">= 1.7.0-a");
    }
    constraints.extend(group.consul.as_ref().and_then(|consul| partition(&consul.partition)));
    constraints
}

/// Only nodes of a Consul partition can register there.
fn partition(name: &str) -> Option<Constraint> {
    let left = "${attr.consul.partition}".to_owned();
    (!name.is_empty()).then(|| Constraint { left, right: name.to_owned(), operand: "=".to_owned() })
}

fn services(group: &TaskGroup) -> impl Iterator<Item = &Service> {
    group.services.iter().chain(group.tasks.iter().flat_map(|task| &task.services))
}

/// The signals that tasks are stopped or told of changes with.
fn signals(group: &TaskGroup) -> BTreeSet<String> {
    let mut signals = BTreeSet::new();
    for task in &group.tasks {
        let is_signal = |mode: &str| mode == "signal";
        let vault = task.vault.iter().filter(|vault| is_signal(&vault.change_mode)).map(|vault| &vault.change_signal);
        let templates = task.templates.iter().filter(|template| is_signal(&template.change_mode));
        let templates = templates.map(|template| &template.change_signal);
        signals.extend(vault.chain(templates).chain([&task.kill_signal]).filter(|name| !name.is_empty()).cloned());
    }
    signals
}
