//! Copies of the packs that a pack depends on, within its own folder: such a pack needs nothing else.

use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::files::{self, METADATA_FILE, ReadError};
use crate::{Locator, Metadata, Pack};

/// Why dependencies were not copied.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VendorError {
    /// `metadata.hcl` cannot be read.
    #[error(transparent)]
    Metadata(#[from] drover_hcl::Diagnostics),
    /// A folder cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A dependency is not found.
    #[error("{declared_at}: dependency `{alias}`: {reason}")]
    NotFound {
        /// Its name.
        alias: String,
        /// File, line and column.
        declared_at: String,
        /// Why.
        reason: crate::LocateError,
    },
    /// A file cannot be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// A dependency that was copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vendored {
    /// Its name.
    pub alias: String,
    /// Where it came from.
    pub from: PathBuf,
    /// Where it is now.
    pub to: PathBuf,
}

/// Copies each dependency that lies elsewhere to `deps/NAME` and makes `metadata.hcl` say so, and the same for theirs.
///
/// # Errors
/// One is not found, or a file cannot be read or written.
pub fn vendor(folder: &Path, locator: Locator<'_>) -> Result<Vec<Vendored>, VendorError> {
    let path = folder.join(METADATA_FILE);
    let content = fs::read(&path).map_err(|source| ReadError::Io { path: path.clone(), source })?;
    let source =
        drover_hcl::Source::from_bytes(&path.display().to_string(), &content).map_err(drover_hcl::Diagnostics::from)?;
    let body = drover_hcl::parse_body(&source)?;
    let (_, dependencies) = Metadata::parse(&body)?;
    let mut text = source.text().to_owned();
    let mut done = Vec::new();
    // From the end, so that places before it stay right.
    let pairs: Vec<_> = body.blocks_of("dependency").zip(&dependencies).collect();
    for (block, declared) in pairs.into_iter().rev() {
        let target = format!("./deps/{}", declared.alias);
        let located = locator
            .find(&declared.source, declared.version.as_deref(), declared.reference.as_deref(), folder)
            .map_err(|reason| VendorError::NotFound {
                alias: declared.alias.clone(),
                declared_at: declared.declared_at.clone(),
                reason,
            })?;
        let to = folder.join("deps").join(&declared.alias);
        let inside =
            |a: &Path| a.canonicalize().ok().zip(folder.canonicalize().ok()).is_some_and(|(a, b)| a.starts_with(b));
        if !inside(&located.folder) {
            copy(&located.folder, &to)?;
            if let Some(attribute) = block.body.attribute("source") {
                let span = attribute.value.expr.span;
                text.replace_range(span.start as usize..span.end as usize, &format!("{target:?}"));
            }
            done.extend(vendor(&to, locator)?);
            done.push(Vendored { alias: declared.alias.clone(), from: located.folder, to });
        }
    }
    done.reverse();
    if text != source.text() {
        fs::write(&path, text).map_err(|source| VendorError::Write { path, source })?;
    }
    Ok(done)
}

/// Copies a pack's files, its own dependencies included.
fn copy(from: &Path, to: &Path) -> Result<(), VendorError> {
    for (name, content) in files::read(from)? {
        let path = to.join(name);
        let parent = path.parent().unwrap_or(to);
        fs::create_dir_all(parent)
            .and_then(|()| fs::write(&path, content))
            .map_err(|source| VendorError::Write { path: path.clone(), source })?;
    }
    copy_dependencies(from, to)
}

/// Copies the packs below `deps/` of one pack's folder to another's.
///
/// # Errors
/// A file cannot be read or written.
pub fn copy_dependencies(from: &Path, to: &Path) -> Result<(), VendorError> {
    let inner = fs::read_dir(from.join("deps")).into_iter().flatten().flatten().map(|entry| entry.path());
    for folder in inner.filter(|folder| files::is_pack(folder)) {
        if let Some(name) = folder.file_name() {
            copy(&folder, &to.join("deps").join(name))?;
        }
    }
    Ok(())
}

/// A pack in the tree of what it depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// The name by which its parent knows it.
    pub alias: String,
    /// Its own name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Where its parent says that it is; empty at the root.
    pub source: String,
    /// What it depends on.
    pub dependencies: Vec<Node>,
}

/// The tree of what a pack depends on.
pub fn tree(pack: &Pack) -> Node {
    if let Some(go) = &pack.go {
        return go.tree(go.name());
    }
    let inner = pack.dependencies.iter().map(|dependency| Node {
        alias: dependency.declared.alias.clone(),
        source: dependency.declared.source.clone(),
        ..tree(&dependency.pack)
    });
    Node {
        alias: pack.metadata.name.clone(),
        name: pack.metadata.name.clone(),
        version: pack.metadata.version.clone(),
        source: String::new(),
        dependencies: inner.collect(),
    }
}
