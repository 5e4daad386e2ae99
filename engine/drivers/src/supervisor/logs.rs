//! Rotating log files: `PREFIX.0`, `PREFIX.1`, …, of limited size and number.

use std::fs::{File, OpenOptions, read_dir, remove_file};
use std::io::{self, Write};

use super::spec::LogTarget;

/// A line longer than this may be cut where a file ends; shorter ones go whole into the next file.
const MAX_WHOLE_LINE_BYTES: u64 = 16 * 1024;

/// Writes one stream into numbered files.
///
/// A full disk never blocks the task: what cannot be written is counted in [`Rotator::lost_bytes`], and said in the
/// log itself once there is room again.
#[derive(Debug)]
pub struct Rotator {
    target: LogTarget,
    index: u64,
    file: Option<File>,
    size: u64,
    lost_bytes: u64,
    unreported_bytes: u64,
}

impl Rotator {
    /// Goes on with the newest file of the target, or begins `PREFIX.0`.
    pub fn open(target: LogTarget) -> io::Result<Self> {
        let index = existing_indexes(&target)?.into_iter().max().unwrap_or(0);
        let mut rotator = Self { target, index, file: None, size: 0, lost_bytes: 0, unreported_bytes: 0 };
        rotator.open_current()?;
        Ok(rotator)
    }

    /// Bytes that could not be written since the start.
    pub fn lost_bytes(&self) -> u64 {
        self.lost_bytes
    }

    /// Appends `data`, beginning new files as needed. Never fails: see [`Rotator`] on full disks.
    pub fn write(&mut self, data: &[u8]) {
        if self.unreported_bytes > 0 {
            let note = format!(
                "[drover: {} bytes of output were lost: the log could not be written]\n",
                self.unreported_bytes
            );
            if self.write_rotating(note.as_bytes()).is_err() {
                self.count_lost(data.len());
                return;
            }
            self.unreported_bytes = 0;
        }
        if let Err(unwritten) = self.write_rotating(data) {
            self.count_lost(unwritten);
        }
    }

    fn count_lost(&mut self, bytes: usize) {
        self.lost_bytes += bytes as u64;
        self.unreported_bytes += bytes as u64;
    }

    /// On failure says how many bytes are missing.
    fn write_rotating(&mut self, mut data: &[u8]) -> Result<(), usize> {
        while !data.is_empty() {
            if self.file.is_none() && self.open_current().is_err() {
                return Err(data.len());
            }
            let take = match self.part_that_fits(data) {
                0 => {
                    if self.next_file().is_err() {
                        return Err(data.len());
                    }
                    continue;
                }
                take => take,
            };
            let Some(file) = self.file.as_mut() else {
                return Err(data.len());
            };
            match file.write(&data[..take]) {
                Ok(0) => return Err(data.len()),
                Ok(written) => {
                    self.size += written as u64;
                    data = &data[written..];
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return Err(data.len()),
            }
        }
        Ok(())
    }

    /// How much of `data` belongs into the current file; 0 to begin the next one.
    fn part_that_fits(&self, data: &[u8]) -> usize {
        let room = self.target.max_file_bytes.saturating_sub(self.size);
        if data.len() as u64 <= room {
            return data.len();
        }
        let room_bytes = usize::try_from(room).unwrap_or(usize::MAX);
        if let Some(newline) = data[..room_bytes].iter().rposition(|byte| *byte == b'\n') {
            return newline + 1;
        }
        let line_end = data.iter().position(|byte| *byte == b'\n').unwrap_or(data.len());
        let fits_a_file = (line_end as u64) < self.target.max_file_bytes.min(MAX_WHOLE_LINE_BYTES);
        if self.size > 0 && fits_a_file { 0 } else { room_bytes }
    }

    fn next_file(&mut self) -> io::Result<()> {
        self.index += 1;
        self.open_current()?;
        let keep = u64::from(self.target.max_files.max(1));
        for index in existing_indexes(&self.target)? {
            if index + keep <= self.index {
                // A file that someone else removed already is as gone as it should be.
                let _ = remove_file(self.path(index));
            }
        }
        Ok(())
    }

    fn open_current(&mut self) -> io::Result<()> {
        self.file = None;
        let file = OpenOptions::new().create(true).append(true).open(self.path(self.index))?;
        self.size = file.metadata()?.len();
        self.file = Some(file);
        Ok(())
    }

    fn path(&self, index: u64) -> std::path::PathBuf {
        self.target.dir.join(format!("{}.{index}", self.target.prefix))
    }
}

fn existing_indexes(target: &LogTarget) -> io::Result<Vec<u64>> {
    let mut indexes = Vec::new();
    for entry in read_dir(&target.dir)? {
        let name = entry?.file_name();
        let index: Option<u64> = name
            .to_str()
            .and_then(|name| name.strip_prefix(target.prefix.as_str()))
            .and_then(|rest| rest.strip_prefix('.'))
            .and_then(|digits| digits.parse().ok());
        indexes.extend(index);
    }
    Ok(indexes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(dir: &std::path::Path, max_files: u32, max_file_bytes: u64) -> LogTarget {
        LogTarget { dir: dir.to_path_buf(), prefix: "t.stdout".into(), max_files, max_file_bytes }
    }

    fn files(dir: &std::path::Path) -> Vec<(String, String)> {
        let mut files: Vec<_> = read_dir(dir)
            .unwrap()
            .map(|entry| entry.unwrap())
            .map(|entry| {
                let text = std::fs::read_to_string(entry.path()).unwrap();
                (entry.file_name().into_string().unwrap(), text)
            })
            .collect();
        files.sort();
        files
    }

    fn check(max_files: u32, max_file_bytes: u64, writes: &[&str], expected: &[(&str, &str)]) {
        let dir = tempfile::tempdir().unwrap();
        let mut rotator = Rotator::open(target(dir.path(), max_files, max_file_bytes)).unwrap();
        for text in writes {
            rotator.write(text.as_bytes());
        }
        let expected: Vec<_> = expected.iter().map(|(n, t)| ((*n).to_owned(), (*t).to_owned())).collect();
        assert_eq!(files(dir.path()), expected);
    }

    #[test]
    fn lines_go_whole_into_the_next_file() {
        check(3, 10, &["one\ntwo\n", "three\n"], &[("t.stdout.0", "one\ntwo\n"), ("t.stdout.1", "three\n")]);
    }

    #[test]
    fn a_line_longer_than_a_file_is_cut() {
        check(9, 4, &["abcdefghij\n"], &[("t.stdout.0", "abcd"), ("t.stdout.1", "efgh"), ("t.stdout.2", "ij\n")]);
    }

    #[test]
    fn old_files_are_removed() {
        check(2, 4, &["aaa\n", "bbb\n", "ccc\n", "ddd\n"], &[("t.stdout.2", "ccc\n"), ("t.stdout.3", "ddd\n")]);
    }

    #[test]
    fn a_restarted_task_appends_to_the_newest_file() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("t.stdout.7"), "old\n").unwrap();
        std::fs::write(dir.path().join("t.stdout.6"), "older\n").unwrap();
        std::fs::write(dir.path().join("other.stdout.9"), "").unwrap();
        let mut rotator = Rotator::open(target(dir.path(), 5, 100)).unwrap();
        rotator.write(b"new\n");
        assert_eq!(std::fs::read_to_string(dir.path().join("t.stdout.7")).unwrap(), "old\nnew\n");
    }

    #[test]
    fn nothing_is_lost_across_many_sizes() {
        for size in 1..40 {
            let dir = tempfile::tempdir().unwrap();
            let mut rotator = Rotator::open(target(dir.path(), 1000, size)).unwrap();
            let text: String = (0..50).map(|n| format!("line {n}\n")).collect();
            for chunk in text.as_bytes().chunks(7) {
                rotator.write(chunk);
            }
            let mut files = files(dir.path());
            files.sort_by_key(|(name, _)| name.rsplit('.').next().unwrap().parse::<u32>().unwrap());
            let joined: String = files.into_iter().map(|(_, text)| text).collect();
            assert_eq!(joined, text, "size {size}");
        }
    }

    #[test]
    fn lost_output_is_counted() {
        let dir = tempfile::tempdir().unwrap();
        let mut rotator = Rotator::open(target(dir.path(), 2, 4)).unwrap();
        std::fs::remove_dir_all(dir.path()).unwrap();
        rotator.write(b"aaa\n");
        rotator.write(b"bbb\n");
        assert_eq!(rotator.lost_bytes(), 4);
    }
}
