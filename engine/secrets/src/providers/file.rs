//! `file:PATH` and `file:PATH#FIELD`: a file of one value, or a JSON or dotenv document.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::{Provider, ProviderError, Secret, SecretData, SecretRef, document};

/// The largest secret file that is read, in bytes.
const MAX_FILE_BYTES: u64 = 1024 * 1024;

/// Reads files below a base folder (relative paths) or anywhere (absolute ones).
///
/// A file that its group or others may read or write is refused, as ssh does with private keys.
pub struct FileProvider {
    base: PathBuf,
}

impl FileProvider {
    /// Relative paths are taken from `base`, which is the folder of the stack or pack.
    pub fn new(base: impl Into<PathBuf>) -> Self {
        Self { base: base.into() }
    }
}

impl Provider for FileProvider {
    fn name(&self) -> &'static str {
        "file"
    }

    fn read(&self, reference: &SecretRef) -> Result<SecretData, ProviderError> {
        let path = self.base.join(reference.path());
        let text = read_private(&path)?;
        match reference.field() {
            None => {
                let value = text.strip_suffix('\n').unwrap_or(&text);
                let value = value.strip_suffix('\r').unwrap_or(value);
                if value.is_empty() {
                    return Err(ProviderError::NotFound { hint: format!("{} is empty", path.display()) });
                }
                Ok(SecretData::Value(Secret::from(value)))
            }
            Some(_) => document::parse(&text).map(SecretData::Fields),
        }
    }
}

fn read_private(path: &Path) -> Result<String, ProviderError> {
    let shown = path.display();
    let file = fs::File::open(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => {
            ProviderError::NotFound { hint: format!("there is no file {shown}; create it with mode 0600") }
        }
        std::io::ErrorKind::PermissionDenied => {
            ProviderError::Denied { reason: format!("{shown} may not be read by this user") }
        }
        _ => ProviderError::Unavailable { reason: format!("{shown}: {error}") },
    })?;
    let unavailable = |error: std::io::Error| ProviderError::Unavailable { reason: format!("{shown}: {error}") };
    // The permissions are those of the opened file, so that it cannot be exchanged between check and read.
    let metadata = file.metadata().map_err(unavailable)?;
    if !metadata.is_file() {
        return Err(ProviderError::Malformed { reason: format!("{shown} is not a regular file") });
    }
    check_private(path, &metadata)?;
    let mut text = String::new();
    let read = file.take(MAX_FILE_BYTES + 1).read_to_string(&mut text).map_err(unavailable)?;
    if read as u64 > MAX_FILE_BYTES {
        return Err(ProviderError::Malformed { reason: format!("{shown} is larger than {MAX_FILE_BYTES} bytes") });
    }
    Ok(text)
}

fn check_private(path: &Path, metadata: &fs::Metadata) -> Result<(), ProviderError> {
    use std::os::unix::fs::PermissionsExt;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 == 0 {
        return Ok(());
    }
    let shown = path.display();
    Err(ProviderError::Denied {
        reason: format!("{shown} has mode {mode:04o}, so others on this machine may read it; run `chmod 600 {shown}`"),
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn read(content: &str, mode: u32, reference: &str) -> Result<SecretData, ProviderError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s");
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        FileProvider::new(folder.path()).read(&reference.parse().unwrap())
    }

    #[test]
    fn one_value_without_its_line_end() {
        let Ok(SecretData::Value(value)) = read("hunter2\n", 0o600, "file:s") else { panic!("a value") };
        assert_eq!(value.expose(), "hunter2");
    }

    #[test]
    fn a_document_has_fields() {
        for content in [r#"{"user":"a","password":"hunter2"}"#, "# db\nexport user=a\npassword='hunter2'\n"] {
            let Ok(SecretData::Fields(fields)) = read(content, 0o600, "file:s#password") else { panic!("fields") };
            assert_eq!(fields["password"].expose(), "hunter2");
        }
    }

    #[test]
    fn a_file_that_others_may_read_is_refused_with_the_remedy() {
        let error = read("hunter2", 0o644, "file:s").unwrap_err().to_string();
        assert!(error.contains("mode 0644") && error.contains("chmod 600"), "{error}");
        assert!(!error.contains("hunter2"));
    }

    #[test]
    fn a_missing_file_names_the_file() {
        let error = read("x", 0o600, "file:other").unwrap_err().to_string();
        assert!(error.contains("other") && error.contains("0600"), "{error}");
    }
}
