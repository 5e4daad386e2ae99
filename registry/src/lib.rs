//! Registries of packs: where packs are published, found, verified and kept.
//!
//! - [`archive`]: the pack as one file, made the same from the same folder everywhere, and taken apart within limits.
//! - [`Digest`], [`name`], [`range`]: what identifies an archive, a pack and the versions that somebody accepts.
//! - [`sign`]: signatures of versions, and whom to trust.
//! - [`source`], [`client`]: where packs are, and clients of folders, git, registries of images and Drover's own server.
//! - [`Cache`], [`LockFile`], [`Resolver`]: from what a person names to a verified folder.
//! - [`wire`]: the JSON of the HTTP registry, which the server shares.
//!
//! The crate must not know about engines, stacks, templates or the terminal: to it a pack is a folder with a
//! `metadata.hcl`. It neither prints nor reads the environment; clocks and passphrases are given to it.

pub mod archive;
mod cache;
pub mod client;
pub mod config;
mod digest;
mod lockfile;
pub mod metadata;
pub mod name;
pub mod range;
mod resolve;
pub mod sign;
pub mod source;
pub mod wire;

pub use cache::{Cache, CacheError};
pub use digest::{Digest, DigestError, DigestReader};
pub use lockfile::{LOCK_FILE, LockFile, LockFileError, Pin};
pub use range::VersionRange;
pub use resolve::{Locking, Reach, Request, ResolveError, Resolved, Resolver};

/// A version of a pack.
pub use semver::Version;

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::Path;

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

/// Writes a file so that others see the old or the new one and never a part, also after a power failure. Makes the folder.
fn write_atomically(path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let partial = folder.join(format!(".partial-{}", random_hex()));
    let written = (|| {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&partial)?;
        file.write_all(content)?;
        file.sync_all()?;
        std::fs::rename(&partial, path)
    })();
    if written.is_err() {
        // Nothing can be done about it; the name says that it is a rest.
        let _ = std::fs::remove_file(&partial);
    }
    written
}
