//! The engine's difference of two jobs, as text.
//!
//! `+` added, `-` removed, `+/-` edited; blocks in braces; names padded so that values line up.

use super::{Colour, bold, paint};
use drover_sdk::types::{FieldDiff, JobDiff, ObjectDiff, TaskDiff, TaskGroupDiff};

/// A whole job; fields that did not change only when `verbose`.
pub fn job(diff: &JobDiff, verbose: bool) -> String {
    let (mark, width) = marker(&diff.kind);
    let mut text = format!("{mark}{}\n", bold(&format!("Job: \"{}\"", diff.id)));
    let longest = longest(&diff.fields, &diff.objects);
    if diff.kind == "Edited" || verbose {
        let lines = contents(&diff.fields, &diff.objects, 0, longest.0, longest.1);
        if !lines.is_empty() {
            text.push_str(&lines);
            text.push('\n');
        }
    }
    let _ = width;
    for group in &diff.task_groups {
        let (_, width) = marker(&group.kind);
        let indent = longest.1.saturating_sub(width);
        text.push_str(&group_text(group, indent, verbose));
        text.push('\n');
    }
    text.truncate(text.trim_end_matches('\n').len());
    text
}

fn group_text(group: &TaskGroupDiff, start: usize, verbose: bool) -> String {
    let (mark, _) = marker(&group.kind);
    let mut text = format!("{}{mark}{}", " ".repeat(start), bold(&format!("Task Group: \"{}\"", group.name)));
    if !group.updates.is_empty() {
        let updates: Vec<String> = group.updates.iter().map(|(kind, count)| format!("{count} {}", update(kind))).collect();
        text.push_str(&format!(" ({})", updates.join(", ")));
    }
    text.push('\n');
    let longest = longest_of_group(group);
    let indent = start + 2;
    if group.kind == "Edited" || verbose {
        let lines = contents(&group.fields, &group.objects, indent, longest.0, longest.1);
        if !lines.is_empty() {
            text.push_str(&lines);
            text.push('\n');
        }
    }
    for task in &group.tasks {
        let (_, width) = marker(&task.kind);
        text.push_str(&task_text(task, indent + longest.1.saturating_sub(width), verbose));
        text.push('\n');
    }
    text
}

fn task_text(task: &TaskDiff, start: usize, verbose: bool) -> String {
    let (mark, _) = marker(&task.kind);
    let mut text = format!("{}{mark}{}", " ".repeat(start), bold(&format!("Task: \"{}\"", task.name)));
    text.push_str(&annotations(&task.annotations));
    if task.kind == "None" || (matches!(task.kind.as_str(), "Added" | "Deleted") && !verbose) {
        return text;
    }
    let longest = longest(&task.fields, &task.objects);
    let lines = contents(&task.fields, &task.objects, start + 2, longest.0, longest.1);
    if !lines.is_empty() {
        text.push('\n');
        text.push_str(&lines);
    }
    text
}

fn object_text(object: &ObjectDiff, start: usize, marker_width: usize) -> String {
    let (mark, width) = marker(&object.kind);
    let pad = start + marker_width.saturating_sub(width);
    let inner = longest(&object.fields, &object.objects);
    let lines = contents(&object.fields, &object.objects, pad + width + 2_usize.saturating_sub(0) - marker_less(inner.1), inner.0, inner.1);
    let end = " ".repeat(pad + width);
    format!("{}{mark}{} {{\n{lines}\n{end}}}", " ".repeat(pad), object.name)
}

/// Blocks begin their contents two further in, whatever the width of the markers there.
const fn marker_less(_width: usize) -> usize {
    0
}

fn contents(fields: &[FieldDiff], objects: &[ObjectDiff], start: usize, name_width: usize, marker_width: usize) -> String {
    let mut lines: Vec<String> = fields.iter().map(|field| field_text(field, start, name_width, marker_width)).collect();
    lines.extend(objects.iter().map(|object| object_text(object, start, marker_width)));
    lines.join("\n")
}

fn field_text(field: &FieldDiff, start: usize, name_width: usize, marker_width: usize) -> String {
    let (mark, width) = marker(&field.kind);
    let pad = " ".repeat(start + marker_width.saturating_sub(width));
    let gap = " ".repeat(name_width.saturating_sub(field.name.chars().count()));
    let value = match field.kind.as_str() {
        "Added" => format!("\"{}\"", field.new),
        "Deleted" => format!("\"{}\"", field.old),
        "Edited" => format!("\"{}\" => \"{}\"", field.old, field.new),
        _ => format!("\"{}\"", field.new),
    };
    format!("{pad}{mark}{}: {gap}{value}{}", field.name, annotations(&field.annotations))
}

fn annotations(notes: &[String]) -> String {
    if notes.is_empty() {
        return String::new();
    }
    let painted: Vec<String> = notes
        .iter()
        .map(|note| match note.as_str() {
            "forces create" => paint(Colour::Green, note),
            "forces destroy" | "forces create/destroy update" => paint(Colour::Red, note),
            "forces in-place update" => paint(Colour::Cyan, note),
            _ => paint(Colour::Yellow, note),
        })
        .collect();
    format!(" ({})", painted.join(", "))
}

fn update(kind: &str) -> String {
    match kind {
        "create" => paint(Colour::Green, kind),
        "destroy" => paint(Colour::Red, kind),
        "migrate" | "create/destroy update" | "canary" => paint(Colour::Yellow, kind),
        "in-place update" => paint(Colour::Cyan, kind),
        _ => kind.to_owned(),
    }
}

/// The mark of a kind of change, with the space after it, and its width.
fn marker(kind: &str) -> (String, usize) {
    match kind {
        "Added" => (paint(Colour::Green, "+") + " ", 2),
        "Deleted" => (paint(Colour::Red, "-") + " ", 2),
        "Edited" => (paint(Colour::Green, "+") + "/" + &paint(Colour::Red, "-") + " ", 4),
        _ => (String::new(), 0),
    }
}

/// The longest name of the fields, and the widest mark of all.
fn longest(fields: &[FieldDiff], objects: &[ObjectDiff]) -> (usize, usize) {
    let names = fields.iter().map(|field| field.name.chars().count()).max().unwrap_or(0);
    let kinds = fields.iter().map(|field| &field.kind).chain(objects.iter().map(|object| &object.kind));
    (names, kinds.map(|kind| marker(kind).1).max().unwrap_or(0))
}

fn longest_of_group(group: &TaskGroupDiff) -> (usize, usize) {
    let (names, width) = longest(&group.fields, &group.objects);
    (names, group.tasks.iter().map(|task| marker(&task.kind).1).max().unwrap_or(0).max(width))
}
