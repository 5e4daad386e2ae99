//! Where the packs lie that a pack or a stack names: the seam behind which registries stand.

use std::path::{Path, PathBuf};

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// A folder (`./deps/db`), a registry's pack (`team/postgres`) or an address (`oci://…`, `git::…`, `https://…`).
    pub source: &'a str,
    /// A version or a range, as `~> 1.2`; any when absent.
    pub version: Option<&'a str>,
    /// The branch, tag or commit of a git source.
    pub reference: Option<&'a str>,
    /// The folder that relative folders are meant from: the pack's or the stack's that asks.
    pub from: &'a Path,
    /// Registries that are known by name beside the person's own; the first of a name counts.
    pub registries: &'a [DeclaredRegistry],
}

/// A `registry "team" { … }` block.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeclaredRegistry {
    /// Its label.
    pub name: String,
    /// Where its packs are, as `oci://127.0.0.1:5000/packs`.
    pub source: String,
    /// Public keys (`ed25519:BASE64`), one of which must have signed what is used; empty: signatures are not asked for.
    pub trusted_keys: Vec<String>,
}

/// A pack that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located {
    /// Its folder, whole and verified.
    pub folder: PathBuf,
    /// Its version, where it comes from a registry.
    pub version: Option<String>,
}

/// Why a pack was not found: what is wrong, and what to do about it.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("{message}")]
pub struct LocateError {
    /// What is wrong.
    pub message: String,
    /// What to do; empty when nothing is known.
    pub hint: String,
}

/// Finds packs by source and version.
pub trait Locate: Send + Sync {
    /// The folder of what is wanted. It may take long, and must not be called on a thread that drives tasks.
    ///
    /// # Errors
    /// It is not there, cannot be fetched, or is not what was pinned or signed.
    fn locate(&self, wanted: &Wanted<'_>) -> Result<Located, LocateError>;
}

/// Knows folders alone, and no registries.
#[derive(Clone, Copy, Debug, Default)]
pub struct Folders;

impl Locate for Folders {
    fn locate(&self, wanted: &Wanted<'_>) -> Result<Located, LocateError> {
        if is_address(wanted.source) {
            return Err(LocateError {
                message: format!("`{}` is not a folder, and no registries are known here", wanted.source),
                hint: "write a folder, as in source = \"./deps/db\"".to_owned(),
            });
        }
        Ok(Located { folder: within(wanted.from, wanted.source), version: None })
    }
}

/// Whether a source says how it is fetched, as `oci://…` and `git::…` do.
pub fn is_address(source: &str) -> bool {
    source.contains("::") || source.contains("://")
}

/// A folder as messages should show it: `packs/web/deps/db`, not `packs/web/./deps/db`.
pub fn within(from: &Path, source: &str) -> PathBuf {
    from.join(source.strip_prefix("./").unwrap_or(source))
}

/// A way to find packs together with the registries that a stack declares.
#[derive(Clone, Copy)]
pub struct Locator<'a> {
    /// Finds.
    pub locate: &'a dyn Locate,
    /// The stack's own registries.
    pub registries: &'a [DeclaredRegistry],
}

impl Locator<'_> {
    /// Finds a pack.
    ///
    /// # Errors
    /// As [`Locate::locate`].
    pub fn find(
        &self,
        source: &str,
        version: Option<&str>,
        reference: Option<&str>,
        from: &Path,
    ) -> Result<Located, LocateError> {
        self.locate.locate(&Wanted { source, version, reference, from, registries: self.registries })
    }
}

impl Default for Locator<'_> {
    fn default() -> Self {
        Self { locate: &Folders, registries: &[] }
    }
}
