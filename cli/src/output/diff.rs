//! The engine's difference of two jobs, as text.
//!
//! `+` added, `-` removed, `+/-` edited; blocks in braces; names padded so that values line up.

use super::{Colour, bold, paint};
use drover_sdk::types::{FieldDiff, JobDiff, ObjectDiff, TaskDiff, TaskGroupDiff};

/// A whole job; what did not change only when `verbose`.
pub fn job(diff: &JobDiff, verbose: bool) -> String {
    let (mark, _) = marker(&diff.kind);
    let mut text = format!("{mark}{}\n", bold(&format!("Job: \"{}\"", diff.id)));
    let inner = longest(&diff.fields, &diff.objects);
    if diff.kind == "Edited" || verbose {
        let lines = contents(&diff.fields, &diff.objects, 0, inner);
        if !lines.is_empty() {
            text.push_str(&lines);
            text.push('\n');
        }
    }
    let marks = diff.task_groups.iter().map(|group| marker(&group.kind).1).max().unwrap_or(0).max(inner.1);
    for group in &diff.task_groups {
        text.push_str(&group_text(group, marks, verbose));
        text.push('\n');
    }
    text.truncate(text.trim_end_matches('\n').len());
    text
}

fn group_text(group: &TaskGroupDiff, marks: usize, verbose: bool) -> String {
    let mut text = title(&group.kind, &format!("Task Group: \"{}\"", group.name), 0, marks);
    if !group.updates.is_empty() {
        let updates: Vec<String> =
            group.updates.iter().map(|(kind, count)| format!("{count} {}", update(kind))).collect();
        text.push_str(&format!(" ({})", updates.join(", ")));
    }
    text.push('\n');
    let inner = longest_of_group(group);
    let start = within(&group.kind, 0, marks);
    if group.kind == "Edited" || verbose {
        let lines = contents(&group.fields, &group.objects, start, inner);
        if !lines.is_empty() {
            text.push_str(&lines);
            text.push('\n');
        }
    }
    for task in &group.tasks {
        text.push_str(&task_text(task, start, inner.1, verbose));
        text.push('\n');
    }
    text
}

fn task_text(task: &TaskDiff, start: usize, marks: usize, verbose: bool) -> String {
    let mut text = title(&task.kind, &format!("Task: \"{}\"", task.name), start, marks);
    text.push_str(&annotations(&task.annotations));
    if task.kind == "None" || (matches!(task.kind.as_str(), "Added" | "Deleted") && !verbose) {
        return text;
    }
    let inner = longest(&task.fields, &task.objects);
    let lines = contents(&task.fields, &task.objects, within(&task.kind, start, marks), inner);
    if !lines.is_empty() {
        text.push('\n');
        text.push_str(&lines);
    }
    text
}

/// Where the contents of a block begin: two further in, and as far as its mark was padded.
fn within(kind: &str, start: usize, marks: usize) -> usize {
    start + marks.saturating_sub(marker(kind).1) + 2
}

fn title(kind: &str, name: &str, start: usize, marks: usize) -> String {
    let (mark, width) = marker(kind);
    format!("{}{mark}{}{}", " ".repeat(start), " ".repeat(marks.saturating_sub(width)), bold(name))
}

fn object_text(object: &ObjectDiff, start: usize, marks: usize) -> String {
    let (mark, width) = marker(&object.kind);
    let inner = longest(&object.fields, &object.objects);
    let lines = contents(&object.fields, &object.objects, within(&object.kind, start, marks), inner);
    let pad = " ".repeat(marks.saturating_sub(width));
    let end = " ".repeat(start + marks);
    format!("{}{mark}{pad}{} {{\n{lines}\n{end}}}", " ".repeat(start), object.name)
}

/// The lines of fields and blocks; `inner` is the longest name and the widest mark among them.
fn contents(fields: &[FieldDiff], objects: &[ObjectDiff], start: usize, inner: (usize, usize)) -> String {
    let mut lines: Vec<String> = fields.iter().map(|field| field_text(field, start, inner)).collect();
    lines.extend(objects.iter().map(|object| object_text(object, start, inner.1)));
    lines.join("\n")
}

fn field_text(field: &FieldDiff, start: usize, inner: (usize, usize)) -> String {
    let (mark, width) = marker(&field.kind);
    let pad = " ".repeat(inner.1.saturating_sub(width));
    let gap = " ".repeat(inner.0.saturating_sub(field.name.chars().count()));
    let value = match field.kind.as_str() {
        "Added" => format!("\"{}\"", field.new),
        "Deleted" => format!("\"{}\"", field.old),
        "Edited" => format!("\"{}\" => \"{}\"", field.old, field.new),
        _ => format!("\"{}\"", field.new),
    };
    format!("{}{mark}{pad}{}: {gap}{value}{}", " ".repeat(start), field.name, annotations(&field.annotations))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_marks_and_values_line_up() {
        let diff: JobDiff = serde_json::from_str(
            r#"{"Type":"Edited","ID":"web","TaskGroups":[{"Type":"Edited","Name":"main","Updates":{"canary":1,"ignore":1},
            "Objects":[{"Type":"Edited","Name":"Update","Fields":[
                {"Type":"None","Name":"AutoPromote","Old":"false","New":"false"},{"Type":"Edited","Name":"Canary","Old":"0","New":"1"}]}],
            "Tasks":[{"Type":"Edited","Name":"sleep","Annotations":["forces create/destroy update"],
                "Fields":[{"Type":"Edited","Name":"Env[COLOUR]","Old":"blue","New":"red"},{"Type":"Added","Name":"Env[NEW]","New":"y"}]}]}]}"#,
        )
        .unwrap();
        let expected = "+/- Job: \"web\"\n\
            +/- Task Group: \"main\" (1 canary, 1 ignore)\n  \
              +/- Update {\n        \
                    AutoPromote: \"false\"\n    \
                +/- Canary:      \"0\" => \"1\"\n      \
                  }\n  \
              +/- Task: \"sleep\" (forces create/destroy update)\n    \
                +/- Env[COLOUR]: \"blue\" => \"red\"\n    \
                +   Env[NEW]:    \"y\"";
        assert_eq!(job(&diff, false), expected);
    }
}
