//! Files in the age format (age-encryption.org/v1): to recipients or under a passphrase.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use age::secrecy::{ExposeSecret, SecretString};
use age::{Decryptor, Encryptor, Identity, Recipient, armor, scrypt, x25519};
use zeroize::Zeroizing;

use crate::Secret;

/// The largest content, in bytes.
const MAX_CONTENT_BYTES: u64 = 64 * 1024 * 1024;
/// The largest file of identities, in bytes.
const MAX_IDENTITY_BYTES: u64 = 64 * 1024;
/// The most work that a file may ask for to try a passphrase, as a power of two. 2^22 is some seconds.
const MAX_WORK_FACTOR: u8 = 22;

const BINARY: &[u8] = b"age-encryption.org/v1";
const ARMORED: &[u8] = b"-----BEGIN AGE ENCRYPTED FILE-----";

/// Why something is not encrypted or decrypted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AgeError {
    /// None of the identities is a recipient of the file.
    #[error("none of the identities opens it (tried: {tried})")]
    NotARecipient {
        /// Where the identities came from.
        tried: String,
    },
    /// It is under a passphrase, and there is none.
    #[error(
        "it is encrypted with a passphrase, and none is given; set DROVER_AGE_PASSPHRASE or run this in a terminal"
    )]
    PassphraseNeeded,
    /// The passphrase is another one.
    #[error("the passphrase does not open it")]
    WrongPassphrase,
    /// There are no identities.
    #[error(
        "there is no identity to open it with; make one with `drover secret keygen`, or name one with DROVER_AGE_IDENTITY"
    )]
    NoIdentity,
    /// It is damaged, or not in this format.
    #[error("it is damaged or no age file: {reason}")]
    Damaged {
        /// What is wrong.
        reason: String,
    },
    /// A file of identities cannot be used.
    #[error("the identity file {}: {reason}", path.display())]
    Identity {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A text is no recipient.
    #[error("`{text}` is no recipient; a recipient begins with age1")]
    Recipient {
        /// The text.
        text: String,
    },
    /// Nobody could read it.
    #[error("there is no recipient, so nobody could read it")]
    NoRecipient,
}

/// Asks for a passphrase; the text says of what. None when there is nobody to ask.
pub type AskPassphrase = dyn Fn(&str) -> Option<Secret<String>> + Send + Sync;

/// What opens files.
#[derive(Clone, Default)]
pub struct Keys {
    /// Files of identities (`AGE-SECRET-KEY-1…`, one a line). Those that are not there are passed over.
    pub identity_files: Vec<PathBuf>,
    /// Asks for a passphrase.
    pub ask: Option<Arc<AskPassphrase>>,
}

/// Who can open a file.
#[derive(Clone, Debug)]
pub enum Access {
    /// Those with the identity of one of these public keys (`age1…`).
    Recipients(Vec<String>),
    /// Everybody who knows the passphrase.
    Passphrase(Secret<String>),
}

/// An identity that was made.
pub struct NewIdentity {
    /// The text of its file, with the public key in a comment.
    pub text: Secret<String>,
    /// The public key.
    pub recipient: String,
}

/// Whether these are the first bytes of an age file.
pub fn is_age(bytes: &[u8]) -> bool {
    bytes.starts_with(BINARY) || bytes.starts_with(ARMORED)
}

/// Whether the file is encrypted with a passphrase rather than to recipients.
pub fn is_passphrase(content: &[u8]) -> bool {
    Decryptor::new(armor::ArmoredReader::new(content)).is_ok_and(|decryptor| decryptor.is_scrypt())
}

/// Makes an identity.
pub fn generate() -> NewIdentity {
    let identity = x25519::Identity::generate();
    let recipient = identity.to_public().to_string();
    let secret = identity.to_string();
    let text = format!("# public key: {recipient}\n{}\n", secret.expose_secret());
    NewIdentity { text: Secret::new(text), recipient }
}

impl Keys {
    /// Decrypts a file.
    ///
    /// # Errors
    /// Nothing here opens it, or it is damaged.
    pub fn decrypt(&self, content: &[u8]) -> Result<Zeroizing<Vec<u8>>, AgeError> {
        let reader = armor::ArmoredReader::new(content);
        let decryptor = Decryptor::new(reader).map_err(|error| damaged(&error))?;
        if decryptor.is_scrypt() {
            let ask = self.ask.as_ref().ok_or(AgeError::PassphraseNeeded)?;
            let passphrase = ask("Passphrase: ").ok_or(AgeError::PassphraseNeeded)?;
            let mut identity = scrypt::Identity::new(SecretString::from(passphrase.expose().clone()));
            identity.set_max_work_factor(MAX_WORK_FACTOR);
            let plain = decryptor.decrypt(std::iter::once(&identity as &dyn Identity));
            return read(plain.map_err(|error| match error {
                age::DecryptError::DecryptionFailed | age::DecryptError::KeyDecryptionFailed => {
                    AgeError::WrongPassphrase
                }
                other => damaged(&other),
            })?);
        }
        let identities = self.identities()?;
        if identities.is_empty() {
            return Err(AgeError::NoIdentity);
        }
        let identities: Vec<&dyn Identity> = identities.iter().map(|identity| identity as &dyn Identity).collect();
        let plain = decryptor.decrypt(identities.into_iter()).map_err(|error| match error {
            age::DecryptError::NoMatchingKeys => AgeError::NotARecipient { tried: self.shown() },
            other => damaged(&other),
        })?;
        read(plain)
    }

    /// The public keys of the identities.
    ///
    /// # Errors
    /// An identity file cannot be used.
    pub fn recipients(&self) -> Result<Vec<String>, AgeError> {
        Ok(self.identities()?.iter().map(|identity| identity.to_public().to_string()).collect())
    }

    fn identities(&self) -> Result<Vec<x25519::Identity>, AgeError> {
        let mut identities = Vec::new();
        for path in &self.identity_files {
            identities.extend(identities_of(path)?);
        }
        Ok(identities)
    }

    fn shown(&self) -> String {
        let paths: Vec<_> = self.identity_files.iter().map(|path| path.display().to_string()).collect();
        paths.join(", ")
    }
}

fn identities_of(path: &Path) -> Result<Vec<x25519::Identity>, AgeError> {
    let bad = |reason: String| AgeError::Identity { path: path.to_owned(), reason };
    let file = match std::fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(bad(error.to_string())),
    };
    let metadata = file.metadata().map_err(|error| bad(error.to_string()))?;
    crate::providers::check_private(path, &metadata).map_err(|error| bad(error.to_string()))?;
    let mut text = Zeroizing::new(String::new());
    file.take(MAX_IDENTITY_BYTES).read_to_string(&mut text).map_err(|error| bad(error.to_string()))?;
    let mut identities = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        // The line itself is not repeated: it may be a key with a slip in it.
        let identity = line.parse().map_err(|_| bad(format!("line {} is no AGE-SECRET-KEY-1…", index + 1)))?;
        identities.push(identity);
    }
    Ok(identities)
}

/// Encrypts `content` as text, which goes into version control.
///
/// # Errors
/// A recipient is none.
pub fn encrypt(content: &[u8], access: &Access) -> Result<Vec<u8>, AgeError> {
    let encryptor = match access {
        Access::Passphrase(passphrase) => {
            Encryptor::with_user_passphrase(SecretString::from(passphrase.expose().clone()))
        }
        Access::Recipients(recipients) => {
            let recipients: Vec<x25519::Recipient> =
                recipients.iter().map(|text| parse_recipient(text)).collect::<Result<_, _>>()?;
            if recipients.is_empty() {
                return Err(AgeError::NoRecipient);
            }
            Encryptor::with_recipients(recipients.iter().map(|recipient| recipient as &dyn Recipient))
                .map_err(|error| AgeError::Damaged { reason: error.to_string() })?
        }
    };
    let failed = |error: std::io::Error| AgeError::Damaged { reason: error.to_string() };
    let output = armor::ArmoredWriter::wrap_output(Vec::new(), armor::Format::AsciiArmor).map_err(failed)?;
    let mut writer = encryptor.wrap_output(output).map_err(failed)?;
    writer.write_all(content).map_err(failed)?;
    writer.finish().and_then(armor::ArmoredWriter::finish).map_err(failed)
}

/// Checks that a text is a recipient.
///
/// # Errors
/// It is none.
pub fn check_recipient(text: &str) -> Result<(), AgeError> {
    parse_recipient(text).map(|_| ())
}

fn parse_recipient(text: &str) -> Result<x25519::Recipient, AgeError> {
    // Somebody may take the wrong line of an identity file.
    let shown = || if text.to_ascii_uppercase().starts_with("AGE-SECRET-KEY") { crate::MASK } else { text }.to_owned();
    text.parse().map_err(|_| AgeError::Recipient { text: shown() })
}

fn read(reader: impl Read) -> Result<Zeroizing<Vec<u8>>, AgeError> {
    let mut plain = Zeroizing::new(Vec::new());
    let mut reader = reader.take(MAX_CONTENT_BYTES + 1);
    reader.read_to_end(&mut plain).map_err(|error| AgeError::Damaged { reason: error.to_string() })?;
    if plain.len() as u64 > MAX_CONTENT_BYTES {
        return Err(AgeError::Damaged { reason: format!("its content is larger than {MAX_CONTENT_BYTES} bytes") });
    }
    Ok(plain)
}

fn damaged(error: &age::DecryptError) -> AgeError {
    let reason = match error {
        age::DecryptError::InvalidMac => "it was changed after it was written",
        age::DecryptError::InvalidHeader | age::DecryptError::UnknownFormat => "its first lines are not understood",
        age::DecryptError::ExcessiveWork { .. } => "it asks for more work than is reasonable",
        age::DecryptError::DecryptionFailed | age::DecryptError::KeyDecryptionFailed => "it does not decrypt",
        age::DecryptError::Io(_) => "it is cut short or no age file",
        _ => "it is not understood",
    };
    AgeError::Damaged { reason: reason.to_owned() }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn keys(folder: &Path, name: &str) -> (Keys, String) {
        let identity = generate();
        let path = folder.join(name);
        std::fs::write(&path, identity.text.expose()).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        (Keys { identity_files: vec![path], ask: None }, identity.recipient)
    }

    #[test]
    fn recipients_open_it_and_others_do_not() {
        let folder = tempfile::tempdir().unwrap();
        let (mine, me) = keys(folder.path(), "me");
        let (theirs, _) = keys(folder.path(), "them");
        assert_eq!(mine.recipients().unwrap(), std::slice::from_ref(&me));
        let file = encrypt(b"hunter2", &Access::Recipients(vec![me])).unwrap();
        assert!(is_age(&file) && !file.windows(7).any(|part| part == b"hunter2"));
        assert_eq!(&**mine.decrypt(&file).unwrap(), b"hunter2");
        let error = theirs.decrypt(&file).unwrap_err();
        assert!(matches!(&error, AgeError::NotARecipient { tried } if tried.contains("them")), "{error}");
        assert!(matches!(Keys::default().decrypt(&file), Err(AgeError::NoIdentity)));
        let mut cut = file.clone();
        cut.truncate(file.len() / 2);
        assert!(matches!(mine.decrypt(&cut), Err(AgeError::Damaged { .. })));
    }

    #[test]
    fn passphrases() {
        let passphrase = Secret::from("correct horse");
        let file = encrypt(b"hunter2", &Access::Passphrase(passphrase.clone())).unwrap();
        let knows = |text: &'static str| Keys {
            ask: Some(Arc::new(move |_: &str| Some(Secret::from(text)))),
            ..Keys::default()
        };
        assert_eq!(&**knows("correct horse").decrypt(&file).unwrap(), b"hunter2");
        assert!(matches!(knows("wrong").decrypt(&file), Err(AgeError::WrongPassphrase)));
        assert!(matches!(Keys::default().decrypt(&file), Err(AgeError::PassphraseNeeded)));
    }

    #[test]
    fn an_identity_file_that_others_may_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let (mine, me) = keys(folder.path(), "me");
        let file = encrypt(b"x", &Access::Recipients(vec![me])).unwrap();
        std::fs::set_permissions(&mine.identity_files[0], std::fs::Permissions::from_mode(0o644)).unwrap();
        let error = mine.decrypt(&file).unwrap_err().to_string();
        assert!(error.contains("chmod 600"), "{error}");
    }

    #[test]
    fn a_secret_key_among_recipients_is_not_repeated() {
        let identity = generate();
        let key = identity.text.expose().lines().last().unwrap().to_owned();
        let error = check_recipient(&key).unwrap_err().to_string();
        assert!(!error.contains(&key), "{error}");
        assert!(matches!(encrypt(b"x", &Access::Recipients(vec![])), Err(AgeError::NoRecipient)));
    }
}
