//! `pack new`: a small pack that works as it is.

mod extract;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

const FILES: [(&str, &str); 7] = [
    ("metadata.hcl", include_str!("metadata.hcl")),
    ("variables.hcl", include_str!("variables.hcl")),
    ("templates/@NAME@.nomad.hcl.tera", include_str!("job.nomad.hcl.tera")),
    ("templates/_helpers.tera", include_str!("helpers.tera")),
    ("files/run.sh", include_str!("run.sh")),
    ("outputs.tera", include_str!("outputs.tera")),
    ("README.md", include_str!("README.md")),
];

pub use extract::files_from;

/// Why a pack was not made. Nothing is left behind.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScaffoldError {
    /// The name cannot be used for a pack.
    #[error(
        "`{name}` cannot be a pack's name: use small letters, digits, dashes and underscores, starting with a letter"
    )]
    BadName {
        /// The refused name.
        name: String,
    },
    /// The folder exists and holds something.
    #[error("{} is there already and not empty; choose another name or remove it", path.display())]
    Exists {
        /// The folder.
        path: PathBuf,
    },
    /// The operating system refused.
    #[error("cannot write {}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// The files of a new pack by their path in it.
///
/// # Errors
/// When the name cannot be used.
pub fn files(name: &str) -> Result<BTreeMap<String, String>, ScaffoldError> {
    let usable = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_');
    if !usable {
        return Err(ScaffoldError::BadName { name: name.to_owned() });
    }
    Ok(FILES.iter().map(|(path, text)| (path.replace("@NAME@", name), text.replace("@NAME@", name))).collect())
}

/// Writes a new pack into `folder`, which is made; answers the paths written.
///
/// # Errors
/// When the name cannot be used, the folder holds something, or writing fails.
pub fn write(name: &str, folder: &Path) -> Result<Vec<PathBuf>, ScaffoldError> {
    write_files(&files(name)?, folder)
}

/// Writes the files of a new pack into `folder`, which is made; answers the paths written.
///
/// # Errors
/// The folder holds something, or writing fails.
pub fn write_files(files: &BTreeMap<String, String>, folder: &Path) -> Result<Vec<PathBuf>, ScaffoldError> {
    let io = |path: &Path| {
        let path = path.to_owned();
        move |source| ScaffoldError::Io { path, source }
    };
    if fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(ScaffoldError::Exists { path: folder.to_owned() });
    }
    let existed = folder.is_dir();
    let mut written = Vec::new();
    for (within, text) in files {
        let path = folder.join(within);
        let parent = path.parent().unwrap_or(folder);
        let result =
            fs::create_dir_all(parent).map_err(io(parent)).and_then(|()| fs::write(&path, text).map_err(io(&path)));
        if let Err(error) = result {
            // Half a pack is worse than none; failing to remove it changes nothing about the error.
            if !existed {
                let _ = fs::remove_dir_all(folder);
            }
            return Err(error);
        }
        written.push(path);
    }
    Ok(written)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_pack_has_its_name_everywhere() {
        let files = files("web").unwrap();
        assert!(files.contains_key("templates/web.nomad.hcl.tera"));
        assert!(files.values().all(|text| !text.contains("@NAME@")));
    }

    #[test]
    fn names_and_folders_are_checked() {
        assert!(matches!(files("../x"), Err(ScaffoldError::BadName { .. })));
        let folder = tempfile::tempdir().unwrap();
        write("web", &folder.path().join("web")).unwrap();
        assert!(matches!(write("web", &folder.path().join("web")), Err(ScaffoldError::Exists { .. })));
    }
}
