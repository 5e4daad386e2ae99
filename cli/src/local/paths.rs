//! Where the local engine keeps its things.

use super::LocalError;
use std::ffi::OsString;
use std::path::PathBuf;

/// The longest path that a Unix socket may have on Linux, less its final NUL.
const MAX_SOCKET_PATH_BYTES: usize = 107;

/// The folder of the local engine and what is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paths {
    /// The folder.
    pub folder: PathBuf,
}

impl Paths {
    /// `DROVER_LOCAL_DIR`, else `drover/local` in the user's state folder.
    ///
    /// # Errors
    /// When the environment names no home.
    pub fn locate(env: impl Fn(&str) -> Option<OsString>) -> Result<Self, LocalError> {
        let set = |name: &str| env(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let folder = set("DROVER_LOCAL_DIR")
            .or_else(|| set("XDG_STATE_HOME").map(|dir| dir.join("drover/local")))
            .or_else(|| set("HOME").map(|dir| dir.join(".local/state/drover/local")))
            .ok_or(LocalError::NoHome)?;
        Ok(Self { folder: std::path::absolute(&folder).unwrap_or(folder) })
    }
    /// What is known of the running agent.
    pub fn record(&self) -> PathBuf {
        self.folder.join("engine.json")
    }
    /// Held while the agent is started or stopped.
    pub fn lock(&self) -> PathBuf {
        self.folder.join("lock")
    }
    /// The agent's log.
    pub fn log(&self) -> PathBuf {
        self.folder.join("agent.log")
    }
    /// The agent's data.
    pub fn data(&self) -> PathBuf {
        self.folder.join("data")
    }
    /// The API's socket; `None` when the folder's path is too long for one.
    pub fn socket(&self) -> Option<PathBuf> {
        let path = self.folder.join("engine.sock");
        (path.as_os_str().len() <= MAX_SOCKET_PATH_BYTES).then_some(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn locate(vars: &[(&str, &str)]) -> Result<Paths, LocalError> {
        Paths::locate(|name| vars.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into()))
    }

    #[test]
    fn the_most_specific_setting_wins() {
        let home = ("HOME", "/home/a");
        assert_eq!(locate(&[home]).unwrap().folder, PathBuf::from("/home/a/.local/state/drover/local"));
        assert_eq!(locate(&[home, ("XDG_STATE_HOME", "/s")]).unwrap().folder, PathBuf::from("/s/drover/local"));
        assert_eq!(locate(&[home, ("DROVER_LOCAL_DIR", "/l")]).unwrap().folder, PathBuf::from("/l"));
        assert!(matches!(locate(&[("HOME", "")]), Err(LocalError::NoHome)));
    }

    #[test]
    fn a_long_path_has_no_socket() {
        let paths = Paths { folder: PathBuf::from("/").join("x".repeat(100)) };
        assert_eq!(paths.socket(), None);
    }
}
