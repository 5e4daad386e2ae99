//! Compares jobs, their groups and their tasks.

use crate::objects::{Context, children, fields, text_of};
use crate::shapes::{GROUP, JOB, TASK};
use crate::tree::{DiffType, JobDiff, TaskDiff, TaskGroupDiff};
use drover_base::tape::{Tape, View};
use drover_model::Job;
use std::collections::BTreeMap;

/// The difference of two jobs; a side that is `None` does not exist. With `contextual`, blocks that
/// changed show their unchanged fields too. Indexes, versions and statuses are not compared.
pub fn job_diff(old: Option<&Job>, new: Option<&Job>, contextual: bool) -> JobDiff {
    let context = if contextual { Context::Shown } else { Context::Hidden };
    let (old_tape, new_tape) = (laid_out(old), laid_out(new));
    let (old_side, new_side) = (old_tape.as_ref().map(Tape::root), new_tape.as_ref().map(Tape::root));
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

fn laid_out(side: Option<&Job>) -> Option<Tape> {
    side.map(|side| Tape::of(side).expect("the model always serialises"))
}

/// The named parts of a list on each side, by name.
fn pairs<'v>(key: &str, old: Option<View<'v>>, new: Option<View<'v>>) -> BTreeMap<&'v str, [Option<View<'v>>; 2]> {
    let mut pairs: BTreeMap<&str, [Option<View<'_>>; 2]> = BTreeMap::new();
    for (index, side) in [old, new].into_iter().enumerate() {
        for part in side.and_then(|side| side.get(key)).into_iter().flat_map(View::items) {
            pairs.entry(text_of(part, "Name")).or_default()[index] = Some(part);
        }
    }
    pairs
}

fn groups(old: Option<View<'_>>, new: Option<View<'_>>, context: Context) -> Vec<TaskGroupDiff> {
    pairs("TaskGroups", old, new).into_iter().map(|(name, [old, new])| group_diff(name, old, new, context)).collect()
}

fn group_diff(name: &str, old: Option<View<'_>>, new: Option<View<'_>>, context: Context) -> TaskGroupDiff {
    let kind = DiffType::of(old, new);
    let tasks = pairs("Tasks", old, new).into_iter();
    // Most of a job does not change.
    let is_same = kind == DiffType::None;
    TaskGroupDiff {
        kind,
        name: name.to_owned(),
        fields: if is_same { Vec::new() } else { fields(&GROUP, old, new, Context::Hidden) },
        objects: if is_same { Vec::new() } else { children(&GROUP, old, new, context) },
        tasks: tasks.map(|(name, [old, new])| task_diff(name, old, new, context)).collect(),
        updates: None,
    }
}

fn task_diff(name: &str, old: Option<View<'_>>, new: Option<View<'_>>, context: Context) -> TaskDiff {
    let kind = DiffType::of(old, new);
    let is_same = kind == DiffType::None;
    TaskDiff {
        kind,
        name: name.to_owned(),
        fields: if is_same { Vec::new() } else { fields(&TASK, old, new, Context::Hidden) },
        objects: if is_same { Vec::new() } else { children(&TASK, old, new, context) },
        annotations: Vec::new(),
    }
}
