//! A cluster's state as one file: a compressed tar with a description, the state, its keys, and check sums of them.
//!
//! The layout is the one that operators know: `meta.json`, `state.bin` and `SHA256SUMS`. `keys.json` holds the root
//! keys, without which the variables in the state cannot be read; [`redact`] takes them out.

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use zeroize::Zeroizing;

/// The version of the layout.
pub const VERSION: u32 = 1;
const META: &str = "meta.json";
const STATE: &str = "state.bin";
const KEYS: &str = "keys.json";
const SUMS: &str = "SHA256SUMS";
/// The longest description, list of keys or of sums that is read, in bytes.
const MAX_SMALL_BYTES: u64 = 16 * 1024 * 1024;
/// More files than an archive has.
const MAX_ENTRIES: usize = 16;

/// What an archive says about itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Meta {
    /// The version of the layout.
    pub version: u32,
    /// `TERM-INDEX-MILLISECONDS`.
    #[serde(rename = "ID")]
    pub id: String,
    /// The raft index of the state.
    pub index: u64,
    /// The term at which it was taken.
    pub term: u64,
    /// The servers, in a form of old; empty.
    pub peers: String,
    /// The servers.
    pub configuration: Configuration,
    /// Index at which these servers were agreed upon.
    pub configuration_index: u64,
    /// Bytes of the state.
    pub size: u64,
}

/// The servers of a cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Configuration {
    /// The servers.
    pub servers: Vec<Peer>,
}

/// A server of a cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Peer {
    /// 0: it votes.
    pub suffrage: u32,
    /// A UUID.
    #[serde(rename = "ID")]
    pub id: String,
    /// Address of its RPC.
    pub address: String,
}

/// A read archive.
pub struct Archive {
    /// What it says about itself.
    pub meta: Meta,
    /// The state, as the state's codec writes it.
    pub state: Vec<u8>,
    /// The root keys as a document; `None`: they were taken out.
    pub keys: Option<Zeroizing<Vec<u8>>>,
}

/// Why an archive is refused.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// Not a compressed tar, or one that was cut short.
    #[error("failed to decompress snapshot: {0}")]
    Unreadable(#[from] io::Error),
    /// A file is missing.
    #[error("failed to read snapshot file: {0} is missing")]
    Missing(&'static str),
    /// A file is longer than any real one.
    #[error("failed to read snapshot file: {0} is too long")]
    TooLong(String),
    /// A file that does not belong there.
    #[error("failed to read snapshot file: unexpected file {0:?} in snapshot")]
    Unexpected(String),
    /// What a file holds is not what was written.
    #[error("failed to read snapshot file: list of hashes has a mismatch for {0:?}")]
    Damaged(String),
    /// The description or the sums cannot be understood.
    #[error("failed to read snapshot file: {0} cannot be understood: {1}")]
    Malformed(&'static str, String),
}

/// Makes an archive.
///
/// # Errors
/// Those of the compression.
pub fn write(meta: &Meta, state: &[u8], keys: Option<&[u8]>) -> io::Result<Vec<u8>> {
    let meta = serde_json::to_vec(meta)?;
    let mut files = vec![(META, meta.as_slice()), (STATE, state)];
    files.extend(keys.map(|keys| (KEYS, keys)));
    let sums: String = files.iter().map(|(name, bytes)| format!("{}  {name}\n", sum(bytes))).collect();
    files.push((SUMS, sums.as_bytes()));
    let mut builder = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::default()));
    for (name, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o600);
        header.set_cksum();
        builder.append_data(&mut header, name, bytes)?;
    }
    let mut encoder = builder.into_inner()?;
    encoder.flush()?;
    encoder.finish()
}

/// Reads and checks an archive.
///
/// # Errors
/// It is no archive, is damaged, or holds what does not belong there.
pub fn read(archive: impl Read) -> Result<Archive, ArchiveError> {
    let mut tar = tar::Archive::new(GzDecoder::new(archive));
    let mut files: BTreeMap<String, Zeroizing<Vec<u8>>> = BTreeMap::new();
    for (count, entry) in tar.entries()?.enumerate() {
        let entry = entry?;
        let name = entry.path()?.to_string_lossy().into_owned();
        if count >= MAX_ENTRIES || ![META, STATE, KEYS, SUMS].contains(&name.as_str()) {
            return Err(ArchiveError::Unexpected(name));
        }
        let limit = if name == STATE { drover_state::codec::MAX_STATE_BYTES } else { MAX_SMALL_BYTES };
        let mut bytes = Zeroizing::new(Vec::new());
        entry.take(limit + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > limit {
            return Err(ArchiveError::TooLong(name));
        }
        files.insert(name, bytes);
    }
    check(&files)?;
    let mut take = |name: &'static str| files.remove(name).ok_or(ArchiveError::Missing(name));
    let meta = serde_json::from_slice(&take(META)?).map_err(|e| ArchiveError::Malformed(META, e.to_string()))?;
    let state = std::mem::take(&mut *take(STATE)?);
    Ok(Archive { meta, state, keys: files.remove(KEYS) })
}

/// The same archive without its keys; `None` when it has none.
///
/// # Errors
/// As [`read`].
pub fn redact(archive: impl Read) -> Result<Option<Vec<u8>>, ArchiveError> {
    let archive = read(archive)?;
    Ok(match archive.keys {
        Some(_) => Some(write(&archive.meta, &archive.state, None)?),
        None => None,
    })
}

fn check(files: &BTreeMap<String, Zeroizing<Vec<u8>>>) -> Result<(), ArchiveError> {
    let sums = files.get(SUMS).ok_or(ArchiveError::Missing(SUMS))?;
    let text = std::str::from_utf8(sums).map_err(|e| ArchiveError::Malformed(SUMS, e.to_string()))?;
    let mut wanted = BTreeMap::new();
    for line in text.lines() {
        let malformed = || ArchiveError::Malformed(SUMS, format!("line {line:?}"));
        let (sum, name) = line.split_once("  ").ok_or_else(malformed)?;
        wanted.insert(name, sum);
    }
    for (name, bytes) in files.iter().filter(|(name, _)| *name != SUMS) {
        if wanted.remove(name.as_str()) != Some(sum(bytes).as_str()) {
            return Err(ArchiveError::Damaged(name.clone()));
        }
    }
    match wanted.keys().next() {
        None => Ok(()),
        Some(name) => Err(ArchiveError::Damaged((*name).to_owned())),
    }
}

/// SHA-256 in hexadecimal.
fn sum(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn archive() -> Vec<u8> {
        let meta = Meta { version: VERSION, id: "2-9-1".into(), index: 9, ..Meta::default() };
        write(&meta, b"the state", Some(b"[]")).unwrap()
    }

    #[test]
    fn what_was_written_is_read() {
        let read = read(archive().as_slice()).unwrap();
        assert_eq!(
            (read.meta.index, read.state.as_slice(), read.keys.unwrap().as_slice()),
            (9, &b"the state"[..], &b"[]"[..])
        );
    }

    #[test]
    fn keys_can_be_taken_out() {
        let without = redact(archive().as_slice()).unwrap().unwrap();
        let read = read(without.as_slice()).unwrap();
        assert!(read.keys.is_none() && read.state == b"the state");
        assert!(redact(without.as_slice()).unwrap().is_none());
    }

    #[test]
    fn damage_is_found() {
        assert!(matches!(read(&b"nonsense"[..]), Err(ArchiveError::Unreadable(_))));
        let whole = archive();
        assert!(read(&whole[..whole.len() / 2]).is_err());
        // The same tar with one changed byte of the state.
        let mut tar = Vec::new();
        GzDecoder::new(whole.as_slice()).read_to_end(&mut tar).unwrap();
        let place = tar.windows(9).position(|part| part == b"the state").unwrap();
        tar[place] = b'T';
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(&tar).unwrap();
        let changed = encoder.finish().unwrap();
        assert!(matches!(read(changed.as_slice()), Err(ArchiveError::Damaged(name)) if name == STATE));
    }
}
