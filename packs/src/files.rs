//! A pack's folder in memory, read within limits.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

/// The most files that a pack may have.
pub const MAX_FILES: usize = 2_000;
/// The largest file of a pack, in bytes.
pub const MAX_FILE_BYTES: u64 = 4 * 1024 * 1024;
/// The largest pack, in bytes over all files.
pub const MAX_PACK_BYTES: u64 = 64 * 1024 * 1024;
/// How deep folders may be nested in a pack.
pub const MAX_DEPTH: usize = 16;

/// The file whose presence makes a folder a pack.
pub const METADATA_FILE: &str = "metadata.hcl";

/// Why a folder cannot be read as a pack.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The folder is not there.
    #[error("there is no pack at {}: no such folder", path.display())]
    NoFolder {
        /// The missing folder.
        path: PathBuf,
    },
    /// The folder has no `metadata.hcl`.
    #[error("{} is not a pack: it has no {METADATA_FILE}; `drover pack new` makes one", path.display())]
    NoMetadata {
        /// The folder.
        path: PathBuf,
    },
    /// A limit is exceeded.
    #[error("the pack at {} {what}", path.display())]
    TooLarge {
        /// The pack's folder.
        path: PathBuf,
        /// Which limit, and its value.
        what: String,
    },
    /// A link leads out of the pack.
    #[error("{} is a link that leads out of the pack; a pack holds all its files", path.display())]
    LinkOutside {
        /// The link.
        path: PathBuf,
    },
    /// The operating system refused.
    #[error("cannot read {}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// Whether `path` is a folder that holds a pack.
pub fn is_pack(path: &Path) -> bool {
    path.join(METADATA_FILE).is_file()
}

/// Reads all files of the pack at `root`, keyed by their path in it with `/`. Hidden files and packs within the pack (its
/// dependencies) are left out.
///
/// # Errors
/// When it is no pack, exceeds a limit, has links that lead out of it, or cannot be read.
pub fn read(root: &Path) -> Result<BTreeMap<String, Vec<u8>>, ReadError> {
    if !root.is_dir() {
        return Err(ReadError::NoFolder { path: root.to_owned() });
    }
    if !is_pack(root) {
        return Err(ReadError::NoMetadata { path: root.to_owned() });
    }
    let canonical = root.canonicalize().map_err(|source| ReadError::Io { path: root.to_owned(), source })?;
    let mut reader = Reader { root: root.to_owned(), canonical, files: BTreeMap::new(), total_bytes: 0 };
    reader.folder(root, "", 0)?;
    Ok(reader.files)
}

struct Reader {
    root: PathBuf,
    canonical: PathBuf,
    files: BTreeMap<String, Vec<u8>>,
    total_bytes: u64,
}

impl Reader {
    fn folder(&mut self, folder: &Path, prefix: &str, depth: usize) -> Result<(), ReadError> {
        if depth > MAX_DEPTH {
            return Err(self.too_large(format!("has folders deeper than {MAX_DEPTH}")));
        }
        let io = |source| ReadError::Io { path: folder.to_owned(), source };
        for entry in fs::read_dir(folder).map_err(io)? {
            let entry = entry.map_err(io)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.starts_with('.') {
                continue;
            }
            let path = entry.path();
            let within = if prefix.is_empty() { name } else { format!("{prefix}/{name}") };
            self.check_link(&path)?;
            let metadata = fs::metadata(&path).map_err(|source| ReadError::Io { path: path.clone(), source })?;
            if metadata.is_dir() {
                if !is_pack(&path) {
                    self.folder(&path, &within, depth + 1)?;
                }
            } else if metadata.is_file() {
                self.file(&path, within, metadata.len())?;
            }
        }
        Ok(())
    }

    fn file(&mut self, path: &Path, within: String, bytes: u64) -> Result<(), ReadError> {
        if bytes > MAX_FILE_BYTES {
            return Err(
                self.too_large(format!("has a file of {bytes} bytes ({within}); the limit is {MAX_FILE_BYTES}"))
            );
        }
        self.total_bytes += bytes;
        if self.total_bytes > MAX_PACK_BYTES {
            return Err(self.too_large(format!("is larger than {MAX_PACK_BYTES} bytes")));
        }
        if self.files.len() == MAX_FILES {
            return Err(self.too_large(format!("has more than {MAX_FILES} files")));
        }
        let content = fs::read(path).map_err(|source| ReadError::Io { path: path.to_owned(), source })?;
        self.files.insert(within, content);
        Ok(())
    }

    fn check_link(&self, path: &Path) -> Result<(), ReadError> {
        let is_link = fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_symlink());
        if is_link && !path.canonicalize().is_ok_and(|target| target.starts_with(&self.canonical)) {
            return Err(ReadError::LinkOutside { path: path.to_owned() });
        }
        Ok(())
    }

    fn too_large(&self, what: String) -> ReadError {
        ReadError::TooLarge { path: self.root.clone(), what }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_keyed_by_their_path_and_nested_packs_are_left_out() {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in [
            ("metadata.hcl", ""),
            ("templates/a.tera", "a"),
            (".git/config", ""),
            ("deps/db/metadata.hcl", ""),
            ("deps/db/x", ""),
        ] {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let files = read(folder.path()).unwrap();
        assert_eq!(files.keys().collect::<Vec<_>>(), ["metadata.hcl", "templates/a.tera"]);
    }

    #[test]
    fn a_link_out_of_the_pack_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("metadata.hcl"), "").unwrap();
        std::os::unix::fs::symlink("/etc/passwd", folder.path().join("x")).unwrap();
        assert!(matches!(read(folder.path()), Err(ReadError::LinkOutside { .. })));
    }

    #[test]
    fn a_folder_that_is_no_pack_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let error = read(folder.path()).unwrap_err().to_string();
        assert!(error.contains("is not a pack") && error.contains("metadata.hcl"), "{error}");
        assert!(matches!(read(&folder.path().join("none")), Err(ReadError::NoFolder { .. })));
    }
}
