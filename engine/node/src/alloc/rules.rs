//! What of a job's definition the lives of its allocations and tasks depend on.

use super::core::{Role, Slot};
use super::health::HealthRules;
use super::shell::TaskShell;
use crate::context::NodeContext;
use crate::local_state::SavedAlloc;
use crate::task::core::{TaskCore, TaskRules};
use drover_base::UnixNanos;
use drover_model::{Allocation, JobType, Task, TaskGroup};

/// The allocation's tasks, as they were kept or as new ones.
pub fn slots(
    context: &NodeContext,
    alloc: &Allocation,
    kept: Option<&SavedAlloc>,
    now: UnixNanos,
) -> (Vec<Slot>, Vec<TaskShell>) {
    let Some(group) = alloc.group() else { return (Vec::new(), Vec::new()) };
    let mut slots = Vec::new();
    let mut shells = Vec::new();
    for task in &group.tasks {
        let rules = rules(context, alloc, group, task);
        let mut shell = TaskShell::new(context.driver(&task.driver));
        let saved = kept.and_then(|kept| kept.tasks.get(&task.name)).cloned();
        let core = match saved {
            None => TaskCore::new(rules, now),
            Some(saved) => {
                let has_handle = saved.handle.is_some();
                shell.handle = saved.handle;
                shell.network = saved.network;
                TaskCore::restore(rules, saved.state, saved.tracker, saved.is_set_up, has_handle)
            }
        };
        slots.push(Slot { name: task.name.clone(), role: Role::of(task), is_leader: task.leader, core });
        shells.push(shell);
    }
    (slots, shells)
}

/// What of a task's definition its life depends on.
pub fn rules(context: &NodeContext, alloc: &Allocation, group: &TaskGroup, task: &Task) -> TaskRules {
    let kind = alloc.job.as_ref().map_or(JobType::Service, |job| job.kind);
    let is_main_or_sidecar = matches!(Role::of(task), Role::Main) || Role::of(task).is_sidecar();
    let policy = if task.restart_policy.interval.is_zero() && task.restart_policy.attempts == 0 {
        &group.restart_policy
    } else {
        &task.restart_policy
    };
    TaskRules {
        restart: policy.clone(),
        restarts_on_success: !kind.is_batch() && is_main_or_sidecar || Role::of(task).is_sidecar(),
        kill_timeout: task.kill_timeout.min(context.config.max_kill_timeout),
        shutdown_delay: task.shutdown_delay,
    }
}

/// Only services are watched: others are done when they are done.
pub fn health_rules(alloc: &Allocation) -> Option<HealthRules> {
    let job = alloc.job.as_ref()?;
    let group = alloc.group()?;
    if job.kind != JobType::Service {
        return None;
    }
    let (kind, min_healthy_time, healthy_deadline) = if alloc.deployment_id.is_empty() {
        let strategy = group.migrate.as_ref()?;
        (&strategy.health_check, strategy.min_healthy_time, strategy.healthy_deadline)
    } else {
        let strategy = group.update.as_ref()?;
        (&strategy.health_check, strategy.min_healthy_time, strategy.healthy_deadline)
    };
    match kind.as_str() {
        "manual" => None,
        kind => Some(HealthRules { uses_checks: kind != "task_states", min_healthy_time, healthy_deadline }),
    }
}
