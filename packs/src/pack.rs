//! A pack in memory, with the packs that it depends on.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use drover_hcl::variables::Declarations;
use drover_hcl::{Body, Diagnostics, Source, TypeRules, parse_body};

use crate::files::{self, METADATA_FILE, ReadError};
use crate::nomad_pack::{self, GoPack, LoadFault};
use crate::range;
use crate::{Dependency, LocateError, Locator, Metadata};

/// How deep packs may depend on packs.
const MAX_DEPENDENCY_DEPTH: usize = 16;

/// A pack as it lies in its folder.
#[derive(Clone)]
pub struct Pack {
    /// The folder as the person named it.
    pub folder: PathBuf,
    /// Who it is.
    pub metadata: Metadata,
    /// Its variables' declarations.
    pub variables: Declarations,
    /// All its files by their path in it.
    pub files: Arc<BTreeMap<String, Vec<u8>>>,
    /// What it depends on, in the order of writing.
    pub dependencies: Vec<LoadedDependency>,
    /// The pack by nomad-pack's rules, when it is in that format: then variables and dependencies are there.
    pub go: Option<Arc<GoPack>>,
}

/// A dependency with its pack.
#[derive(Clone)]
pub struct LoadedDependency {
    /// How it is declared.
    pub declared: Dependency,
    /// The pack that it names.
    pub pack: Pack,
}

/// Why a pack cannot be loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The folder cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A dependency's folder cannot be read.
    #[error("{declared_at}: dependency `{alias}`")]
    Dependency {
        /// Its name.
        alias: String,
        /// File, line and column.
        declared_at: String,
        /// Why.
        #[source]
        source: Box<LoadError>,
    },
    /// A dependency is not where its source says.
    #[error("{declared_at}: dependency `{alias}`: {reason}{}", hint(.reason))]
    NotFound {
        /// Its name.
        alias: String,
        /// File, line and column.
        declared_at: String,
        /// Why.
        reason: LocateError,
    },
    /// A dependency has a version that is not accepted.
    #[error("{declared_at}: dependency `{alias}`: {reason}")]
    Version {
        /// Its name.
        alias: String,
        /// File, line and column.
        declared_at: String,
        /// What is wanted, and what there is.
        reason: String,
    },
    /// Packs depend on each other in a circle.
    #[error("packs depend on each other in a circle: {}", path.join(" -> "))]
    Cycle {
        /// The folders; the first one is repeated at the end.
        path: Vec<String>,
    },
    /// Packs depend on packs deeper than the limit.
    #[error("packs depend on packs deeper than {MAX_DEPENDENCY_DEPTH} levels: {}", path.join(" -> "))]
    TooDeep {
        /// The folders.
        path: Vec<String>,
    },
    /// Its files are wrong.
    #[error(transparent)]
    Content(#[from] Diagnostics),
    /// A pack in nomad-pack's format is wrong.
    #[error(transparent)]
    Go(#[from] LoadFault),
}

impl Pack {
    /// Reads the pack in `folder` and all that it depends on.
    ///
    /// # Errors
    /// When a folder cannot be read, a file is wrong, or there is a circle.
    pub fn load(folder: &Path) -> Result<Self, LoadError> {
        Self::load_with(folder, Locator::default())
    }

    /// As [`Pack::load`]; dependencies are found through `locator`.
    ///
    /// # Errors
    /// As there, and when a dependency is not found.
    pub fn load_with(folder: &Path, locator: Locator<'_>) -> Result<Self, LoadError> {
        if nomad_pack::is_go_pack(folder) {
            return nomad_pack::bridge::load(folder);
        }
        load(folder, locator, &mut Vec::new())
    }

    /// What messages call a file of the pack.
    pub fn shown(&self, within: &str) -> String {
        self.folder.join(within).display().to_string()
    }

    /// A text file of the pack as a source for diagnostics.
    ///
    /// # Errors
    /// When it is not UTF-8 text.
    pub fn source(&self, within: &str) -> Option<Result<Arc<Source>, Diagnostics>> {
        let content = self.files.get(within)?;
        Some(Source::from_bytes(&self.shown(within), content).map_err(Diagnostics::from))
    }
}

/// What a message says after the reason.
fn hint(error: &LocateError) -> String {
    if error.hint.is_empty() { String::new() } else { format!("; {}", error.hint) }
}

fn load(folder: &Path, locator: Locator<'_>, above: &mut Vec<(PathBuf, String)>) -> Result<Pack, LoadError> {
    let files = files::read(folder)?;
    let canonical = folder.canonicalize().map_err(|source| ReadError::Io { path: folder.to_owned(), source })?;
    let shown = folder.display().to_string();
    let path = |above: &[(PathBuf, String)]| above.iter().map(|(_, shown)| shown.clone()).collect::<Vec<_>>();
    if let Some(start) = above.iter().position(|(seen, _)| *seen == canonical) {
        let mut path = path(&above[start..]);
        path.push(above[start].1.clone());
        return Err(LoadError::Cycle { path });
    }
    if above.len() == MAX_DEPENDENCY_DEPTH {
        return Err(LoadError::TooDeep { path: path(above) });
    }
    let body = |name: &str| -> Result<Option<Body>, Diagnostics> {
        let Some(content) = files.get(name) else { return Ok(None) };
        let source = Source::from_bytes(&folder.join(name).display().to_string(), content)?;
        parse_body(&source).map(Some)
    };
    let mut problems = Diagnostics::new();
    let (metadata, declared) = match body(METADATA_FILE).and_then(|body| body.as_ref().map(Metadata::parse).transpose())
    {
        Ok(read) => read.unwrap_or_default(),
        Err(found) => {
            problems.extend(found);
            <(Metadata, Vec<Dependency>)>::default()
        }
    };
    let empty = || parse_body(&Source::new(folder.join("variables.hcl").display().to_string(), ""));
    let variables = match body("variables.hcl")
        .and_then(|body| Declarations::parse(&body.map_or_else(empty, Ok)?, TypeRules::Constraint))
    {
        Ok(variables) => variables,
        Err(found) => {
            problems.extend(found);
            return Err(problems.into());
        }
    };
    let metadata = problems.into_result(metadata)?;
    above.push((canonical, shown));
    let dependencies: Result<_, LoadError> =
        declared.into_iter().map(|declared| dependency(folder, declared, locator, above)).collect();
    above.pop();
    Ok(Pack {
        folder: folder.to_owned(),
        metadata,
        variables,
        files: Arc::new(files),
        dependencies: dependencies?,
        go: None,
    })
}

fn dependency(
    folder: &Path,
    declared: Dependency,
    locator: Locator<'_>,
    above: &mut Vec<(PathBuf, String)>,
) -> Result<LoadedDependency, LoadError> {
    let located = locator
        .find(&declared.source, declared.version.as_deref(), declared.reference.as_deref(), folder)
        .map_err(|reason| LoadError::NotFound {
            alias: declared.alias.clone(),
            declared_at: declared.declared_at.clone(),
            reason,
        })?;
    match load(&located.folder, locator, above) {
        Ok(pack) => {
            // A registry has picked a version that fits already.
            let wanted = declared.version.as_deref().filter(|_| located.version.is_none()).unwrap_or_default();
            match range::check(wanted, &pack.metadata.version) {
                Ok(()) => Ok(LoadedDependency { declared, pack }),
                Err(reason) => {
                    Err(LoadError::Version { alias: declared.alias, declared_at: declared.declared_at, reason })
                }
            }
        }
        Err(
            error @ (LoadError::Cycle { .. }
            | LoadError::TooDeep { .. }
            | LoadError::Content(_)
            | LoadError::Version { .. }
            | LoadError::NotFound { .. }),
        ) => Err(error),
        Err(error) => Err(LoadError::Dependency {
            alias: declared.alias,
            declared_at: declared.declared_at,
            source: Box::new(error),
        }),
    }
}
