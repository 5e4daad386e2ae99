//! Adds to a tree what a dry run of the scheduler found out.

use crate::tree::{DiffType, FieldDiff, JobDiff, ObjectDiff, TaskDiff, TaskGroupDiff};
use drover_model::{DesiredUpdates, PlanAnnotations};
use std::cmp::Ordering;

const CREATE: &str = "forces create";
const DESTROY: &str = "forces destroy";
const IN_PLACE: &str = "forces in-place update";
const REPLACE: &str = "forces create/destroy update";

/// Adds counts to groups, and what the changes lead to, to counts and tasks.
pub fn annotate(diff: &mut JobDiff, annotations: Option<&PlanAnnotations>) {
    for group in &mut diff.task_groups {
        let updates = annotations.and_then(|annotations| annotations.desired_tg_updates.get(&group.name));
        if let Some(updates) = updates {
            count_updates(group, updates);
        }
        group.fields.iter_mut().filter(|field| field.name == "Count").for_each(annotate_count);
        for task in &mut group.tasks {
            annotate_task(task, group.kind);
        }
    }
}

fn count_updates(group: &mut TaskGroupDiff, updates: &DesiredUpdates) {
    let counts = [
        ("ignore", updates.ignore),
        ("create", updates.place),
        ("migrate", updates.migrate),
        ("destroy", updates.stop),
        ("in-place update", updates.in_place_update),
        ("create/destroy update", updates.destructive_update),
        ("canary", updates.canary),
        ("preemptions", updates.preemptions),
        ("reschedule now", updates.reschedule_now),
        ("reschedule later", updates.reschedule_later),
    ];
    let counts = counts.into_iter().filter(|(_, n)| *n > 0).map(|(name, n)| (name.to_owned(), n));
    group.updates = Some(counts.collect());
}

fn annotate_count(field: &mut FieldDiff) {
    let number = |text: &str| text.parse::<i64>().unwrap_or(0);
    let text = match number(&field.old).cmp(&number(&field.new)) {
        Ordering::Less => CREATE,
        Ordering::Greater => DESTROY,
        Ordering::Equal => return,
    };
    field.annotations.push(text.to_owned());
}

/// A rule of thumb that the reference shows: the group's counts are what the scheduler really found.
fn annotate_task(task: &mut TaskDiff, group: DiffType) {
    let text = match (group, task.kind) {
        (_, DiffType::None) => return,
        (DiffType::Added, _) => CREATE,
        (DiffType::Deleted, _) => DESTROY,
        _ => {
            let replaces =
                task.fields.iter().any(|field| field.name != "KillTimeout") || task.objects.iter().any(replaces_task);
            if replaces { REPLACE } else { IN_PLACE }
        }
    };
    task.annotations.push(text.to_owned());
}

fn replaces_task(object: &ObjectDiff) -> bool {
    object.kind != DiffType::None && !matches!(object.name.as_str(), "Service" | "Constraint" | "Affinity")
}
