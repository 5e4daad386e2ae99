//! The root file system of an isolated task: bind mounts in a private mount namespace, then `pivot_root`.
//!
//! Nothing is copied, and nothing is left on the host: the mounts live in the task's own mount namespace and vanish
//! with its last process, also after a crash. Host directories are shown read-only, and no file system except
//! `/dev` honours device files; so a task with `mknod` cannot reach the host's disks.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Component, Path, PathBuf};

use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, setns, unshare};
use nix::sys::stat::{Mode, SFlag, makedev, mknod};

use super::spec::{BindMount, Isolation};

/// Device files in `/dev`: name, major, minor.
const DEVICES: [(&str, u64, u64); 6] =
    [("null", 1, 3), ("zero", 1, 5), ("full", 1, 7), ("random", 1, 8), ("urandom", 1, 9), ("tty", 5, 0)];
/// Links in `/dev`.
const DEVICE_LINKS: [(&str, &str); 5] = [
    ("fd", "/proc/self/fd"),
    ("stdin", "/proc/self/fd/0"),
    ("stdout", "/proc/self/fd/1"),
    ("stderr", "/proc/self/fd/2"),
    ("ptmx", "pts/ptmx"),
];
/// Parts of `/proc` that tasks may read but not write.
const READ_ONLY_PROC: [&str; 5] = ["sys", "irq", "bus", "fs", "sysrq-trigger"];

type Result<T> = std::result::Result<T, String>;

/// Moves the calling process into its own mount (and IPC) namespace with the isolated root as `/`.
pub fn enter(isolation: &Isolation) -> Result<()> {
    let mut flags = CloneFlags::CLONE_NEWNS;
    if isolation.private_ipc {
        flags |= CloneFlags::CLONE_NEWIPC;
    }
    unshare(flags).map_err(|error| format!("new namespaces: {error}"))?;
    let none: Option<&str> = None;
    mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none)
        .map_err(|error| format!("make mounts private: {error}"))?;
    let root = &isolation.root;
    bind(root, root)?;
    for entry in &isolation.mounts {
        show(root, entry)?;
    }
    restrict_mounts(isolation)?;
    mount_kernel_file_systems(root)?;
    change_root(root)
}

/// Joins the namespaces that another process of the same task lives in.
pub fn join(pid: i32, isolation: &Isolation) -> Result<()> {
    let open = |name: &str| {
        fs::File::open(format!("/proc/{pid}/ns/{name}"))
            .map_err(|error| format!("namespace {name} of the task: {error}"))
    };
    let mnt = open("mnt")?;
    if isolation.private_ipc {
        let ipc = open("ipc")?;
        setns(ipc, CloneFlags::CLONE_NEWIPC).map_err(|error| format!("join the task's ipc namespace: {error}"))?;
    }
    setns(mnt, CloneFlags::CLONE_NEWNS).map_err(|error| format!("join the task's mounts: {error}"))
}

fn bind(source: &Path, target: &Path) -> Result<()> {
    let none: Option<&str> = None;
    mount(Some(source), target, none, MsFlags::MS_BIND | MsFlags::MS_REC, none)
        .map_err(|error| format!("mount {} on {}: {error}", source.display(), target.display()))
}

/// Shows one host path below `root`. A symbolic link is shown as the same link.
fn show(root: &Path, entry: &BindMount) -> Result<()> {
    let metadata = match fs::symlink_metadata(&entry.source) {
        Ok(metadata) => metadata,
        Err(_) if entry.optional => return Ok(()),
        Err(error) => return Err(format!("mount {}: {error}", entry.source.display())),
    };
    let describe = |error: io::Error| format!("prepare {} in the task's root: {error}", entry.target.display());
    if metadata.is_symlink() && entry.optional {
        let link = fs::read_link(&entry.source).map_err(describe)?;
        let place = place_in_root(root, &entry.target, Place::Nothing).map_err(describe)?;
        return match symlink(link, place) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(describe(error)),
            _ => Ok(()),
        };
    }
    let is_dir = fs::metadata(&entry.source).is_ok_and(|metadata| metadata.is_dir());
    let kind = if is_dir { Place::Directory } else { Place::File };
    let place = place_in_root(root, &entry.target, kind).map_err(describe)?;
    bind(&entry.source, &place)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Directory,
    File,
    Nothing,
}

/// Makes the mount point for `target` below `root`, and returns its path. The task's directory is writable by the
/// task, so an earlier run may have planted links there: none is ever followed.
fn place_in_root(root: &Path, target: &Path, kind: Place) -> io::Result<PathBuf> {
    let names: Vec<_> = target
        .components()
        .filter_map(|component| match component {
            Component::Normal(name) => Some(Ok(name)),
            Component::ParentDir => Some(Err(io::Error::other("path must not contain .."))),
            _ => None,
        })
        .collect::<io::Result<_>>()?;
    let mut path = root.to_path_buf();
    for (position, name) in names.iter().enumerate() {
        path.push(name);
        let wanted = if position + 1 < names.len() { Place::Directory } else { kind };
        let found = fs::symlink_metadata(&path).ok();
        match (wanted, found) {
            (Place::Directory, Some(found)) if found.is_dir() => {}
            (Place::File, Some(found)) if found.is_file() => {}
            (Place::Nothing, None) => {}
            (_, Some(found)) => {
                if found.is_dir() {
                    fs::remove_dir(&path)?;
                } else {
                    fs::remove_file(&path)?;
                }
                make(&path, wanted)?;
            }
            (_, None) => make(&path, wanted)?,
        }
    }
    Ok(path)
}

fn make(path: &Path, kind: Place) -> io::Result<()> {
    match kind {
        Place::Directory => fs::create_dir(path),
        Place::File => fs::File::create_new(path).map(drop),
        Place::Nothing => Ok(()),
    }
}

/// Refuses device files everywhere, and writes where a mount is read-only; submounts of the host included.
fn restrict_mounts(isolation: &Isolation) -> Result<()> {
    let root = &isolation.root;
    let table = fs::read_to_string("/proc/self/mountinfo").map_err(|error| format!("list mounts: {error}"))?;
    for (point, flags) in table.lines().filter_map(parse_mount) {
        let Ok(inside) = point.strip_prefix(root) else {
            continue;
        };
        let inside = Path::new("/").join(inside);
        let mut flags = flags | MsFlags::MS_REMOUNT | MsFlags::MS_BIND | MsFlags::MS_NODEV;
        if is_read_only(&isolation.mounts, &inside) {
            flags |= MsFlags::MS_RDONLY;
        }
        let none: Option<&str> = None;
        mount(none, &point, none, flags, none)
            .map_err(|error| format!("restrict mount {}: {error}", point.display()))?;
    }
    Ok(())
}

/// The rule of the innermost mount that holds `path`.
fn is_read_only(mounts: &[BindMount], path: &Path) -> bool {
    mounts
        .iter()
        .filter(|entry| path.starts_with(&entry.target))
        .max_by_key(|entry| entry.target.components().count())
        .is_some_and(|entry| entry.read_only)
}

/// Mount point and per-mount flags of one line of `/proc/self/mountinfo`.
fn parse_mount(line: &str) -> Option<(PathBuf, MsFlags)> {
    let mut fields = line.split(' ');
    let point = unescape(fields.nth(4)?);
    let mut flags = MsFlags::empty();
    for option in fields.next()?.split(',') {
        flags |= match option {
            "ro" => MsFlags::MS_RDONLY,
            "nosuid" => MsFlags::MS_NOSUID,
            "nodev" => MsFlags::MS_NODEV,
            "noexec" => MsFlags::MS_NOEXEC,
            "noatime" => MsFlags::MS_NOATIME,
            "nodiratime" => MsFlags::MS_NODIRATIME,
            "relatime" => MsFlags::MS_RELATIME,
            _ => MsFlags::empty(),
        };
    }
    Some((PathBuf::from(point), flags))
}

/// The kernel writes space, tab, newline and backslash as three octal digits.
fn unescape(text: &str) -> String {
    [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")]
        .iter()
        .fold(text.to_owned(), |text, (code, plain)| text.replace(code, plain))
}

fn mount_kernel_file_systems(root: &Path) -> Result<()> {
    let private = MsFlags::MS_NOSUID | MsFlags::MS_NOEXEC;
    let silent = private | MsFlags::MS_NODEV;
    mount_new(root, "/proc", "proc", silent, None)?;
    for name in READ_ONLY_PROC {
        let path = root.join("proc").join(name);
        if path.exists() {
            bind(&path, &path)?;
            let none: Option<&str> = None;
            let flags = MsFlags::MS_REMOUNT | MsFlags::MS_BIND | MsFlags::MS_RDONLY | silent;
            mount(none, &path, none, flags, none).map_err(|error| format!("protect /proc/{name}: {error}"))?;
        }
    }
    // Not every host lets a task see /sys (it depends on who owns the network namespace); nothing relies on it.
    mount_new(root, "/sys", "sysfs", silent | MsFlags::MS_RDONLY, None).ok();
    mount_new(root, "/dev", "tmpfs", MsFlags::MS_NOSUID, Some("mode=755,size=64k"))?;
    let dev = root.join("dev");
    let describe = |error: io::Error| format!("prepare /dev: {error}");
    for (name, major, minor) in DEVICES {
        let path = dev.join(name);
        mknod(&path, SFlag::S_IFCHR, Mode::from_bits_truncate(0o666), makedev(major, minor))
            .map_err(io::Error::from)
            .map_err(describe)?;
        // mknod is subject to the umask.
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o666)).map_err(describe)?;
    }
    for (name, link) in DEVICE_LINKS {
        symlink(link, dev.join(name)).map_err(describe)?;
    }
    mount_new(root, "/dev/pts", "devpts", private, Some("newinstance,ptmxmode=0666,mode=0620,gid=5"))
        .or_else(|_| mount_new(root, "/dev/pts", "devpts", private, Some("newinstance,ptmxmode=0666")))?;
    mount_new(root, "/dev/shm", "tmpfs", silent, Some("mode=1777,size=65536k"))?;
    mount_new(root, "/dev/mqueue", "mqueue", silent, None).ok();
    let none: Option<&str> = None;
    let flags = MsFlags::MS_REMOUNT | MsFlags::MS_BIND | MsFlags::MS_RDONLY | MsFlags::MS_NOSUID;
    mount(none, &dev, none, flags, none).map_err(|error| format!("protect /dev: {error}"))
}

fn mount_new(root: &Path, target: &str, kind: &str, flags: MsFlags, options: Option<&str>) -> Result<()> {
    let place = place_in_root(root, Path::new(target), Place::Directory)
        .map_err(|error| format!("prepare {target} in the task's root: {error}"))?;
    mount(Some(kind), &place, Some(kind), flags, options).map_err(|error| format!("mount {target}: {error}"))
}

fn change_root(root: &Path) -> Result<()> {
    std::env::set_current_dir(root).map_err(|error| format!("enter {}: {error}", root.display()))?;
    // With the same directory twice, the old root ends up mounted over the new one and can be let go of.
    match nix::unistd::pivot_root(".", ".") {
        Ok(()) => umount2(".", MntFlags::MNT_DETACH).map_err(|error| format!("leave the host's root: {error}"))?,
        // The first root file system of a booted kernel (initramfs) cannot be pivoted away from.
        Err(nix::Error::EINVAL) => {
            let none: Option<&str> = None;
            mount(Some("."), "/", none, MsFlags::MS_MOVE, none).map_err(|error| format!("move root: {error}"))?;
            nix::unistd::chroot(".").map_err(|error| format!("chroot: {error}"))?;
        }
        Err(error) => return Err(format!("change root to {}: {error}", root.display())),
    }
    std::env::set_current_dir("/").map_err(|error| format!("enter the new root: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mount_lines_are_read_with_flags_and_escapes() {
        let line = "36 35 98:0 /mnt1 /mnt/with\\040space rw,noatime,nosuid master:1 - ext3 /dev/root rw";
        let (point, flags) = parse_mount(line).unwrap();
        assert_eq!(point, PathBuf::from("/mnt/with space"));
        assert_eq!(flags, MsFlags::MS_NOATIME | MsFlags::MS_NOSUID);
    }

    #[test]
    fn the_innermost_mount_decides_about_writes() {
        let entry = |target: &str, read_only| BindMount {
            source: "/x".into(),
            target: target.into(),
            read_only,
            optional: false,
        };
        let mounts = [entry("/alloc", false), entry("/alloc/data", true), entry("/usr", true)];
        for (path, expected) in
            [("/", false), ("/alloc", false), ("/alloc/data/x", true), ("/usr/lib", true), ("/usrx", false)]
        {
            assert_eq!(is_read_only(&mounts, Path::new(path)), expected, "{path}");
        }
    }

    #[test]
    fn planted_links_are_replaced_not_followed() {
        let root = tempfile::tempdir().unwrap();
        let outside = tempfile::tempdir().unwrap();
        symlink(outside.path(), root.path().join("etc")).unwrap();
        let place = place_in_root(root.path(), Path::new("/etc/deep"), Place::Directory).unwrap();
        assert!(place.is_dir());
        assert!(!outside.path().join("deep").exists());
        assert!(!fs::symlink_metadata(root.path().join("etc")).unwrap().is_symlink());
        assert!(place_in_root(root.path(), Path::new("/a/../../b"), Place::File).is_err());
    }
}
