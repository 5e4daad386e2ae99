//! What an allocation would hand to its successor, as one archive: the shared data and each task's local files.

use super::{FsError, MAX_CHUNK_BYTES, MAX_WAITING_CHUNKS};
use crate::handle::NodeHandle;
use bytes::Bytes;
use drover_base::AllocId;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use tar::Builder;
use tokio::sync::mpsc;

impl NodeHandle {
    /// The archive, a tar, as it is being made. Links are kept as links.
    ///
    /// # Errors
    /// The allocation is not here.
    pub fn fs_archive(&self, id: &AllocId) -> Result<mpsc::Receiver<io::Result<Bytes>>, FsError> {
        let dir = self.dir_of(id)?;
        let alloc = self.alloc(id)?;
        let mut folders = vec![(PathBuf::from("alloc/data"), dir.data())];
        for task in alloc.group().into_iter().flat_map(|group| &group.tasks) {
            folders.push((Path::new(&task.name).join("local"), dir.task(&task.name).join("local")));
        }
        let (sender, receiver) = mpsc::channel(MAX_WAITING_CHUNKS);
        tokio::task::spawn_blocking(move || {
            let mut archive = Builder::new(Chunks { sender: sender.clone(), waiting: Vec::new() });
            archive.follow_symlinks(false);
            let made = folders.iter().try_for_each(|(name, folder)| match folder.is_dir() {
                true => archive.append_dir_all(name, folder),
                false => Ok(()),
            });
            if let Err(error) = made.and_then(|()| archive.into_inner()?.flush()) {
                // A reader that is gone needs no reason.
                let _ = sender.blocking_send(Err(error));
            }
        });
        Ok(receiver)
    }
}

/// Passes on what is written, some at a time.
struct Chunks {
    sender: mpsc::Sender<io::Result<Bytes>>,
    waiting: Vec<u8>,
}

impl Write for Chunks {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.waiting.extend_from_slice(bytes);
        if self.waiting.len() >= MAX_CHUNK_BYTES {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let chunk = Bytes::from(std::mem::take(&mut self.waiting));
        self.sender.blocking_send(Ok(chunk)).map_err(|_gone| io::Error::from(io::ErrorKind::BrokenPipe))
    }
}
