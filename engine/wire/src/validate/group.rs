//! A group of tasks.

use super::{items, network, placement, policies, scaling, service, task, text, volume};
use crate::job::{Job, TaskGroup};
use crate::problems::Problems;
use std::collections::BTreeMap;

/// The smallest ephemeral disk in MiB.
const MIN_DISK_MB: i64 = 10;

pub(super) fn group(job: &Job, group: &TaskGroup, kind: &str) -> Problems {
    let mut problems = Problems::default();
    problems.add_if(text(&group.name).is_empty(), "Missing task group name");
    problems.add_if(text(&group.name).contains('\0'), "Task group name contains null character");
    problems.add_if(group.count.unwrap_or(1) < 0, "Task group count can't be negative");
    problems.add_if(items(&group.tasks).is_empty(), "Missing tasks for task group");
    let is_batch = matches!(kind, "batch" | "sysbatch");
    policies::disconnect(group, kind, &mut problems);
    if let Some(longest) = group.max_run_duration {
        if !is_batch {
            problems.add(format!("Job type {kind:?} does not allow max_run_duration"));
        }
        problems.add_if(is_batch && longest <= 0, "MaxRunDuration must be greater than zero");
    }
    placement::constraints(items(&group.constraints), &mut problems);
    if kind == "system" {
        problems.add_if(!items(&group.affinities).is_empty(), "System jobs may not have an affinity block");
        problems.add_if(!items(&group.spreads).is_empty(), "System jobs may not have a spread block");
    } else {
        placement::affinities(items(&group.affinities), &mut problems);
        placement::spreads(items(&group.spreads), &mut problems);
    }
    match &group.restart_policy {
        None => problems.add(format!("Task Group {} should have a restart policy", text(&group.name))),
        Some(policy) => policies::restart(policy, &mut problems),
    }
    match (&group.reschedule_policy, kind) {
        (Some(_), "system" | "sysbatch") => {
            problems.add("System or sysbatch jobs should not have a reschedule policy");
        }
        (Some(policy), _) => policies::reschedule(policy, &mut problems),
        (None, _) => {}
    }
    if let Some(disk) = &group.ephemeral_disk {
        let size = disk.size_mb.unwrap_or_default();
        if size < MIN_DISK_MB {
            problems.add(format!("minimum DiskMB value is {MIN_DISK_MB}; got {size}"));
        }
    }
    if let Some(update) = &group.update {
        if !matches!(kind, "service" | "system") {
            problems.add(format!("Job type {kind:?} does not allow update block"));
        }
        policies::update(update, &mut problems);
    }
    match &group.migrate {
        Some(migrate) if kind == "service" => policies::migrate(migrate, &mut problems),
        Some(_) => problems.add(format!("Job type {kind:?} does not allow migrate block")),
        None => {}
    }
    task_names(group, &mut problems);
    volume::requests(group, &mut problems);
    problems.nest("Task group network validation failed", network::networks(group));
    problems.nest("Task group service validation failed", service::of_group(group));
    problems.nest("Task group service check validation failed", service::script_checks(group));
    problems.nest("Task group scaling policy validation failed", scaling::policy(group));
    for one in items(&group.tasks) {
        let prefix = format!("Task {} validation failed", one.name);
        problems.nest(&prefix, task::task(job, group, one, kind));
    }
    problems
}

fn task_names(group: &TaskGroup, problems: &mut Problems) {
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    let mut leaders = 0;
    for (index, task) in items(&group.tasks).iter().enumerate() {
        if task.name.is_empty() {
            problems.add(format!("Task {} missing name", index + 1));
        } else if let Some(first) = seen.get(task.name.as_str()) {
            problems.add(format!("Task {} redefines '{}' from task {}", index + 1, task.name, first + 1));
        } else {
            seen.insert(&task.name, index);
        }
        leaders += usize::from(task.leader);
    }
    problems.add_if(leaders > 1, "Only one task may be marked as leader");
}
