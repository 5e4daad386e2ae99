//! The signature of one version, as it is stored beside the archive.

use super::{PublicKey, SigningKey};
use crate::{Digest, name};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use semver::Version;
use serde::{Deserialize, Serialize};

const FORMAT: &str = "drover-signature/1";
const ALGORITHM: &str = "ed25519";

/// A signature. The signed bytes are five lines, each with a newline at its end: `drover-signature/1`, name, version,
/// digest, time.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub struct SignatureDocument {
    /// `drover-signature/1`
    pub format: String,
    /// `ed25519`
    pub algorithm: String,
    /// The first 8 bytes of SHA-256 over the public key, in hexadecimal.
    pub key_id: String,
    /// The 32 bytes in base64.
    pub public_key: String,
    /// The pack's own name, without team or registry.
    pub name: String,
    /// Semver.
    pub version: String,
    /// Of the archive.
    pub digest: Digest,
    /// RFC 3339 in UTC.
    pub signed_at: String,
    /// The 64 bytes in base64.
    pub signature: String,
}

/// Why a signature is none.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignatureError {
    /// Another format or algorithm.
    #[error("the signature by key {key_id} is of an unknown kind ({format}, {algorithm})")]
    Unknown {
        /// Whose.
        key_id: String,
        /// What it says.
        format: String,
        /// What it says.
        algorithm: String,
    },
    /// The key or its id is wrong.
    #[error("the signature by key {key_id} does not hold the key that it names")]
    Key {
        /// Whose.
        key_id: String,
    },
    /// It does not verify.
    #[error("the signature by key {key_id} is false: it does not fit what it claims to sign")]
    False {
        /// Whose.
        key_id: String,
    },
    /// It signs something else.
    #[error("the signature by key {key_id} is of {actual}, not of {expected}")]
    OfAnother {
        /// Whose.
        key_id: String,
        /// What it is of.
        actual: String,
        /// What was wanted.
        expected: String,
    },
}

impl SignatureDocument {
    /// Signs a version. `signed_at` is RFC 3339 in UTC.
    pub fn sign(key: &SigningKey, name: &str, version: &Version, digest: &Digest, signed_at: &str) -> Self {
        let public = key.public();
        let mut document = Self {
            format: FORMAT.to_owned(),
            algorithm: ALGORITHM.to_owned(),
            key_id: public.id(),
            public_key: STANDARD.encode(public.as_bytes()),
            name: name.to_owned(),
            version: version.to_string(),
            digest: *digest,
            signed_at: signed_at.to_owned(),
            signature: String::new(),
        };
        document.signature = STANDARD.encode(key.sign(document.message().as_bytes()));
        document
    }

    /// The signed bytes.
    fn message(&self) -> String {
        let Self { name, version, digest, signed_at, .. } = self;
        format!("{FORMAT}\n{name}\n{version}\n{digest}\n{signed_at}\n")
    }

    /// Whether it is sound in itself; says nothing about whom to trust.
    ///
    /// # Errors
    /// It is not.
    pub fn verify_self(&self) -> Result<PublicKey, SignatureError> {
        let key_id = || self.key_id.chars().take(32).collect::<String>();
        if self.format != FORMAT || self.algorithm != ALGORITHM {
            let (format, algorithm) = (self.format.clone(), self.algorithm.clone());
            return Err(SignatureError::Unknown { key_id: key_id(), format, algorithm });
        }
        let key = STANDARD.decode(&self.public_key).ok().and_then(|bytes| PublicKey::from_bytes(&bytes).ok());
        let key = key.filter(|key| key.id() == self.key_id).ok_or_else(|| SignatureError::Key { key_id: key_id() })?;
        // Names and versions without newlines make the signed lines unambiguous.
        let is_plain = name::check("pack", &self.name).is_ok()
            && name::version(&self.version).is_ok()
            && !self.signed_at.contains(char::is_control);
        let signature = STANDARD.decode(&self.signature).unwrap_or_default();
        if is_plain && key.verifies(self.message().as_bytes(), &signature) {
            Ok(key)
        } else {
            Err(SignatureError::False { key_id: key_id() })
        }
    }

    /// As [`Self::verify_self`], and that it is of this pack, version and digest.
    ///
    /// # Errors
    /// It is not.
    pub fn verify(&self, name: &str, version: &Version, digest: &Digest) -> Result<PublicKey, SignatureError> {
        let key = self.verify_self()?;
        let expected = format!("{name} {version} ({digest})");
        let actual = format!("{} {} ({})", self.name, self.version, self.digest);
        if expected == actual {
            Ok(key)
        } else {
            Err(SignatureError::OfAnother { key_id: self.key_id.clone(), actual, expected })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signed() -> (SignatureDocument, Version, Digest) {
        let (version, digest) = (Version::new(1, 2, 3), Digest::of(b"x"));
        let document =
            SignatureDocument::sign(&SigningKey::generate(), "web", &version, &digest, "2026-01-01T00:00:00Z");
        (document, version, digest)
    }

    #[test]
    fn a_signature_survives_json() {
        let (document, version, digest) = signed();
        let text = serde_json::to_string(&document).unwrap();
        let read: SignatureDocument = serde_json::from_str(&text).unwrap();
        assert_eq!(read.verify("web", &version, &digest).unwrap().id(), document.key_id);
    }

    #[test]
    fn every_field_is_covered() {
        let changes: [fn(&mut SignatureDocument); 6] = [
            |document| document.name = "wep".to_owned(),
            |document| document.version = "1.2.4".to_owned(),
            |document| document.digest = Digest::of(b"y"),
            |document| document.signed_at = "2026-01-01T00:00:01Z".to_owned(),
            |document| document.key_id = "0".repeat(16),
            |document| document.name = "web\n1.2.3".to_owned(),
        ];
        for (index, change) in changes.iter().enumerate() {
            let (mut document, ..) = signed();
            change(&mut document);
            assert!(document.verify_self().is_err(), "change {index} was not noticed");
        }
    }

    #[test]
    fn a_sound_signature_of_another_version_is_refused() {
        let (document, version, digest) = signed();
        let error = document.verify("api", &version, &digest).unwrap_err();
        assert!(matches!(error, SignatureError::OfAnother { .. }), "{error}");
    }
}
