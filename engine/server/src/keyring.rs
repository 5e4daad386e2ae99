//! The root key, and what is sealed under it.
//!
//! The key is made at the first start and kept in the data directory, readable by its owner only.

use crate::error::{Result, ServerError};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use drover_base::uuid;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use serde::{Deserialize, Serialize};
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

const KEY_DIR: &str = "keystore";
const KEY_FILE: &str = "root.json";
const KEY_LEN: usize = 32;

/// Seals and opens with the root key.
pub struct Keyring {
    id: String,
    key: LessSafeKey,
}

/// The key file.
#[derive(Serialize, Deserialize)]
struct KeyFile {
    id: String,
    algorithm: String,
    key: String,
}

impl Keyring {
    /// Reads the key, or makes one.
    ///
    /// # Errors
    /// The key file cannot be read, written or understood.
    pub fn open(data_dir: Option<&Path>) -> Result<Self> {
        let Some(data_dir) = data_dir else { return Self::of(&generate()) };
        let dir = data_dir.join(KEY_DIR);
        let path = dir.join(KEY_FILE);
        let fault = |what: &str, error: &dyn std::fmt::Display| {
            ServerError::unavailable(format!("cannot {what} the root key {}: {error}", path.display()))
        };
        match fs::read(&path) {
            Ok(bytes) => Self::of(&serde_json::from_slice(&bytes).map_err(|error| fault("understand", &error))?),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let file = generate();
                fs::create_dir_all(&dir).map_err(|error| fault("write", &error))?;
                write(&path, &file).map_err(|error| fault("write", &error))?;
                Self::of(&file)
            }
            Err(error) => Err(fault("read", &error)),
        }
    }

    fn of(file: &KeyFile) -> Result<Self> {
        let damaged = || ServerError::unavailable("the root key is damaged: restore the key file from a backup");
        let bytes = STANDARD.decode(&file.key).map_err(|_| damaged())?;
        let key = UnboundKey::new(&AES_256_GCM, &bytes).map_err(|_| damaged())?;
        Ok(Self { id: file.id.clone(), key: LessSafeKey::new(key) })
    }

    /// The id of the key that seals.
    pub fn active_id(&self) -> &str {
        &self.id
    }

    /// Seals `plain`; it can be opened with the same `context` only.
    pub fn seal(&self, context: &str, plain: &[u8]) -> Result<Vec<u8>> {
        let nonce: [u8; NONCE_LEN] = rand::random();
        let mut sealed = plain.to_vec();
        self.key
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(context.as_bytes()), &mut sealed)
            .map_err(|_| ServerError::unavailable("the value cannot be sealed"))?;
        let mut out = nonce.to_vec();
        out.append(&mut sealed);
        Ok(out)
    }

    /// Opens what was sealed under key `id`.
    pub fn open_sealed(&self, id: &str, context: &str, sealed: &[u8]) -> Result<Vec<u8>> {
        if id != self.id {
            return Err(ServerError::unavailable(format!("root key {id} is not in this server's keystore")));
        }
        let damaged = || ServerError::unavailable("the sealed value is damaged");
        let (nonce, sealed) = sealed.split_at_checked(NONCE_LEN).ok_or_else(damaged)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| damaged())?;
        let mut buffer = sealed.to_vec();
        let plain = self.key.open_in_place(nonce, Aad::from(context.as_bytes()), &mut buffer).map_err(|_| damaged())?;
        Ok(plain.to_vec())
    }
}

fn generate() -> KeyFile {
    let key: [u8; KEY_LEN] = rand::random();
    KeyFile { id: uuid::random(), algorithm: "aes256-gcm".to_owned(), key: STANDARD.encode(key) }
}

/// Written whole or not at all.
fn write(path: &Path, file: &KeyFile) -> std::io::Result<()> {
    let partial = path.with_extension("partial");
    let mut out = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&partial)?;
    out.write_all(&serde_json::to_vec_pretty(file)?)?;
    out.sync_all()?;
    fs::rename(&partial, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_after_a_restart_and_only_in_its_place() {
        let dir = tempfile::tempdir().unwrap();
        let first = Keyring::open(Some(dir.path())).unwrap();
        let sealed = first.seal("default/app", b"secret").unwrap();
        let again = Keyring::open(Some(dir.path())).unwrap();
        assert_eq!(again.open_sealed(first.active_id(), "default/app", &sealed).unwrap(), b"secret");
        assert!(again.open_sealed(first.active_id(), "default/other", &sealed).is_err());
        assert!(Keyring::open(None).unwrap().open_sealed(first.active_id(), "default/app", &sealed).is_err());
    }
}
