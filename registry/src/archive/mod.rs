//! A pack as one file: a tar of regular files, compressed with gzip or zstd.
//!
//! [`pack()`] makes the same bytes from the same folder everywhere. [`unpack()`] and [`verify_folder`] read archives of
//! strangers: nothing but regular files with plain relative names is taken, and everything has a limit.

mod pack;
mod read;
mod unpack;

pub use pack::{PackedArchive, pack, pack_stored};
pub use read::Contents;
pub(crate) use unpack::unpack_tar;
pub use unpack::{inspect, unpack, verify_folder};

use crate::{Digest, DigestError};
use std::io;
use std::path::PathBuf;

/// The file that makes a folder a pack.
pub const METADATA_FILE: &str = "metadata.hcl";

/// How an archive is compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum MediaType {
    /// The default.
    #[default]
    TarGzip,
    /// Quicker to read.
    TarZstd,
}

impl MediaType {
    /// As in HTTP headers and manifests.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TarGzip => "application/vnd.drover.pack.v1.tar+gzip",
            Self::TarZstd => "application/vnd.drover.pack.v1.tar+zstd",
        }
    }

    /// The end of file names.
    pub fn extension(self) -> &'static str {
        match self {
            Self::TarGzip => ".tar.gz",
            Self::TarZstd => ".tar.zst",
        }
    }

    /// From a header; parameters after `;` are passed over.
    pub fn parse(text: &str) -> Option<Self> {
        let essence = text.split(';').next().unwrap_or_default().trim();
        [Self::TarGzip, Self::TarZstd].into_iter().find(|kind| kind.as_str().eq_ignore_ascii_case(essence))
    }

    /// From the first bytes of an archive.
    pub fn sniff(start: &[u8]) -> Option<Self> {
        if start.starts_with(&[0x1f, 0x8b]) {
            Some(Self::TarGzip)
        } else if start.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
            Some(Self::TarZstd)
        } else {
            None
        }
    }
}

/// What an archive may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the archive.
    pub archive_bytes: u64,
    /// Bytes of all its files, and of the tar around them.
    pub unpacked_bytes: u64,
    /// Bytes that come out for each that goes in, counted once [`RATIO_GRACE_BYTES`] have come out.
    pub ratio: u64,
    /// Entries, folders included.
    pub entries: u64,
    /// Bytes of a path.
    pub path_bytes: usize,
    /// Folders above a file.
    pub depth: usize,
}

/// Small archives of empty files compress beyond any ratio and hurt nobody.
pub const RATIO_GRACE_BYTES: u64 = 4 * 1024 * 1024;

impl Default for Limits {
    fn default() -> Self {
        Self {
            archive_bytes: 64 * 1024 * 1024,
            unpacked_bytes: 256 * 1024 * 1024,
            ratio: 200,
            entries: 10_000,
            path_bytes: 512,
            depth: 32,
        }
    }
}

/// Why an archive is refused, or cannot be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArchiveError {
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
    /// The bytes are no archive, or end too early.
    #[error("the archive is broken: {reason}")]
    Broken {
        /// Why.
        reason: String,
    },
    /// A limit is exceeded.
    #[error("the archive exceeds a limit: {what}")]
    Limit {
        /// Which, and its value.
        what: String,
    },
    /// An entry is not what a pack may hold.
    #[error("the archive holds `{name}`, {reason}")]
    Entry {
        /// Its name, shortened.
        name: String,
        /// Why it is refused.
        reason: String,
    },
    /// The folder or archive has no `metadata.hcl` at its top.
    #[error("{what} is not a pack: it has no {METADATA_FILE} at its top")]
    NoPack {
        /// The folder or archive.
        what: String,
    },
    /// The bytes are not those that were expected.
    #[error("the archive is not the one that was expected: its digest is {actual}, and {expected} was expected")]
    WrongDigest {
        /// The pinned one.
        expected: Digest,
        /// That of the bytes.
        actual: Digest,
    },
    /// A folder differs from its archive.
    #[error("{} is not what its archive holds: {reason}", path.display())]
    Differs {
        /// The folder.
        path: PathBuf,
        /// Where.
        reason: String,
    },
    /// A digest cannot be read.
    #[error(transparent)]
    Digest(#[from] DigestError),
}

impl ArchiveError {
    fn io(what: &'static str, path: &std::path::Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { what, path, source }
    }

    fn entry(name: &str, reason: &str) -> Self {
        Self::Entry { name: name.chars().take(120).collect(), reason: reason.to_owned() }
    }
}

/// The path of an entry, if it is one that a pack may hold: relative, plain, of bounded length and depth.
fn check_path(raw: &[u8], limits: &Limits) -> Result<String, ArchiveError> {
    let shown = String::from_utf8_lossy(&raw[..raw.len().min(200)]).into_owned();
    let refuse = |reason: &str| Err(ArchiveError::entry(&shown, reason));
    if raw.len() > limits.path_bytes {
        return Err(ArchiveError::Limit {
            what: format!("a path of {} bytes ({shown:.60}…); {} are allowed", raw.len(), limits.path_bytes),
        });
    }
    let Ok(path) = std::str::from_utf8(raw) else { return refuse("whose name is not UTF-8") };
    if path.chars().any(|c| c.is_control() || c == '\\') {
        return refuse("whose name has control characters or backslashes");
    }
    if path.starts_with('/') {
        return refuse("whose path is absolute");
    }
    let path = path.strip_prefix("./").unwrap_or(path).trim_end_matches('/');
    let mut depth = 0;
    for part in path.split('/').filter(|_| !path.is_empty()) {
        match part {
            ".." => return refuse("whose path leads out of the pack"),
            "" | "." => return refuse("whose path is not plain"),
            part if part.len() > 255 => return refuse("whose name is longer than 255 bytes"),
            _ => depth += 1,
        }
    }
    if depth > limits.depth {
        return Err(ArchiveError::Limit { what: format!("`{shown:.60}` lies deeper than {} folders", limits.depth) });
    }
    Ok(path.to_owned())
}

/// A folder that is removed when it is not kept: what is half done leaves nothing.
pub(crate) struct Scratch {
    path: PathBuf,
    kept: bool,
}

impl Scratch {
    /// Makes a folder of an unused name beside `target`, so that it can be renamed to it.
    pub(crate) fn beside(target: &std::path::Path) -> Result<Self, ArchiveError> {
        let parent = target.parent().filter(|parent| !parent.as_os_str().is_empty());
        let parent = parent.unwrap_or(std::path::Path::new("."));
        std::fs::create_dir_all(parent).map_err(ArchiveError::io("make", parent))?;
        let path = parent.join(format!(".partial-{}", crate::random_hex()));
        std::fs::create_dir(&path).map_err(ArchiveError::io("make", &path))?;
        Ok(Self { path, kept: false })
    }

    pub(crate) fn path(&self) -> &std::path::Path {
        &self.path
    }

    /// Gives it its name.
    pub(crate) fn keep(mut self, target: &std::path::Path) -> Result<(), ArchiveError> {
        std::fs::rename(&self.path, target).map_err(ArchiveError::io("make", target))?;
        self.kept = true;
        Ok(())
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if !self.kept {
            // Nothing can be done about it; the name says that it is a rest.
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}
