//! An encrypted file in place of a desktop's keyring.

use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use super::Entry;
use crate::age::{self, Keys};
use crate::{ProviderError, Secret, document};

pub(super) struct Fallback<'f> {
    folder: &'f Path,
}

impl<'f> Fallback<'f> {
    pub(super) const fn new(folder: &'f Path) -> Self {
        Self { folder }
    }

    pub(super) fn path(&self) -> PathBuf {
        self.folder.join("keyring.age")
    }

    fn identity(&self) -> PathBuf {
        self.folder.join("keyring-identity.txt")
    }

    fn keys(&self) -> Keys {
        Keys { identity_files: vec![self.identity()], ask: None }
    }

    pub(super) fn get(&self, entry: &Entry<'_>) -> Result<Option<Secret<String>>, ProviderError> {
        let Some(text) = self.text()? else { return Ok(None) };
        Ok(document::parse_json(text.expose())?.remove(&key(entry)))
    }

    pub(super) fn set(&self, entry: &Entry<'_>, value: &Secret<String>) -> Result<(), ProviderError> {
        let lock = self.lock()?;
        let text = self.text()?.unwrap_or_else(|| Secret::from(""));
        let text = Secret::new(document::set(text.expose(), &key(entry), value.expose())?);
        let written = self.write(&text);
        drop(lock);
        written
    }

    pub(super) fn remove(&self, entry: &Entry<'_>) -> Result<bool, ProviderError> {
        let lock = self.lock()?;
        let Some(text) = self.text()? else { return Ok(false) };
        let Some(text) = document::remove(text.expose(), &key(entry))? else { return Ok(false) };
        let written = self.write(&Secret::new(text));
        drop(lock);
        written.map(|()| true)
    }

    fn text(&self) -> Result<Option<Secret<String>>, ProviderError> {
        let content = match std::fs::read(self.path()) {
            Ok(content) => content,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.unavailable(&error)),
        };
        let plain = self.keys().decrypt(&content);
        let plain = plain.map_err(|error| ProviderError::Denied { reason: self.named(&error) })?;
        let text = std::str::from_utf8(&plain);
        let text = text.map_err(|_| ProviderError::Malformed { reason: self.named(&"it is not UTF-8 text") })?;
        Ok(Some(Secret::from(text)))
    }

    fn write(&self, text: &Secret<String>) -> Result<(), ProviderError> {
        let keys = self.keys();
        let mut recipients = keys.recipients().map_err(|error| ProviderError::Denied { reason: self.named(&error) })?;
        if recipients.is_empty() {
            let made = age::generate();
            place(&self.identity(), made.text.expose().as_bytes()).map_err(|error| self.unavailable(&error))?;
            recipients.push(made.recipient);
        }
        let content = age::encrypt(text.expose().as_bytes(), &age::Access::Recipients(recipients))
            .map_err(|error| ProviderError::Malformed { reason: self.named(&error) })?;
        place(&self.path(), &content).map_err(|error| self.unavailable(&error))
    }

    /// Two commands that write at the same time do so one after the other.
    fn lock(&self) -> Result<std::fs::File, ProviderError> {
        let open = || {
            std::fs::DirBuilder::new().recursive(true).mode(0o700).create(self.folder)?;
            let path = self.folder.join("keyring.lock");
            let file = std::fs::OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(path)?;
            file.lock()?;
            Ok(file)
        };
        open().map_err(|error: std::io::Error| self.unavailable(&error))
    }

    fn unavailable(&self, error: &std::io::Error) -> ProviderError {
        ProviderError::Unavailable { reason: self.named(error) }
    }

    fn named(&self, what: &dyn std::fmt::Display) -> String {
        format!("{}: {what}", self.path().display())
    }
}

/// Dots in names are no fields within others here: the whole name is one key, found before any dotted one.
fn key(entry: &Entry<'_>) -> String {
    format!("{}/{}", entry.service, entry.name).replace('.', "%2E")
}

/// Writes beside the file and renames, so that there is always a whole one.
fn place(path: &Path, content: &[u8]) -> std::io::Result<()> {
    let beside = path.with_extension(format!("{}.tmp", std::process::id()));
    let mut file = std::fs::OpenOptions::new().create_new(true).write(true).mode(0o600).open(&beside)?;
    file.write_all(content)?;
    file.sync_all()?;
    std::fs::rename(&beside, path)
}
