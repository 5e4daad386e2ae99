//! Reads a pack and the packs below its `deps/`.

use super::metadata::Metadata;
use super::variables::Variables;
use crate::files::{self, METADATA_FILE, ReadError};
use drover_hcl::{Diagnostics, Source, parse_body};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// How deep packs may depend on packs.
const MAX_DEPTH: usize = 16;

/// A pack in nomad-pack's format.
#[derive(Debug, Clone)]
pub struct GoPack {
    /// Its folder as the person named it.
    pub folder: PathBuf,
    /// Its folder, absolute.
    pub(super) absolute: String,
    pub(super) metadata: Metadata,
    pub(super) variables: Variables,
    pub(super) files: BTreeMap<String, Vec<u8>>,
    /// Those that are enabled, by alias.
    pub(super) dependencies: Vec<(String, GoPack)>,
}

/// Why a pack cannot be loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadFault {
    /// The folder cannot be read.
    #[error("failed to load pack")]
    Read(#[from] ReadError),
    /// A part is not there.
    #[error("failed to load pack: {0}")]
    Missing(String),
    /// `metadata.hcl` is wrong.
    #[error("failed to load pack: failed to decode metadata.hcl: {}", short(.0))]
    Metadata(Diagnostics),
    /// `variables.hcl` is not there.
    #[error("failed to validate {0}: root variable file is required (an empty variables.hcl will do)")]
    NoVariables(&'static str),
    /// `variables.hcl` is wrong.
    #[error("{0}")]
    Variables(Diagnostics),
    /// A dependency.
    #[error("failed to load pack dependency: {0}")]
    Dependency(String),
}

/// `FILE:LINE,COLUMN-COLUMN: summary; detail` of each.
fn short(problems: &Diagnostics) -> String {
    let line = |problem: &drover_hcl::Diagnostic| {
        let place = problem.range.as_ref().map_or_else(String::new, |range| {
            // A fault of a whole block is shown at the point where it opens.
            let end =
                if problem.summary == "Missing required argument" { range.start.column } else { range.end.column };
            format!("metadata.hcl:{},{}-{end}: ", range.start.line, range.start.column)
        });
        format!("{place}{}; {}", problem.summary, problem.detail)
    };
    problems.iter().map(line).collect::<Vec<_>>().join("\n")
}

impl GoPack {
    /// Reads the pack in a folder and those below its `deps/`.
    ///
    /// # Errors
    /// A folder cannot be read, or a file is wrong.
    pub fn load(folder: &Path) -> Result<Self, LoadFault> {
        load(folder, 0)
    }
    /// The pack's name.
    pub fn name(&self) -> &str {
        &self.metadata.name
    }
    /// In one sentence.
    pub fn description(&self) -> &str {
        &self.metadata.description
    }
    /// Its version.
    pub fn version(&self) -> &str {
        &self.metadata.version
    }
    /// Where the application comes from.
    pub fn url(&self) -> &str {
        &self.metadata.url
    }
    /// Who made the application.
    pub fn author(&self) -> &str {
        &self.metadata.author
    }
    /// Whether a pack of this alias is below it.
    pub fn has_dependency(&self, alias: &str) -> bool {
        self.dependencies.iter().any(|(known, _)| known == alias)
    }
    /// The tree of what it depends on.
    pub(crate) fn tree(&self, alias: &str) -> crate::vendor::Node {
        let source = |name: &str| {
            let declared = self.metadata.dependencies.iter().find(|dependency| dependency.alias == name);
            declared.map(|dependency| dependency.source.clone()).unwrap_or_default()
        };
        let inner = self.dependencies.iter();
        crate::vendor::Node {
            alias: alias.to_owned(),
            name: self.metadata.name.clone(),
            version: self.metadata.version.clone(),
            source: String::new(),
            dependencies: inner
                .map(|(alias, pack)| crate::vendor::Node { source: source(alias), ..pack.tree(alias) })
                .collect(),
        }
    }
    /// The variables that have no default; those of dependencies by their path.
    pub(crate) fn required_variables(&self) -> Vec<crate::Missing> {
        let own = self
            .variables
            .all
            .iter()
            .filter(|variable| variable.default.as_ref().is_none_or(drover_hcl::Value::is_null));
        let missing = |variable: &super::variables::Variable| crate::Missing {
            name: variable.name.clone(),
            kind: variable.kind.clone(),
            description: variable.description.clone(),
            sensitive: false,
        };
        let mut found: Vec<crate::Missing> = own.map(missing).collect();
        for (alias, pack) in &self.dependencies {
            let inner = pack.required_variables().into_iter();
            found.extend(
                inner.map(|variable| crate::Missing { name: format!("{alias}.{}", variable.name), ..variable }),
            );
        }
        found
    }
    /// Its variables: name, type, default as JSON (none when it must be given) and description.
    pub fn described_variables(&self) -> impl Iterator<Item = [String; 4]> {
        self.variables.all.iter().map(|variable| {
            let default = variable.default.as_ref().filter(|value| !value.is_null());
            [
                variable.name.clone(),
                variable.kind.as_ref().map_or_else(|| "any".to_owned(), drover_hcl::Type::friendly),
                default.and_then(|value| value.to_json().ok()).map(|json| json.to_string()).unwrap_or_default(),
                variable.description.clone(),
            ]
        })
    }
}

fn load(folder: &Path, depth: usize) -> Result<GoPack, LoadFault> {
    let owner = if depth == 0 { "pack" } else { "dependent pack" };
    let files = match files::read(folder) {
        Err(ReadError::NoMetadata { .. }) => {
            return Err(LoadFault::Missing(format!("{METADATA_FILE} file not found")));
        }
        files => files?,
    };
    let source = |name: &str| {
        let content = files.get(name)?;
        Some(Source::from_bytes(&folder.join(name).display().to_string(), content).map_err(Diagnostics::from))
    };
    let body = source(METADATA_FILE)
        .ok_or_else(|| LoadFault::Missing(format!("{METADATA_FILE} file not found")))?
        .and_then(|source| parse_body(&source))
        .map_err(|problems| LoadFault::Metadata(super::wording::reword(problems)))?;
    let metadata = Metadata::read(&body)?;
    let variables = source("variables.hcl")
        .ok_or(LoadFault::NoVariables(owner))?
        .and_then(|source| Variables::read(&parse_body(&source)?))
        .map_err(|problems| LoadFault::Variables(super::wording::reword(problems)))?;
    let absolute = folder.canonicalize().unwrap_or_else(|_| folder.to_owned()).display().to_string();
    let mut dependencies = Vec::new();
    for dependency in metadata.dependencies.iter().filter(|dependency| dependency.enabled) {
        if depth == MAX_DEPTH {
            return Err(LoadFault::Dependency(format!("packs depend on packs deeper than {MAX_DEPTH} levels")));
        }
        let inner = folder.join("deps").join(&dependency.name);
        if !inner.exists() {
            return Err(LoadFault::Dependency(format!(
                "failed to load dependent pack: stat {absolute}/deps/{}: no such file or directory; `drover pack vendor` fetches it",
                dependency.name
            )));
        }
        let pack = load(&inner, depth + 1).map_err(|error| match error {
            LoadFault::Dependency(_) => error,
            error => LoadFault::Dependency(error.to_string()),
        })?;
        dependencies.push((dependency.alias.clone(), pack));
    }
    Ok(GoPack { folder: folder.to_owned(), absolute, metadata, variables, files, dependencies })
}
