//! Snapshots in memory or on disk; only the newest is kept.

use crate::RaftError;
use crate::codec::{FORMAT_VERSION, Record, decode, encode, put_record, read_record};
use crate::files::{DirLock, check_version, replace};
use crate::types::Types;
use openraft::{BasicNode, Snapshot, SnapshotMeta};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::{self, Cursor};
use std::path::{Path, PathBuf};
use std::sync::Arc;

const PREFIX: &str = "snapshot-";

/// A snapshot with what is needed to go on from it.
#[derive(Clone)]
pub(crate) struct StoredSnapshot {
    pub meta: SnapshotMeta<u64, BasicNode>,
    /// Commands applied by then.
    pub command_index: u64,
    pub data: Vec<u8>,
}

#[derive(Serialize, Deserialize)]
struct Header {
    meta: SnapshotMeta<u64, BasicNode>,
    command_index: u64,
}

impl StoredSnapshot {
    /// For a peer: the number of commands, then the data.
    pub(crate) fn into_transfer(self) -> Snapshot<Types> {
        let mut bytes = self.command_index.to_le_bytes().to_vec();
        bytes.extend_from_slice(&self.data);
        Snapshot { meta: self.meta, snapshot: Box::new(Cursor::new(bytes)) }
    }

    /// From a peer.
    pub(crate) fn from_transfer(meta: SnapshotMeta<u64, BasicNode>, bytes: &[u8]) -> io::Result<Self> {
        let short = || io::Error::new(io::ErrorKind::UnexpectedEof, "the snapshot is too short");
        let (count, data) = bytes.split_first_chunk::<8>().ok_or_else(short)?;
        Ok(Self { meta, command_index: u64::from_le_bytes(*count), data: data.to_vec() })
    }
}

/// Where the newest snapshot is.
pub(crate) enum SnapshotStore {
    Memory(Mutex<Option<StoredSnapshot>>),
    Disk { dir: PathBuf, _lock: Arc<DirLock> },
}

impl SnapshotStore {
    pub(crate) const fn is_durable(&self) -> bool {
        matches!(self, Self::Disk { .. })
    }

    /// Stores a snapshot and forgets the older ones.
    pub(crate) fn save(&self, stored: &StoredSnapshot) -> Result<(), RaftError> {
        let dir = match self {
            Self::Memory(slot) => {
                *slot.lock() = Some(stored.clone());
                return Ok(());
            }
            Self::Disk { dir, .. } => dir,
        };
        let path = dir.join(format!("{PREFIX}{:020}", stored.meta.last_log_id.map_or(0, |id| id.index)));
        let header = Header { meta: stored.meta.clone(), command_index: stored.command_index };
        let header = encode(&header).map_err(|error| RaftError::Machine(error.into()))?;
        let mut head = vec![FORMAT_VERSION];
        put_record(&mut head, &header);
        let sum = crc32fast::hash(&stored.data).to_le_bytes();
        replace(&path, &[&head, &stored.data, &sum]).map_err(RaftError::io("cannot write", &path))?;
        for other in list(dir)? {
            if other != path {
                // An older snapshot that stays does no harm: the newest one is taken.
                fs::remove_file(&other)
                    .unwrap_or_else(|error| tracing::warn!(path = %other.display(), %error, "old snapshot stays"));
            }
        }
        Ok(())
    }

    /// The newest snapshot.
    pub(crate) fn load(&self) -> Result<Option<StoredSnapshot>, RaftError> {
        let dir = match self {
            Self::Memory(slot) => return Ok(slot.lock().clone()),
            Self::Disk { dir, .. } => dir,
        };
        let Some(path) = list(dir)?.into_iter().max() else { return Ok(None) };
        let mut bytes = fs::read(&path).map_err(RaftError::io("cannot read", &path))?;
        let damaged = |reason: String| RaftError::Damaged { path: path.clone(), reason };
        check_version(&bytes).map_err(damaged)?;
        let Record::Whole { payload, next } = read_record(&bytes, 1) else {
            return Err(damaged("its header's check sum does not match".to_owned()));
        };
        let Header { meta, command_index } = decode(payload).map_err(|error| damaged(error.to_string()))?;
        let sum = bytes.len().checked_sub(4).filter(|end| *end >= next).map(|end| bytes.split_off(end));
        bytes.drain(..next);
        if sum.as_deref() != Some(&crc32fast::hash(&bytes).to_le_bytes()) {
            return Err(damaged("its check sum does not match".to_owned()));
        }
        Ok(Some(StoredSnapshot { meta, command_index, data: bytes }))
    }
}

fn list(dir: &Path) -> Result<Vec<PathBuf>, RaftError> {
    let entries = fs::read_dir(dir).map_err(RaftError::io("cannot list", dir))?;
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let is_snapshot = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or("");
        name.strip_prefix(PREFIX).is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()))
    };
    Ok(paths.filter(is_snapshot).collect())
}
