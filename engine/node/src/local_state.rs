//! What a node keeps on disk so that a restarted agent takes its tasks over.
//!
//! One directory per allocation: `alloc.json` is the allocation as the servers sent it, written when it changes;
//! `state` has one JSON document per line, of which the last whole one counts, so that a change costs one small
//! append. Nothing is synced: the state matters to an agent that restarts, not to a host that does, as no task
//! survives that.

use crate::task::restart::RestartTracker;
use drover_base::AllocId;
use drover_drivers::{DriverNetwork, TaskHandle};
use drover_model::{AllocDeploymentStatus, Allocation, TaskState};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const ALLOC_FILE: &str = "alloc.json";
const STATE_FILE: &str = "state";
/// A state file longer than this is written anew with its last line alone.
const MAX_STATE_BYTES: u64 = 256 * 1024;

/// What is kept of an allocation besides itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SavedAlloc {
    /// By task.
    pub tasks: BTreeMap<String, SavedTask>,
    /// Its health.
    pub deployment_status: Option<AllocDeploymentStatus>,
    /// Its directories could not be made.
    pub setup_error: Option<String>,
    /// It is over, and the servers know.
    pub is_finished: bool,
}

/// What is kept of a task.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SavedTask {
    /// What people see.
    pub state: TaskState,
    /// Its restarts in the current interval.
    pub tracker: RestartTracker,
    /// Its hooks are done.
    pub is_set_up: bool,
    /// The driver's handle while the driver has it.
    pub handle: Option<TaskHandle>,
    /// The network that the driver made for it.
    pub network: Option<DriverNetwork>,
}

/// The kept allocations of a node.
#[derive(Clone, Debug)]
pub struct LocalState {
    dir: PathBuf,
}

impl LocalState {
    /// Opens the state below `dir`.
    pub fn open(dir: &Path) -> io::Result<Self> {
        let dir = dir.join("allocs");
        DirBuilder::new().recursive(true).mode(0o700).create(&dir)?;
        Ok(Self { dir })
    }

    /// Every allocation that was kept. Those that cannot be read are reported and left out.
    pub fn load(&self) -> io::Result<Vec<(Arc<Allocation>, SavedAlloc)>> {
        let mut kept = Vec::new();
        for entry in fs::read_dir(&self.dir)? {
            let dir = entry?.path();
            match load_one(&dir) {
                Ok(Some(pair)) => kept.push(pair),
                Ok(None) => {}
                Err(error) => {
                    tracing::warn!(path = %dir.display(), %error, "kept allocation cannot be read");
                }
            }
        }
        Ok(kept)
    }

    /// The record of one allocation, made if needed.
    pub fn record(&self, id: &AllocId) -> io::Result<Record> {
        let dir = self.dir.join(id.as_str());
        DirBuilder::new().recursive(true).mode(0o700).create(&dir)?;
        Ok(Record { dir, log: None })
    }

    /// Directory for a driver's own state of a task.
    pub fn task_dir(&self, id: &AllocId, task: &str) -> PathBuf {
        self.dir.join(id.as_str()).join("tasks").join(task)
    }

    /// Forgets an allocation.
    pub fn remove(&self, id: &AllocId) -> io::Result<()> {
        match fs::remove_dir_all(self.dir.join(id.as_str())) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

/// Everything that the node with this state directory keeps of its allocations, as one document.
///
/// # Errors
/// The directory cannot be read.
pub fn describe(dir: &Path) -> io::Result<serde_json::Value> {
    let state = LocalState { dir: dir.join("allocs") };
    let kept = match state.load() {
        Err(error) if error.kind() == io::ErrorKind::NotFound && dir.is_dir() => Vec::new(),
        other => other?,
    };
    let allocs = kept.iter().map(|(alloc, saved)| {
        let state = serde_json::json!({
            "Alloc": alloc,
            "DeployStatus": saved.deployment_status,
            "Tasks": saved.tasks,
            "SetupError": saved.setup_error,
            "IsFinished": saved.is_finished,
        });
        (alloc.id.to_string(), state)
    });
    let allocs: serde_json::Map<String, serde_json::Value> = allocs.collect();
    Ok(serde_json::json!({ "Allocations": allocs, "NodeIdentity": "" }))
}

/// Writes the state of one allocation.
#[derive(Debug)]
pub struct Record {
    dir: PathBuf,
    log: Option<(File, u64)>,
}

impl Record {
    /// Keeps the allocation itself.
    pub fn save_alloc(&self, alloc: &Allocation) -> io::Result<()> {
        write_aside(&self.dir.join(ALLOC_FILE), &serde_json::to_vec(alloc)?)
    }

    /// Keeps its state.
    pub fn save(&mut self, saved: &SavedAlloc) -> io::Result<()> {
        let mut line = serde_json::to_vec(saved)?;
        line.push(b'\n');
        let path = self.dir.join(STATE_FILE);
        if self.log.as_ref().is_some_and(|(_, written)| *written > MAX_STATE_BYTES) {
            self.log = None;
            return write_aside(&path, &line);
        }
        let (file, written) = match &mut self.log {
            Some(open) => open,
            None => {
                let file = OpenOptions::new().create(true).append(true).open(&path)?;
                let written = file.metadata()?.len();
                self.log.insert((file, written))
            }
        };
        file.write_all(&line)?;
        *written += line.len() as u64;
        Ok(())
    }

    /// Closes its file: nothing more is expected for a while.
    pub fn close(&mut self) {
        self.log = None;
    }
}

fn write_aside(path: &Path, content: &[u8]) -> io::Result<()> {
    let aside = path.with_extension("new");
    fs::write(&aside, content)?;
    fs::rename(&aside, path)
}

fn load_one(dir: &Path) -> io::Result<Option<(Arc<Allocation>, SavedAlloc)>> {
    let alloc = match fs::read(dir.join(ALLOC_FILE)) {
        Ok(text) => serde_json::from_slice(&text)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let saved = match fs::read(dir.join(STATE_FILE)) {
        Ok(text) => last_line(&text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => SavedAlloc::default(),
        Err(error) => return Err(error),
    };
    Ok(Some((Arc::new(alloc), saved)))
}

/// The newest state that was written as a whole.
fn last_line(text: &[u8]) -> SavedAlloc {
    text.split(|byte| *byte == b'\n').rev().find_map(|line| serde_json::from_slice(line).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn saved(restarts: u64) -> SavedAlloc {
        let state = TaskState { restarts, ..TaskState::default() };
        let task = SavedTask { state, ..SavedTask::default() };
        SavedAlloc { tasks: [("t".to_owned(), task)].into(), ..SavedAlloc::default() }
    }

    #[test]
    fn the_last_whole_line_counts() {
        let dir = tempfile::tempdir().unwrap();
        let state = LocalState::open(dir.path()).unwrap();
        let alloc = Allocation { id: "a".into(), ..Allocation::default() };
        let mut record = state.record(&alloc.id).unwrap();
        record.save_alloc(&alloc).unwrap();
        record.save(&saved(1)).unwrap();
        record.save(&saved(2)).unwrap();
        let path = dir.path().join("allocs/a/state");
        let mut file = OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(b"{\"tasks\":{\"t\"").unwrap();
        assert_eq!(state.load().unwrap()[0].1, saved(2));
        state.remove(&alloc.id).unwrap();
        assert!(state.load().unwrap().is_empty());
    }

    #[test]
    fn the_file_does_not_grow_for_ever() {
        let dir = tempfile::tempdir().unwrap();
        let state = LocalState::open(dir.path()).unwrap();
        let alloc = Allocation { id: "a".into(), ..Allocation::default() };
        let mut record = state.record(&alloc.id).unwrap();
        record.save_alloc(&alloc).unwrap();
        for n in 0..5_000 {
            record.save(&saved(n)).unwrap();
        }
        assert!(fs::metadata(dir.path().join("allocs/a/state")).unwrap().len() < 2 * MAX_STATE_BYTES);
        assert_eq!(state.load().unwrap()[0].1, saved(4_999));
    }
}
