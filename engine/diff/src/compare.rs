//! Compares jobs, their groups and their tasks.

use crate::objects::{Context, children, fields};
use crate::shapes::{GROUP, JOB, TASK};
use crate::tree::{DiffType, JobDiff, TaskDiff, TaskGroupDiff};
use drover_model::Job;
use serde_json::Value;
use std::collections::BTreeMap;

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
        task_groups: groups(old_side, new_side, context),
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

fn value(side: Option<&Job>) -> Option<Value> {
    side.map(|side| serde_json::to_value(side).expect("the model always serialises"))
}

/// The named parts of a list on each side, by name.
fn pairs<'v>(key: &str, old: Option<&'v Value>, new: Option<&'v Value>) -> BTreeMap<&'v str, [Option<&'v Value>; 2]> {
    let mut pairs: BTreeMap<&str, [Option<&Value>; 2]> = BTreeMap::new();
    for (index, side) in [old, new].into_iter().enumerate() {
        for part in side.and_then(|side| side.get(key)?.as_array()).into_iter().flatten() {
            pairs.entry(part["Name"].as_str().unwrap_or_default()).or_default()[index] = Some(part);
        }
    }
    pairs
}

fn groups(old: Option<&Value>, new: Option<&Value>, context: Context) -> Vec<TaskGroupDiff> {
    pairs("TaskGroups", old, new).into_iter().map(|(name, [old, new])| group_diff(name, old, new, context)).collect()
}

fn group_diff(name: &str, old: Option<&Value>, new: Option<&Value>, context: Context) -> TaskGroupDiff {
    let kind = DiffType::of(old, new);
    let tasks = pairs("Tasks", old, new).into_iter();
    TaskGroupDiff {
        kind,
        name: name.to_owned(),
        fields: fields(&GROUP, old, new, Context::Hidden),
        objects: if kind == DiffType::None { Vec::new() } else { children(&GROUP, old, new, context) },
        tasks: tasks.map(|(name, [old, new])| task_diff(name, old, new, context)).collect(),
        updates: None,
    }
}

fn task_diff(name: &str, old: Option<&Value>, new: Option<&Value>, context: Context) -> TaskDiff {
    let kind = DiffType::of(old, new);
    TaskDiff {
        kind,
        name: name.to_owned(),
        fields: fields(&TASK, old, new, Context::Hidden),
        objects: if kind == DiffType::None { Vec::new() } else { children(&TASK, old, new, context) },
        annotations: Vec::new(),
    }
}
