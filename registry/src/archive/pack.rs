//! From a folder to an archive: the same bytes from the same files everywhere.

use super::{ArchiveError, Limits, METADATA_FILE, MediaType, check_path};
use crate::Digest;
use flate2::{Compression, GzBuilder};
use ruzstd::encoding::{CompressionLevel, compress_to_vec};
use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The most that a stored block holds.
const STORED_BLOCK_BYTES: usize = 65_535;

/// An archive in memory.
#[derive(Clone, PartialEq, Eq)]
pub struct PackedArchive {
    /// The file.
    pub bytes: Vec<u8>,
    /// Of the bytes.
    pub digest: Digest,
    /// How it is compressed.
    pub media_type: MediaType,
    /// How many files are in it.
    pub files: usize,
}

/// Packs a folder. Hidden files stay out; times, owners and the order of folders leave no trace, of the mode only whether
/// a file may be run.
///
/// # Errors
/// It is no pack, holds what archives may not hold (links, devices), exceeds a limit, or cannot be read.
pub fn pack(folder: &Path, media_type: MediaType, limits: &Limits) -> Result<PackedArchive, ArchiveError> {
    let (tar, files) = tar(folder, limits)?;
    let bytes = match media_type {
        MediaType::TarGzip => gzip(&tar).map_err(ArchiveError::io("pack", folder))?,
        MediaType::TarZstd => compress_to_vec(tar.as_slice(), CompressionLevel::Fastest),
    };
    bounded(bytes, media_type, files, limits)
}

/// As [`pack`] with gzip, but without compression, in the one way in which that can be written: for places that keep files,
/// from which the archive is made anew each time and has to have the same digest for years.
///
/// # Errors
/// As [`pack`].
pub fn pack_stored(folder: &Path, limits: &Limits) -> Result<PackedArchive, ArchiveError> {
    let (tar, files) = tar(folder, limits)?;
    bounded(stored(&tar), MediaType::TarGzip, files, limits)
}

fn tar(folder: &Path, limits: &Limits) -> Result<(Vec<u8>, usize), ArchiveError> {
    let mut found = BTreeMap::new();
    let mut total_bytes = 0;
    collect(folder, "", limits, &mut found, &mut total_bytes)?;
    if !found.contains_key(METADATA_FILE) {
        return Err(ArchiveError::NoPack { what: folder.display().to_string() });
    }
    let files = found.len();
    let mut tar = tar::Builder::new(Vec::new());
    for (name, path) in &found {
        let content = fs::read(path).map_err(ArchiveError::io("read", path))?;
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(if is_executable(path)? { 0o755 } else { 0o644 });
        tar.append_data(&mut header, name, content.as_slice()).map_err(ArchiveError::io("pack", path))?;
    }
    Ok((tar.into_inner().map_err(ArchiveError::io("pack", folder))?, files))
}

fn bounded(
    bytes: Vec<u8>,
    media_type: MediaType,
    files: usize,
    limits: &Limits,
) -> Result<PackedArchive, ArchiveError> {
    if bytes.len() as u64 > limits.archive_bytes {
        return Err(ArchiveError::Limit {
            what: format!("{} bytes, and {} are allowed", bytes.len(), limits.archive_bytes),
        });
    }
    Ok(PackedArchive { digest: Digest::of(&bytes), bytes, media_type, files })
}

/// The header names neither a time nor a system.
fn gzip(tar: &[u8]) -> io::Result<Vec<u8>> {
    let mut writer = GzBuilder::new().mtime(0).operating_system(255).write(Vec::new(), Compression::best());
    writer.write_all(tar)?;
    writer.finish()
}

/// RFC 1952 around the stored blocks of RFC 1951.
fn stored(tar: &[u8]) -> Vec<u8> {
    let mut out = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    let last = tar.len().saturating_sub(1) / STORED_BLOCK_BYTES;
    for (index, block) in tar.chunks(STORED_BLOCK_BYTES).enumerate() {
        let length = block.len() as u16;
        out.push(u8::from(index == last));
        out.extend_from_slice(&length.to_le_bytes());
        out.extend_from_slice(&(!length).to_le_bytes());
        out.extend_from_slice(block);
    }
    out.extend_from_slice(&crc32fast::hash(tar).to_le_bytes());
    out.extend_from_slice(&(tar.len() as u32).to_le_bytes());
    out
}

fn collect(
    folder: &Path,
    prefix: &str,
    limits: &Limits,
    found: &mut BTreeMap<String, PathBuf>,
    total_bytes: &mut u64,
) -> Result<(), ArchiveError> {
    for entry in fs::read_dir(folder).map_err(ArchiveError::io("read", folder))? {
        let path = entry.map_err(ArchiveError::io("read", folder))?.path();
        let name = path.file_name().unwrap_or_default();
        if name.as_encoded_bytes().starts_with(b".") {
            continue;
        }
        let mut within = prefix.as_bytes().to_vec();
        within.extend_from_slice(name.as_encoded_bytes());
        let within = check_path(&within, limits)?;
        let metadata = fs::symlink_metadata(&path).map_err(ArchiveError::io("read", &path))?;
        if metadata.is_dir() {
            collect(&path, &format!("{within}/"), limits, found, total_bytes)?;
            continue;
        }
        if !metadata.is_file() {
            let kind = if metadata.is_symlink() { "a link; put the file itself there" } else { "which is no file" };
            return Err(ArchiveError::entry(&within, kind));
        }
        *total_bytes += metadata.len();
        if *total_bytes > limits.unpacked_bytes {
            return Err(ArchiveError::Limit { what: format!("more than {} bytes of files", limits.unpacked_bytes) });
        }
        if found.len() as u64 == limits.entries {
            return Err(ArchiveError::Limit { what: format!("more than {} files", limits.entries) });
        }
        found.insert(within, path);
    }
    Ok(())
}

fn is_executable(path: &Path) -> Result<bool, ArchiveError> {
    use std::os::unix::fs::PermissionsExt as _;
    let metadata = fs::metadata(path).map_err(ArchiveError::io("read", path))?;
    Ok(metadata.permissions().mode() & 0o111 != 0)
}
