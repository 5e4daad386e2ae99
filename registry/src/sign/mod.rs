//! Signatures of published versions: who vouches for which archive, and whom one believes.
//!
//! A [`SignatureDocument`] stands beside the archive in every kind of registry. It covers the pack's name, its version
//! and the archive's digest, so that a mirror keeps it and nobody passes one version off as another.

mod document;
mod key;
mod keyfile;
mod rotation;
mod trust;

pub use document::{SignatureDocument, SignatureError};
pub use key::{KeyError, PublicKey, SigningKey, key_id};
pub use keyfile::{KeyFile, KeyFileError, Work};
pub use rotation::Rotation;
pub use trust::{TrustError, TrustPolicy};
