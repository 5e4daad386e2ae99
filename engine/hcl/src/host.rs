//! What the file, path and random functions ask of the machine. The language itself touches none of it.

use std::path::{Component, Path, PathBuf};

use crate::glob;

/// Largest file that a file function reads, in bytes.
pub const MAX_FILE_BYTES: u64 = 16 << 20;
/// Most files that one `fileset` looks at.
const MAX_FILESET_ENTRIES: usize = 100_000;

/// The machine behind the functions. Errors are texts for people.
pub trait Host: Send + Sync {
    /// A file's content.
    ///
    /// # Errors
    /// It cannot be read, or reading is not allowed.
    fn read_file(&self, path: &str) -> Result<Vec<u8>, String>;

    /// Whether a file is there.
    ///
    /// # Errors
    /// Looking is not allowed, or it is not a file.
    fn file_exists(&self, path: &str) -> Result<bool, String>;

    /// The files under `directory` whose path matches `pattern`, as paths from `directory`.
    ///
    /// # Errors
    /// The directory cannot be read, or reading is not allowed.
    fn file_set(&self, directory: &str, pattern: &str) -> Result<Vec<String>, String>;

    /// A path from the root of the file system.
    ///
    /// # Errors
    /// The working directory is not known, or asking is not allowed.
    fn absolute_path(&self, path: &str) -> Result<String, String>;

    /// The user's home directory.
    ///
    /// # Errors
    /// It is not known, or asking is not allowed.
    fn home_directory(&self) -> Result<String, String>;
}

/// A host that refuses everything: for jobs that come over the network.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoHost;

const REFUSED: &str = "filesystem functions are disabled";

impl Host for NoHost {
    fn read_file(&self, _: &str) -> Result<Vec<u8>, String> {
        Err(REFUSED.to_owned())
    }

    fn file_exists(&self, _: &str) -> Result<bool, String> {
        Err(REFUSED.to_owned())
    }

    fn file_set(&self, _: &str, _: &str) -> Result<Vec<String>, String> {
        Err(REFUSED.to_owned())
    }

    fn absolute_path(&self, _: &str) -> Result<String, String> {
        Err(REFUSED.to_owned())
    }

    fn home_directory(&self) -> Result<String, String> {
        Err(REFUSED.to_owned())
    }
}

/// The real file system: relative paths are looked up from `base`.
#[derive(Clone, Debug)]
pub struct DiskHost {
    base: PathBuf,
    home: Option<PathBuf>,
    confined: bool,
}

impl DiskHost {
    /// Files anywhere, relative ones from `base`; `home` is what `~` stands for.
    #[must_use]
    pub fn new(base: impl Into<PathBuf>, home: Option<PathBuf>) -> Self {
        Self { base: base.into(), home, confined: false }
    }

    /// Only files under `base`, links that lead out of it refused.
    #[must_use]
    pub fn confined(base: impl Into<PathBuf>) -> Self {
        Self { base: base.into(), home: None, confined: true }
    }

    fn resolve(&self, path: &str) -> Result<PathBuf, String> {
        let expanded = match path.strip_prefix('~') {
            Some(rest) if rest.is_empty() || rest.starts_with('/') => {
                PathBuf::from(format!("{}{rest}", self.home_directory()?))
            }
            _ => self.base.join(path),
        };
        let full = normalize(&expanded);
        if self.confined {
            let base = self.base.canonicalize().map_err(|e| format!("{}: {e}", self.base.display()))?;
            // What does not exist yet is judged by its path alone; reading it fails anyway.
            let real = full.canonicalize().unwrap_or_else(|_| full.clone());
            if !real.starts_with(&base) && !full.starts_with(normalize(&self.base))
                || full.exists() && !real.starts_with(&base)
            {
                return Err(format!("{path} is outside of {}", self.base.display()));
            }
        }
        Ok(full)
    }
}

impl Host for DiskHost {
    fn read_file(&self, path: &str) -> Result<Vec<u8>, String> {
        let full = self.resolve(path)?;
        let described = |error: std::io::Error| match error.kind() {
            std::io::ErrorKind::NotFound => format!("no file exists at {path}"),
            _ => format!("cannot read {path}: {error}"),
        };
        let size = std::fs::metadata(&full).map_err(described)?.len();
        if size > MAX_FILE_BYTES {
            return Err(format!("{path} has {size} bytes; at most {MAX_FILE_BYTES} are read"));
        }
        std::fs::read(full).map_err(described)
    }

    fn file_exists(&self, path: &str) -> Result<bool, String> {
        match std::fs::metadata(self.resolve(path)?) {
            Ok(found) if found.is_file() => Ok(true),
            Ok(_) => Err(format!("{path} is not a regular file")),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(format!("cannot look at {path}: {error}")),
        }
    }

    fn file_set(&self, directory: &str, pattern: &str) -> Result<Vec<String>, String> {
        let root = self.resolve(directory)?;
        let pattern = glob::Pattern::new(pattern)?;
        let mut found = Vec::new();
        let mut waiting = vec![(root, String::new())];
        let mut seen = 0;
        while let Some((folder, prefix)) = waiting.pop() {
            let Ok(entries) = std::fs::read_dir(&folder) else { continue };
            for entry in entries.flatten() {
                seen += 1;
                if seen > MAX_FILESET_ENTRIES {
                    return Err(format!("more than {MAX_FILESET_ENTRIES} files under {directory}"));
                }
                let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
                match entry.file_type() {
                    Ok(kind) if kind.is_dir() => waiting.push((entry.path(), format!("{name}/"))),
                    Ok(_) if pattern.matches(&name) && entry.path().is_file() => found.push(name),
                    _ => {}
                }
            }
        }
        found.sort();
        Ok(found)
    }

    fn absolute_path(&self, path: &str) -> Result<String, String> {
        let joined = self.base.join(path);
        let full = if joined.is_absolute() {
            joined
        } else {
            std::env::current_dir().map_err(|e| format!("cannot find the working directory: {e}"))?.join(joined)
        };
        Ok(normalize(&full).to_string_lossy().into_owned())
    }

    fn home_directory(&self) -> Result<String, String> {
        match &self.home {
            Some(home) => Ok(home.to_string_lossy().into_owned()),
            None => Err("the home directory is not known".to_owned()),
        }
    }
}

/// The path without `.`, `..` and doubled slashes, by its text alone.
#[must_use]
pub fn normalize(path: &Path) -> PathBuf {
    let mut clean = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                if matches!(clean.components().next_back(), Some(Component::Normal(_))) {
                    clean.pop();
                } else if !clean.has_root() {
                    clean.push("..");
                }
            }
            other => clean.push(other),
        }
    }
    if clean.as_os_str().is_empty() { PathBuf::from(".") } else { clean }
}
