//! A diff tree as lines of text: changed parts only, long texts line by line, nothing sensitive.

use std::collections::BTreeSet;

use drover_secrets::Masker;
use serde::{Deserialize, Serialize};
use similar::{ChangeTag, TextDiff};

use super::names;
use super::tree::{Field, Kind, Node};

/// Unchanged lines shown around a change within a long text.
const CONTEXT_LINES: usize = 2;
/// Longest single value shown, in characters.
const MAX_VALUE_CHARS: usize = 160;

/// The sign before a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sign {
    /// `+`
    Add,
    /// `-`
    Remove,
    /// `~`
    Change,
    /// No sign: context and notes.
    Plain,
}

impl Sign {
    /// The character itself.
    pub const fn symbol(self) -> char {
        match self {
            Self::Add => '+',
            Self::Remove => '-',
            Self::Change => '~',
            Self::Plain => ' ',
        }
    }
}

/// One line of a preview.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Levels of nesting; each is four columns.
    pub indent: usize,
    /// What happened.
    pub sign: Sign,
    /// The text, safe to show.
    pub text: String,
}

/// What the lines must not show.
pub struct Sensitive<'a> {
    /// Values known now.
    pub masker: &'a Masker,
    /// Fields (`group/task/Env[X]`) that held a sensitive value in the last release, whose values are not known any more.
    pub fields: &'a BTreeSet<String>,
}

/// The lines for one job's diff.
pub fn lines(root: &Node, sensitive: &Sensitive<'_>) -> Vec<Line> {
    let mut writer = Writer { lines: Vec::new(), sensitive, create: root.kind == Kind::Added };
    writer.body(root, 0, &Place::default());
    writer.lines
}

#[derive(Clone, Default)]
struct Place {
    group: String,
    task: String,
}

impl Place {
    fn within(&self, node: &Node) -> Self {
        let mut place = self.clone();
        let name = node.name.clone().unwrap_or_default();
        match node.class.as_str() {
            "group" => place.group = name,
            "task" => place.task = name,
            _ => {}
        }
        place
    }

    fn field(&self, name: &str) -> String {
        format!("{}/{}/{name}", self.group, self.task)
    }
}

struct Writer<'a> {
    lines: Vec<Line>,
    sensitive: &'a Sensitive<'a>,
    /// A new job shows what was written rather than every default.
    create: bool,
}

impl Writer<'_> {
    fn push(&mut self, indent: usize, sign: Sign, text: impl Into<String>) {
        self.lines.push(Line { indent, sign, text: text.into() });
    }

    fn body(&mut self, node: &Node, indent: usize, place: &Place) {
        let mut hidden = 0;
        for field in &node.fields {
            if self.skips(field) {
                hidden += usize::from(field.kind == Kind::None);
            } else {
                self.field(node, field, indent, place);
            }
        }
        for child in &node.children {
            self.child(child, indent, place);
        }
        if hidden > 0 && !self.create {
            let s = if hidden == 1 { "" } else { "s" };
            self.push(indent, Sign::Plain, format!("({hidden} unchanged field{s} not shown)"));
        }
    }

    fn skips(&self, field: &Field) -> bool {
        field.kind == Kind::None || (self.create && names::is_default(&field.name, &field.new))
    }

    fn child(&mut self, node: &Node, indent: usize, place: &Place) {
        if node.is_unchanged() || (self.create && says_nothing(node)) {
            return;
        }
        let mut title = names::words(&node.class);
        if let Some(name) = &node.name {
            title = format!("{title} {name:?}");
        }
        if !node.notes.is_empty() && !self.create {
            title = format!("{title} ({})", node.notes.join(", "));
        }
        let before = self.lines.len();
        self.push(indent, sign(node.kind), title);
        self.body(node, indent + 1, &place.within(node));
        let is_empty = self.lines.len() == before + 1;
        if is_empty && self.create && node.name.is_none() {
            self.lines.truncate(before);
        }
    }

    fn field(&mut self, node: &Node, field: &Field, indent: usize, place: &Place) {
        let name = names::field(&node.class, &field.name);
        let hides = self.is_sensitive(field, place);
        let notes = if field.notes.is_empty() || self.create {
            String::new()
        } else {
            format!("  ({})", field.notes.join(", "))
        };
        let is_long = field.old.contains('\n') || field.new.contains('\n');
        if is_long {
            self.push(indent, sign(field.kind), format!("{name}:{notes}"));
            return self.text(field, hides, indent + 1);
        }
        let show = |text: &str| names::value(&field.name, &shorten(&self.sensitive.masker.mask(text)));
        let value = match (field.kind, hides) {
            (Kind::Edited, true) => "(sensitive, changed)".to_owned(),
            (_, true) => "(sensitive)".to_owned(),
            (Kind::Added, false) => show(&field.new),
            (Kind::Deleted, false) => show(&field.old),
            (_, false) => format!("{} -> {}", show(&field.old), show(&field.new)),
        };
        self.push(indent, sign(field.kind), format!("{name} = {value}{notes}"));
    }

    fn is_sensitive(&self, field: &Field, place: &Place) -> bool {
        let Sensitive { masker, fields } = self.sensitive;
        masker.contains(&field.new) || masker.contains(&field.old) || fields.contains(&place.field(&field.name))
    }

    /// A text of several lines, by line. When it holds something sensitive, what goes is not shown: it may be the value of
    /// before, which nobody knows any more.
    fn text(&mut self, field: &Field, hides: bool, indent: usize) {
        let diff = TextDiff::from_lines(&field.old, &field.new);
        for (index, group) in diff.grouped_ops(CONTEXT_LINES).iter().enumerate() {
            if index > 0 {
                self.push(indent, Sign::Plain, "…");
            }
            for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
                let text = change.value().trim_end_matches('\n');
                let (sign, text) = match change.tag() {
                    ChangeTag::Equal => (Sign::Plain, self.sensitive.masker.mask(text).into_owned()),
                    ChangeTag::Insert => (Sign::Add, self.sensitive.masker.mask(text).into_owned()),
                    ChangeTag::Delete if hides => (Sign::Remove, "(sensitive)".to_owned()),
                    ChangeTag::Delete => (Sign::Remove, text.to_owned()),
                };
                self.push(indent, sign, text);
            }
        }
    }
}

/// Whether the part of a new job is a default or comes from the engine.
fn says_nothing(node: &Node) -> bool {
    names::is_noise(&node.class)
        || node.fields.iter().any(|field| names::is_implied(&node.class, &field.name, &field.new))
}

fn sign(kind: Kind) -> Sign {
    match kind {
        Kind::Added => Sign::Add,
        Kind::Deleted => Sign::Remove,
        Kind::Edited => Sign::Change,
        Kind::None => Sign::Plain,
    }
}

fn shorten(text: &str) -> String {
    if text.chars().count() <= MAX_VALUE_CHARS {
        return text.to_owned();
    }
    let head: String = text.chars().take(MAX_VALUE_CHARS).collect();
    format!("{head}…")
}

#[cfg(test)]
mod tests {
    use drover_secrets::{Origin, Taint};
    use serde_json::{Value, json};

    use super::*;

    fn field(kind: &str, name: &str, old: &str, new: &str) -> Value {
        json!({"Type": kind, "Name": name, "Old": old, "New": new, "Annotations": null})
    }

    fn task_diff(fields: &Value, objects: &Value) -> Node {
        Node::from_job_diff(&json!({"Type": "Edited", "ID": "web", "TaskGroups": [{"Type": "Edited", "Name": "g",
            "Fields": [field("Edited", "Count", "1", "2")], "Tasks": [{"Type": "Edited", "Name": "t", "Fields": fields,
            "Objects": objects, "Annotations": ["forces create/destroy update"]}]}]}))
    }

    fn check(node: &Node, secrets: &[&str], sensitive_fields: &[&str], wanted: &str) {
        let taint = Taint::default();
        for secret in secrets {
            taint.add(Origin::Variable("v".into()), secret);
        }
        let fields = sensitive_fields.iter().map(|name| (*name).to_owned()).collect();
        let sensitive = Sensitive { masker: &taint.masker(), fields: &fields };
        let text: Vec<String> = lines(node, &sensitive)
            .iter()
            .map(|line| format!("{}{} {}", "  ".repeat(line.indent), line.sign.symbol(), line.text))
            .collect();
        assert_eq!(text.join("\n"), wanted);
    }

    #[test]
    fn only_what_changes_is_shown() {
        let template = json!([{"Type": "Edited", "Name": "Template", "Fields": [
            field("None", "DestPath", "local/x", "local/x"), field("Edited", "EmbeddedTmpl", "a\nb\nc\nd\ne\n", "a\nB\nc\nd\ne\n")]}]);
        check(
            &task_diff(
                &json!([
                    field("Added", "Env[A]", "", "1"),
                    field("Edited", "KillTimeout", "5000000000", "10000000000")
                ]),
                &template,
            ),
            &[],
            &[],
            "~ group \"g\"\n  ~ count = 1 -> 2\n  ~ task \"t\" (forces create/destroy update)\n    + env.A = \"1\"\n    \
             ~ kill_timeout = 5s -> 10s\n    ~ template\n      ~ data:\n          a\n        - b\n        + B\n          c\n          d\n        \
             (1 unchanged field not shown)",
        );
    }

    #[test]
    fn neither_the_new_nor_the_old_value_of_a_secret_is_shown() {
        let config = json!([{"Type": "Edited", "Name": "Template", "Fields": [
            field("Edited", "EmbeddedTmpl", "user=a\npass=old-secret\n", "user=a\npass=new-secret\n")]}]);
        check(
            &task_diff(
                &json!([
                    field("Edited", "Env[URL]", "pg://old-secret@h", "pg://new-secret@h"),
                    field("Deleted", "Env[GONE]", "gone-secret", "")
                ]),
                &config,
            ),
            &["new-secret"],
            &["g/t/Env[GONE]"],
            "~ group \"g\"\n  ~ count = 1 -> 2\n  ~ task \"t\" (forces create/destroy update)\n    ~ env.URL = (sensitive, changed)\n    \
             - env.GONE = (sensitive)\n    ~ template\n      ~ data:\n          user=a\n        - (sensitive)\n        + pass=(sensitive)",
        );
    }
}
