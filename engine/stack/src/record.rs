//! A stack's record: its last releases, kept in the engine's variables under `drover/stacks/NAME`.
//!
//! It never holds a secret. Jobs carry their owner themselves, so a lost record loses history and outputs, not ownership.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::desired::Target;

/// Releases kept in the record. The engine limits a variable to 64 KiB.
pub const MAX_HISTORY: usize = 20;
/// Plan ids kept, so that a saved plan is applied once.
const MAX_APPLIED_PLANS: usize = 50;
/// The item that holds the record.
const ITEM: &str = "record";
/// The item that holds the key of saved plans.
const KEY_ITEM: &str = "key";
/// The format written; a newer one is refused.
const VERSION: u32 = 1;

/// What is kept about a stack.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The format.
    version: u32,
    /// The number of the last release; 0 before the first.
    pub release: u64,
    /// What the last release left, by address.
    pub resources: BTreeMap<String, Recorded>,
    /// The outputs of the last release; sensitive ones as `(sensitive)`.
    pub outputs: BTreeMap<String, Json>,
    /// The last releases, newest first.
    pub history: Vec<Release>,
    /// The ids of the last saved plans that were applied.
    applied_plans: Vec<String>,
    /// The key of saved plans and keyed hashes, hexadecimal; empty until the first saved plan. Kept in an item of its own.
    #[serde(skip)]
    pub key: String,
}

/// A resource as the last release left it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recorded {
    /// The thing in the engine.
    pub target: Target,
    /// The addresses that came before it.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub depends_on: BTreeSet<String>,
    /// The job's fields that hold a secret (`group/task/Env[X]`), never shown in a diff.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub sensitive_fields: BTreeSet<String>,
}

/// One applied plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// Its number.
    pub number: u64,
    /// When it was begun, RFC 3339.
    pub at: String,
    /// How far it came.
    pub status: Status,
    /// The addresses that it created.
    #[serde(default)]
    pub created: Vec<String>,
    /// The addresses that it updated.
    #[serde(default)]
    pub updated: Vec<String>,
    /// The addresses that it deleted.
    #[serde(default)]
    pub deleted: Vec<String>,
    /// The addresses that it should have changed and did not.
    #[serde(default)]
    pub not_done: Vec<String>,
}

/// How far a release came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Begun and not finished; when no apply runs, it was killed.
    Applying,
    /// All of it was done.
    Done,
    /// Some of it failed.
    Failed,
    /// It was interrupted.
    Interrupted,
}

/// Why a record cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// It is not a record.
    #[error("the variables at {path} are not a stack's record; remove them, or rename the stack")]
    Malformed {
        /// Where it is kept.
        path: String,
    },
    /// A newer Drover wrote it.
    #[error("the record at {path} was written by a newer drover (format {found}); use that version")]
    Newer {
        /// Where it is kept.
        path: String,
        /// Its format.
        found: u32,
    },
}

/// Where a stack's record is kept.
pub fn path(stack: &str) -> String {
    format!("drover/stacks/{stack}")
}

impl Record {
    /// Reads the items at the record's path.
    ///
    /// # Errors
    /// When they are something else.
    pub fn from_items(stack: &str, items: &BTreeMap<String, String>) -> Result<Self, RecordError> {
        let malformed = || RecordError::Malformed { path: path(stack) };
        let mut record = match items.get(ITEM) {
            Some(text) => serde_json::from_str::<Self>(text).map_err(|_| malformed())?,
            None if items.contains_key(KEY_ITEM) => Self::default(),
            None => return Err(malformed()),
        };
        if record.version > VERSION {
            return Err(RecordError::Newer { path: path(stack), found: record.version });
        }
        record.key = items.get(KEY_ITEM).cloned().unwrap_or_default();
        Ok(record)
    }

    /// The items to keep.
    pub fn to_items(&self) -> BTreeMap<String, String> {
        let current = Self { version: VERSION, ..self.clone() };
        let text = serde_json::to_string(&current).expect("a record always has a JSON form");
        let mut items = BTreeMap::from([(ITEM.to_owned(), text)]);
        if !self.key.is_empty() {
            items.insert(KEY_ITEM.to_owned(), self.key.clone());
        }
        items
    }

    /// Whether a saved plan was applied before.
    pub fn was_applied(&self, plan: &str) -> bool {
        self.applied_plans.iter().any(|known| known == plan)
    }

    /// Notes that a plan is being applied.
    pub fn begin(&mut self, plan: &str, release: Release) {
        self.applied_plans.insert(0, plan.to_owned());
        self.applied_plans.truncate(MAX_APPLIED_PLANS);
        self.release = release.number;
        self.history.insert(0, release);
        self.history.truncate(MAX_HISTORY);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_survives_a_round_through_the_engine() {
        let mut record = Record { key: "00ff".into(), ..Record::default() };
        let release = Release {
            number: 1,
            at: "2026-01-01T00:00:00Z".into(),
            status: Status::Done,
            created: vec!["job.web".into()],
            updated: vec![],
            deleted: vec![],
            not_done: vec![],
        };
        record.begin("plan-1", release);
        let read = Record::from_items("shop", &record.to_items()).unwrap();
        assert!(read.was_applied("plan-1") && !read.was_applied("plan-2"));
        assert_eq!((read.release, read.key.as_str()), (1, "00ff"));
    }

    #[test]
    fn other_variables_and_newer_records_are_not_taken_for_one() {
        let items = |text: &str| BTreeMap::from([("record".to_owned(), text.to_owned())]);
        assert!(matches!(Record::from_items("s", &items("x")), Err(RecordError::Malformed { .. })));
        assert!(matches!(Record::from_items("s", &BTreeMap::new()), Err(RecordError::Malformed { .. })));
        let newer = r#"{"version":99,"release":1,"resources":{},"outputs":{},"history":[],"applied_plans":[]}"#;
        assert!(matches!(Record::from_items("s", &items(newer)), Err(RecordError::Newer { found: 99, .. })));
    }
}
