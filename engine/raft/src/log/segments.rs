//! The log on disk: segments that are filled one after the other and removed whole.
//!
//! A segment's space is reserved when it is made, so that an append neither fails for want of space
//! nor changes the file's size: one `fdatasync` makes it durable. The part not written yet is zero.

use crate::RaftError;
use crate::codec::{FORMAT_VERSION, RECORD_HEADER_BYTES, Record, decode, encode, put_record, read_record};
use crate::files::{DirLock, check_version, load, save, sync_dir};
use crate::types::Types;
use nix::fcntl::{FallocateFlags, fallocate};
use openraft::{Entry, LogId, Vote};
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The space reserved for a segment.
pub(crate) const DEFAULT_SEGMENT_BYTES: u64 = 16 * 1024 * 1024;
const FIRST_RECORD: u64 = 1;

/// The segments of a directory.
pub(crate) struct Segments {
    dir: PathBuf,
    segment_bytes: u64,
    /// Oldest first; the last one is written to.
    segments: Vec<Segment>,
    /// Held for the life of the log.
    _lock: Arc<DirLock>,
}

struct Segment {
    path: PathBuf,
    file: File,
    /// Index of the first entry that it may hold.
    first: u64,
    /// Index of its last entry; `None`: it is empty.
    last: Option<u64>,
    /// Where the next record goes.
    end: u64,
    /// Reserved so far.
    reserved: u64,
}

impl Segments {
    pub(crate) fn open(dir: &Path, segment_bytes: u64, lock: Arc<DirLock>) -> Result<Self, RaftError> {
        let mut segments = Vec::new();
        for entry in fs::read_dir(dir).map_err(RaftError::io("cannot list", dir))?.flatten() {
            let path = entry.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or("");
            let Some(first) = name.strip_prefix("log-").and_then(|rest| rest.strip_suffix(".seg")) else { continue };
            let Ok(first) = first.parse() else { continue };
            let file = OpenOptions::new().read(true).write(true).open(&path);
            let file = file.map_err(RaftError::io("cannot open", &path))?;
            let reserved = file.metadata().map_err(RaftError::io("cannot read", &path))?.len();
            segments.push(Segment { path, file, first, last: None, end: FIRST_RECORD, reserved });
        }
        segments.sort_by_key(|segment| segment.first);
        Ok(Self { dir: dir.to_owned(), segment_bytes, segments, _lock: lock })
    }

    /// Reads all entries and finds where to go on. What a crash left half written at the very end
    /// was never acknowledged, and is cut off.
    pub(crate) fn load(&mut self) -> Result<Vec<Entry<Types>>, RaftError> {
        let mut entries: Vec<Entry<Types>> = Vec::new();
        let count = self.segments.len();
        for (number, segment) in self.segments.iter_mut().enumerate() {
            let bytes = fs::read(&segment.path).map_err(RaftError::io("cannot read", &segment.path))?;
            let damaged = |reason: String| RaftError::Damaged { path: segment.path.clone(), reason };
            let is_last = number + 1 == count;
            // A segment whose making was interrupted holds nothing yet.
            if is_last && bytes.iter().all(|byte| *byte == 0) {
                segment.write_version()?;
                continue;
            }
            check_version(&bytes).map_err(damaged)?;
            let mut at = 1;
            loop {
                match read_record(&bytes, at) {
                    Record::Whole { payload, next } => {
                        let entry: Entry<Types> = decode(payload).map_err(|error| damaged(error.to_string()))?;
                        let index = entry.log_id.index;
                        if entries.last().is_some_and(|last| last.log_id.index + 1 != index) {
                            return Err(damaged(format!("entry {index} does not follow the one before it")));
                        }
                        segment.last = Some(index);
                        entries.push(entry);
                        at = next;
                    }
                    Record::End => {
                        // Pages of an unfinished write may have reached the disk without its beginning.
                        if is_last && bytes[at..].iter().any(|byte| *byte != 0) {
                            segment.clear_from(at as u64)?;
                        }
                        break;
                    }
                    Record::Torn if is_last => {
                        tracing::warn!(path = %segment.path.display(), at, "cutting off an unfinished record");
                        segment.clear_from(at as u64)?;
                        break;
                    }
                    Record::Torn => return Err(damaged(format!("the record at byte {at} is incomplete"))),
                }
            }
            segment.end = at as u64;
        }
        Ok(entries)
    }

    /// Whether `bytes` can be appended right away.
    pub(crate) fn has_room(&self, bytes: u64) -> bool {
        let wanted = bytes + RECORD_HEADER_BYTES as u64;
        self.segments.last().is_some_and(|segment| segment.end + wanted <= segment.reserved)
    }

    /// Makes sure that `bytes` can be appended without asking the disk for more space.
    ///
    /// # Errors
    /// [`RaftError::DiskFull`] when there is none; nothing was changed then.
    pub(crate) fn reserve(&mut self, bytes: u64, next_index: u64) -> Result<(), RaftError> {
        if self.has_room(bytes) {
            return Ok(());
        }
        let wanted = bytes + RECORD_HEADER_BYTES as u64;
        // A segment without entries only has to grow; its name stays right.
        if let Some(segment) = self.segments.last_mut().filter(|segment| segment.last.is_none()) {
            let size = segment.end + wanted;
            return segment.grow(size);
        }
        // What is on disk tells the next index; the caller's figure may lag behind what was appended last.
        let next_index = self.segments.last().and_then(|segment| segment.last).map_or(next_index, |last| last + 1);
        self.start_segment(next_index, (FIRST_RECORD + wanted).max(self.segment_bytes))
    }

    fn start_segment(&mut self, first: u64, size: u64) -> Result<(), RaftError> {
        let path = self.dir.join(format!("log-{first:020}.seg"));
        let file = OpenOptions::new().create(true).truncate(true).read(true).write(true).open(&path);
        let file = file.map_err(full_or("cannot create", &path))?;
        let mut segment = Segment { path, file, first, last: None, end: FIRST_RECORD, reserved: 0 };
        let made = segment.grow(size).and_then(|()| segment.write_version());
        let made = made.and_then(|()| sync_dir(&self.dir).map_err(full_or("cannot sync", &self.dir)));
        if let Err(error) = made {
            fs::remove_file(&segment.path)
                .unwrap_or_else(|error| tracing::warn!(path = %segment.path.display(), %error, "unused segment stays"));
            return Err(error);
        }
        self.segments.push(segment);
        Ok(())
    }

    /// Appends entries with one write and one sync.
    pub(crate) fn append(&mut self, entries: &[Entry<Types>]) -> Result<(), RaftError> {
        let Some(first) = entries.first() else { return Ok(()) };
        let mut buffer = Vec::new();
        for entry in entries {
            let payload = encode(entry).map_err(|error| RaftError::Machine(error.into()))?;
            put_record(&mut buffer, &payload);
        }
        self.reserve(buffer.len() as u64, first.log_id.index)?;
        let segment = self.segments.last_mut().expect("reserve leaves a segment");
        segment.file.write_all_at(&buffer, segment.end).map_err(full_or("cannot write", &segment.path))?;
        segment.file.sync_data().map_err(full_or("cannot sync", &segment.path))?;
        segment.end += buffer.len() as u64;
        segment.last = entries.last().map(|entry| entry.log_id.index);
        Ok(())
    }

    /// Removes the entries from `index` on.
    pub(crate) fn truncate(&mut self, index: u64) -> Result<(), RaftError> {
        while self.segments.last().is_some_and(|segment| segment.first >= index) {
            let segment = self.segments.pop().expect("there is one");
            fs::remove_file(&segment.path).map_err(RaftError::io("cannot remove", &segment.path))?;
        }
        let Some(segment) = self.segments.last_mut() else { return Ok(()) };
        let bytes = fs::read(&segment.path).map_err(RaftError::io("cannot read", &segment.path))?;
        let (mut at, mut last) = (1, None);
        while let Record::Whole { payload, next } = read_record(&bytes, at) {
            let entry: Entry<Types> = decode(payload).map_err(|error| RaftError::Machine(error.into()))?;
            if entry.log_id.index >= index {
                break;
            }
            last = Some(entry.log_id.index);
            at = next;
        }
        segment.clear_from(at as u64)?;
        segment.last = last;
        Ok(())
    }

    /// Forgets the entries up to `upto`; segments without any others are removed.
    pub(crate) fn purge(&mut self, upto: LogId<u64>) -> Result<(), RaftError> {
        let path = self.dir.join("purged");
        save(&path, &upto).map_err(RaftError::io("cannot write", &path))?;
        while self.segments.len() > 1 && self.segments[1].first <= upto.index + 1 {
            let segment = self.segments.remove(0);
            fs::remove_file(&segment.path).map_err(RaftError::io("cannot remove", &segment.path))?;
        }
        Ok(())
    }

    pub(crate) fn purged(&self) -> Result<Option<LogId<u64>>, RaftError> {
        load(&self.dir.join("purged"))
    }

    pub(crate) fn save_vote(&self, vote: &Vote<u64>) -> Result<(), RaftError> {
        let path = self.dir.join("vote");
        save(&path, vote).map_err(RaftError::io("cannot write", &path))
    }

    pub(crate) fn vote(&self) -> Result<Option<Vote<u64>>, RaftError> {
        load(&self.dir.join("vote"))
    }
}

impl Segment {
    fn grow(&mut self, size: u64) -> Result<(), RaftError> {
        let length = i64::try_from(size).expect("segments are far below 2^63 bytes");
        match fallocate(&self.file, FallocateFlags::empty(), 0, length) {
            Ok(()) => {}
            // File systems without reservation get a sparse file; a full disk shows at the write then.
            Err(nix::errno::Errno::EOPNOTSUPP) => {
                self.file.set_len(size).map_err(full_or("cannot extend", &self.path))?;
            }
            Err(error) => return Err(full_or("cannot reserve space in", &self.path)(error.into())),
        }
        self.file.sync_all().map_err(full_or("cannot sync", &self.path))?;
        self.reserved = size;
        Ok(())
    }

    fn write_version(&self) -> Result<(), RaftError> {
        self.file.write_all_at(&[FORMAT_VERSION], 0).map_err(full_or("cannot write", &self.path))?;
        self.file.sync_data().map_err(full_or("cannot sync", &self.path))
    }

    /// Zeroes everything from `at` on and goes on there.
    fn clear_from(&mut self, at: u64) -> Result<(), RaftError> {
        self.file.set_len(at).map_err(RaftError::io("cannot cut", &self.path))?;
        self.end = at;
        let size = self.reserved.max(at);
        self.grow(size)
    }
}

fn full_or(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> RaftError {
    let path = path.to_owned();
    move |error| match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            RaftError::DiskFull(error)
        }
        _ => RaftError::io(action, path)(error),
    }
}
