//! What was fetched, by digest, for all processes of a person: archives, their folders, and what registries listed.
//!
//! Nothing in it is believed: an archive is digested and a folder compared with its archive before each use. Files
//! appear under their names whole; a lock keeps two processes from making the same folder twice.

use crate::archive::{ArchiveError, Limits, unpack, verify_folder};
use crate::client::Published;
use crate::sign::SignatureDocument;
use crate::wire::Yanked;
use crate::{Digest, Version};
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// A folder of what was fetched.
#[derive(Clone, Debug)]
pub struct Cache {
    root: PathBuf,
    limits: Limits,
}

/// Why the cache cannot serve.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CacheError {
    /// The operating system refused.
    #[error("the cache of packs: cannot {what} {}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The archive cannot be used.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
}

fn io(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> CacheError {
    let path = path.to_owned();
    move |source| CacheError::Io { what, path, source }
}

#[derive(Serialize, Deserialize)]
struct KnownVersion {
    version: String,
    digest: Option<Digest>,
    yanked: Option<Yanked>,
    handle: String,
}

impl Cache {
    /// The folder need not be there yet.
    pub fn new(root: &Path) -> Self {
        Self { root: root.to_owned(), limits: Limits::default() }
    }

    /// Where it is.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where git keeps what it fetched.
    pub fn git(&self) -> PathBuf {
        self.root.join("git")
    }

    fn archive_path(&self, digest: &Digest) -> PathBuf {
        self.root.join("archives").join(digest.hex())
    }

    fn folder_path(&self, digest: &Digest) -> PathBuf {
        self.root.join("packs").join(digest.hex())
    }

    /// Keeps an archive; answers its digest.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn keep(&self, bytes: &[u8]) -> Result<Digest, CacheError> {
        let digest = Digest::of(bytes);
        let path = self.archive_path(&digest);
        crate::write_atomically(&path, bytes, 0o644).map_err(io("write", &path))?;
        Ok(digest)
    }

    /// The bytes of an archive, if they are there and still what they were. Damaged ones are thrown away.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn archive(&self, digest: &Digest) -> Result<Option<Vec<u8>>, CacheError> {
        let path = self.archive_path(digest);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(io("read", &path)(error)),
        };
        if Digest::of(&bytes) == *digest {
            return Ok(Some(bytes));
        }
        fs::remove_file(&path).map_err(io("remove", &path))?;
        Ok(None)
    }

    /// The folder of an archive, as the archive has it; none when the archive is not there.
    ///
    /// # Errors
    /// The archive is hostile, or the folder cannot be made.
    pub fn folder(&self, digest: &Digest) -> Result<Option<PathBuf>, CacheError> {
        let Some(archive) = self.archive(digest)? else { return Ok(None) };
        let folder = self.folder_path(digest);
        let is_sound = || verify_folder(archive.as_slice(), Some(digest), &folder, &self.limits).is_ok();
        if folder.is_dir() && is_sound() {
            return Ok(Some(folder));
        }
        let _lock = self.lock(&digest.hex())?;
        // Another process may have made it meanwhile.
        if folder.is_dir() {
            if is_sound() {
                return Ok(Some(folder));
            }
            let aside = folder.with_extension(format!("damaged-{}", crate::random_hex()));
            fs::rename(&folder, &aside).map_err(io("remove", &folder))?;
            // A rest in the cache is no harm.
            let _ = fs::remove_dir_all(&aside);
        }
        unpack(archive.as_slice(), Some(digest), &folder, &self.limits)?;
        Ok(Some(folder))
    }

    /// Whether a folder is one of this cache, and which.
    pub fn pack_around(&self, path: &Path) -> Option<PathBuf> {
        let packs = self.root.join("packs");
        let within = path.strip_prefix(&packs).ok()?;
        Some(packs.join(within.components().next()?))
    }

    fn lock(&self, name: &str) -> Result<File, CacheError> {
        let folder = self.root.join("locks");
        fs::create_dir_all(&folder).map_err(io("make", &folder))?;
        let path = folder.join(name);
        let file = File::create(&path).map_err(io("make", &path))?;
        file.lock().map_err(io("lock", &path))?;
        Ok(file)
    }

    fn list_path(&self, address: &str) -> PathBuf {
        self.root.join("lists").join(format!("{}.json", Digest::of(address.as_bytes()).hex()))
    }

    /// Notes what a registry listed, for when it does not answer.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn note_versions(&self, address: &str, versions: &[Published]) -> Result<(), CacheError> {
        let known: Vec<KnownVersion> = versions
            .iter()
            .map(|one| KnownVersion {
                version: one.version.to_string(),
                digest: one.digest,
                yanked: one.yanked.clone(),
                handle: one.handle.clone(),
            })
            .collect();
        let path = self.list_path(address);
        let text = serde_json::to_vec(&known).unwrap_or_default();
        crate::write_atomically(&path, &text, 0o644).map_err(io("write", &path))
    }

    /// What a registry listed last; empty when it was never asked.
    pub fn noted_versions(&self, address: &str) -> Vec<Published> {
        let known = fs::read(self.list_path(address)).ok().and_then(|text| serde_json::from_slice(&text).ok());
        let known: Vec<KnownVersion> = known.unwrap_or_default();
        let published = known.into_iter().filter_map(|one| {
            let version = Version::parse(&one.version).ok()?;
            let published = Published::of(version);
            Some(Published { digest: one.digest, yanked: one.yanked, handle: one.handle, ..published })
        });
        published.collect()
    }

    fn signatures_path(&self, digest: &Digest) -> PathBuf {
        self.root.join("signatures").join(format!("{}.json", digest.hex()))
    }

    /// Notes signatures; they are checked at each use like those that were just fetched.
    ///
    /// # Errors
    /// They cannot be written.
    pub fn note_signatures(&self, digest: &Digest, signatures: &[SignatureDocument]) -> Result<(), CacheError> {
        let path = self.signatures_path(digest);
        let text = serde_json::to_vec(signatures).unwrap_or_default();
        crate::write_atomically(&path, &text, 0o644).map_err(io("write", &path))
    }

    /// Signatures that were noted.
    pub fn noted_signatures(&self, digest: &Digest) -> Vec<SignatureDocument> {
        let text = fs::read(self.signatures_path(digest)).ok();
        text.and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::{MediaType, pack};

    fn kept() -> (tempfile::TempDir, Cache, Digest) {
        let folder = tempfile::tempdir().unwrap();
        let source = folder.path().join("source");
        fs::create_dir(&source).unwrap();
        fs::write(source.join("metadata.hcl"), "pack {}").unwrap();
        let packed = pack(&source, MediaType::TarGzip, &Limits::default()).unwrap();
        let cache = Cache::new(&folder.path().join("cache"));
        let digest = cache.keep(&packed.bytes).unwrap();
        (folder, cache, digest)
    }

    #[test]
    fn a_changed_folder_is_made_anew() {
        let (_folder, cache, digest) = kept();
        let folder = cache.folder(&digest).unwrap().unwrap();
        fs::write(folder.join("metadata.hcl"), "pack { evil }").unwrap();
        fs::write(folder.join("more"), "").unwrap();
        let again = cache.folder(&digest).unwrap().unwrap();
        assert_eq!(fs::read_to_string(again.join("metadata.hcl")).unwrap(), "pack {}");
        assert!(!again.join("more").exists());
    }

    #[test]
    fn a_changed_archive_is_no_longer_there() {
        let (_folder, cache, digest) = kept();
        cache.folder(&digest).unwrap().unwrap();
        let path = cache.archive_path(&digest);
        let mut bytes = fs::read(&path).unwrap();
        bytes[20] ^= 1;
        fs::write(&path, bytes).unwrap();
        assert!(cache.folder(&digest).unwrap().is_none());
    }

    #[test]
    fn many_at_once_get_the_same_folder() {
        let (_folder, cache, digest) = kept();
        let folders: Vec<PathBuf> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| cache.folder(&digest).unwrap().unwrap())).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(folders.iter().all(|folder| *folder == folders[0] && folder.join("metadata.hcl").is_file()));
        assert_eq!(cache.pack_around(&folders[0].join("deps/x")), Some(folders[0].clone()));
    }
}
