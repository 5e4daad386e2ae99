//! Who did what: a file of JSON lines. It is opened for each line, so that it can be moved away at any time.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::net::IpAddr;
use std::os::unix::fs::OpenOptionsExt as _;

use parking_lot::Mutex;
use serde::Serialize;

use crate::config::Audit;
use crate::time::{now, text};

/// Something that somebody did, or was kept from.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Event<'e> {
    /// `publish`, `yank`, `unyank`, `sign`, `login`, `token-create`, `token-revoke`, `download`, `mirror`.
    pub event: &'static str,
    /// `ok`, or the code of the error.
    pub outcome: &'e str,
    /// Whose token it was.
    pub subject: &'e str,
    /// The client's address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<IpAddr>,
    /// The pack's team.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub team: &'e str,
    /// The pack.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub name: &'e str,
    /// Its version.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub version: &'e str,
    /// The archive.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// Why it was done, or refused.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub detail: &'e str,
}

#[derive(Serialize)]
struct Line<'e> {
    time: String,
    #[serde(flatten)]
    event: &'e Event<'e>,
}

/// The audit log, if there is one.
pub struct AuditLog {
    settings: Option<Audit>,
    writing: Mutex<()>,
}

impl AuditLog {
    /// Writes to the file of the configuration; makes sure that it can.
    ///
    /// # Errors
    /// The file cannot be made.
    pub fn open(settings: Option<Audit>) -> io::Result<Self> {
        let log = Self { settings, writing: Mutex::default() };
        log.append(&[])?;
        Ok(log)
    }

    /// Whether downloads are written.
    #[must_use]
    pub fn wants_downloads(&self) -> bool {
        self.settings.as_ref().is_some_and(|settings| settings.downloads)
    }

    /// Writes a line. What cannot be written is at least logged.
    pub fn write(&self, event: &Event<'_>) {
        if self.settings.is_none() {
            return;
        }
        let mut line = serde_json::to_vec(&Line { time: text(now()), event }).expect("texts serialise");
        line.push(b'\n');
        if let Err(error) = self.append(&line) {
            tracing::error!(%error, line = %String::from_utf8_lossy(&line).trim(), "cannot write the audit log");
        }
    }

    fn append(&self, line: &[u8]) -> io::Result<()> {
        let Some(settings) = &self.settings else { return Ok(()) };
        let _one_at_a_time = self.writing.lock();
        OpenOptions::new().create(true).append(true).mode(0o640).open(&settings.file)?.write_all(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_goes_to_the_file_even_after_it_was_moved_away() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("audit.log");
        let log = AuditLog::open(Some(Audit { file: file.clone(), downloads: false })).unwrap();
        let event = Event { event: "yank", outcome: "ok", subject: "ci\n\"x\"", ..Event::default() };
        log.write(&event);
        std::fs::rename(&file, folder.path().join("audit.1")).unwrap();
        log.write(&event);
        for name in ["audit.log", "audit.1"] {
            let text = std::fs::read_to_string(folder.path().join(name)).unwrap();
            let line: serde_json::Value = serde_json::from_str(&text).unwrap();
            assert_eq!(line["subject"], "ci\n\"x\"");
            assert!(line["time"].as_str().unwrap().ends_with('Z') && text.lines().count() == 1);
        }
    }
}
