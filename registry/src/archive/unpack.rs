//! From an archive to a folder, wholly or not at all.

use super::read::{Contents, Entry, walk, walk_tar};
use super::{ArchiveError, Limits, METADATA_FILE, Scratch};
use crate::Digest;
use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io::{self, BufReader, Read};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// Unpacks an archive to a folder that is not there yet. What is half done is never seen: the folder appears at the end,
/// when every file is written and the digest is right.
///
/// # Errors
/// It is no archive of a pack, is hostile, exceeds a limit, has another digest, or the folder cannot be made.
pub fn unpack(
    archive: impl Read,
    expected: Option<&Digest>,
    folder: &Path,
    limits: &Limits,
) -> Result<Contents, ArchiveError> {
    let scratch = Scratch::beside(folder)?;
    let mut seen = Seen::default();
    let contents = walk(archive, limits, &mut |mut entry| {
        seen.add(&entry.path)?;
        write(scratch.path(), &mut entry)
    });
    let contents = finished(contents, expected, &seen)?;
    scratch.keep(folder)?;
    Ok(contents)
}

/// Unpacks a tar that is not compressed, as `git archive` writes it.
pub(crate) fn unpack_tar(tar: impl Read, folder: &Path, limits: &Limits) -> Result<(), ArchiveError> {
    let scratch = Scratch::beside(folder)?;
    let mut seen = Seen::default();
    walk_tar(tar, limits, &mut |mut entry| {
        seen.add(&entry.path)?;
        write(scratch.path(), &mut entry)
    })?;
    scratch.keep(folder)
}

/// Reads an archive without writing anything.
///
/// # Errors
/// As [`unpack`].
pub fn inspect(archive: impl Read, expected: Option<&Digest>, limits: &Limits) -> Result<Contents, ArchiveError> {
    let mut seen = Seen::default();
    let contents = walk(archive, limits, &mut |entry| seen.add(&entry.path));
    finished(contents, expected, &seen)
}

/// Whether a folder holds just what its archive does: the same files with the same bytes, and no others.
///
/// # Errors
/// It does not, or the archive is not the expected one.
pub fn verify_folder(
    archive: impl Read,
    expected: Option<&Digest>,
    folder: &Path,
    limits: &Limits,
) -> Result<Contents, ArchiveError> {
    let differs = |reason: String| ArchiveError::Differs { path: folder.to_owned(), reason };
    let mut seen = Seen::default();
    let contents = walk(archive, limits, &mut |entry| {
        seen.add(&entry.path)?;
        let path = folder.join(&entry.path);
        let is_file = fs::symlink_metadata(&path).is_ok_and(|metadata| metadata.is_file());
        let file = fs::File::open(&path).ok().filter(|_| is_file);
        let file = file.ok_or_else(|| differs(format!("{} is missing", entry.path)))?;
        if is_same(entry.content, BufReader::new(file)).map_err(ArchiveError::io("read", &path))? {
            Ok(())
        } else {
            Err(differs(format!("{} was changed", entry.path)))
        }
    });
    let contents = finished(contents, expected, &seen)?;
    match surplus(folder, "", &seen)? {
        None => Ok(contents),
        Some(path) => Err(differs(format!("{path} was added"))),
    }
}

fn finished(
    contents: Result<Contents, ArchiveError>,
    expected: Option<&Digest>,
    seen: &Seen,
) -> Result<Contents, ArchiveError> {
    let contents = contents?;
    if let Some(expected) = expected.filter(|expected| **expected != contents.digest) {
        return Err(ArchiveError::WrongDigest { expected: *expected, actual: contents.digest });
    }
    if !seen.files.contains(METADATA_FILE) {
        return Err(ArchiveError::NoPack { what: "the archive".to_owned() });
    }
    Ok(contents)
}

/// The files of an archive: none comes twice, and none is the folder of another.
#[derive(Default)]
struct Seen {
    files: BTreeSet<String>,
    folders: BTreeSet<String>,
}

impl Seen {
    fn add(&mut self, path: &str) -> Result<(), ArchiveError> {
        if path.is_empty() {
            return Err(ArchiveError::entry(path, "which has no name"));
        }
        if !self.files.insert(path.to_owned()) {
            return Err(ArchiveError::entry(path, "which comes twice"));
        }
        for (at, _) in path.match_indices('/') {
            if !self.folders.contains(&path[..at]) {
                self.folders.insert(path[..at].to_owned());
            }
            if self.files.contains(&path[..at]) {
                return Err(ArchiveError::entry(path, "which lies within a file"));
            }
        }
        if self.folders.contains(path) {
            return Err(ArchiveError::entry(path, "which is a file and a folder"));
        }
        Ok(())
    }
}

fn write(root: &Path, entry: &mut Entry<'_>) -> Result<(), ArchiveError> {
    let path: PathBuf = root.join(&entry.path);
    if let Some(parent) = path.parent().filter(|parent| *parent != root) {
        fs::create_dir_all(parent).map_err(ArchiveError::io("make", parent))?;
    }
    let mode = if entry.is_executable { 0o755 } else { 0o644 };
    // The folder is fresh and holds no links, so that the path leads nowhere else.
    let file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&path);
    let mut file = file.map_err(ArchiveError::io("make", &path))?;
    io::copy(&mut entry.content, &mut file).map_err(ArchiveError::io("write", &path))?;
    // Whatever the process' mask says, all that use a shared cache can read it.
    file.set_permissions(fs::Permissions::from_mode(mode)).map_err(ArchiveError::io("write", &path))
}

fn is_same(left: &mut dyn Read, mut right: impl Read) -> io::Result<bool> {
    let (mut one, mut other) = ([0; 16 * 1024], [0; 16 * 1024]);
    loop {
        let count = left.read(&mut one)?;
        if count == 0 {
            return Ok(right.read(&mut other[..1])? == 0);
        }
        if right.read_exact(&mut other[..count]).is_err() || one[..count] != other[..count] {
            return Ok(false);
        }
    }
}

/// A file of the folder that the archive does not hold.
fn surplus(folder: &Path, prefix: &str, seen: &Seen) -> Result<Option<String>, ArchiveError> {
    for entry in fs::read_dir(folder).map_err(ArchiveError::io("read", folder))? {
        let entry = entry.map_err(ArchiveError::io("read", folder))?;
        let within = format!("{prefix}{}", entry.file_name().to_string_lossy());
        let is_dir = entry.file_type().is_ok_and(|kind| kind.is_dir());
        let found = match (is_dir, seen.folders.contains(&within), seen.files.contains(&within)) {
            (true, true, _) => surplus(&entry.path(), &format!("{within}/"), seen)?,
            (false, _, true) => None,
            _ => Some(within),
        };
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}
