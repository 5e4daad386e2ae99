//! `file:PATH` and `file:PATH#FIELD`: a file of one value, or a JSON or dotenv document; encrypted with age, or private.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::age::{self, AgeError, Keys};
use crate::{Access, Provider, ProviderError, Secret, SecretData, SecretRef, document};

/// The largest secret file that is read, in bytes.
const MAX_FILE_BYTES: u64 = 1024 * 1024;

/// Reads files below a base folder (relative paths) or anywhere (absolute ones).
///
/// A file that is encrypted with age may lie anywhere and be in version control. One that is not is refused when its group or
/// others may read or write it, as ssh does with private keys.
pub struct FileProvider {
    base: PathBuf,
    keys: Keys,
}

impl FileProvider {
    /// Relative paths are taken from `base`, which is the folder of the stack or pack.
    pub fn new(base: impl Into<PathBuf>) -> Self {
        Self { base: base.into(), keys: Keys::default() }
    }

    /// What opens encrypted files.
    #[must_use]
    pub fn with_keys(mut self, keys: Keys) -> Self {
        self.keys = keys;
        self
    }

    fn text(&self, path: &Path) -> Result<Zeroizing<String>, ProviderError> {
        let content = read_private(path)?;
        if !age::is_age(&content) {
            return text(path, &content);
        }
        let plain = self.keys.decrypt(&content).map_err(|error| locked(path, &error))?;
        text(path, &plain)
    }
}

fn text(path: &Path, content: &[u8]) -> Result<Zeroizing<String>, ProviderError> {
    let text = std::str::from_utf8(content)
        .map_err(|_| ProviderError::Malformed { reason: format!("{} is not UTF-8 text", path.display()) })?;
    Ok(Zeroizing::new(text.to_owned()))
}

fn locked(path: &Path, error: &AgeError) -> ProviderError {
    let reason = format!("{}: {error}", path.display());
    match error {
        AgeError::Damaged { .. } => ProviderError::Malformed { reason },
        _ => ProviderError::Denied { reason },
    }
}

impl Provider for FileProvider {
    fn name(&self) -> &'static str {
        "file"
    }

    fn check(&self, reference: &SecretRef) -> Result<Access, ProviderError> {
        let path = self.base.join(reference.path());
        let content = read_private(&path)?;
        if !age::is_age(&content) {
            return Ok(Access::Readable);
        }
        match self.keys.decrypt(&content) {
            Ok(_) => Ok(Access::Readable),
            Err(AgeError::PassphraseNeeded) => {
                Ok(Access::Unknown { reason: "it is encrypted with a passphrase".to_owned() })
            }
            Err(error) => Err(locked(&path, &error)),
        }
    }

    fn read(&self, reference: &SecretRef) -> Result<SecretData, ProviderError> {
        let path = self.base.join(reference.path());
        let text = self.text(&path)?;
        match reference.field() {
            None => {
                let value = text.strip_suffix('\n').unwrap_or(text.as_str());
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

/// The bytes of a file that is encrypted, or that only its owner can read.
fn read_private(path: &Path) -> Result<Zeroizing<Vec<u8>>, ProviderError> {
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
    let mut content = Zeroizing::new(Vec::new());
    let read = file.take(MAX_FILE_BYTES + 1).read_to_end(&mut content).map_err(unavailable)?;
    if read as u64 > MAX_FILE_BYTES {
        return Err(ProviderError::Malformed { reason: format!("{shown} is larger than {MAX_FILE_BYTES} bytes") });
    }
    if !age::is_age(&content) {
        check_private(path, &metadata)?;
    }
    Ok(content)
}

/// Refuses a file that others than its owner may read or write.
pub(crate) fn check_private(path: &Path, metadata: &fs::Metadata) -> Result<(), ProviderError> {
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
    fn an_encrypted_file_may_be_readable_by_all() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, content: &[u8], mode: u32| {
            let path = folder.path().join(name);
            fs::write(&path, content).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            path
        };
        let identity = age::generate();
        let keys = Keys { identity_files: vec![write("id", identity.text.expose().as_bytes(), 0o600)], ask: None };
        let file =
            age::encrypt(br#"{"password":"hunter2"}"#, &age::Access::Recipients(vec![identity.recipient])).unwrap();
        write("s.age", &file, 0o644);
        let reference = "file:s.age#password".parse().unwrap();
        let provider = FileProvider::new(folder.path()).with_keys(keys);
        let Ok(SecretData::Fields(fields)) = provider.read(&reference) else { panic!("fields") };
        assert_eq!(fields["password"].expose(), "hunter2");
        assert_eq!(provider.check(&reference).unwrap(), Access::Readable);
        let error = FileProvider::new(folder.path()).read(&reference).unwrap_err().to_string();
        assert!(error.contains("s.age") && error.contains("drover secret keygen"), "{error}");
    }

    #[test]
    fn a_missing_file_names_the_file() {
        let error = read("x", 0o600, "file:other").unwrap_err().to_string();
        assert!(error.contains("other") && error.contains("0600"), "{error}");
    }
}
