//! Why a pack is not used.

use crate::Digest;
use crate::archive::ArchiveError;
use crate::cache::CacheError;
use crate::client::ClientError;
use crate::lockfile::LockFileError;
use crate::metadata::MetadataError;
use crate::range::RangeError;
use crate::sign::TrustError;
use crate::source::SourceError;
use std::path::PathBuf;

/// Why a pack was not found or is not used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ResolveError {
    /// The source is none.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The range is none.
    #[error(transparent)]
    Range(#[from] RangeError),
    /// Nobody has named a registry so.
    #[error(
        "there is no folder `{source_text}` and no registry named `{name}`; `drover registry add {name} SOURCE` adds one{}",
        known(known_names)
    )]
    NoRegistry {
        /// What was written.
        source_text: String,
        /// Its first part.
        name: String,
        /// Names that there are.
        known_names: Vec<String>,
    },
    /// A pack from a registry names a folder outside of it.
    #[error("the pack depends on the folder `{source_text}`, which is not in its archive")]
    OutsidePack {
        /// What was written.
        source_text: String,
    },
    /// No version fits.
    #[error("no version of {address} is {range}{}", versions(available))]
    NoVersion {
        /// The pack.
        address: String,
        /// What was wanted.
        range: String,
        /// What there is.
        available: Vec<String>,
    },
    /// It is not pinned and must not be.
    #[error("{address} ({range}) is not in {}, which must not change here", path.display())]
    NotLocked {
        /// The pack.
        address: String,
        /// What was wanted.
        range: String,
        /// The lock file.
        path: PathBuf,
    },
    /// The archive is not the pinned one.
    #[error(
        "{what} is not what {} pins: its digest is {actual}, and {expected} is pinned; somebody changed what was published, or the registry is not the same",
        path.display()
    )]
    Changed {
        /// The pack's address and version.
        what: String,
        /// The lock file.
        path: PathBuf,
        /// The pinned digest.
        expected: Digest,
        /// That of the archive.
        actual: Digest,
    },
    /// The archive is not the one that the registry announced.
    #[error("{what} is damaged: its digest is {actual}, and the registry announced {expected}")]
    Damaged {
        /// The pack's address and version.
        what: String,
        /// What was announced.
        expected: Digest,
        /// That of the archive.
        actual: Digest,
    },
    /// The archive holds another pack or version than it was asked for.
    #[error("{what} holds {actual} instead")]
    Mislabelled {
        /// The pack's address and version.
        what: String,
        /// What its metadata says.
        actual: String,
    },
    /// It was not fetched before, and registries are not asked.
    #[error("{what} was not fetched before, and drover works offline")]
    Offline {
        /// The pack.
        what: String,
    },
    /// It is not trusted.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// The registry.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The cache.
    #[error(transparent)]
    Cache(#[from] CacheError),
    /// The archive.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// The lock file.
    #[error(transparent)]
    Lock(#[from] LockFileError),
    /// The pack's metadata.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
}

fn known(names: &[String]) -> String {
    if names.is_empty() { String::new() } else { format!(" (there are: {})", names.join(", ")) }
}

fn versions(available: &[String]) -> String {
    if available.is_empty() { "; it has none".to_owned() } else { format!("; there are {}", available.join(", ")) }
}
