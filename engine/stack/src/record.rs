//! A stack's record: its last releases, kept in the engine's variables under `drover/stacks/NAME`.
//!
//! It never holds a secret. Jobs carry their owner themselves, so a lost record loses history and outputs, not ownership.
//! What each release wanted is kept beside it ([`crate::release`]).

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::desired::Target;
use crate::packed::{MAX_VARIABLE_BYTES, pack, unpack};

/// Releases that are kept.
pub const MAX_HISTORY: usize = 20;
/// A record that is longer than this, in bytes, is kept compressed.
const MAX_PLAIN_BYTES: usize = 16 * 1024;
/// Plan ids kept, so that a saved plan is applied once.
const MAX_APPLIED_PLANS: usize = 50;
/// The item that holds the record.
const ITEM: &str = "record";
/// The item that holds a compressed record.
const PACKED_ITEM: &str = "record.z";
/// The item that holds the key of saved plans.
const KEY_ITEM: &str = "key";
/// The format written; a newer one is refused.
const VERSION: u32 = 2;

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
    /// The index that the thing had when the release left it; 0 when that is not known, as while an apply runs.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub index: u64,
    /// A part of the keyed hash of what was wanted; empty where it is not known.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub hash: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
const fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// One applied plan.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// Its number.
    pub number: u64,
    /// Who applied it, as `user@host`.
    #[serde(default)]
    pub by: String,
    /// What it was: `apply`, `destroy`, `undo to release 3`, `sync 1a2b3c4`.
    #[serde(default)]
    pub cause: String,
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
    /// The addresses that were put back after something failed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reverted: Vec<String>,
    /// Whether what it wanted is kept, so that it can be compared with and returned to.
    #[serde(default)]
    pub is_kept: bool,
}

/// How far a release came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Begun and not finished; when no apply runs, it was killed.
    #[default]
    Applying,
    /// All of it was done.
    Done,
    /// Some of it failed.
    Failed,
    /// It was interrupted.
    Interrupted,
    /// Some of it failed, and all was put back.
    Reverted,
}

impl Status {
    /// The word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Applying => "applying",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
            Self::Reverted => "reverted",
        }
    }
}

impl Release {
    /// "2 created, 1 updated", or "nothing".
    pub fn summary(&self) -> String {
        let counts = [
            (self.created.len(), "created"),
            (self.updated.len(), "updated"),
            (self.deleted.len(), "deleted"),
            (self.not_done.len(), "not done"),
            (self.reverted.len(), "put back"),
        ];
        let parts: Vec<String> = counts.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect();
        if parts.is_empty() { "nothing".to_owned() } else { parts.join(", ") }
    }
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
    /// The engine cannot hold it.
    #[error(
        "stack {stack} has too many resources for its record (the engine's variables hold 64 KiB): split the stack"
    )]
    TooLarge {
        /// The stack.
        stack: String,
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
        let text = match (items.get(ITEM), items.get(PACKED_ITEM)) {
            (Some(text), _) => Some(text.clone()),
            (None, Some(packed)) => Some(unpack(packed).ok_or_else(malformed)?),
            (None, None) => None,
        };
        let mut record = match text {
            Some(text) => serde_json::from_str::<Self>(&text).map_err(|_| malformed())?,
            None if items.contains_key(KEY_ITEM) => Self::default(),
            None => return Err(malformed()),
        };
        if record.version > VERSION {
            return Err(RecordError::Newer { path: path(stack), found: record.version });
        }
        record.key = items.get(KEY_ITEM).cloned().unwrap_or_default();
        Ok(record)
    }

    /// The items to keep. Where they would not fit, the oldest releases are left out.
    ///
    /// # Errors
    /// When they do not fit even so.
    pub fn to_items(&self, stack: &str) -> Result<BTreeMap<String, String>, RecordError> {
        let mut current = Self { version: VERSION, ..self.clone() };
        loop {
            let items = current.items();
            let bytes: usize = items.iter().map(|(name, value)| name.len() + value.len()).sum();
            if bytes <= MAX_VARIABLE_BYTES {
                return Ok(items);
            }
            if current.history.len() <= 1 {
                return Err(RecordError::TooLarge { stack: stack.to_owned() });
            }
            let half = current.history.len().div_ceil(2);
            current.history.truncate(half);
        }
    }

    fn items(&self) -> BTreeMap<String, String> {
        let text = serde_json::to_string(self).expect("a record always has a JSON form");
        let (name, text) = if text.len() > MAX_PLAIN_BYTES { (PACKED_ITEM, pack(&text)) } else { (ITEM, text) };
        let mut items = BTreeMap::from([(name.to_owned(), text)]);
        if !self.key.is_empty() {
            items.insert(KEY_ITEM.to_owned(), self.key.clone());
        }
        items
    }

    /// The newest release of which it is kept what it wanted.
    pub fn last_kept(&self) -> Option<&Release> {
        self.history.iter().find(|release| release.is_kept)
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
        let release =
            Release { number: 1, status: Status::Done, created: vec!["job.web".into()], ..Release::default() };
        record.begin("plan-1", release);
        let read = Record::from_items("shop", &record.to_items("shop").unwrap()).unwrap();
        assert!(read.was_applied("plan-1") && !read.was_applied("plan-2"));
        assert_eq!((read.release, read.key.as_str()), (1, "00ff"));
    }

    #[test]
    fn a_large_record_is_compressed_and_then_loses_its_oldest_releases_first() {
        let address = |n: usize| format!("pack.web[\"{n}\"].job.{}", crate::seal::keyed_hash(b"k", &n.to_string()));
        let mut record = Record::default();
        for n in 0..300 {
            let target = Target::Job { namespace: "default".into(), id: format!("web-{n}") };
            let recorded = Recorded {
                target,
                depends_on: BTreeSet::new(),
                sensitive_fields: BTreeSet::new(),
                index: n as u64,
                hash: String::new(),
            };
            record.resources.insert(address(n), recorded);
        }
        for number in 1..=20 {
            let created = (0..300).map(address).collect();
            record.begin("p", Release { number, created, ..Release::default() });
        }
        let items = record.to_items("shop").unwrap();
        let read = Record::from_items("shop", &items).unwrap();
        assert_eq!(read.resources, record.resources);
        assert_eq!(read.history[0], record.history[0], "the newest is kept");
        assert!(items.values().map(String::len).sum::<usize>() < 65_000);
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
