//! What the reference fills in when it takes a job, beyond the defaults of its submission form.

use crate::job;
use drover_model::{
    Job, NetworkResource, ScalingPolicy, Service, Task, TaskGroup, TextMap, UpdateStrategy, WorkloadIdentity,
};

/// The priority of a job that gives none, or zero.
const DEFAULT_PRIORITY: i64 = 50;
/// The audience of the default identity.
const DEFAULT_AUDIENCE: &str = "nomadproject.io";
/// The name of the identity that every task has.
const DEFAULT_IDENTITY: &str = "default";

/// Fills in what names follow from: services and checks. Done before validation, which shows the names.
pub(crate) fn expand(job: &mut job::Job) {
    if job.priority == Some(0) {
        job.priority = Some(DEFAULT_PRIORITY);
    }
    let name = job.name.clone().unwrap_or_default();
    for group in job.task_groups.iter_mut().flatten() {
        expand_scaling(group);
        if let Some(volumes) = &mut group.volumes {
            // A volume of another kind is no volume: a mount of it refers to nothing.
            volumes.retain(|_, volume| matches!(volume.kind.as_str(), "host" | "csi"));
        }
        let group_name = group.name.clone().unwrap_or_default();
        for service in group.services.iter_mut().flatten() {
            expand_service(service, &name, &group_name, "group");
        }
        for task in group.tasks.iter_mut().flatten() {
            if let Some(mounts) = &mut task.volume_mounts {
                mounts.retain(|mount| mount.volume.is_some());
            }
            for service in task.services.iter_mut().flatten() {
                expand_service(service, &name, &group_name, &task.name);
                if service.task_name.is_empty() {
                    service.task_name.clone_from(&task.name);
                }
            }
        }
    }
}

/// Policies are on unless they say otherwise, and never go below the count.
fn expand_scaling(group: &mut job::TaskGroup) {
    let count = group.count;
    if let Some(policy) = &mut group.scaling {
        policy.enabled.get_or_insert(true);
        policy.min = policy.min.or(count);
    }
    for policy in group.tasks.iter_mut().flatten().flat_map(|task| task.scaling_policies.iter_mut().flatten()) {
        policy.enabled.get_or_insert(true);
    }
}

fn expand_service(service: &mut job::Service, job: &str, group: &str, task: &str) {
    let base = format!("{job}-{group}-{task}");
    for (pattern, value) in [("JOB", job), ("TASKGROUP", group), ("TASK", task), ("BASE", base.as_str())] {
        service.name = service.name.replace(&format!("${{{pattern}}}"), value);
    }
    for check in service.checks.iter_mut().flatten() {
        if check.name.is_empty() {
            check.name = format!("service: {:?} check", service.name);
        }
    }
}

/// Fills in the rest.
pub(super) fn job(job: &mut Job) {
    if job.datacenters.is_empty() {
        job.datacenters.push("*".to_owned());
    }
    if job.node_pool.is_empty() {
        drover_model::registry::DEFAULT_NODE_POOL.clone_into(&mut job.node_pool);
    }
    if let Some(parameterized) = &mut job.parameterized_job
        && parameterized.payload.is_empty()
    {
        "optional".clone_into(&mut parameterized.payload);
    }
    // Groups have taken over all but these.
    job.update = UpdateStrategy {
        stagger: job.update.stagger,
        max_parallel: job.update.max_parallel,
        ..UpdateStrategy::default()
    };
    let (namespace, id) = (job.namespace.to_string(), job.id.to_string());
    for group in &mut job.task_groups {
        settle_group(group, &namespace, &id);
    }
}

fn settle_group(group: &mut TaskGroup, namespace: &str, job: &str) {
    for network in &mut group.networks {
        settle_network(network);
    }
    for service in &mut group.services {
        settle_service(service, namespace);
    }
    if let Some(policy) = &mut group.scaling {
        settle_policy(policy, [("Namespace", namespace), ("Job", job), ("Group", &group.name)]);
        if policy.kind.is_empty() {
            "horizontal".clone_into(&mut policy.kind);
        }
    }
    for task in &mut group.tasks {
        settle_task(task, namespace, job, &group.name);
    }
}

fn settle_task(task: &mut Task, namespace: &str, job: &str, group: &str) {
    let name = task.name.clone();
    task.volume_mounts.retain(|mount| !mount.volume.is_empty());
    task.resources.networks.iter_mut().for_each(settle_network);
    for service in &mut task.services {
        settle_service(service, namespace);
    }
    for policy in &mut task.scaling_policies {
        settle_policy(policy, [("Namespace", namespace), ("Job", job), ("Group", group)]);
        policy.target.insert("Task".to_owned(), name.clone());
    }
    let mut identities = std::mem::take(&mut task.identities);
    let is_default = |identity: &WorkloadIdentity| identity.name.is_empty() || identity.name == DEFAULT_IDENTITY;
    if let Some(at) = identities.iter().rposition(is_default) {
        task.identity = Some(identities.remove(at));
        identities.retain(|identity| !is_default(identity));
    }
    task.identities = identities;
    let identity = task.identity.get_or_insert_with(WorkloadIdentity::default);
    DEFAULT_IDENTITY.clone_into(&mut identity.name);
    if identity.audience.is_empty() {
        identity.audience.push(DEFAULT_AUDIENCE.to_owned());
    }
    for identity in task.identity.iter_mut().chain(&mut task.identities) {
        identity.change_signal.make_ascii_uppercase();
    }
}

fn settle_service(service: &mut Service, namespace: &str) {
    namespace.clone_into(&mut service.namespace);
}

fn settle_network(network: &mut NetworkResource) {
    // The device is the node's to choose.
    network.device.clear();
    for port in network.reserved_ports.iter_mut().chain(&mut network.dynamic_ports) {
        if port.host_network.is_empty() {
            "default".clone_into(&mut port.host_network);
        }
    }
}

fn settle_policy(policy: &mut ScalingPolicy, target: [(&str, &str); 3]) {
    // These are the servers' to set.
    policy.id.clear();
    (policy.create_index, policy.modify_index) = (0, 0);
    policy.target = target.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect::<TextMap>();
}
