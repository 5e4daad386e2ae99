//! Who the node and its tasks are: the node's id and secret, made once and kept; what the servers sign for it
//! ([`own`]) and for its tasks ([`workload`]); the API that tasks show it to ([`task_api`]).

pub(crate) mod own;
pub mod task_api;
pub mod workload;

use crate::error::NodeError;
use drover_base::{NodeId, uuid};
use std::fs::{self, OpenOptions, Permissions};
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

/// Who the node is.
#[derive(Clone)]
pub struct Identity {
    /// Known to everyone.
    pub id: NodeId,
    /// Known to the node and the servers.
    pub secret: String,
}

impl Identity {
    /// Reads it from `dir`, or makes it there.
    pub fn load_or_create(dir: &Path) -> Result<Self, NodeError> {
        fs::create_dir_all(dir).map_err(NodeError::io(dir))?;
        fs::set_permissions(dir, Permissions::from_mode(0o700)).map_err(NodeError::io(dir))?;
        Ok(Self { id: read_or_write(&dir.join("client-id"))?.into(), secret: read_or_write(&dir.join("secret-id"))? })
    }
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Identity").field("id", &self.id).finish_non_exhaustive()
    }
}

fn read_or_write(path: &Path) -> Result<String, NodeError> {
    match fs::read_to_string(path) {
        Ok(text) if !text.trim().is_empty() => return Ok(text.trim().to_owned()),
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(NodeError::io(path)(error)),
    }
    let value = uuid::random();
    // Written aside first: a half-written id would make this another node after a crash.
    let aside = path.with_extension("new");
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&aside)
        .map_err(NodeError::io(&aside))?;
    file.write_all(value.as_bytes()).and_then(|()| file.sync_all()).map_err(NodeError::io(&aside))?;
    fs::rename(&aside, path).map_err(NodeError::io(path))?;
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_identity_is_made_once() {
        let dir = tempfile::tempdir().unwrap();
        let first = Identity::load_or_create(dir.path()).unwrap();
        let second = Identity::load_or_create(dir.path()).unwrap();
        assert_eq!((first.id.as_str(), &first.secret), (second.id.as_str(), &second.secret));
        assert_eq!(first.id.len(), 36);
        assert_ne!(first.id.as_str(), first.secret);
        let mode = fs::metadata(dir.path().join("secret-id")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
