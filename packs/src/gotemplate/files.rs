//! Files that templates read.

use super::host::HostRules;
use std::path::Path;

/// The largest file that a template reads, in bytes.
const MAX_BYTES: u64 = 4 << 20;

impl HostRules {
    /// The content of a file, if templates may see it.
    pub(super) fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        let shown = path;
        let path = self.current.join(path);
        let fault = |error: std::io::Error| format!("open {shown}: {}", plain(&error));
        let real = path.canonicalize().map_err(fault)?;
        if !self.unbounded && !self.folders.iter().any(|folder| inside(folder, &real)) {
            return Err(format!("open {shown}: the file is outside of the pack; -allow-host-functions allows it"));
        }
        let size = std::fs::metadata(&real).map_err(fault)?.len();
        if size > MAX_BYTES {
            return Err(format!("open {shown}: the file has {size} bytes; at most {MAX_BYTES} are read"));
        }
        std::fs::read(&real).map_err(fault)
    }
}

fn inside(folder: &Path, file: &Path) -> bool {
    folder.canonicalize().is_ok_and(|folder| file.starts_with(folder))
}

fn plain(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "no such file or directory".to_owned(),
        std::io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        std::io::ErrorKind::IsADirectory => "is a directory".to_owned(),
        _ => error.to_string(),
    }
}
