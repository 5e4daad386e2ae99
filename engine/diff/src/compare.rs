//! Compares jobs, their groups and their tasks.

use crate::objects::{Context, children, fields};
use crate::shapes::{GROUP, JOB, TASK};
use crate::tree::{DiffType, JobDiff, TaskDiff, TaskGroupDiff};
use drover_model::{Job, Task, TaskGroup};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeSet;

/// The difference of two jobs; a side that is `None` does not exist. With `contextual`, blocks that
/// changed show their unchanged fields too. Indexes, versions and statuses are not compared.
pub fn job_diff(old: Option<&Job>, new: Option<&Job>, contextual: bool) -> JobDiff {
    let context = if contextual { Context::Shown } else { Context::Hidden };
    let (old_value, new_value) = (value(old), value(new));
    let (old_side, new_side) = (old_value.as_ref(), new_value.as_ref());
    let mut objects = children(&JOB, old_side, new_side, context);
    objects.retain(|object| object.kind != DiffType::None);
    let mut diff = JobDiff {
        kind: DiffType::None,
        id: new.or(old).map(|job| job.id.to_string()).unwrap_or_default(),
        fields: fields(&JOB, old_side, new_side, Context::Hidden),
        objects,
        task_groups: groups(old, new, context),
    };
    diff.kind = match (old, new) {
        (None, Some(_)) => DiffType::Added,
        (Some(_), None) => DiffType::Deleted,
        _ if diff.fields.is_empty() && diff.objects.is_empty() && diff.task_groups.iter().all(is_unchanged) => {
            DiffType::None
        }
        _ => DiffType::Edited,
    };
    diff
}

fn is_unchanged(group: &TaskGroupDiff) -> bool {
    group.kind == DiffType::None
}

fn value<T: Serialize>(side: Option<&T>) -> Option<Value> {
    side.map(|side| serde_json::to_value(side).expect("the model always serialises"))
}

fn groups(old: Option<&Job>, new: Option<&Job>, context: Context) -> Vec<TaskGroupDiff> {
    let names = [old, new].into_iter().flatten().flat_map(|job| &job.task_groups).map(|group| group.name.as_str());
    let names: BTreeSet<&str> = names.collect();
    let one =
        |name| group_diff(name, old.and_then(|job| job.group(name)), new.and_then(|job| job.group(name)), context);
    names.into_iter().map(one).collect()
}

fn group_diff(name: &str, old: Option<&TaskGroup>, new: Option<&TaskGroup>, context: Context) -> TaskGroupDiff {
    let (old_value, new_value) = (value(old), value(new));
    let (old_side, new_side) = (old_value.as_ref(), new_value.as_ref());
    let kind = DiffType::of(old_side, new_side);
    let tasks = [old, new].into_iter().flatten().flat_map(|group| &group.tasks).map(|task| task.name.as_str());
    let names: BTreeSet<&str> = tasks.collect();
    let task =
        |name| task_diff(name, old.and_then(|group| group.task(name)), new.and_then(|group| group.task(name)), context);
    TaskGroupDiff {
        kind,
        name: name.to_owned(),
        fields: fields(&GROUP, old_side, new_side, Context::Hidden),
        objects: if kind == DiffType::None { Vec::new() } else { children(&GROUP, old_side, new_side, context) },
        tasks: names.into_iter().map(task).collect(),
        updates: std::collections::BTreeMap::new(),
    }
}

fn task_diff(name: &str, old: Option<&Task>, new: Option<&Task>, context: Context) -> TaskDiff {
    let (old, new) = (value(old), value(new));
    let (old, new) = (old.as_ref(), new.as_ref());
    let kind = DiffType::of(old, new);
    TaskDiff {
        kind,
        name: name.to_owned(),
        fields: fields(&TASK, old, new, Context::Hidden),
        objects: if kind == DiffType::None { Vec::new() } else { children(&TASK, old, new, context) },
        annotations: Vec::new(),
    }
}
