//! `keyring:NAME` and `keyring:SERVICE/NAME`: the desktop's keyring, or where there is none an encrypted file.

mod desktop;
mod fallback;

use std::path::PathBuf;

use serde::Deserialize;

use crate::{
    Access, Provider, ProviderError, ProviderSettings, Secret, SecretData, SecretRef, SettingsError, document,
};

use fallback::Fallback;

/// The service of names without one.
const SERVICE: &str = "drover";

/// Which keyring is used.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KeyringSettings {
    /// `auto`, `secret-service` or `file`.
    pub backend: Option<String>,
}

/// Where entries are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyringBackend {
    /// The desktop's, by the Secret Service (GNOME, KDE, KeePassXC).
    SecretService,
    /// A file that is encrypted with an identity beside it; for machines without a desktop.
    File {
        /// The file.
        path: PathBuf,
    },
}

impl std::fmt::Display for KeyringBackend {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::SecretService => f.write_str("the desktop's keyring (Secret Service)"),
            Self::File { path } => write!(
                f,
                "the encrypted file {}, since no desktop keyring (Secret Service) answers here; its key lies beside it, \
                 readable by this user only",
                path.display()
            ),
        }
    }
}

/// A keyring that can be read and written.
pub struct Keyring {
    wanted: Wanted,
    folder: PathBuf,
    has_bus: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Auto,
    SecretService,
    File,
}

/// A service and the name of an entry in it.
struct Entry<'r> {
    service: &'r str,
    name: &'r str,
}

impl Keyring {
    /// `folder` holds the encrypted file; `has_bus` says whether a session's message bus may be there to ask.
    ///
    /// # Errors
    /// A setting makes no sense.
    pub fn new(settings: &ProviderSettings, folder: PathBuf, has_bus: bool) -> Result<Self, SettingsError> {
        let settings: KeyringSettings = settings.read()?;
        let wanted = match settings.backend.as_deref() {
            None | Some("auto") => Wanted::Auto,
            Some("secret-service") => Wanted::SecretService,
            Some("file") => Wanted::File,
            Some(_) => {
                let reason = "`backend` is \"auto\", \"secret-service\" or \"file\"".to_owned();
                return Err(SettingsError::Bad { reason });
            }
        };
        Ok(Self { wanted, folder, has_bus })
    }

    /// Where entries are kept here.
    ///
    /// # Errors
    /// The Secret Service was asked for and does not answer.
    pub fn backend(&self) -> Result<KeyringBackend, ProviderError> {
        let file = || KeyringBackend::File { path: Fallback::new(&self.folder).path() };
        match self.wanted {
            Wanted::File => Ok(file()),
            Wanted::SecretService => desktop::answers().map(|()| KeyringBackend::SecretService),
            Wanted::Auto if !self.has_bus => Ok(file()),
            Wanted::Auto => Ok(desktop::answers().map_or_else(|_| file(), |()| KeyringBackend::SecretService)),
        }
    }

    /// The value of an entry.
    ///
    /// # Errors
    /// The keyring cannot be read. That nothing is there is none.
    pub fn get(&self, path: &str) -> Result<Option<Secret<String>>, ProviderError> {
        let entry = entry(path)?;
        match self.backend()? {
            KeyringBackend::SecretService => desktop::get(&entry),
            KeyringBackend::File { .. } => Fallback::new(&self.folder).get(&entry),
        }
    }

    /// Makes or changes an entry.
    ///
    /// # Errors
    /// The keyring cannot be written.
    pub fn set(&self, path: &str, value: &Secret<String>) -> Result<KeyringBackend, ProviderError> {
        let entry = entry(path)?;
        let backend = self.backend()?;
        match &backend {
            KeyringBackend::SecretService => desktop::set(&entry, value)?,
            KeyringBackend::File { .. } => Fallback::new(&self.folder).set(&entry, value)?,
        }
        Ok(backend)
    }

    /// Removes an entry; answers whether there was one.
    ///
    /// # Errors
    /// The keyring cannot be written.
    pub fn remove(&self, path: &str) -> Result<bool, ProviderError> {
        let entry = entry(path)?;
        match self.backend()? {
            KeyringBackend::SecretService => desktop::remove(&entry),
            KeyringBackend::File { .. } => Fallback::new(&self.folder).remove(&entry),
        }
    }
}

fn entry(path: &str) -> Result<Entry<'_>, ProviderError> {
    let (service, name) = path.split_once('/').unwrap_or((SERVICE, path));
    if service.is_empty() || name.is_empty() {
        let reason = "an entry of the keyring is NAME or SERVICE/NAME".to_owned();
        return Err(ProviderError::Malformed { reason });
    }
    Ok(Entry { service, name })
}

/// Reads a keyring.
pub struct KeyringProvider {
    keyring: Keyring,
}

impl KeyringProvider {
    /// Reads this one.
    pub const fn new(keyring: Keyring) -> Self {
        Self { keyring }
    }

    fn value(&self, reference: &SecretRef) -> Result<Secret<String>, ProviderError> {
        let path = reference.path();
        if let Some(value) = self.keyring.get(path)? {
            return Ok(value);
        }
        let backend = self.keyring.backend()?;
        let hint = format!("there is no entry {path} in {backend}; make it with `drover secret set keyring:{path}`");
        Err(ProviderError::NotFound { hint })
    }
}

impl Provider for KeyringProvider {
    fn name(&self) -> &'static str {
        "keyring"
    }

    fn read(&self, reference: &SecretRef) -> Result<SecretData, ProviderError> {
        let value = self.value(reference)?;
        match reference.field() {
            None => Ok(SecretData::Value(value)),
            Some(_) => document::parse_json(value.expose()).map(SecretData::Fields),
        }
    }

    fn check(&self, reference: &SecretRef) -> Result<Access, ProviderError> {
        match self.keyring.backend()? {
            // Asking a desktop's keyring may open a window.
            KeyringBackend::SecretService => Ok(Access::Unknown {
                reason: "the desktop's keyring answers; it is asked only for the value".to_owned(),
            }),
            KeyringBackend::File { .. } => self.value(reference).map(|_| Access::Readable),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keyring(folder: &std::path::Path) -> Keyring {
        Keyring::new(&ProviderSettings::of("keyring"), folder.to_owned(), false).unwrap()
    }

    #[test]
    fn without_a_desktop_an_encrypted_file_keeps_entries_and_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let keyring = keyring(folder.path());
        assert_eq!(keyring.get("db").unwrap().map(|value| value.expose().clone()), None);
        let backend = keyring.set("db", &Secret::from("hunter2")).unwrap();
        assert!(backend.to_string().contains("no desktop keyring"), "{backend}");
        keyring.set("other/db", &Secret::from("hunter3")).unwrap();
        assert_eq!(keyring.get("db").unwrap().unwrap().expose(), "hunter2");
        assert_eq!(keyring.get("drover/db").unwrap().unwrap().expose(), "hunter2");
        assert_eq!(keyring.get("other/db").unwrap().unwrap().expose(), "hunter3");
        for file in std::fs::read_dir(folder.path()).unwrap() {
            use std::os::unix::fs::PermissionsExt;
            let file = file.unwrap();
            let content = std::fs::read(file.path()).unwrap();
            assert!(!content.windows(7).any(|part| part == b"hunter2"), "{:?}", file.path());
            assert_eq!(file.metadata().unwrap().permissions().mode() & 0o077, 0, "{:?}", file.path());
        }
        assert!(keyring.remove("db").unwrap() && !keyring.remove("db").unwrap());
        assert!(keyring.get("db").unwrap().is_none());
    }

    #[test]
    fn a_missing_entry_names_the_place_and_the_remedy() {
        let folder = tempfile::tempdir().unwrap();
        let provider = KeyringProvider::new(keyring(folder.path()));
        let error = provider.read(&"keyring:db".parse().unwrap()).unwrap_err().to_string();
        assert!(error.contains("drover secret set keyring:db") && error.contains("encrypted file"), "{error}");
    }
}
