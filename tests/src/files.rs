//! Files that tests write and copy.

use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A temporary folder with a short path.
///
/// # Panics
/// When it cannot be made.
pub fn folder() -> TempDir {
    let folder = tempfile::Builder::new().prefix("drover-test-").tempdir().expect("a temporary folder");
    // Tasks of other users look into their own folders below it.
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o711);
    std::fs::set_permissions(folder.path(), open).expect("its mode can be changed");
    folder
}

/// Writes `text` to `name` below `folder`, with its folders; returns its path.
///
/// # Panics
/// When it cannot be written.
pub fn write(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().expect("it is below a folder")).expect("folders can be made");
    std::fs::write(&path, text).expect("the file can be written");
    path
}

/// Replaces `old`, which must be there once, with `new` in a file.
///
/// # Panics
/// When it is not there once.
#[track_caller]
pub fn edit(path: &Path, old: &str, new: &str) {
    let text = std::fs::read_to_string(path).expect("the file can be read");
    assert_eq!(text.matches(old).count(), 1, "{old:?} is once in {}", path.display());
    std::fs::write(path, text.replace(old, new)).expect("the file can be written");
}

/// A copy of a folder of `examples/` in `to`.
///
/// # Panics
/// When it cannot be copied.
pub fn copy_example(name: &str, to: &Path) -> PathBuf {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples").join(name);
    let to = to.join(name);
    copy(&from, &to);
    to
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("folders can be made");
    for entry in std::fs::read_dir(from).expect("the folder can be read").flatten() {
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if source.is_dir() {
            copy(&source, &target);
        } else {
            std::fs::copy(&source, &target).expect("files can be copied");
        }
    }
}
