//! Typed ids. Each is an immutable shared string: cloning costs a reference count.

use serde::{Deserialize, Serialize};
use std::borrow::Borrow;
use std::fmt;
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
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Wraps a string.
            pub fn new(id: impl Into<Arc<str>>) -> Self {
                Self(id.into())
            }
            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
            /// The first eight characters.
            pub fn short(&self) -> &str {
                short_id(&self.0)
            }
            /// Whether no id is set; the wire shows this as `""`.
            pub fn is_empty(&self) -> bool {
                self.0.is_empty()
            }
        }
        impl Default for $name {
            fn default() -> Self {
                Self(Arc::from(""))
            }
        }
        impl Deref for $name {
            type Target = str;
            fn deref(&self) -> &str {
                &self.0
            }
        }
        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&*self.0, f)
            }
        }
        impl From<&str> for $name {
            fn from(id: &str) -> Self {
                Self(Arc::from(id))
            }
        }
        impl From<String> for $name {
            fn from(id: String) -> Self {
                Self(Arc::from(id))
            }
        }
        impl PartialEq<str> for $name {
            fn eq(&self, other: &str) -> bool {
                &*self.0 == other
            }
        }
        impl PartialEq<&str> for $name {
            fn eq(&self, other: &&str) -> bool {
                &*self.0 == *other
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
    fn ids_are_plain_strings_in_json() {
        let id = JobId::from("web/1");
        assert_eq!(serde_json::to_string(&id).unwrap(), "\"web/1\"");
        assert_eq!(serde_json::from_str::<JobId>("\"web/1\"").unwrap(), id);
    }
}
