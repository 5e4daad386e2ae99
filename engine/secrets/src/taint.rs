//! The record of what must not be shown.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use crate::{Masker, Secret, SecretRef};

/// Where a sensitive value came from, which is what may be shown and stored in its place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Origin {
    /// A reference that can be resolved again.
    Reference(SecretRef),
    /// A reference that has another value each time it is resolved.
    Leased(SecretRef),
    /// What opens a provider: a token, a passphrase. The text says which.
    Credential(String),
    /// A variable that was declared sensitive, by its full name such as `var.password` or `pack.db.password`.
    Variable(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reference(reference) | Self::Leased(reference) => write!(f, "{reference}"),
            Self::Variable(name) | Self::Credential(name) => f.write_str(name),
        }
    }
}

/// All sensitive values of one run. Clones share the record.
#[derive(Clone, Default)]
pub struct Taint {
    entries: Arc<Mutex<Vec<Entry>>>,
}

#[derive(Clone)]
pub(crate) struct Entry {
    pub(crate) origin: Origin,
    pub(crate) value: Secret<String>,
}

impl Taint {
    /// Records a value. A value that is already known keeps its first origin, unless that was a variable and this is a
    /// reference: the reference is what a saved plan can resolve again. Empty values are nothing to hide.
    pub fn add(&self, origin: Origin, value: &str) {
        if value.is_empty() {
            return;
        }
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        match entries.iter_mut().find(|entry| entry.value.expose() == value) {
            None => entries.push(Entry { origin, value: Secret::from(value) }),
            Some(entry) => {
                let resolvable = |origin: &Origin| matches!(origin, Origin::Reference(_) | Origin::Leased(_));
                if !resolvable(&entry.origin) && resolvable(&origin) {
                    entry.origin = origin;
                }
            }
        }
    }

    /// Whether nothing sensitive was seen.
    pub fn is_empty(&self) -> bool {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// A masker for all that was recorded so far. Build it once per output, after rendering.
    pub fn masker(&self) -> Masker {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Masker::new(entries)
    }
}

impl fmt::Debug for Taint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.entries.lock().unwrap_or_else(PoisonError::into_inner).len();
        write!(f, "Taint({count} values)")
    }
}
