//! Typed ids. Each is an immutable shared string: cloning costs a reference count, and an empty one nothing.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Borrow;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::sync::Arc;

/// Length of the short form of a UUID that people read.
pub const SHORT_ID_LEN: usize = 8;

/// The first eight characters of an id, as tables show it.
pub fn short_id(id: &str) -> &str {
    match id.char_indices().nth(SHORT_ID_LEN) {
        Some((end, _)) => &id[..end],
        None => id,
    }
}

macro_rules! string_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Default)]
        pub struct $name(Option<Arc<str>>);

        impl $name {
            /// Wraps a string.
            pub fn new(id: impl Into<Arc<str>>) -> Self {
                let id = id.into();
                Self((!id.is_empty()).then_some(id))
            }
            /// The id as text.
            #[inline]
            pub fn as_str(&self) -> &str {
                match &self.0 {
                    Some(id) => id,
                    None => "",
                }
            }
            /// The first eight characters.
            pub fn short(&self) -> &str {
                short_id(self.as_str())
            }
            /// Whether no id is set; the wire shows this as `""`.
            #[inline]
            pub const fn is_empty(&self) -> bool {
                self.0.is_none()
            }
            /// Whether both share one string in memory.
            pub fn is_shared_with(&self, other: &Self) -> bool {
                match (&self.0, &other.0) {
                    (Some(own), Some(other)) => Arc::ptr_eq(own, other),
                    (own, other) => own.is_none() && other.is_none(),
                }
            }
        }
        impl PartialEq for $name {
            #[inline]
            fn eq(&self, other: &Self) -> bool {
                match (&self.0, &other.0) {
                    (Some(own), Some(other)) => Arc::ptr_eq(own, other) || **own == **other,
                    (own, other) => own.is_none() && other.is_none(),
                }
            }
        }
        impl Eq for $name {}
        impl PartialOrd for $name {
            #[inline]
            fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
                Some(self.cmp(other))
            }
        }
        impl Ord for $name {
            #[inline]
            fn cmp(&self, other: &Self) -> Ordering {
                match (&self.0, &other.0) {
                    (Some(own), Some(other)) if Arc::ptr_eq(own, other) => Ordering::Equal,
                    _ => self.as_str().cmp(other.as_str()),
                }
            }
        }
        impl Hash for $name {
            #[inline]
            fn hash<H: Hasher>(&self, state: &mut H) {
                self.as_str().hash(state);
            }
        }
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Ok(Self::from(String::deserialize(deserializer)?))
            }
        }
        impl Deref for $name {
            type Target = str;
            #[inline]
            fn deref(&self) -> &str {
                self.as_str()
            }
        }
        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                self.as_str()
            }
        }
        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                self.as_str()
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(self.as_str(), f)
            }
        }
        impl From<&str> for $name {
            fn from(id: &str) -> Self {
                Self((!id.is_empty()).then(|| Arc::from(id)))
            }
        }
        impl From<String> for $name {
            fn from(id: String) -> Self {
                Self::from(id.as_str())
            }
        }
        impl PartialEq<str> for $name {
            fn eq(&self, other: &str) -> bool {
                self.as_str() == other
            }
        }
        impl PartialEq<&str> for $name {
            fn eq(&self, other: &&str) -> bool {
                self.as_str() == *other
            }
        }
    };
}

string_id!(
    /// A job's id, unique within its namespace. May hold `/`.
    JobId
);
string_id!(
    /// A node's id, a UUID.
    NodeId
);
string_id!(
    /// An allocation's id, a UUID.
    AllocId
);
string_id!(
    /// An evaluation's id, a UUID.
    EvalId
);
string_id!(
    /// A deployment's id, a UUID.
    DeploymentId
);
string_id!(
    /// A namespace's name.
    Namespace
);

impl Namespace {
    /// The namespace that always exists.
    pub const DEFAULT: &'static str = "default";
    /// The query value that means every namespace.
    pub const ALL: &'static str = "*";
}

/// What identifies a job in the whole engine.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct JobKey {
    /// The job's namespace.
    pub namespace: Namespace,
    /// The job's id within it.
    pub id: JobId,
}

impl JobKey {
    /// The key of job `id` in `namespace`.
    pub fn new(namespace: impl Into<Namespace>, id: impl Into<JobId>) -> Self {
        Self { namespace: namespace.into(), id: id.into() }
    }
}

impl fmt::Display for JobKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.id, self.namespace)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_ids_never_split_a_character() {
        assert_eq!(short_id("9085cb9c-aace"), "9085cb9c");
        assert_eq!(short_id("äöüäöüäöü"), "äöüäöüäö");
        assert_eq!(short_id("abc"), "abc");
    }

    #[test]
    fn empty_ids_need_no_memory_and_are_equal() {
        assert_eq!(size_of::<JobId>(), 16);
        let (default, text) = (JobId::default(), JobId::from(""));
        assert_eq!(default, text);
        assert!(default.is_empty() && text.is_shared_with(&default));
        let (first, empty) = (JobId::from("a"), JobId::new(""));
        assert!(default < first && empty == default);
        assert_eq!(serde_json::from_str::<JobId>("\"\"").unwrap(), default);
        let map = std::collections::HashMap::from([(JobId::from("a"), 1)]);
        assert_eq!(map.get("a"), Some(&1));
    }

    #[test]
    fn ids_are_plain_strings_in_json() {
        let id = JobId::from("web/1");
        assert_eq!(serde_json::to_string(&id).unwrap(), "\"web/1\"");
        assert_eq!(serde_json::from_str::<JobId>("\"web/1\"").unwrap(), id);
    }
}
