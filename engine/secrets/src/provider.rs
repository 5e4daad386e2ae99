//! Where secrets come from.

use std::collections::BTreeMap;

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
#[derive(Debug, thiserror::Error)]
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

/// A place that keeps secrets. One call reads one whole path, so that several fields of it are one read.
pub trait Provider: Send + Sync {
    /// The name before the colon in a reference.
    fn name(&self) -> &'static str;

    /// Reads all that is kept at the path of `reference`. The field is given so that a provider whose format depends on it can
    /// tell one value from a document; picking the field out is the resolver's work.
    ///
    /// # Errors
    /// When nothing is there, access is refused, or the provider cannot be read.
    fn read(&self, reference: &SecretRef) -> Result<SecretData, ProviderError>;
}
