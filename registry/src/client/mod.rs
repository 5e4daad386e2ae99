//! Clients of every kind of registry behind one trait.

pub mod credentials;
pub mod folder;
pub mod git;
pub mod http;
pub mod net;
pub mod oci;

pub use credentials::{Credential, Credentials};
pub use net::NetworkOptions;

use crate::archive::{ArchiveError, Limits, MediaType, PackedArchive, pack, pack_stored};
use crate::sign::SignatureDocument;
use crate::source::Source;
use crate::wire::Yanked;
use crate::{Digest, Version};
use async_trait::async_trait;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A place where packs are published and found. `pack` is the name within it.
#[async_trait]
pub trait RegistryClient: Send + Sync {
    /// Packs whose name or description holds `text`; all for the empty one.
    async fn search(&self, text: &str) -> Result<Vec<FoundPack>, ClientError>;

    /// All versions of a pack, in no order.
    async fn versions(&self, pack: &str) -> Result<Vec<Published>, ClientError>;

    /// The archive of a version. Its digest is the caller's to check.
    async fn fetch(&self, pack: &str, version: &Published) -> Result<Vec<u8>, ClientError>;

    /// The signatures of a version, unchecked.
    async fn signatures(&self, pack: &str, version: &Published) -> Result<Vec<SignatureDocument>, ClientError>;

    /// Publishes a version with its signatures: all of it or nothing is seen by others.
    async fn publish(&self, pack: &str, release: &Release) -> Result<PublishOutcome, ClientError>;

    /// Adds a signature to a version that is there.
    async fn add_signature(
        &self,
        pack: &str,
        version: &Published,
        signature: &SignatureDocument,
    ) -> Result<(), ClientError>;

    /// Takes a version back, or brings it again (`None`).
    async fn yank(&self, pack: &str, version: &Published, yanked: Option<&Yanked>) -> Result<(), ClientError>;
}

/// A pack that a search found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FoundPack {
    /// Its name within the registry.
    pub pack: String,
    /// In one sentence; empty where the registry does not tell.
    pub description: String,
    /// The newest version, where the registry tells.
    pub latest: Option<String>,
}

/// A published version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// Semver.
    pub version: Version,
    /// Of the archive, where the registry tells before it is fetched.
    pub digest: Option<Digest>,
    /// Whether it was taken back.
    pub yanked: Option<Yanked>,
    /// When; empty where the registry does not tell.
    pub published_at: String,
    /// What the client finds it by: a tag, a commit.
    pub handle: String,
}

impl Published {
    /// A version of which nothing else is known.
    pub fn of(version: Version) -> Self {
        let handle = version.to_string();
        Self { version, digest: None, yanked: None, published_at: String::new(), handle }
    }
}

/// What is published.
#[derive(Clone)]
pub struct Release {
    /// The pack's own name.
    pub name: String,
    /// Its version.
    pub version: Version,
    /// In one sentence.
    pub description: String,
    /// The archive.
    pub archive: PackedArchive,
    /// Its signatures.
    pub signatures: Vec<SignatureDocument>,
    /// Now, RFC 3339 in UTC.
    pub published_at: String,
}

/// What publishing did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PublishOutcome {
    /// It is new.
    Created {
        /// Of the archive, as others will find it.
        digest: Digest,
    },
    /// The same was there already.
    Same {
        /// Of the archive.
        digest: Digest,
    },
}

/// Why a registry did not do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// There is no such pack or version.
    #[error("{what} is not in {registry}")]
    NotFound {
        /// The pack or version.
        what: String,
        /// The registry.
        registry: String,
    },
    /// The version is there with other contents.
    #[error(
        "{what} is already in {registry} with other contents ({}), and published versions do not change; publish a new version",
        digest.map_or_else(|| "unknown digest".to_owned(), |digest| digest.to_string())
    )]
    Exists {
        /// The version.
        what: String,
        /// The registry.
        registry: String,
        /// Of the published one.
        digest: Option<Digest>,
    },
    /// Somebody else published other contents at the same moment.
    #[error(
        "somebody else published {what} to {registry} at the same time, with other contents; publish a new version"
    )]
    LostRace {
        /// The version.
        what: String,
        /// The registry.
        registry: String,
    },
    /// The registry wants to know who asks, or does not let them.
    #[error("{registry} refuses access: {reason}; `drover registry login` keeps a token or password")]
    Denied {
        /// The registry.
        registry: String,
        /// Why.
        reason: String,
    },
    /// The registry does not answer.
    #[error("{registry} does not answer: {reason}")]
    Unreachable {
        /// The registry.
        registry: String,
        /// Why.
        reason: String,
    },
    /// The registry's answer is an error, or nonsense.
    #[error("{registry}: {reason}")]
    Answer {
        /// The registry.
        registry: String,
        /// What it said.
        reason: String,
    },
    /// This kind of registry cannot do it.
    #[error("{registry}: {reason}")]
    Unsupported {
        /// The registry.
        registry: String,
        /// Why.
        reason: String,
    },
    /// The archive is not one.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// The operating system refused.
    #[error("cannot {what} {}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl ClientError {
    pub(crate) fn io(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { what, path, source }
    }

    /// Whether it is about reaching the registry, so that what is known of before may serve.
    pub fn is_unreachable(&self) -> bool {
        matches!(self, Self::Unreachable { .. })
    }
}

/// What clients share.
#[derive(Clone)]
pub struct ClientContext {
    /// Proxies and certificates.
    pub network: NetworkOptions,
    /// Tokens and passwords.
    pub credentials: Arc<Credentials>,
    /// Where git keeps what it fetched.
    pub git_cache: PathBuf,
}

/// Packs a folder in the form that a registry hands out: git keeps files, from which everybody makes the archive anew, so
/// that it must not depend on how well somebody's library compresses.
///
/// # Errors
/// The folder is no pack, or exceeds a limit.
pub fn archive_for(source: &Source, folder: &Path) -> Result<PackedArchive, ArchiveError> {
    match source {
        Source::Git(_) => pack_stored(folder, &Limits::default()),
        _ => pack(folder, MediaType::default(), &Limits::default()),
    }
}

/// A client of a source. Nothing is sent yet.
///
/// # Errors
/// The certificates or proxies are wrong.
pub fn client(source: &Source, context: &ClientContext) -> Result<Box<dyn RegistryClient>, ClientError> {
    Ok(match source {
        Source::Folder(path) => Box::new(folder::FolderClient::new(path)),
        Source::Git(source) => Box::new(git::GitClient::new(source, context)),
        Source::Oci(source) => Box::new(oci::OciClient::new(source, context)?),
        Source::Http(source) => Box::new(http::HttpClient::new(source, context)?),
    })
}
