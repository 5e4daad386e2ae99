//! The job itself.

use super::{group, items, placement, schedule, text};
use crate::job::Job;
use crate::problems::Problems;
use drover_model::JobType;
use std::collections::{BTreeMap, BTreeSet};

/// Everything that is wrong with a job.
pub(crate) fn job(job: &Job) -> Problems {
    let mut problems = Problems::default();
    unsupported(job, &mut problems);
    problems.extend(rules(job));
    problems
}

/// What is wrong with a job wherever it runs.
pub(crate) fn rules(job: &Job) -> Problems {
    let mut problems = Problems::default();
    names(job, &mut problems);
    let kind = text(&job.kind);
    if kind.is_empty() {
        problems.add("Missing job type");
    } else if kind.parse::<JobType>().is_err() {
        problems.add(format!("Invalid job type: {kind:?}"));
    }
    for datacenter in items(&job.datacenters) {
        problems.add_if(datacenter.is_empty(), "Job datacenter must be non-empty string");
    }
    problems.add_if(items(&job.task_groups).is_empty(), "Missing job task groups");
    placement::constraints(items(&job.constraints), &mut problems);
    let affinities = items(&job.affinities);
    let spreads = items(&job.spreads);
    if kind == "system" {
        problems.add_if(!affinities.is_empty(), "System jobs may not have an affinity block");
        problems.add_if(!spreads.is_empty(), "System jobs may not have a spread block");
    } else {
        placement::affinities(affinities, &mut problems);
        placement::spreads(spreads, &mut problems);
    }
    groups(job, kind, &mut problems);
    let is_batch = matches!(kind, "batch" | "sysbatch");
    if let Some(periodic) = job.periodic.as_ref().filter(|periodic| periodic.enabled != Some(false)) {
        problems.add_if(!is_batch, "Periodic can only be used with \"batch\" or \"sysbatch\" scheduler");
        problems.group(schedule::periodic(periodic));
    }
    if let Some(parameterized) = &job.parameterized_job {
        problems.add_if(!is_batch, "Parameterized job can only be used with \"batch\" or \"sysbatch\" scheduler");
        problems.group(schedule::parameterized(parameterized));
    }
    problems.add_if(!(1..=100).contains(&job.priority.unwrap_or_default()), "job priority must be between [1, 100]");
    problems
}

/// What needs something that this engine does not have.
fn unsupported(job: &Job, problems: &mut Problems) {
    let tasks = || items(&job.task_groups).iter().flat_map(|group| items(&group.tasks));
    let vaults: BTreeSet<&str> = tasks().filter_map(|task| Some(task.vault.as_ref()?.cluster.as_str())).collect();
    for vault in vaults {
        let vault = if vault.is_empty() { "default" } else { vault };
        problems.add(format!("Vault {vault:?} not enabled but used in the job"));
    }
    problems.add_if(job.multiregion.is_some(), "Multiregion jobs are not supported: register the job in each region");
    let has_numa = |task: &crate::job::Task| {
        let numa = task.resources.as_ref().and_then(|resources| resources.numa.as_ref());
        numa.is_some_and(|numa| !matches!(numa.affinity.as_str(), "" | "none"))
    };
    problems.add_if(tasks().any(has_numa), "numa scheduling is not supported: remove the numa block");
    problems.add_if(
        tasks().any(|task| task.schedule.is_some()),
        "task schedules are not supported: remove the schedule block",
    );
}

fn names(job: &Job, problems: &mut Problems) {
    problems.add_if(text(&job.region).is_empty(), "Missing job region");
    let id = text(&job.id);
    if id.is_empty() {
        problems.add("Missing job ID");
    } else {
        problems.add_if(id.contains(' '), "Job ID contains a space");
        problems.add_if(id.contains('\0'), "Job ID contains a null character");
    }
    let name = text(&job.name);
    problems.add_if(name.is_empty(), "Missing job name");
    problems.add_if(name.contains('\0'), "Job Name contains a null character");
    problems.add_if(text(&job.namespace).is_empty(), "Job must be in a namespace");
}

fn groups(job: &Job, kind: &str, problems: &mut Problems) {
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for (index, group) in items(&job.task_groups).iter().enumerate() {
        let name = text(&group.name);
        if name.is_empty() {
            problems.add(format!("Job task group {} missing name", index + 1));
        } else if let Some(first) = seen.get(name) {
            problems.add(format!("Job task group {} redefines '{name}' from group {}", index + 1, first + 1));
        } else {
            seen.insert(name, index);
        }
        problems.add_if(group.shutdown_delay.unwrap_or_default() < 0, "ShutdownDelay must be a positive value");
        let count = group.count.unwrap_or(1);
        if kind == "system" && count > 1 {
            problems
                .add(format!("Job task group {name} has count {count}. Count cannot exceed 1 with system scheduler"));
        }
    }
    for group in items(&job.task_groups) {
        let prefix = format!("Task group {} validation failed", text(&group.name));
        problems.nest(&prefix, group::group(job, group, kind));
    }
}
