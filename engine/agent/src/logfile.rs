//! The log in a file that is replaced when it gets old or long.

use crate::config::LogFile;
use drover_base::UnixNanos;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// A file that is written to.
pub(crate) struct RotatingFile {
    settings: LogFile,
    file: File,
    written_bytes: u64,
    opened: Instant,
}

impl RotatingFile {
    /// Opens the file, to go on where it ends.
    ///
    /// # Errors
    /// It cannot be made or written.
    pub(crate) fn open(settings: LogFile) -> io::Result<Self> {
        if let Some(folder) = settings.path.parent() {
            fs::create_dir_all(folder)?;
        }
        let file = OpenOptions::new().create(true).append(true).open(&settings.path)?;
        let written_bytes = file.metadata()?.len();
        Ok(Self { settings, file, written_bytes, opened: Instant::now() })
    }

    fn is_full(&self, more: usize) -> bool {
        let limit = self.settings.rotate_bytes;
        let too_long = limit > 0 && self.written_bytes > 0 && self.written_bytes + more as u64 > limit;
        let life = self.settings.rotate_after.as_duration();
        too_long || (life > Duration::ZERO && self.opened.elapsed() >= life)
    }

    fn rotate(&mut self) -> io::Result<()> {
        let path = &self.settings.path;
        fs::rename(path, numbered(path, UnixNanos::now().0))?;
        self.file = OpenOptions::new().create(true).append(true).open(path)?;
        self.written_bytes = 0;
        self.opened = Instant::now();
        self.prune()
    }

    /// Removes the oldest files.
    fn prune(&self) -> io::Result<()> {
        let keep = match self.settings.max_files {
            0 => return Ok(()),
            negative if negative < 0 => 0,
            some => usize::try_from(some).unwrap_or(usize::MAX),
        };
        let mut old = old_files(&self.settings.path)?;
        old.sort();
        let surplus = old.len().saturating_sub(keep);
        old.iter().take(surplus).try_for_each(fs::remove_file)
    }
}

impl Write for RotatingFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.is_full(bytes.len()) {
            self.rotate()?;
        }
        self.file.write_all(bytes)?;
        self.written_bytes += bytes.len() as u64;
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// `a/nomad.log` is `a/nomad-NUMBER.log`.
fn numbered(path: &Path, number: i64) -> PathBuf {
    let (stem, end) = parts(path);
    path.with_file_name(format!("{stem}-{number}{end}"))
}

fn parts(path: &Path) -> (String, String) {
    let text = |part: Option<&std::ffi::OsStr>| part.unwrap_or_default().to_string_lossy().into_owned();
    let end = path.extension().map(|end| format!(".{}", end.to_string_lossy())).unwrap_or_default();
    (text(path.file_stem()), end)
}

fn old_files(path: &Path) -> io::Result<Vec<PathBuf>> {
    let (stem, end) = parts(path);
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let is_old = |name: &str| {
        let number = name.strip_prefix(&stem).and_then(|rest| rest.strip_prefix('-')?.strip_suffix(&end));
        number.is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let entries = fs::read_dir(folder)?.filter_map(Result::ok);
    Ok(entries.filter(|entry| is_old(&entry.file_name().to_string_lossy())).map(|entry| entry.path()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use drover_base::Nanos;

    #[test]
    fn a_long_file_is_replaced_and_few_old_ones_stay() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("logs/agent.log");
        let settings =
            LogFile { path: path.clone(), rotate_bytes: 10, rotate_after: Nanos::from_hours(1), max_files: 2 };
        let mut file = RotatingFile::open(settings).unwrap();
        for line in ["first\n", "second\n", "third\n", "fourth\n", "fifth\n"] {
            file.write_all(line.as_bytes()).unwrap();
        }
        assert_eq!(fs::read_to_string(&path).unwrap(), "fifth\n");
        let mut old = old_files(&path).unwrap();
        old.sort();
        let texts: Vec<String> = old.iter().map(|path| fs::read_to_string(path).unwrap()).collect();
        assert_eq!(texts, ["third\n", "fourth\n"]);
    }
}
