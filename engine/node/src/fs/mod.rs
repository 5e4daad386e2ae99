//! Files of allocations as the API reads them: lists, contents, streams.
//!
//! Every path is resolved, links included, and must stay inside of the allocation's directory; files with secrets are
//! not read at all.

mod archive;
mod info;
mod stream;

pub use info::FileInfo;
pub(crate) use stream::{FOLLOW_INTERVAL, copy};
pub use stream::{Frame, FrameStream, Origin};

use crate::alloc::dir::{AllocDir, PRIVATE_DIR, SECRETS_DIR, SHARED_DIR};
use crate::error::NodeError;
use crate::handle::NodeHandle;
use bytes::Bytes;
use drover_base::AllocId;
use std::io::{self, SeekFrom};
use std::path::{Component, Path, PathBuf};
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio::sync::mpsc;

/// The most bytes in one piece of a file.
pub(crate) const MAX_CHUNK_BYTES: usize = 64 * 1024;
/// Pieces that may wait for a slow reader.
pub(crate) const MAX_WAITING_CHUNKS: usize = 8;

/// Why files cannot be read. The texts are those that the API answers with.
#[derive(Debug, thiserror::Error)]
pub enum FsError {
    /// No such file.
    #[error("{0}")]
    NotFound(String),
    /// A parameter is missing or wrong.
    #[error("{0}")]
    BadRequest(String),
    /// Anything else about a file.
    #[error("{0}")]
    Other(String),
    /// No such allocation or task.
    #[error(transparent)]
    Node(#[from] NodeError),
}

impl FsError {
    fn io(operation: &str, path: &Path, error: &io::Error) -> Self {
        let text = |what: &str| format!("{operation} {}: {what}", path.display());
        match error.kind() {
            io::ErrorKind::NotFound => Self::NotFound(text("no such file or directory")),
            io::ErrorKind::NotADirectory => Self::Other(text("not a directory")),
            io::ErrorKind::PermissionDenied => Self::Other(text("permission denied")),
            _ => Self::Other(text(&error.to_string())),
        }
    }
}

impl NodeHandle {
    /// Also of an allocation that was collected: then there is no such file.
    fn dir_of(&self, alloc: &AllocId) -> Result<AllocDir, NodeError> {
        if self.context.collected.lock().contains(alloc) {
            return Ok(AllocDir::new(&self.context.config.alloc_dir, alloc));
        }
        Ok(self.find(alloc)?.dir)
    }

    /// What is in a directory.
    pub fn fs_list(&self, alloc: &AllocId, path: &str) -> Result<Vec<FileInfo>, FsError> {
        let place = Place::find(&self.dir_of(alloc)?, path, "open")?;
        let entries = std::fs::read_dir(&place.real).map_err(|error| FsError::io("open", &place.shown, &error))?;
        let mut files = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|error| FsError::io("open", &place.shown, &error))?;
            // A file that went away meanwhile is not there.
            if let Ok(metadata) = entry.path().symlink_metadata() {
                files.push(FileInfo::new(&entry.file_name().to_string_lossy(), &metadata, String::new()));
            }
        }
        files.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(files)
    }

    /// What is known of a file.
    pub fn fs_stat(&self, alloc: &AllocId, path: &str) -> Result<FileInfo, FsError> {
        if path.is_empty() {
            return Err(FsError::BadRequest("must provide a file name".into()));
        }
        let place = Place::find(&self.dir_of(alloc)?, path, "stat")?;
        let metadata = place.real.metadata().map_err(|error| FsError::io("stat", &place.shown, &error))?;
        let name = place.shown.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let content_type = info::content_type(&place.real, &metadata);
        Ok(FileInfo::new(&name, &metadata, content_type))
    }

    /// A part of a file, from `offset` on and of at most `limit` bytes.
    pub async fn fs_read(
        &self,
        alloc: &AllocId,
        path: &str,
        offset: u64,
        limit: Option<u64>,
    ) -> Result<mpsc::Receiver<io::Result<Bytes>>, FsError> {
        if path.is_empty() {
            return Err(FsError::BadRequest("must provide a file name".into()));
        }
        let place = Place::find(&self.dir_of(alloc)?, path, "stat")?;
        let mut file = place.open().await?;
        file.seek(SeekFrom::Start(offset)).await.map_err(|error| FsError::io("read", &place.shown, &error))?;
        let (sender, receiver) = mpsc::channel(MAX_WAITING_CHUNKS);
        self.context.spawn(async move {
            let mut left = limit.unwrap_or(u64::MAX);
            while left > 0 {
                let mut chunk = vec![0; MAX_CHUNK_BYTES.min(usize::try_from(left).unwrap_or(usize::MAX))];
                let piece = match file.read(&mut chunk).await {
                    Ok(0) => break,
                    Ok(read) => {
                        left -= read as u64;
                        chunk.truncate(read);
                        Ok(Bytes::from(chunk))
                    }
                    Err(error) => Err(error),
                };
                let failed = piece.is_err();
                if sender.send(piece).await.is_err() || failed {
                    break;
                }
            }
        });
        Ok(receiver)
    }
}

/// A path of an allocation.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// As errors show it.
    pub shown: PathBuf,
    /// With every link resolved.
    pub real: PathBuf,
    /// As it was asked for.
    asked: String,
    holds_secrets: bool,
}

impl Place {
    /// Resolves a path within the allocation's directory.
    pub(crate) fn find(dir: &AllocDir, asked: &str, operation: &str) -> Result<Self, FsError> {
        let escapes = || FsError::Other("Path escapes the alloc directory".into());
        let mut shown = dir.root().to_path_buf();
        let mut depth = 0;
        for part in Path::new(asked).components() {
            match part {
                Component::Normal(name) => {
                    shown.push(name);
                    depth += 1;
                }
                Component::ParentDir if depth == 0 => return Err(escapes()),
                Component::ParentDir => {
                    shown.pop();
                    depth -= 1;
                }
                Component::RootDir | Component::CurDir | Component::Prefix(_) => {}
            }
        }
        let real = shown.canonicalize().map_err(|error| FsError::io(operation, &shown, &error))?;
        let root = dir.root().canonicalize().map_err(|error| FsError::io(operation, dir.root(), &error))?;
        let inside = real.strip_prefix(&root).map_err(|_| escapes())?;
        let mut parts = inside.components().map(Component::as_os_str);
        let task = parts.next();
        let below = parts.next();
        let is_secret_dir = below.is_some_and(|name| name == SECRETS_DIR || name == PRIVATE_DIR);
        let holds_secrets = is_secret_dir && task.is_some_and(|task| task != SHARED_DIR) && parts.next().is_some();
        Ok(Self { shown, real, asked: asked.to_owned(), holds_secrets })
    }

    /// Opens it for reading.
    pub(crate) async fn open(&self) -> Result<tokio::fs::File, FsError> {
        if self.holds_secrets {
            return Err(FsError::Other(format!("Reading secret file prohibited: {}", self.asked)));
        }
        if self.real.is_dir() {
            return Err(FsError::Other(format!("file {:?} is a directory", self.asked)));
        }
        let mut options = std::fs::OpenOptions::new();
        // Neither a link that was put in place meanwhile nor a pipe without a writer.
        std::os::unix::fs::OpenOptionsExt::custom_flags(
            options.read(true),
            nix::fcntl::OFlag::O_NOFOLLOW.bits() | nix::fcntl::OFlag::O_NONBLOCK.bits(),
        );
        let file = options.open(&self.real).map_err(|error| FsError::io("open", &self.shown, &error))?;
        Ok(tokio::fs::File::from_std(file))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str) -> Result<Place, String> {
        let base = tempfile::tempdir().unwrap();
        let dir = AllocDir::new(base.path(), "a");
        std::fs::create_dir_all(dir.root().join("t/secrets")).unwrap();
        std::fs::create_dir_all(dir.root().join("t/local")).unwrap();
        std::fs::write(dir.root().join("t/secrets/token"), "x").unwrap();
        std::fs::write(dir.root().join("t/local/file"), "x").unwrap();
        std::os::unix::fs::symlink("/etc/passwd", dir.root().join("t/local/out")).unwrap();
        std::os::unix::fs::symlink("../secrets/token", dir.root().join("t/local/in")).unwrap();
        Place::find(&dir, path, "stat").map_err(|error| error.to_string())
    }

    #[test]
    fn paths_stay_inside() {
        assert!(check("t/local/file").is_ok());
        assert!(check("/t/local/../local/file").is_ok());
        assert!(check("").is_ok());
        let escapes = "Path escapes the alloc directory";
        assert_eq!(check("../../etc/passwd").unwrap_err(), escapes);
        assert_eq!(check("t/local/out").unwrap_err(), escapes);
        assert!(check("t/nope").unwrap_err().ends_with("t/nope: no such file or directory"));
    }

    #[tokio::test]
    async fn secrets_are_not_read_through_links_either() {
        assert!(!check("t/secrets").unwrap().holds_secrets);
        for path in ["t/secrets/token", "t/local/in"] {
            let error = check(path).unwrap().open().await.unwrap_err().to_string();
            assert_eq!(error, format!("Reading secret file prohibited: {path}"));
        }
    }
}
