//! Registries of packs: where packs are published, found, verified and kept.
//!
//! - [`archive`]: the pack as one file, made the same from the same folder everywhere, and taken apart within limits.
//! - [`Digest`], [`name`], [`range`]: what identifies an archive, a pack and the versions that somebody accepts.
//! - [`sign`]: signatures of versions, and whom to trust.
//! - [`wire`]: the JSON of the HTTP registry, which the server shares.
//!
//! The crate must not know about engines, stacks, templates or the terminal: to it a pack is a folder with a
//! `metadata.hcl`. It neither prints nor reads the environment; clocks and passphrases are given to it.

pub mod archive;
mod digest;
pub mod name;
pub mod range;
pub mod sign;
pub mod wire;

pub use digest::{Digest, DigestError, DigestReader};
pub use range::VersionRange;

/// A version of a pack.
pub use semver::Version;

/// Bytes that nobody can guess.
fn random_bytes<const N: usize>() -> [u8; N] {
    use ring::rand::{SecureRandom as _, SystemRandom};
    let mut bytes = [0; N];
    // Documented to fail only where the system has no source of randomness at all.
    SystemRandom::new().fill(&mut bytes).expect("the system gives random bytes");
    bytes
}

/// A name that nobody else uses.
fn random_hex() -> String {
    hex::encode(random_bytes::<8>())
}
