//! Where secrets come from.

use std::collections::BTreeMap;

use std::time::Duration;

use crate::{Secret, SecretRef};

/// What is kept at one path of a provider.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum SecretData {
    /// One value.
    Value(Secret<String>),
    /// Several named values.
    Fields(BTreeMap<String, Secret<String>>),
}

/// Why a provider could not answer. Variants carry names and paths, never values.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProviderError {
    /// Nothing is kept at that path; `hint` says what to do.
    #[error("not found: {hint}")]
    NotFound {
        /// What to do about it.
        hint: String,
    },
    /// The provider refused, or the path is kept too openly to be trusted.
    #[error("refused: {reason}")]
    Denied {
        /// Why.
        reason: String,
    },
    /// The provider cannot be reached or read.
    #[error("cannot be read: {reason}")]
    Unavailable {
        /// Why.
        reason: String,
    },
    /// What is kept there has another shape than the provider understands.
    #[error("not understood: {reason}")]
    Malformed {
        /// What is wrong with it; positions, not contents.
        reason: String,
    },
}

/// What is known about a reference without its value having been read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Access {
    /// It is there and may be read.
    Readable,
    /// It cannot be told without reading.
    Unknown {
        /// Why.
        reason: String,
    },
}

/// For how long a value is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    /// From the last renewal on.
    pub lasts: Duration,
}

/// A place that keeps secrets. One call reads one whole path, so that several fields of it are one read.
pub trait Provider: Send + Sync {
    /// The name before the colon in a reference, where nobody chose another one.
    fn name(&self) -> &'static str;

    /// Reads all that is kept at the path of `reference`. The field is given so that a provider whose format depends on it can
    /// tell one value from a document; picking the field out is the resolver's work.
    ///
    /// # Errors
    /// When nothing is there, access is refused, or the provider cannot be read.
    fn read(&self, reference: &SecretRef) -> Result<SecretData, ProviderError>;

    /// Whether `reference` can be read, without reading its value.
    ///
    /// # Errors
    /// As when reading.
    fn check(&self, reference: &SecretRef) -> Result<Access, ProviderError> {
        let reason = format!("{} cannot tell without reading", reference.provider());
        Ok(Access::Unknown { reason })
    }

    /// The lease of what was read at the path of `reference`. What has one is another value at every read, and is revoked
    /// when the provider is dropped, unless it was [kept](Self::keep).
    fn lease(&self, _reference: &SecretRef) -> Option<Lease> {
        None
    }

    /// Leaves the lease alive: something uses the value from now on.
    fn keep(&self, _reference: &SecretRef) {}

    /// What a task's `template` says to get the value by itself, with its own identity.
    fn at_runtime(&self, _reference: &SecretRef) -> Option<Binding> {
        None
    }
}

/// A value that the task gets by itself when it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    /// The expression of a template with the marks `{{` and `}}`, without quotation marks in it.
    pub template: String,
    /// Actions that put the value into the template's variable `$value`, where there is one.
    pub assignment: String,
    /// Whether the task needs a `vault` block.
    pub needs_vault: bool,
}
