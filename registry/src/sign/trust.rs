//! Whose signatures count.

use super::{PublicKey, Rotation, SignatureDocument};
use crate::Digest;
use semver::Version;
use std::collections::BTreeSet;

/// Whom one believes about the packs of a registry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustPolicy {
    /// One of them must have signed what is used; empty: signatures are not asked for.
    pub trusted_keys: Vec<PublicKey>,
    /// Keys that took the place of others. Those that are false are passed over.
    pub rotations: Vec<Rotation>,
    /// Ids of keys that are believed no more, whoever names them.
    pub revoked_keys: BTreeSet<String>,
}

/// Why a version is not trusted.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum TrustError {
    /// There is no signature at all.
    #[error("{what} is not signed, and its registry's packs have to be (trusted: {})", trusted.join(", "))]
    Unsigned {
        /// Name and version.
        what: String,
        /// Ids of the trusted keys.
        trusted: Vec<String>,
    },
    /// No signature counts.
    #[error("{what} is not signed by a trusted key (trusted: {}); {}", trusted.join(", "), reasons.join("; "))]
    Untrusted {
        /// Name and version.
        what: String,
        /// Ids of the trusted keys.
        trusted: Vec<String>,
        /// What is wrong with each signature.
        reasons: Vec<String>,
    },
}

impl TrustPolicy {
    /// Whether signatures are asked for.
    pub fn is_required(&self) -> bool {
        !self.trusted_keys.is_empty()
    }

    /// Whether this key counts: it is named, or took the place of one that counts, and neither is revoked.
    pub fn trusts(&self, key: &PublicKey) -> bool {
        let is_revoked = |key: &PublicKey| self.revoked_keys.contains(&key.id());
        let mut reached: Vec<PublicKey> = self.trusted_keys.iter().copied().filter(|key| !is_revoked(key)).collect();
        let mut at = 0;
        // A revoked key's word is worth nothing, also not about its successor.
        while let Some(from) = reached.get(at).copied() {
            if from == *key {
                return true;
            }
            for rotation in self.rotations.iter().filter(|rotation| rotation.old_key == from && rotation.is_sound()) {
                if !is_revoked(&rotation.new_key) && !reached.contains(&rotation.new_key) {
                    reached.push(rotation.new_key);
                }
            }
            at += 1;
        }
        false
    }

    /// Checks the signatures of a version; answers the id of the key that vouches for it, none where nobody asks.
    ///
    /// # Errors
    /// Signatures are asked for and none counts.
    pub fn check(
        &self,
        name: &str,
        version: &Version,
        digest: &Digest,
        signatures: &[SignatureDocument],
    ) -> Result<Option<String>, TrustError> {
        let mut reasons = Vec::new();
        for signature in signatures {
            match signature.verify(name, version, digest) {
                Ok(key) if self.trusts(&key) => return Ok(Some(key.id())),
                Ok(key) if self.revoked_keys.contains(&key.id()) => {
                    reasons.push(format!("key {} is revoked", key.id()));
                }
                Ok(key) => reasons.push(format!("key {} is not trusted", key.id())),
                Err(error) => reasons.push(error.to_string()),
            }
        }
        if !self.is_required() {
            return Ok(None);
        }
        let what = format!("{name} {version}");
        let trusted = self.trusted_keys.iter().map(PublicKey::id).collect();
        Err(match reasons.is_empty() {
            true => TrustError::Unsigned { what, trusted },
            false => TrustError::Untrusted { what, trusted, reasons },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::SigningKey;
    use super::*;

    const AT: &str = "2026-01-01T00:00:00Z";

    fn check(policy: &TrustPolicy, signer: &SigningKey) -> Result<Option<String>, TrustError> {
        let (version, digest) = (Version::new(1, 0, 0), Digest::of(b"x"));
        policy.check("web", &version, &digest, &[SignatureDocument::sign(signer, "web", &version, &digest, AT)])
    }

    #[test]
    fn only_trusted_keys_count() {
        let (own, other) = (SigningKey::generate(), SigningKey::generate());
        let policy = TrustPolicy { trusted_keys: vec![own.public()], ..TrustPolicy::default() };
        assert_eq!(check(&policy, &own), Ok(Some(own.public().id())));
        assert!(matches!(check(&policy, &other), Err(TrustError::Untrusted { .. })));
        let unsigned = policy.check("web", &Version::new(1, 0, 0), &Digest::of(b"x"), &[]);
        assert!(matches!(unsigned, Err(TrustError::Unsigned { .. })));
        assert_eq!(check(&TrustPolicy::default(), &other), Ok(None));
    }

    #[test]
    fn a_successor_is_trusted_until_one_of_the_chain_is_revoked() {
        let (old, middle, new) = (SigningKey::generate(), SigningKey::generate(), SigningKey::generate());
        let mut policy = TrustPolicy {
            trusted_keys: vec![old.public()],
            rotations: vec![Rotation::sign(&middle, new.public(), AT), Rotation::sign(&old, middle.public(), AT)],
            ..TrustPolicy::default()
        };
        assert!(check(&policy, &new).is_ok() && check(&policy, &old).is_ok());
        policy.revoked_keys.insert(middle.public().id());
        assert!(check(&policy, &new).is_err() && check(&policy, &old).is_ok());
    }

    #[test]
    fn nobody_appoints_himself() {
        let (old, thief) = (SigningKey::generate(), SigningKey::generate());
        let mut rotation = Rotation::sign(&thief, thief.public(), AT);
        rotation.old_key = old.public();
        let policy =
            TrustPolicy { trusted_keys: vec![old.public()], rotations: vec![rotation], ..TrustPolicy::default() };
        assert!(check(&policy, &thief).is_err());
    }
}
