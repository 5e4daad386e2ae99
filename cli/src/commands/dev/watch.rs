//! Waits for saves.

use crate::error::CliError;
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::timeout;

/// An editor writes in several steps: what follows so soon belongs to the same save.
const SETTLED: Duration = Duration::from_millis(200);

/// Files and folders that are watched.
pub struct Watch {
    changed: mpsc::Receiver<()>,
    /// Ends with the value.
    _watcher: RecommendedWatcher,
}

impl Watch {
    /// Watches folders with all that is in them.
    ///
    /// # Errors
    /// One is not there, or the system watches no more.
    pub fn new(paths: &[PathBuf]) -> Result<Self, CliError> {
        let (tell, changed) = mpsc::channel(1);
        let handler = move |event: notify::Result<Event>| {
            if event.is_ok_and(|event| counts(&event)) {
                // One that waits already is enough.
                let _ = tell.try_send(());
            }
        };
        let failed = |error: notify::Error| CliError::new(format!("cannot watch the files: {error}"));
        let mut watcher = notify::recommended_watcher(handler).map_err(failed)?;
        for path in paths {
            watcher.watch(path, RecursiveMode::Recursive).map_err(failed)?;
        }
        Ok(Self { changed, _watcher: watcher })
    }

    /// Waits until something was saved and nothing more comes for a moment.
    pub async fn saved(&mut self) {
        if self.changed.recv().await.is_none() {
            return std::future::pending().await;
        }
        while timeout(SETTLED, self.changed.recv()).await.is_ok() {}
    }
}

/// Reading changes nothing, and neither do the files that editors and git keep beside others.
fn counts(event: &Event) -> bool {
    let is_write = matches!(event.kind, EventKind::Create(_) | EventKind::Modify(_) | EventKind::Remove(_));
    is_write && event.paths.iter().any(|path| is_source(path))
}

fn is_source(path: &Path) -> bool {
    let is_hidden = path.components().any(|part| {
        let part = part.as_os_str().to_string_lossy();
        part.len() > 1 && part.starts_with('.') && part != ".."
    });
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    !is_hidden && !name.ends_with('~') && !name.ends_with(".swp") && !name.ends_with(".tmp") && name != "4913"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_editors_keep_beside_files_does_not_count() {
        for (path, counts) in [
            ("s/web.nomad.hcl", true),
            ("./s/templates/a.tera", true),
            ("../s/a.yaml", true),
            ("s/.web.nomad.hcl.swp", false),
            ("s/web.nomad.hcl~", false),
            ("s/.git/index", false),
            ("s/4913", false),
        ] {
            assert_eq!(is_source(Path::new(path)), counts, "{path}");
        }
    }
}
