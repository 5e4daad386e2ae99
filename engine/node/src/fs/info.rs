//! What is known of a file.

use drover_base::{UnixNanos, WireTime};
use serde::Serialize;
use std::fs::Metadata;
use std::io::Read;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

/// As many bytes tell what is in a file.
const SNIFFED_BYTES: usize = 512;
const BINARY: &str = "application/octet-stream";

/// A file as the API shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct FileInfo {
    /// Its name.
    pub name: String,
    /// Whether it is a directory.
    pub is_dir: bool,
    /// Bytes.
    pub size: u64,
    /// Kind and permissions, as Go writes them.
    pub file_mode: String,
    /// The last change.
    pub mod_time: WireTime,
    /// What is in it; empty in lists.
    pub content_type: String,
}

impl FileInfo {
    pub(super) fn new(name: &str, metadata: &Metadata, content_type: String) -> Self {
        Self {
            name: name.to_owned(),
            is_dir: metadata.is_dir(),
            size: metadata.len(),
            file_mode: mode(metadata),
            mod_time: UnixNanos(metadata.mtime() * 1_000_000_000 + metadata.mtime_nsec()).into(),
            content_type,
        }
    }
}

fn mode(metadata: &Metadata) -> String {
    let kind = metadata.file_type();
    let mut text = String::new();
    for (is_it, letter) in [
        (kind.is_dir(), 'd'),
        (kind.is_symlink(), 'L'),
        (kind.is_block_device(), 'D'),
        (kind.is_char_device(), 'D'),
        (kind.is_fifo(), 'p'),
        (kind.is_socket(), 'S'),
        (metadata.mode() & 0o4000 != 0, 'u'),
        (metadata.mode() & 0o2000 != 0, 'g'),
        (kind.is_char_device(), 'c'),
        (metadata.mode() & 0o1000 != 0, 't'),
    ] {
        if is_it {
            text.push(letter);
        }
    }
    if text.is_empty() {
        text.push('-');
    }
    for (place, letter) in "rwxrwxrwx".chars().enumerate() {
        let is_set = metadata.mode() & (1 << (8 - place)) != 0;
        text.push(if is_set { letter } else { '-' });
    }
    text
}

/// Text or not, by the first bytes.
pub(super) fn content_type(path: &Path, metadata: &Metadata) -> String {
    if !metadata.is_file() {
        return BINARY.into();
    }
    let mut start = [0; SNIFFED_BYTES];
    let read = std::fs::File::open(path).and_then(|mut file| file.read(&mut start)).unwrap_or_default();
    let is_control = |byte: &u8| matches!(byte, 0..=8 | 11 | 14..=26 | 28..=31);
    if start[..read].iter().any(is_control) { BINARY.into() } else { "text/plain; charset=utf-8".into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn modes_are_written_as_go_does() {
        let dir = tempfile::tempdir().unwrap();
        let check = |name: &str, bits: u32, expected: &str| {
            let path = dir.path().join(name);
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(bits)).unwrap();
            assert_eq!(mode(&path.symlink_metadata().unwrap()), expected);
        };
        std::fs::write(dir.path().join("f"), "text").unwrap();
        std::fs::create_dir(dir.path().join("d")).unwrap();
        check("f", 0o644, "-rw-r--r--");
        check("d", 0o1777, "dtrwxrwxrwx");
        std::os::unix::fs::symlink("f", dir.path().join("l")).unwrap();
        assert_eq!(mode(&dir.path().join("l").symlink_metadata().unwrap()), "Lrwxrwxrwx");
        let metadata = dir.path().join("f").metadata().unwrap();
        assert_eq!(content_type(&dir.path().join("f"), &metadata), "text/plain; charset=utf-8");
    }
}
