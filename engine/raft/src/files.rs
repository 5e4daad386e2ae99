//! Small files that are replaced whole, and the lock on the data directory.

use crate::RaftError;
use crate::codec::{FORMAT_VERSION, Record, decode, encode, put_record, read_record};
use serde::{Deserialize, Serialize};
use std::convert::Infallible;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use tokio::sync::mpsc;

/// A data directory that belongs to this process until all holders are gone.
pub(crate) struct DirLock {
    // Dropped first: whoever waits for the end of `_held` finds the directory free.
    _file: File,
    _held: mpsc::Sender<Infallible>,
}

/// Makes the directory and takes it; the receiver ends when it is free again.
pub(crate) fn lock_dir(dir: &Path) -> Result<(Arc<DirLock>, mpsc::Receiver<Infallible>), RaftError> {
    fs::create_dir_all(dir).map_err(RaftError::io("cannot create", dir))?;
    let path = dir.join("lock");
    let mut options = OpenOptions::new();
    let file = options.create(true).truncate(false).write(true).open(&path);
    let file = file.map_err(RaftError::io("cannot open", &path))?;
    match file.try_lock() {
        Ok(()) => {
            let (held, released) = mpsc::channel(1);
            Ok((Arc::new(DirLock { _file: file, _held: held }), released))
        }
        Err(fs::TryLockError::WouldBlock) => Err(RaftError::InUse(dir.to_owned())),
        Err(fs::TryLockError::Error(source)) => Err(RaftError::io("cannot lock", &path)(source)),
    }
}

/// Makes a directory's entries durable.
pub(crate) fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

/// Replaces `path` by `parts`, so that after a crash either the old or the new content is there.
pub(crate) fn replace(path: &Path, parts: &[&[u8]]) -> io::Result<()> {
    let temporary = path.with_extension("tmp");
    let mut file = File::create(&temporary)?;
    for part in parts {
        file.write_all(part)?;
    }
    file.sync_all()?;
    drop(file);
    fs::rename(&temporary, path)?;
    sync_dir(path.parent().unwrap_or(Path::new(".")))
}

/// Replaces `path` by one value.
pub(crate) fn save<T: Serialize>(path: &Path, value: &T) -> io::Result<()> {
    let mut bytes = vec![FORMAT_VERSION];
    put_record(&mut bytes, &encode(value).map_err(io::Error::other)?);
    replace(path, &[&bytes])
}

/// Reads what [`save`] wrote; `None` when there is no such file.
pub(crate) fn load<T: for<'de> Deserialize<'de>>(path: &Path) -> Result<Option<T>, RaftError> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(RaftError::io("cannot read", path)(error)),
    };
    let damaged = |reason: String| RaftError::Damaged { path: path.to_owned(), reason };
    check_version(&bytes).map_err(damaged)?;
    match read_record(&bytes, 1) {
        Record::Whole { payload, .. } => decode(payload).map(Some).map_err(|error| damaged(error.to_string())),
        _ => Err(damaged("its check sum does not match".to_owned())),
    }
}

pub(crate) fn check_version(bytes: &[u8]) -> Result<(), String> {
    match bytes.first() {
        Some(&FORMAT_VERSION) => Ok(()),
        Some(other) => Err(format!("format version {other} is not supported")),
        None => Err("it is empty".to_owned()),
    }
}
