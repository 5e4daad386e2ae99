//! A signing key at rest: sealed with a passphrase (scrypt, AES-256-GCM).

use super::{PublicKey, SigningKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use scrypt::Params;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

const FORMAT: &str = "drover-key/1";

/// How much work it is to try a passphrase: two to the power of this many rounds, of 1 KiB memory each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Work(pub u8);

/// 128 MiB and about half a second: what the `age` tool takes is within a factor of two.
impl Default for Work {
    fn default() -> Self {
        Self(17)
    }
}

/// More than 1 GiB would be a trap, not a key.
const MAX_WORK: u8 = 20;

/// A sealed key, stored as JSON.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub struct KeyFile {
    format: String,
    /// The half for everybody.
    pub public_key: PublicKey,
    /// The first 8 bytes of SHA-256 over the public key.
    pub key_id: String,
    kdf: String,
    log_n: u8,
    salt: String,
    cipher: String,
    nonce: String,
    sealed: String,
}

/// Why a key does not open.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyFileError {
    /// Not JSON of this kind.
    #[error("it is no signing key of drover: {reason}")]
    Format {
        /// Why.
        reason: String,
    },
    /// The passphrase is wrong, or the file was changed.
    #[error("the passphrase is wrong, or the file was changed")]
    Closed,
}

fn format(reason: &str) -> KeyFileError {
    KeyFileError::Format { reason: reason.to_owned() }
}

impl KeyFile {
    /// Seals a key.
    ///
    /// # Errors
    /// The work is beyond what is sensible.
    pub fn seal(key: &SigningKey, passphrase: &str, work: Work) -> Result<Self, KeyFileError> {
        let salt: [u8; 16] = crate::random_bytes();
        let nonce: [u8; 12] = crate::random_bytes();
        let public_key = key.public();
        let cipher = cipher(passphrase, &salt, work.0)?;
        let mut sealed = key.to_bytes().to_vec();
        cipher
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(public_key.as_bytes()),
                &mut sealed,
            )
            .map_err(|_| KeyFileError::Closed)?;
        Ok(Self {
            format: FORMAT.to_owned(),
            public_key,
            key_id: public_key.id(),
            kdf: "scrypt".to_owned(),
            log_n: work.0,
            salt: STANDARD.encode(salt),
            cipher: "aes-256-gcm".to_owned(),
            nonce: STANDARD.encode(nonce),
            sealed: STANDARD.encode(sealed),
        })
    }

    /// Opens it.
    ///
    /// # Errors
    /// The passphrase is wrong, or the file is of another kind.
    pub fn open(&self, passphrase: &str) -> Result<SigningKey, KeyFileError> {
        if self.format != FORMAT || self.kdf != "scrypt" || self.cipher != "aes-256-gcm" {
            return Err(format("its format is unknown; a newer drover may have made it"));
        }
        let decode = |text: &str| STANDARD.decode(text).map_err(|_| format("it is not base64"));
        let nonce: [u8; 12] = decode(&self.nonce)?.try_into().map_err(|_| format("its nonce has the wrong length"))?;
        let cipher = cipher(passphrase, &decode(&self.salt)?, self.log_n)?;
        let mut sealed = Zeroizing::new(decode(&self.sealed)?);
        let nonce = Nonce::assume_unique_for_key(nonce);
        let opened = cipher
            .open_in_place(nonce, Aad::from(self.public_key.as_bytes()), &mut sealed)
            .map_err(|_| KeyFileError::Closed)?;
        let bytes: Zeroizing<[u8; 32]> = Zeroizing::new((&*opened).try_into().map_err(|_| KeyFileError::Closed)?);
        let key = SigningKey::from_bytes(&bytes);
        if key.public() == self.public_key { Ok(key) } else { Err(KeyFileError::Closed) }
    }

    /// From the text of a file.
    ///
    /// # Errors
    /// It is none.
    pub fn parse(text: &str) -> Result<Self, KeyFileError> {
        serde_json::from_str(text).map_err(|error| format(&error.to_string()))
    }

    /// The text of a file.
    pub fn to_text(&self) -> String {
        let text = serde_json::to_string_pretty(self).unwrap_or_default();
        format!("{text}\n")
    }
}

fn cipher(passphrase: &str, salt: &[u8], log_n: u8) -> Result<LessSafeKey, KeyFileError> {
    if log_n > MAX_WORK {
        return Err(format("opening it would take more memory than is sensible"));
    }
    let params = Params::new(log_n, 8, 1, 32).map_err(|_| format("its parameters are wrong"))?;
    let mut key = Zeroizing::new([0; 32]);
    scrypt::scrypt(passphrase.as_bytes(), salt, &params, key.as_mut())
        .map_err(|_| format("its parameters are wrong"))?;
    let key = UnboundKey::new(&AES_256_GCM, key.as_ref()).map_err(|_| KeyFileError::Closed)?;
    Ok(LessSafeKey::new(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_its_passphrase_opens_a_key() {
        let key = SigningKey::generate();
        let sealed = KeyFile::seal(&key, "correct horse", Work(4)).unwrap();
        let read = KeyFile::parse(&sealed.to_text()).unwrap();
        assert_eq!(read.open("correct horse").unwrap().public(), key.public());
        assert_eq!(read.open("battery staple").unwrap_err(), KeyFileError::Closed);
    }

    #[test]
    fn another_public_key_in_the_file_is_noticed() {
        let mut sealed = KeyFile::seal(&SigningKey::generate(), "p", Work(4)).unwrap();
        sealed.public_key = SigningKey::generate().public();
        assert_eq!(sealed.open("p").unwrap_err(), KeyFileError::Closed);
    }

    #[test]
    fn a_file_that_asks_for_too_much_memory_is_refused() {
        let mut sealed = KeyFile::seal(&SigningKey::generate(), "p", Work(4)).unwrap();
        sealed.log_n = 40;
        assert!(matches!(sealed.open("p"), Err(KeyFileError::Format { .. })));
    }
}
