//! The directories of an allocation and of its tasks.

use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::unistd::{Gid, Uid, chown};
use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// The directory that a group's tasks share.
pub const SHARED_DIR: &str = "alloc";
/// A task's directory for secrets.
pub const SECRETS_DIR: &str = "secrets";
/// A task's directory for what only the node may read.
pub const PRIVATE_DIR: &str = "private";
/// Size of the file systems in memory that hold secrets, bytes.
const SECRETS_BYTES: u32 = 1024 * 1024;
/// Everyone may write: tasks run as any user.
const OPEN_MODE: u32 = 0o777;
/// The user and group that own what tasks share.
const NOBODY: u32 = 65_534;

/// The directories of one allocation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllocDir {
    root: PathBuf,
}

impl AllocDir {
    /// Those of an allocation below `base`.
    pub fn new(base: &Path, alloc: &str) -> Self {
        Self { root: base.join(alloc) }
    }

    /// Where it lies.
    pub fn root(&self) -> &Path {
        &self.root
    }
    /// The shared directory.
    pub fn shared(&self) -> PathBuf {
        self.root.join(SHARED_DIR)
    }
    /// The log files.
    pub fn logs(&self) -> PathBuf {
        self.root.join(SHARED_DIR).join("logs")
    }
    /// What an allocation may hand to its successor.
    pub fn data(&self) -> PathBuf {
        self.root.join(SHARED_DIR).join("data")
    }
    /// A task's directory.
    pub fn task(&self, task: &str) -> PathBuf {
        self.root.join(task)
    }

    /// Makes the shared directories.
    pub fn build(&self) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o755).create(&self.root)?;
        let shared = self.shared();
        make_open(&shared)?;
        for name in ["data", "logs", "tmp"] {
            make_open(&shared.join(name))?;
        }
        Ok(())
    }

    /// Makes a task's directories.
    pub fn build_task(&self, task: &str) -> io::Result<()> {
        let dir = self.task(task);
        make_open(&dir)?;
        make_open(&dir.join("local"))?;
        let tmp = dir.join("tmp");
        make_open(&tmp)?;
        fs::set_permissions(&tmp, Permissions::from_mode(0o1777))?;
        make_secret(&dir.join(SECRETS_DIR))?;
        make_secret(&dir.join(PRIVATE_DIR))
    }

    /// Takes over what a predecessor on this node left: its shared data and its tasks' local directories.
    pub fn adopt(&self, previous: &Self, tasks: &[String]) -> io::Result<()> {
        replace_dir(&previous.data(), &self.data())?;
        for task in tasks {
            let from = previous.task(task).join("local");
            if from.is_dir() {
                make_open(&self.task(task))?;
                replace_dir(&from, &self.task(task).join("local"))?;
            }
        }
        Ok(())
    }

    /// Removes everything, file systems in memory first. Whatever stays mounted is left alone: below it may lie the
    /// host's own files.
    pub fn destroy(&self) -> io::Result<()> {
        for mounted in mounts_below(&self.root)? {
            umount2(&mounted, MntFlags::MNT_DETACH)
                .map_err(|error| io::Error::other(format!("unmount {}: {error}", mounted.display())))?;
        }
        match fs::remove_dir_all(&self.root) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

fn make_open(path: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(OPEN_MODE).create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(()),
        result => result?,
    }
    // Whatever the agent's file mode mask is.
    fs::set_permissions(path, Permissions::from_mode(OPEN_MODE))?;
    if Uid::effective().is_root() {
        chown(path, Some(Uid::from_raw(NOBODY)), Some(Gid::from_raw(NOBODY)))?;
    }
    Ok(())
}

/// As root a file system in memory, so that secrets never reach a disk; otherwise a directory for its owner alone.
fn make_secret(path: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(()),
        result => result?,
    }
    if !Uid::effective().is_root() {
        return Ok(());
    }
    let options = format!("size={SECRETS_BYTES},mode=0777,uid={NOBODY},gid={NOBODY}");
    let flags = MsFlags::MS_NOEXEC | MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    match mount(Some("tmpfs"), path, Some("tmpfs"), flags, Some(options.as_str())) {
        Ok(()) => Ok(()),
        // In a container without the right to mount, the directory itself must do.
        Err(nix::Error::EPERM) => {
            fs::set_permissions(path, Permissions::from_mode(OPEN_MODE))?;
            chown(path, Some(Uid::from_raw(NOBODY)), Some(Gid::from_raw(NOBODY))).map_err(io::Error::from)
        }
        Err(error) => Err(io::Error::other(format!("mount tmpfs on {}: {error}", path.display()))),
    }
}

/// Mount points below a directory, innermost first.
fn mounts_below(root: &Path) -> io::Result<Vec<PathBuf>> {
    let table = match fs::read_to_string("/proc/self/mountinfo") {
        Ok(table) => table,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let root = root.canonicalize().unwrap_or_else(|_| root.to_path_buf());
    let mut found: Vec<PathBuf> = table
        .lines()
        .filter_map(|line| line.split(' ').nth(4))
        .map(|point| PathBuf::from(unescape(point)))
        .filter(|point| point.starts_with(&root))
        .collect();
    found.reverse();
    Ok(found)
}

/// The kernel writes blanks and the like as octal numbers.
fn unescape(text: &str) -> String {
    text.replace("\\040", " ").replace("\\011", "\t").replace("\\012", "\n").replace("\\134", "\\")
}

fn replace_dir(from: &Path, to: &Path) -> io::Result<()> {
    if !from.is_dir() {
        return Ok(());
    }
    if to.exists() {
        fs::remove_dir_all(to)?;
    }
    match fs::rename(from, to) {
        Err(error) if error.kind() == io::ErrorKind::CrossesDevices => copy_dir(from, to),
        result => result,
    }
}

/// Copies a directory with its links and permissions.
pub fn copy_dir(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    fs::set_permissions(to, fs::metadata(from)?.permissions())?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        let kind = entry.file_type()?;
        if kind.is_dir() {
            copy_dir(&entry.path(), &target)?;
        } else if kind.is_symlink() {
            std::os::unix::fs::symlink(fs::read_link(entry.path())?, target)?;
        } else if kind.is_file() {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_layout_is_that_of_the_reference() {
        let base = tempfile::tempdir().unwrap();
        let dir = AllocDir::new(base.path(), "a");
        dir.build().unwrap();
        dir.build_task("t").unwrap();
        dir.build_task("t").unwrap();
        for path in ["alloc/data", "alloc/logs", "alloc/tmp", "t/local", "t/secrets", "t/private", "t/tmp"] {
            assert!(dir.root().join(path).is_dir(), "{path}");
        }
        let mode = |path: &str| fs::metadata(dir.root().join(path)).unwrap().permissions().mode() & 0o7777;
        assert_eq!(mode("t/local"), 0o777);
        assert_eq!(mode("t/tmp"), 0o1777);
        fs::write(dir.root().join("t/secrets/token"), "x").unwrap();
        dir.destroy().unwrap();
        assert!(!dir.root().exists());
        dir.destroy().unwrap();
    }

    #[test]
    fn a_successor_adopts_the_data() {
        let base = tempfile::tempdir().unwrap();
        let (old, new) = (AllocDir::new(base.path(), "old"), AllocDir::new(base.path(), "new"));
        old.build().unwrap();
        old.build_task("t").unwrap();
        fs::write(old.data().join("db"), "rows").unwrap();
        fs::write(old.task("t").join("local/file"), "text").unwrap();
        new.build().unwrap();
        new.adopt(&old, &["t".to_owned()]).unwrap();
        assert_eq!(fs::read_to_string(new.data().join("db")).unwrap(), "rows");
        assert_eq!(fs::read_to_string(new.task("t").join("local/file")).unwrap(), "text");
        old.destroy().unwrap();
        new.destroy().unwrap();
    }
}
