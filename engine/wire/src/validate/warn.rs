//! What is odd about a job that is valid.

use super::{items, text};
use crate::job::{Job, Service, Task, TaskGroup, WorkloadIdentity};
use crate::problems::{Problems, Warnings};

/// Everything that is odd about a job.
pub(crate) fn warnings(job: &Job) -> Warnings {
    let mut warnings = Warnings::default();
    for group in items(&job.task_groups) {
        warnings.nest(&format!("Group {:?} has warnings", text(&group.name)), of_group(group));
    }
    if job.periodic.as_ref().is_some_and(|periodic| !text(&periodic.spec).is_empty()) {
        warnings.add("cron is deprecated and may be removed in a future release. Use crons instead");
    }
    auto_promote(job, &mut warnings);
    for group in items(&job.task_groups) {
        for task in items(&group.tasks) {
            vault_identities(task, &mut warnings);
        }
    }
    for group in items(&job.task_groups) {
        shutdown_delays(group, &mut warnings);
    }
    warnings
}

fn of_group(group: &TaskGroup) -> Problems {
    let mut odd = Problems::default();
    let (count, together) = (group.count.unwrap_or(1), group.update.as_ref().and_then(|update| update.max_parallel));
    if let Some(together) = together.filter(|together| count > 1 && *together > count) {
        odd.add(format!(
            "Update max parallel count is greater than task group count ({together} > {count}). A destructive change \
             would result in the simultaneous replacement of all allocations."
        ));
    }
    for network in items(&group.networks) {
        odd.add_if(
            network.m_bits.unwrap_or_default() > 0,
            "mbits has been deprecated as of Nomad 0.12.0. Please remove mbits from the network block",
        );
    }
    for task in items(&group.tasks) {
        odd.nest(&format!("Task {:?} has warnings", task.name), of_task(task));
    }
    odd
}

fn of_task(task: &Task) -> Problems {
    let mut odd = Problems::default();
    let networks = task.resources.as_ref().map_or(&[][..], |resources| items(&resources.networks));
    odd.add_if(
        !networks.is_empty(),
        "task network resources have been deprecated as of Nomad 0.12.0. Please configure networking via group \
         network block.",
    );
    for (index, template) in items(&task.templates).iter().enumerate() {
        if template.vault_grace.unwrap_or_default() != 0 {
            odd.add(format!(
                "Template[{index}] VaultGrace has been deprecated as of Nomad 0.11 and ignored since Vault 0.5. \
                 Please remove VaultGrace / vault_grace from template block."
            ));
        }
    }
    for identity in items(&task.identities).iter().filter(|identity| !matches!(identity.name.as_str(), "" | "default"))
    {
        odd.group(of_identity(identity));
    }
    odd
}

fn of_identity(identity: &WorkloadIdentity) -> Problems {
    let mut odd = Problems::default();
    let name = identity.name.as_str();
    match items(&identity.audience).len() {
        0 => odd.add(format!("Identity[{name}] identities without an audience are insecure")),
        1 => {}
        _ => odd.add(format!(
            "Identity[{name}] while multiple audiences is allowed, it is more secure to use 1 audience per identity"
        )),
    }
    if identity.ttl == 0 {
        odd.add(format!("Identity[{name}] identities without an expiration are insecure"));
    } else if identity.env && identity.change_mode != "restart" {
        odd.add(format!(
            "Identity[{name}] using env=true without change_mode=\"restart\" may result in task not getting updated \
             identity"
        ));
    }
    odd
}

fn auto_promote(job: &Job, warnings: &mut Warnings) {
    let updates = || items(&job.task_groups).iter().filter_map(|group| group.update.as_ref());
    let promotes = |update: &&crate::job::UpdateStrategy| update.auto_promote == Some(true);
    if updates().any(|update| promotes(&update)) && !updates().all(|update| promotes(&update)) {
        warnings.add("auto_promote must be true for all groups to enable automatic promotion");
    }
}

fn vault_identities(task: &Task, warnings: &mut Warnings) {
    for identity in items(&task.identities) {
        if identity.name.starts_with("vault_") && task.vault.is_none() {
            warnings.add(format!("Task {} has an identity called {} but no vault block", task.name, identity.name));
        }
    }
}

/// Without a wait, requests still come in while a task stops.
fn shutdown_delays(group: &TaskGroup, warnings: &mut Warnings) {
    let name = text(&group.name);
    let group_waits = group.shutdown_delay.unwrap_or_default() > 0;
    for task in items(&group.tasks) {
        if !items(&task.services).is_empty() && task.shutdown_delay == 0 {
            warnings
                .add(format!("task {:?} in group {name:?} defines services, but has no shutdown_delay set", task.name));
        }
    }
    if group_waits {
        return;
    }
    for service in items(&group.services) {
        let mut tasks = items(&group.tasks).iter();
        if tasks.any(|task| task.name == service.task_name && task.shutdown_delay == 0) {
            warnings.add(format!(
                "group {name:?} references task {:?} in a service definition, but the task has no shutdown_delay set",
                service.task_name
            ));
        }
    }
    // The task of a sidecar waits before it stops.
    let has_sidecar = |service: &Service| {
        service.connect.as_ref().is_some_and(|connect| connect.sidecar_service.is_some() || connect.gateway.is_some())
    };
    let any_waits = items(&group.tasks).iter().any(|task| task.shutdown_delay > 0)
        || items(&group.services).iter().any(has_sidecar);
    if items(&group.services).iter().any(|service| service.task_name.is_empty()) && !any_waits {
        warnings.add(format!(
            "group {name:?} defines services, but neither the group nor any of its tasks have shutdown_delay set"
        ));
    }
}
