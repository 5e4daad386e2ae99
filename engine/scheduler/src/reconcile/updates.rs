//! Which changes of a job need new allocations, and which apply to those that run.

use drover_model::network::Port;
use drover_model::{Job, NetworkResource, Resources, Task, TaskGroup, TextMap};

/// What a changed job means for an allocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UpdateKind {
    /// Nothing.
    None,
    /// It goes on under the new job.
    InPlace,
    /// It is stopped and placed anew.
    Destructive,
}

/// Whether a group's allocations of `old` must be replaced for `new`. The list is the reference's, found
/// by planning one change after the other.
pub(crate) fn is_destructive(old: &Job, new: &Job, group: &str) -> bool {
    let (Some(a), Some(b)) = (old.group(group), new.group(group)) else {
        return true;
    };
    a.tasks.len() != b.tasks.len()
        || a.ephemeral_disk != b.ephemeral_disk
        || networks_changed(&a.networks, &b.networks)
        || a.volumes != b.volumes
        || a.restart_policy.render_templates != b.restart_policy.render_templates
        || connects_changed(a, b)
        || a.tasks.iter().any(|task| match b.task(&task.name) {
            Some(other) => task_changed((old, a, task), (new, b, other)),
            None => true,
        })
}

/// A mesh sidecar is part of the allocation; everything else of a service can change while it runs.
fn connects_changed(a: &TaskGroup, b: &TaskGroup) -> bool {
    let connects = |group: &TaskGroup| {
        let services = group.services.iter().filter(|service| service.connect.is_some());
        services
            .map(|service| (service.name.clone(), service.port_label.clone(), service.connect.clone()))
            .collect::<Vec<_>>()
    };
    connects(a) != connects(b)
}

fn task_changed((old, a_group, a): (&Job, &TaskGroup, &Task), (new, b_group, b): (&Job, &TaskGroup, &Task)) -> bool {
    a.driver != b.driver
        || a.user != b.user
        || a.config != b.config
        || a.env != b.env
        || meta(old, a_group, a) != meta(new, b_group, b)
        || a.artifacts != b.artifacts
        || a.vault != b.vault
        || a.consul != b.consul
        || a.templates != b.templates
        || a.secrets != b.secrets
        || a.csi_plugin != b.csi_plugin
        || a.volume_mounts != b.volume_mounts
        || a.schedule != b.schedule
        || a.identity != b.identity
        || a.identities != b.identities
        || a.log_config.disabled != b.log_config.disabled
        || a.restart_policy.render_templates != b.restart_policy.render_templates
        || resources_changed(&a.resources, &b.resources)
}

fn meta(job: &Job, group: &TaskGroup, task: &Task) -> TextMap {
    let mut all = job.meta.clone();
    all.extend(group.meta.clone());
    all.extend(task.meta.clone());
    all
}

fn resources_changed(a: &Resources, b: &Resources) -> bool {
    (a.cpu, a.cores, a.memory_mb, a.memory_max_mb, a.secrets_mb)
        != (b.cpu, b.cores, b.memory_mb, b.memory_max_mb, b.secrets_mb)
        || a.devices != b.devices
        || a.numa != b.numa
        || networks_changed(&a.networks, &b.networks)
}

fn networks_changed(a: &[NetworkResource], b: &[NetworkResource]) -> bool {
    a.len() != b.len() || a.iter().zip(b).any(|(a, b)| network_changed(a, b))
}

fn network_changed(a: &NetworkResource, b: &NetworkResource) -> bool {
    let ports = |ports: &[Port], is_static: bool| {
        let mut list: Vec<_> = ports
            .iter()
            .map(|port| {
                let value = if is_static { port.value } else { 0 };
                (port.label.clone(), value, port.to, port.host_network.clone(), port.ignore_collision)
            })
            .collect();
        list.sort();
        list
    };
    a.mode != b.mode
        || a.mbits != b.mbits
        || a.hostname != b.hostname
        || a.dns != b.dns
        || ports(&a.reserved_ports, true) != ports(&b.reserved_ports, true)
        || ports(&a.dynamic_ports, false) != ports(&b.dynamic_ports, false)
}
