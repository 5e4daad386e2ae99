//! The folder of root keys: one file per key, readable by its owner only.
//!
//! The secrets in a file are wrapped with a key-encryption key that lies beside them. That protects nothing by itself;
//! it is what makes the same file safe once that key comes from elsewhere, as the reference's layout foresees.

use super::material::{Material, SEAL_KEY_BYTES, open, seal};
use crate::error::{Result, ServerError};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use drover_model::UnixNanos;
use ring::aead::{AES_256_GCM, LessSafeKey, UnboundKey};
use ring::rand::{SecureRandom, SystemRandom};
use serde::{Deserialize, Serialize};
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use zeroize::{Zeroize, Zeroizing};

const FOLDER: &str = "keystore";
const SUFFIX: &str = ".aead.nks.json";
const PROVIDER: &str = "aead";
/// What keys are for.
pub(super) const ALGORITHM: &str = "aes256-gcm";

/// Where keys are kept; nowhere in dev mode.
pub(super) struct Keystore {
    folder: Option<PathBuf>,
}

/// A key's file.
#[derive(Serialize, Deserialize)]
struct KeyFile {
    #[serde(rename = "Meta")]
    meta: Meta,
    #[serde(rename = "Provider")]
    provider: String,
    #[serde(rename = "WrappedDataEncryptionKey")]
    wrapped_seal_key: String,
    #[serde(rename = "WrappedRSAKey")]
    wrapped_signing_key: String,
    #[serde(rename = "KeyEncryptionKey")]
    wrapping_key: String,
}

impl Drop for KeyFile {
    fn drop(&mut self) {
        self.wrapping_key.zeroize();
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Meta {
    #[serde(rename = "KeyID")]
    key_id: String,
    algorithm: String,
    create_time: UnixNanos,
}

impl Keystore {
    pub(super) fn new(data_dir: Option<&Path>) -> Self {
        Self { folder: data_dir.map(|dir| dir.join(FOLDER)) }
    }

    /// Reads a key; `None` when there is no such file.
    pub(super) fn read(&self, id: &str) -> Result<Option<Material>> {
        let Some(path) = self.path(id) else { return Ok(None) };
        let text = match fs::read(&path) {
            Ok(text) => Zeroizing::new(text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(fault("read", &path, &error)),
        };
        let file: KeyFile = serde_json::from_slice(&text).map_err(|error| fault("understand", &path, &error))?;
        if file.meta.key_id != id || file.provider != PROVIDER {
            return Err(fault("use", &path, &"it holds another key, or one of another provider"));
        }
        let wrapping_key = aead_key(&decode(&file.wrapping_key, &path)?)?;
        let unwrap = |wrapped: &str| {
            open(&wrapping_key, id, &decode(wrapped, &path)?).map(Zeroizing::new).map_err(|e| fault("open", &path, &e))
        };
        let (seal_key, signing_key) = (unwrap(&file.wrapped_seal_key)?, unwrap(&file.wrapped_signing_key)?);
        Material::new(id.to_owned(), file.meta.create_time, seal_key, signing_key).map(Some)
    }

    /// Writes a key: whole or not at all, and durable when this returns.
    pub(super) fn write(&self, material: &Material) -> Result<()> {
        let Some(path) = self.path(material.id()) else { return Ok(()) };
        let mut wrapping_bytes = Zeroizing::new([0; SEAL_KEY_BYTES]);
        SystemRandom::new()
            .fill(wrapping_bytes.as_mut())
            .map_err(|_| ServerError::unavailable("the system gives no randomness"))?;
        let wrapping_key = aead_key(wrapping_bytes.as_ref())?;
        let file = KeyFile {
            meta: Meta {
                key_id: material.id().to_owned(),
                algorithm: ALGORITHM.to_owned(),
                create_time: material.created(),
            },
            provider: PROVIDER.to_owned(),
            wrapped_seal_key: STANDARD.encode(seal(&wrapping_key, material.id(), material.seal_bytes())?),
            wrapped_signing_key: STANDARD.encode(seal(&wrapping_key, material.id(), material.signing_der())?),
            wrapping_key: STANDARD.encode(wrapping_bytes.as_ref()),
        };
        write_file(&path, &file).map_err(|error| fault("write", &path, &error))
    }

    /// Removes a key's file, if it is there.
    pub(super) fn remove(&self, id: &str) {
        let Some(path) = self.path(id) else { return };
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(path = %path.display(), %error, "the file of a removed root key is still there");
            }
            _ => {}
        }
    }

    /// Ids are UUIDs; anything else never becomes part of a path.
    fn path(&self, id: &str) -> Option<PathBuf> {
        let is_plain = id.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
        self.folder.as_ref().filter(|_| is_plain).map(|folder| folder.join(format!("{id}{SUFFIX}")))
    }
}

fn aead_key(bytes: &[u8]) -> Result<LessSafeKey> {
    let key = UnboundKey::new(&AES_256_GCM, bytes);
    Ok(LessSafeKey::new(key.map_err(|_| ServerError::unavailable("a wrapping key must have 32 bytes"))?))
}

fn decode(text: &str, path: &Path) -> Result<Zeroizing<Vec<u8>>> {
    STANDARD.decode(text).map(Zeroizing::new).map_err(|error| fault("understand", path, &error))
}

fn fault(action: &str, path: &Path, error: &dyn std::fmt::Display) -> ServerError {
    ServerError::unavailable(format!("cannot {action} the root key {}: {error}", path.display()))
}

fn write_file(path: &Path, file: &KeyFile) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let partial = path.with_extension("partial");
    let mut out = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&partial)?;
    out.write_all(&Zeroizing::new(serde_json::to_vec(file)?))?;
    out.sync_all()?;
    fs::rename(&partial, path)?;
    fs::File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_key_comes_back_from_its_file_which_shows_no_secret() {
        let dir = tempfile::tempdir().unwrap();
        let keystore = Keystore::new(Some(dir.path()));
        let made = Material::generate().unwrap();
        keystore.write(&made).unwrap();
        let path = keystore.path(made.id()).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::metadata(path.parent().unwrap()).unwrap().permissions().mode() & 0o777, 0o700);
        let text = fs::read_to_string(&path).unwrap();
        assert!(!text.contains(&STANDARD.encode(made.seal_bytes())));
        let read = keystore.read(made.id()).unwrap().unwrap();
        assert_eq!((read.seal_bytes(), read.public()), (made.seal_bytes(), made.public()));
        keystore.remove(made.id());
        assert!(keystore.read(made.id()).unwrap().is_none());
        assert!(keystore.read("../../etc/passwd").unwrap().is_none());
    }
}
