//! Logs of tasks: numbered files that are read as one, also while they rotate.

use crate::error::NodeError;
use crate::fs::{FOLLOW_INTERVAL, Frame, FrameStream, FsError, MAX_WAITING_CHUNKS, Origin, copy};
use crate::handle::NodeHandle;
use drover_base::AllocId;
use drover_model::TaskStateKind;
use std::io::SeekFrom;
use std::path::{Path, PathBuf};
use tokio::fs::File;
use tokio::io::AsyncSeekExt;
use tokio::sync::mpsc;

/// What a task writes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogKind {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

impl LogKind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
        }
    }
}

impl std::str::FromStr for LogKind {
    type Err = FsError;
    fn from_str(text: &str) -> Result<Self, FsError> {
        match text {
            "stdout" => Ok(Self::Stdout),
            "stderr" => Ok(Self::Stderr),
            _ => Err(FsError::BadRequest("must provide log type (stdout/stderr)".into())),
        }
    }
}

impl NodeHandle {
    /// Streams a task's log from a place on. The offset counts over all files that are kept. With `follow` it goes on
    /// until the task is over for good or the reader goes away.
    pub async fn logs(
        &self,
        alloc: &AllocId,
        task: &str,
        kind: LogKind,
        origin: Origin,
        offset: u64,
        follow: bool,
    ) -> Result<FrameStream, FsError> {
        if task.is_empty() {
            return Err(FsError::BadRequest("must provide task name".into()));
        }
        let handle = self.find(alloc)?;
        if handle.task(task).is_none() {
            return Err(FsError::BadRequest(NodeError::UnknownTask(task.to_owned()).to_string()));
        }
        let files = LogFiles { dir: handle.dir.logs(), prefix: format!("{task}.{}", kind.as_str()) };
        let (sender, receiver) = mpsc::channel(MAX_WAITING_CHUNKS);
        let task = task.to_owned();
        self.context.spawn(async move {
            let mut changes = handle.changed.clone();
            let mut reader = files.start(origin, offset);
            loop {
                // Looked at before reading: whatever a task wrote before its end is then read.
                changes.borrow_and_update();
                let is_over = handle.task(&task).is_none_or(|task| task.state.state == TaskStateKind::Dead);
                if !reader.send_all(&sender).await || !follow || is_over {
                    return;
                }
                tokio::select! {
                    () = tokio::time::sleep(FOLLOW_INTERVAL) => {}
                    _ = changes.changed() => {}
                    () = sender.closed() => return,
                }
            }
        });
        Ok(receiver)
    }
}

/// The numbered files of one log.
#[derive(Clone, Debug)]
struct LogFiles {
    dir: PathBuf,
    prefix: String,
}

/// Reads them one after the other.
#[derive(Debug)]
struct LogReader {
    files: LogFiles,
    index: u64,
    open: Option<(File, u64)>,
    /// Where to begin in the first file.
    first_offset: u64,
}

impl LogFiles {
    fn path(&self, index: u64) -> PathBuf {
        self.dir.join(format!("{}.{index}", self.prefix))
    }

    /// Numbers and sizes of the files there are, oldest first.
    fn existing(&self) -> Vec<(u64, u64)> {
        let mut found = Vec::new();
        for entry in std::fs::read_dir(&self.dir).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let number =
                name.to_str().and_then(|name| name.strip_prefix(&self.prefix)?.strip_prefix('.')?.parse().ok());
            if let (Some(number), Ok(metadata)) = (number, entry.metadata()) {
                found.push((number, metadata.len()));
            }
        }
        found.sort_unstable();
        found
    }

    fn start(self, origin: Origin, offset: u64) -> LogReader {
        let existing = self.existing();
        let total = existing.iter().map(|(_, size)| size).sum();
        let mut left = origin.place(offset, total);
        let mut index = existing.first().map_or(0, |(number, _)| *number);
        let last = existing.last().map(|(number, _)| *number);
        for (number, size) in existing {
            index = number;
            if left <= size || Some(number) == last {
                break;
            }
            left -= size;
        }
        LogReader { files: self, index, open: None, first_offset: left }
    }
}

impl LogReader {
    /// Sends everything there is. Says whether the reader is still there.
    async fn send_all(&mut self, sender: &mpsc::Sender<Frame>) -> bool {
        loop {
            if self.open.is_none() && !self.open_current().await {
                return true;
            }
            // Looked for before reading: once there is a next file, nothing is appended to this one.
            let next = self.files.existing().into_iter().map(|(number, _)| number).find(|n| *n > self.index);
            let name = format!("alloc/logs/{}.{}", self.files.prefix, self.index);
            if let Some((file, at)) = &mut self.open
                && !copy(file, at, &name, sender).await
            {
                return false;
            }
            let Some(next) = next else { return true };
            self.index = next;
            self.open = None;
            self.first_offset = 0;
        }
    }

    async fn open_current(&mut self) -> bool {
        let Some(file) = open(&self.files.path(self.index)) else {
            // Removed before it was read, or not there yet.
            let Some((number, _)) = self.files.existing().into_iter().find(|(n, _)| *n >= self.index) else {
                return false;
            };
            self.index = number;
            let Some(file) = open(&self.files.path(number)) else { return false };
            self.open = Some((file, 0));
            return true;
        };
        let mut file = file;
        let at = self.first_offset;
        if at > 0 && file.seek(SeekFrom::Start(at)).await.is_err() {
            return false;
        }
        self.open = Some((file, at));
        true
    }
}

/// Never through a link: the directory belongs to the task.
fn open(path: &Path) -> Option<File> {
    let mut options = std::fs::OpenOptions::new();
    std::os::unix::fs::OpenOptionsExt::custom_flags(
        options.read(true),
        nix::fcntl::OFlag::O_NOFOLLOW.bits() | nix::fcntl::OFlag::O_NONBLOCK.bits(),
    );
    options.open(path).ok().map(File::from_std)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(reader: &mut LogReader) -> String {
        let (sender, mut receiver) = mpsc::channel(1_000);
        assert!(reader.send_all(&sender).await);
        drop(sender);
        let mut text = String::new();
        while let Some(frame) = receiver.recv().await {
            text.push_str(std::str::from_utf8(&frame.data).unwrap());
        }
        text
    }

    fn files(dir: &Path) -> LogFiles {
        LogFiles { dir: dir.to_path_buf(), prefix: "t.stdout".into() }
    }

    #[tokio::test]
    async fn files_are_read_as_one() {
        let dir = tempfile::tempdir().unwrap();
        for (number, text) in [(9, "one\n"), (10, "two\n"), (11, "three\n")] {
            std::fs::write(dir.path().join(format!("t.stdout.{number}")), text).unwrap();
        }
        std::fs::write(dir.path().join("t.stderr.12"), "no").unwrap();
        for (origin, offset, expected) in [
            (Origin::Start, 0, "one\ntwo\nthree\n"),
            (Origin::Start, 5, "wo\nthree\n"),
            (Origin::Start, 600, ""),
            (Origin::End, 6, "three\n"),
            (Origin::End, 8, "o\nthree\n"),
            (Origin::End, 600, "one\ntwo\nthree\n"),
        ] {
            assert_eq!(read(&mut files(dir.path()).start(origin, offset)).await, expected, "{origin:?} {offset}");
        }
    }

    #[tokio::test]
    async fn a_rotation_while_following_loses_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = |n: u64| dir.path().join(format!("t.stdout.{n}"));
        let mut reader = files(dir.path()).start(Origin::Start, 0);
        assert_eq!(read(&mut reader).await, "");
        std::fs::write(path(0), "a\n").unwrap();
        assert_eq!(read(&mut reader).await, "a\n");
        std::fs::write(path(0), "a\nb\n").unwrap();
        std::fs::write(path(1), "c\n").unwrap();
        std::fs::remove_file(path(0)).unwrap();
        std::fs::write(path(2), "d\n").unwrap();
        assert_eq!(read(&mut reader).await, "b\nc\nd\n");
    }
}
