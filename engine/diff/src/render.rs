//! Prints a tree for people: what changes, folded to what matters.

use crate::tree::{DiffType, FieldDiff, JobDiff, ObjectDiff, TaskDiff, TaskGroupDiff};
use similar::{ChangeTag, TextDiff};
use std::borrow::Cow;
use std::fmt::Write;

/// How a tree is printed.
pub struct RenderOptions<'a> {
    /// With ANSI colours.
    pub colour: bool,
    /// Unchanged fields, and every field of new and removed blocks.
    pub verbose: bool,
    /// Unchanged lines around changes within texts of several lines.
    pub context_lines: usize,
    /// Takes what must not be shown out of a value.
    pub mask: &'a dyn Fn(&str) -> String,
}

impl Default for RenderOptions<'_> {
    fn default() -> Self {
        Self { colour: false, verbose: false, context_lines: 3, mask: &str::to_owned }
    }
}

const INDENT: usize = 2;
const RESET: &str = "\x1b[0m";
const DIM: &str = "\x1b[2m";

/// Prints the difference of two jobs, one line per change, in the tree's order. Ends with a newline.
pub fn render(diff: &JobDiff, options: &RenderOptions<'_>) -> String {
    let mut printer = Printer { out: String::new(), options };
    printer.title(0, diff.kind, &format!("job \"{}\"", diff.id), &[]);
    printer.body(1, diff.kind, &diff.fields, &diff.objects);
    for group in &diff.task_groups {
        printer.group(group);
    }
    printer.out
}

struct Printer<'a, 'b> {
    out: String,
    options: &'a RenderOptions<'b>,
}

const fn sign(kind: DiffType) -> char {
    match kind {
        DiffType::None => ' ',
        DiffType::Added => '+',
        DiffType::Deleted => '-',
        DiffType::Edited => '~',
    }
}

const fn colour(kind: DiffType) -> &'static str {
    match kind {
        DiffType::None => DIM,
        DiffType::Added => "\x1b[32m",
        DiffType::Deleted => "\x1b[31m",
        DiffType::Edited => "\x1b[33m",
    }
}

impl Printer<'_, '_> {
    fn line(&mut self, depth: usize, kind: DiffType, text: &str) {
        let indent = " ".repeat(depth * INDENT);
        let written = if self.options.colour {
            writeln!(self.out, "{indent}{}{} {text}{RESET}", colour(kind), sign(kind))
        } else {
            writeln!(self.out, "{}", format!("{indent}{} {text}", sign(kind)).trim_end())
        };
        written.expect("writing to a string never fails");
    }

    fn title(&mut self, depth: usize, kind: DiffType, name: &str, notes: &[String]) {
        let notes = if notes.is_empty() { String::new() } else { format!(" ({})", notes.join(", ")) };
        self.line(depth, kind, &format!("{name}{notes}"));
    }

    fn group(&mut self, group: &TaskGroupDiff) {
        let counts: Vec<String> = group.updates.iter().flatten().map(|(name, n)| format!("{n} {name}")).collect();
        if group.kind == DiffType::None && counts.is_empty() && !self.options.verbose {
            return;
        }
        self.title(1, group.kind, &format!("group \"{}\"", group.name), &counts);
        self.body(2, group.kind, &group.fields, &group.objects);
        for task in &group.tasks {
            self.task(task);
        }
    }

    fn task(&mut self, task: &TaskDiff) {
        if task.kind == DiffType::None && !self.options.verbose {
            return;
        }
        self.title(2, task.kind, &format!("task \"{}\"", task.name), &task.annotations);
        self.body(3, task.kind, &task.fields, &task.objects);
    }

    fn body(&mut self, depth: usize, kind: DiffType, fields: &[FieldDiff], objects: &[ObjectDiff]) {
        fields.iter().for_each(|field| self.field(depth, field));
        let whole = matches!(kind, DiffType::Added | DiffType::Deleted) && !self.options.verbose;
        for object in objects {
            // Of what is wholly new or gone, blocks that are always there say little.
            if whole && is_routine(&object.name) {
                let hidden = count_fields(object);
                self.line(depth, object.kind, &format!("{} {{ {hidden} fields }}", object.name));
            } else {
                self.object(depth, object);
            }
        }
    }

    fn object(&mut self, depth: usize, object: &ObjectDiff) {
        if object.kind == DiffType::None && !self.options.verbose {
            return;
        }
        self.line(depth, object.kind, &object.name);
        object.fields.iter().for_each(|field| self.field(depth + 1, field));
        object.objects.iter().for_each(|object| self.object(depth + 1, object));
    }

    fn field(&mut self, depth: usize, field: &FieldDiff) {
        if field.kind == DiffType::None && (!self.options.verbose || field.new.is_empty()) {
            return;
        }
        let (old, new) = ((self.options.mask)(&field.old), (self.options.mask)(&field.new));
        let note =
            if field.annotations.is_empty() { String::new() } else { format!(" ({})", field.annotations.join(", ")) };
        if old.contains('\n') || new.contains('\n') {
            self.line(depth, field.kind, &format!("{}:{note}", field.name));
            self.text(depth + 1, &old, &new);
            return;
        }
        let value = match field.kind {
            DiffType::None | DiffType::Added => quoted(&new).into_owned(),
            DiffType::Deleted => quoted(&old).into_owned(),
            DiffType::Edited if old == new => format!("{} (changed, but not shown)", quoted(&new)),
            DiffType::Edited => format!("{} → {}", quoted(&old), quoted(&new)),
        };
        self.line(depth, field.kind, &format!("{}: {value}{note}", field.name));
    }

    /// Line by line, with a few unchanged lines around each change.
    fn text(&mut self, depth: usize, old: &str, new: &str) {
        let diff = TextDiff::from_lines(old, new);
        for (at, hunk) in diff.grouped_ops(self.options.context_lines).iter().enumerate() {
            if at > 0 {
                self.line(depth, DiffType::None, "…");
            }
            for change in hunk.iter().flat_map(|op| diff.iter_changes(op)) {
                let kind = match change.tag() {
                    ChangeTag::Equal => DiffType::None,
                    ChangeTag::Insert => DiffType::Added,
                    ChangeTag::Delete => DiffType::Deleted,
                };
                let text: &str = change.value();
                self.line(depth, kind, text.trim_end_matches(['\n', '\r']));
            }
        }
    }
}

fn is_routine(name: &str) -> bool {
    matches!(
        name,
        "RestartPolicy" | "Migrate" | "ReschedulePolicy" | "EphemeralDisk" | "Update" | "LogConfig" | "Identity"
    )
}

fn count_fields(object: &ObjectDiff) -> usize {
    let own = object.fields.iter().filter(|field| field.kind != DiffType::None).count();
    own + object.objects.iter().map(count_fields).sum::<usize>()
}

/// Numbers and booleans as they are, texts in quotes.
fn quoted(text: &str) -> Cow<'_, str> {
    if text == "true" || text == "false" || text.parse::<f64>().is_ok_and(|_| !text.starts_with(char::is_alphabetic)) {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(format!("{text:?}"))
    }
}
