//! Archives: the same bytes from the same folder, and what strangers may send.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use drover_registry::Digest;
use drover_registry::archive::{ArchiveError, Limits, MediaType, inspect, pack, unpack, verify_folder};
use flate2::Compression;
use flate2::write::GzEncoder;

/// No archive may keep somebody busy for longer.
const MAX_TIME: Duration = Duration::from_secs(20);

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

fn web() -> tempfile::TempDir {
    let long = format!("templates/{}/x.tera", "long-name-".repeat(15));
    folder(&[
        ("metadata.hcl", "pack {\n  name = \"web\"\n}\n"),
        ("templates/web.nomad.hcl.tera", "job \"web\" {}\n"),
        (&long, "x"),
        (".git/config", "not packed"),
    ])
}

fn gzip(tar: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(tar).unwrap();
    encoder.finish().unwrap()
}

/// A tar entry with any name and kind, as no honest tool writes it.
fn entry(name: &str, kind: u8, link: &str, content: &[u8]) -> Vec<u8> {
    let mut header = tar::Header::new_gnu();
    header.set_size(content.len() as u64);
    header.set_mode(0o644);
    header.set_entry_type(tar::EntryType::new(kind));
    {
        let old = header.as_old_mut();
        old.name[..name.len()].copy_from_slice(name.as_bytes());
        old.linkname[..link.len()].copy_from_slice(link.as_bytes());
    }
    header.set_cksum();
    let mut bytes = header.as_bytes().to_vec();
    bytes.extend_from_slice(content);
    bytes.resize(bytes.len().next_multiple_of(512), 0);
    bytes
}

fn archive(entries: &[Vec<u8>]) -> Vec<u8> {
    let mut tar = entry("metadata.hcl", b'0', "", b"pack {}");
    entries.iter().for_each(|entry| tar.extend_from_slice(entry));
    tar.resize(tar.len() + 1024, 0);
    gzip(&tar)
}

/// Must be refused quickly, with a message that says why, and leave nothing behind.
fn check_refused(archive: &[u8], part: &str) {
    let outer = tempfile::tempdir().unwrap();
    let target = outer.path().join("inner/pack");
    let started = Instant::now();
    let error = unpack(archive, None, &target, &Limits::default()).unwrap_err();
    assert!(started.elapsed() < MAX_TIME, "it took {:?}", started.elapsed());
    let message = error.to_string();
    assert!(message.contains(part), "{part:?} not in {message:?}");
    assert!(message.len() < 400, "{message}");
    let left: Vec<_> = fs::read_dir(outer.path().join("inner")).unwrap().collect();
    assert!(left.is_empty(), "{left:?} was left");
    assert_eq!(fs::read_dir(outer.path()).unwrap().count(), 1, "something was written outside");
}

#[test]
fn a_pack_comes_back_as_it_was() {
    for media_type in [MediaType::TarGzip, MediaType::TarZstd] {
        let (from, to) = (web(), tempfile::tempdir().unwrap());
        let packed = pack(from.path(), media_type, &Limits::default()).unwrap();
        assert_eq!((packed.files, MediaType::sniff(&packed.bytes)), (3, Some(media_type)));
        let target = to.path().join("web");
        let contents = unpack(packed.bytes.as_slice(), Some(&packed.digest), &target, &Limits::default()).unwrap();
        assert_eq!((contents.files, contents.digest), (3, packed.digest));
        assert_eq!(fs::read_to_string(target.join("metadata.hcl")).unwrap(), "pack {\n  name = \"web\"\n}\n");
        verify_folder(packed.bytes.as_slice(), Some(&packed.digest), &target, &Limits::default()).unwrap();
    }
}

#[test]
fn the_same_files_give_the_same_bytes() {
    let (one, other) = (web(), web());
    fs::write(one.path().join(".hidden"), "x").unwrap();
    let digest = |folder: &Path| pack(folder, MediaType::TarGzip, &Limits::default()).unwrap().digest;
    assert_eq!(digest(one.path()), digest(other.path()));
}

#[test]
fn a_changed_folder_is_noticed() {
    let from = web();
    let packed = pack(from.path(), MediaType::TarGzip, &Limits::default()).unwrap();
    type Change = fn(&Path);
    let changes: [(&str, Change); 4] = [
        ("was changed", |folder| fs::write(folder.join("metadata.hcl"), "pack {\n  name = \"bad\"\n}\n").unwrap()),
        ("was changed", |folder| fs::write(folder.join("metadata.hcl"), "pack {\n  name = \"web\"\n}\n\n").unwrap()),
        ("is missing", |folder| fs::remove_file(folder.join("templates/web.nomad.hcl.tera")).unwrap()),
        ("was added", |folder| fs::write(folder.join("templates/_x.tera"), "").unwrap()),
    ];
    for (part, change) in changes {
        let to = tempfile::tempdir().unwrap();
        let target = to.path().join("web");
        unpack(packed.bytes.as_slice(), None, &target, &Limits::default()).unwrap();
        change(&target);
        let error = verify_folder(packed.bytes.as_slice(), None, &target, &Limits::default()).unwrap_err();
        assert!(error.to_string().contains(part), "{error}");
    }
}

#[test]
fn paths_that_leave_the_pack_are_refused() {
    for name in ["../evil", "a/../../evil", "x/..", ".."] {
        check_refused(&archive(&[entry(name, b'0', "", b"x")]), "leads out of the pack");
    }
    check_refused(&archive(&[entry("/etc/cron.d/evil", b'0', "", b"x")]), "absolute");
    check_refused(&archive(&[entry("a//b", b'0', "", b"x")]), "not plain");
    check_refused(&archive(&[entry("a\\..\\b", b'0', "", b"x")]), "backslashes");
    check_refused(&archive(&[entry("a\nb", b'0', "", b"x")]), "control characters");
}

#[test]
fn links_and_devices_are_refused() {
    check_refused(&archive(&[entry("l", b'2', "/etc/passwd", b"")]), "is a link");
    check_refused(&archive(&[entry("loop", b'2', "loop", b"")]), "is a link");
    check_refused(&archive(&[entry("h", b'1', "metadata.hcl", b"")]), "is a link");
    check_refused(&archive(&[entry("d", b'2', ".", b""), entry("d/x", b'0', "", b"x")]), "is a link");
    for kind in [b'3', b'4'] {
        check_refused(&archive(&[entry("dev", kind, "", b"")]), "is a device");
    }
    check_refused(&archive(&[entry("p", b'6', "", b"")]), "is a pipe");
    check_refused(&archive(&[entry("s", b'S', "", b"")]), "no regular file");
}

#[test]
fn names_that_contradict_each_other_are_refused() {
    check_refused(&archive(&[entry("a", b'0', "", b"x"), entry("./a", b'0', "", b"y")]), "comes twice");
    check_refused(&archive(&[entry("a", b'0', "", b"x"), entry("a/b", b'0', "", b"y")]), "within a file");
    check_refused(&archive(&[entry("a/b", b'0', "", b"x"), entry("a", b'0', "", b"y")]), "a file and a folder");
}

#[test]
fn bombs_are_refused_early() {
    // As dense as gzip gets: a thousand bytes for one.
    check_refused(&archive(&[entry("zeros", b'0', "", &vec![0; 64 << 20])]), "come out for each");
    let mut huge = tar::Header::new_gnu();
    huge.set_size(1 << 40);
    huge.set_path("huge").unwrap();
    huge.set_cksum();
    check_refused(&archive(&[huge.as_bytes().to_vec()]), "more than 268435456 bytes");
    let mut long_name = entry("x", b'L', "", &vec![b'a'; 70_000]);
    long_name.extend(entry("x", b'0', "", b""));
    check_refused(&archive(&[long_name]), "70000 bytes");
    let deep = "d/".repeat(40) + "x";
    check_refused(&archive(&[entry(&deep, b'0', "", b"")]), "deeper");
    let tar: Vec<u8> = entry("metadata.hcl", b'0', "", &vec![0; 64 << 20]);
    let zstd = ruzstd::encoding::compress_to_vec(tar.as_slice(), ruzstd::encoding::CompressionLevel::Fastest);
    check_refused(&zstd, "come out for each");
}

#[test]
fn a_million_entries_are_refused_early() {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(&entry("metadata.hcl", b'0', "", b"pack {}")).unwrap();
    for number in 0..1_000_000 {
        encoder.write_all(&entry(&format!("f{number}"), b'0', "", b"")).unwrap();
    }
    check_refused(&encoder.finish().unwrap(), "entries");
}

#[test]
fn an_archive_of_any_length_of_prefix_is_refused() {
    let whole = archive(&[entry("a", b'0', "", &[7; 3000])]);
    for length in (0..whole.len()).step_by(7) {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("p");
        let error = unpack(&whole[..length], None, &target, &Limits::default()).unwrap_err();
        assert!(matches!(error, ArchiveError::Broken { .. }), "{length}: {error}");
        assert!(!target.exists());
    }
    let mut longer = whole.clone();
    longer.extend_from_slice(b"tail");
    check_refused(&longer, "something follows its end");
}

#[test]
fn another_digest_is_refused() {
    let whole = archive(&[]);
    let expected = Digest::of(b"another");
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("p");
    let error = unpack(whole.as_slice(), Some(&expected), &target, &Limits::default()).unwrap_err().to_string();
    assert!(error.contains(&expected.to_string()) && error.contains(&Digest::of(&whole).to_string()), "{error}");
    assert!(!target.exists());
}

#[test]
fn what_is_no_pack_is_refused() {
    check_refused(&gzip(&[0; 1024]), "no metadata.hcl");
    check_refused(b"PK\x03\x04 a zip", "neither gzip nor zstd");
    check_refused(b"", "neither gzip nor zstd");
    let empty = folder(&[("README.md", "")]);
    assert!(matches!(pack(empty.path(), MediaType::TarGzip, &Limits::default()), Err(ArchiveError::NoPack { .. })));
}

#[test]
fn archives_of_gnu_tar_and_git_are_read() {
    let from = web();
    let out = from.path().join("../").join(format!("{}.tgz", from.path().file_name().unwrap().to_str().unwrap()));
    let made = std::process::Command::new("tar").arg("-czf").arg(&out).arg("-C").arg(from.path()).arg(".").status();
    if !made.is_ok_and(|status| status.success()) {
        eprintln!("skipped: there is no tar");
        return;
    }
    let bytes = fs::read(&out).unwrap();
    fs::remove_file(&out).unwrap();
    assert_eq!(inspect(bytes.as_slice(), None, &Limits::default()).unwrap().files, 4);
}

mod garbage {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn damaged_archives_never_write_outside(at in 0usize..400, value: u8, inner in prop::bool::ANY) {
            let outer = tempfile::tempdir().unwrap();
            let tar = [entry("metadata.hcl", b'0', "", b"pack {}"), entry("a/b", b'0', "", b"x"), vec![0; 1024]].concat();
            let mut bytes = if inner { tar.clone() } else { gzip(&tar) };
            let at = at % bytes.len();
            bytes[at] = value;
            let bytes = if inner { gzip(&bytes) } else { bytes };
            let _ = unpack(bytes.as_slice(), None, &outer.path().join("in/p"), &Limits::default());
            prop_assert_eq!(fs::read_dir(outer.path()).unwrap().count(), 1);
        }
    }
}
