//! The engine's job diff as a tree that can be shown.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What happened to a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// It is new.
    Added,
    /// It goes.
    Deleted,
    /// It changes.
    Edited,
    /// It stays.
    None,
}

/// A part of a job: the job itself, a group, a task, or an object within one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// What happened to it.
    pub kind: Kind,
    /// `job`, `group`, `task`, or the object's name in the engine's words.
    pub class: String,
    /// The name of a job, group or task.
    pub name: Option<String>,
    /// Its own values.
    pub fields: Vec<Field>,
    /// The parts within.
    pub children: Vec<Node>,
    /// What the engine says about it, such as `forces create/destroy update`.
    pub notes: Vec<String>,
}

/// A value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    /// What happened to it.
    pub kind: Kind,
    /// The engine's name for it, such as `Count` or `Env[PORT]`.
    pub name: String,
    /// Before; empty when there was none.
    pub old: String,
    /// After; empty when there is none.
    pub new: String,
    /// What the engine says about it, such as `forces create`.
    pub notes: Vec<String>,
}

/// The deepest nesting that is followed; job diffs have about six levels.
const MAX_DEPTH: usize = 32;

impl Node {
    /// Reads the `Diff` of a plan answer.
    pub fn from_job_diff(diff: &Value) -> Self {
        Self::read(diff, "job", 0)
    }

    fn read(value: &Value, class: &str, depth: usize) -> Self {
        let name_key = if class == "job" { "ID" } else { "Name" };
        let name = value[name_key].as_str().map(str::to_owned);
        let named = matches!(class, "job" | "group" | "task");
        let mut children = Vec::new();
        if depth < MAX_DEPTH {
            for (key, class) in [("Objects", "object"), ("TaskGroups", "group"), ("Tasks", "task")] {
                children.extend(list(&value[key]).map(|child| Self::read(child, class, depth + 1)));
            }
        }
        Self {
            kind: kind(value),
            class: if named { class.to_owned() } else { name.clone().unwrap_or_default() },
            name: if named { name } else { None },
            fields: list(&value["Fields"]).map(Field::read).collect(),
            children,
            notes: texts(&value["Annotations"]),
        }
    }

    /// Whether nothing at all changes here or below.
    pub fn is_unchanged(&self) -> bool {
        self.kind == Kind::None
            && self.fields.iter().all(|field| field.kind == Kind::None)
            && self.children.iter().all(Self::is_unchanged)
    }

    /// Whether the engine says that something here cannot change while it runs.
    pub fn forces_replacement(&self) -> bool {
        let is_forced = |note: &String| note == "forces create/destroy update";
        self.notes.iter().any(is_forced) || self.children.iter().any(Self::forces_replacement)
    }

    /// Without the fields for which `drop` answers true; a part that had nothing else is unchanged then.
    #[must_use]
    pub fn without_fields(mut self, drop: &dyn Fn(&Field) -> bool) -> Self {
        let before = self.fields.len();
        self.fields.retain(|field| !drop(field));
        self.children = self.children.into_iter().map(|child| child.without_fields(drop)).collect();
        let only_dropped = self.fields.len() < before || !self.children.is_empty();
        if self.kind == Kind::Edited
            && only_dropped
            && self.fields.iter().all(|field| field.kind == Kind::None)
            && self.children.iter().all(Self::is_unchanged)
        {
            self.kind = Kind::None;
        }
        self
    }
}

impl Field {
    fn read(value: &Value) -> Self {
        let text = |key: &str| value[key].as_str().unwrap_or_default().to_owned();
        Self {
            kind: kind(value),
            name: text("Name"),
            old: text("Old"),
            new: text("New"),
            notes: texts(&value["Annotations"]),
        }
    }
}

fn kind(value: &Value) -> Kind {
    match value["Type"].as_str() {
        Some("Added") => Kind::Added,
        Some("Deleted") => Kind::Deleted,
        Some("Edited") => Kind::Edited,
        _ => Kind::None,
    }
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn texts(value: &Value) -> Vec<String> {
    list(value).filter_map(|text| text.as_str().map(str::to_owned)).collect()
}
