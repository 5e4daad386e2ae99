//! `drover.lock.hcl`: which version and archive each registry's pack was, so that all who use it get the same.

use crate::metadata::{quoted, text};
use crate::{Digest, Version, VersionRange};
use drover_hcl::{Source, parse_body};
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

/// The file's name.
pub const LOCK_FILE: &str = "drover.lock.hcl";
const HEADING: &str =
    "# Which packs are used, kept by drover. Commit it; `drover pack lock -update` brings newer versions.\n";

/// The pinned packs, by the address of the pack.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LockFile {
    entries: BTreeMap<(String, Version), Pin>,
}

/// What a pack was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pin {
    /// Semver.
    pub version: Version,
    /// Of the archive.
    pub digest: Digest,
    /// What the registry finds it by, where that is not the version: a tag or a commit.
    pub handle: String,
}

/// Why the file cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LockFileError {
    /// The operating system refused.
    #[error("cannot {what} {}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It is damaged.
    #[error("{} is damaged: {reason}; remove it to choose versions anew", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where.
        reason: String,
    },
}

impl LockFile {
    /// Reads a file; an absent one pins nothing.
    ///
    /// # Errors
    /// It cannot be read, or is damaged.
    pub fn read(path: &Path) -> Result<Self, LockFileError> {
        let content = match std::fs::read(path) {
            Ok(content) => content,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(source) => return Err(LockFileError::Io { what: "read", path: path.to_owned(), source }),
        };
        let damaged = |reason: String| LockFileError::Damaged { path: path.to_owned(), reason };
        let source = Source::from_bytes(&path.display().to_string(), &content);
        let source = source.map_err(|problem| damaged(problem.to_string()))?;
        let body = parse_body(&source).map_err(|problems| damaged(problems.to_string()))?;
        let mut lock = Self::default();
        for block in body.blocks_of("pack") {
            let address = block.label(0).map(str::to_owned).unwrap_or_default();
            let version = Version::parse(&text(&block.body, "version"))
                .map_err(|error| damaged(format!("the version of {address}: {error}")))?;
            let digest = text(&block.body, "digest").parse().map_err(|error| damaged(format!("{address}: {error}")))?;
            lock.pin(&address, Pin { version, digest, handle: text(&block.body, "ref") });
        }
        Ok(lock)
    }

    /// The highest pinned version of a pack that a range takes. A pinned pre-release is taken by the range that names it.
    pub fn find(&self, address: &str, range: &VersionRange) -> Option<&Pin> {
        let pins = self.entries.iter().filter(|((known, _), _)| known == address);
        pins.map(|(_, pin)| pin).rfind(|pin| range.matches(&pin.version))
    }

    /// Pins a version.
    pub fn pin(&mut self, address: &str, pin: Pin) {
        self.entries.insert((address.to_owned(), pin.version.clone()), pin);
    }

    /// All that is pinned.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Pin)> {
        self.entries.iter().map(|((address, _), pin)| (address.as_str(), pin))
    }

    /// The file's text: the same for the same pins.
    pub fn to_text(&self) -> String {
        let mut out = HEADING.to_owned();
        for (address, pin) in self.iter() {
            out.push_str(&format!("\npack {} {{\n", quoted(address)));
            out.push_str(&format!("  version = {}\n", quoted(&pin.version.to_string())));
            out.push_str(&format!("  digest  = {}\n", quoted(&pin.digest.to_string())));
            if !pin.handle.is_empty() {
                out.push_str(&format!("  ref     = {}\n", quoted(&pin.handle)));
            }
            out.push_str("}\n");
        }
        out
    }

    /// Writes the file, wholly or not at all.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), LockFileError> {
        crate::write_atomically(path, self.to_text().as_bytes(), 0o644).map_err(|source| LockFileError::Io {
            what: "write",
            path: path.to_owned(),
            source,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pin(version: &str) -> Pin {
        Pin { version: Version::parse(version).unwrap(), digest: Digest::of(version.as_bytes()), handle: String::new() }
    }

    #[test]
    fn a_file_is_read_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(LOCK_FILE);
        let mut lock = LockFile::default();
        lock.pin("oci://h/packs/web", pin("1.10.0"));
        lock.pin("oci://h/packs/web", pin("1.9.0"));
        lock.pin("git::https://h/x.git//a", Pin { handle: "c0ffee".to_owned(), ..pin("0.1.0") });
        lock.write(&path).unwrap();
        let read = LockFile::read(&path).unwrap();
        assert_eq!(read, lock);
        assert_eq!(read.to_text(), lock.to_text());
        let found =
            |range: &str| read.find("oci://h/packs/web", &range.parse().unwrap()).map(|pin| pin.version.to_string());
        assert_eq!(found("~> 1.2").as_deref(), Some("1.10.0"));
        assert_eq!(found("~> 1.9.0").as_deref(), Some("1.9.0"));
        assert_eq!(found("~> 2.0"), None);
    }

    #[test]
    fn a_damaged_file_is_not_taken_for_an_empty_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(LOCK_FILE);
        assert_eq!(LockFile::read(&path).unwrap(), LockFile::default());
        for text in ["pack \"a\" {", "pack \"a\" {\n version = \"1.0.0\"\n digest = \"sha256:00\"\n}\n"] {
            std::fs::write(&path, text).unwrap();
            assert!(matches!(LockFile::read(&path), Err(LockFileError::Damaged { .. })), "{text}");
        }
    }
}
