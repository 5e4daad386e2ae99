//! The secrets of one root key: an AES-256 key that seals, and an RSA key that signs.

use crate::error::{Result, ServerError};
use drover_base::uuid;
use drover_model::UnixNanos;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom, SystemRandom};
use ring::rsa::PublicKeyComponents;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use rsa::RsaPrivateKey;
use rsa::pkcs1::EncodeRsaPrivateKey;
use zeroize::Zeroizing;

/// Bytes of an AES-256 key.
pub(crate) const SEAL_KEY_BYTES: usize = 32;
/// Bits of the keys that sign; the smallest that every verifier takes.
const SIGNING_KEY_BITS: usize = 2048;

/// A root key's secrets, ready for use. Prints nothing of them.
pub(crate) struct Material {
    id: String,
    created: UnixNanos,
    seal_bytes: Zeroizing<Vec<u8>>,
    seal_key: LessSafeKey,
    signing_der: Zeroizing<Vec<u8>>,
    signing_key: RsaKeyPair,
}

impl Material {
    /// Makes a new key. Takes a good part of a second of computing.
    pub(crate) fn generate() -> Result<Self> {
        let mut seal = Zeroizing::new(vec![0; SEAL_KEY_BYTES]);
        SystemRandom::new().fill(&mut seal).map_err(|_| ServerError::unavailable("the system gives no randomness"))?;
        let failed = |error: &dyn std::fmt::Display| ServerError::unavailable(format!("cannot make a key: {error}"));
        let signing = RsaPrivateKey::new(&mut SystemRng, SIGNING_KEY_BITS).map_err(|error| failed(&error))?;
        let der = signing.to_pkcs1_der().map_err(|error| failed(&error))?;
        Self::new(uuid::random(), UnixNanos::now(), seal, Zeroizing::new(der.as_bytes().to_vec()))
    }

    /// A key from its parts: an AES-256 key, and an RSA key as PKCS#1 DER.
    pub(crate) fn new(
        id: String,
        created: UnixNanos,
        seal_bytes: Zeroizing<Vec<u8>>,
        signing_der: Zeroizing<Vec<u8>>,
    ) -> Result<Self> {
        let damaged = || {
            ServerError::unavailable(format!(
                "root key {id} is damaged: restore its file in the keystore from a backup"
            ))
        };
        let seal_key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &seal_bytes).map_err(|_| damaged())?);
        let signing_key = RsaKeyPair::from_der(&signing_der).map_err(|_| damaged())?;
        Ok(Self { id, created, seal_bytes, seal_key, signing_der, signing_key })
    }

    /// Its UUID.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }
    /// When it was made.
    pub(crate) fn created(&self) -> UnixNanos {
        self.created
    }
    /// The AES key, to be wrapped.
    pub(super) fn seal_bytes(&self) -> &[u8] {
        &self.seal_bytes
    }
    /// The RSA key, to be wrapped.
    pub(super) fn signing_der(&self) -> &[u8] {
        &self.signing_der
    }

    /// Modulus and exponent of the public half, big endian.
    pub(crate) fn public(&self) -> (Vec<u8>, Vec<u8>) {
        let PublicKeyComponents { n, e } = PublicKeyComponents::<Vec<u8>>::from(self.signing_key.public());
        (n, e)
    }

    /// Seals `plain`; it can be opened with the same `context` only.
    pub(crate) fn seal(&self, context: &str, plain: &[u8]) -> Result<Vec<u8>> {
        seal(&self.seal_key, context, plain)
    }

    /// Opens what this key sealed.
    pub(crate) fn open(&self, context: &str, sealed: &[u8]) -> Result<Vec<u8>> {
        open(&self.seal_key, context, sealed)
    }

    /// Signs with RSASSA-PKCS1-v1_5 over SHA-256.
    pub(crate) fn sign(&self, message: &[u8]) -> Result<Vec<u8>> {
        let mut signature = vec![0; self.signing_key.public().modulus_len()];
        self.signing_key
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature)
            .map_err(|_| ServerError::unavailable("the identity cannot be signed"))?;
        Ok(signature)
    }
}

/// Seals with any key: nonce, then ciphertext and tag.
pub(super) fn seal(key: &LessSafeKey, context: &str, plain: &[u8]) -> Result<Vec<u8>> {
    let failed = || ServerError::unavailable("the value cannot be sealed");
    let mut nonce = [0; NONCE_LEN];
    SystemRandom::new().fill(&mut nonce).map_err(|_| failed())?;
    let mut out = nonce.to_vec();
    let mut sealed = plain.to_vec();
    key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(context.as_bytes()), &mut sealed)
        .map_err(|_| failed())?;
    out.append(&mut sealed);
    Ok(out)
}

/// Opens what [`seal`] made.
pub(super) fn open(key: &LessSafeKey, context: &str, sealed: &[u8]) -> Result<Vec<u8>> {
    let damaged = || ServerError::unavailable("the sealed value is damaged");
    let (nonce, sealed) = sealed.split_at_checked(NONCE_LEN).ok_or_else(damaged)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| damaged())?;
    let mut buffer = Zeroizing::new(sealed.to_vec());
    let plain = key.open_in_place(nonce, Aad::from(context.as_bytes()), &mut buffer).map_err(|_| damaged())?;
    Ok(plain.to_vec())
}

/// The system's randomness in the form that key generation takes.
struct SystemRng;

impl rsa::rand_core::RngCore for SystemRng {
    fn next_u32(&mut self) -> u32 {
        rsa::rand_core::impls::next_u32_via_fill(self)
    }
    fn next_u64(&mut self) -> u64 {
        rsa::rand_core::impls::next_u64_via_fill(self)
    }
    fn fill_bytes(&mut self, out: &mut [u8]) {
        SystemRandom::new().fill(out).expect("the system gave randomness a moment ago");
    }
    fn try_fill_bytes(&mut self, out: &mut [u8]) -> std::result::Result<(), rsa::rand_core::Error> {
        self.fill_bytes(out);
        Ok(())
    }
}

impl rsa::rand_core::CryptoRng for SystemRng {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_in_its_place_only_and_with_its_key_only() {
        let (one, other) = (Material::generate().unwrap(), Material::generate().unwrap());
        let sealed = one.seal("default/app", b"secret").unwrap();
        assert_eq!(one.open("default/app", &sealed).unwrap(), b"secret");
        assert!(one.open("default/other", &sealed).is_err());
        assert!(other.open("default/app", &sealed).is_err());
        assert!(one.open("default/app", &sealed[..5]).is_err());
    }
}
