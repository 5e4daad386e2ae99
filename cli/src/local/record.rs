//! What is known of the running agent, and whether it is still that one.

use super::{LocalError, Paths};
use serde::{Deserialize, Serialize};

/// Written by the command that started the agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Its process id.
    pub pid: i32,
    /// Its start time in clock ticks since boot, so that a reused process id is not mistaken for it.
    pub start_ticks: u64,
    /// `http://127.0.0.1:PORT`.
    pub address: String,
    /// The version of the binary that it runs.
    pub version: String,
}

impl Record {
    /// The record of an agent that is still running.
    pub fn of_running(paths: &Paths) -> Option<Self> {
        let text = std::fs::read_to_string(paths.record()).ok()?;
        let record: Self = serde_json::from_str(&text).ok()?;
        record.is_running().then_some(record)
    }
    /// Whether that very process is still there and no zombie.
    pub fn is_running(&self) -> bool {
        start_ticks(self.pid) == Some(self.start_ticks)
    }
    /// Replaces the record in one step.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn save(&self, paths: &Paths) -> Result<(), LocalError> {
        let path = paths.record();
        let new = path.with_extension("json.new");
        let text = serde_json::to_vec_pretty(self).expect("a record is plain data");
        std::fs::write(&new, text).map_err(|e| LocalError::file("write", &new, e))?;
        std::fs::rename(&new, &path).map_err(|e| LocalError::file("replace", &path, e))
    }
}

/// When a process started, in clock ticks since boot; `None` when it is gone or a zombie.
pub fn start_ticks(pid: i32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    if fields.next()? == "Z" {
        return None;
    }
    // Field 22 of proc(5); field 3 was the state.
    fields.nth(18)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reused_process_id_is_not_the_agent() {
        let pid = i32::try_from(std::process::id()).unwrap();
        let ticks = start_ticks(pid).unwrap();
        let record = |start_ticks| Record { pid, start_ticks, address: String::new(), version: String::new() };
        assert!(record(ticks).is_running());
        assert!(!record(ticks + 1).is_running());
    }
}
