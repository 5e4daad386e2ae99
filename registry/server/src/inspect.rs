//! What is in an archive that somebody publishes: unpacked within limits, its metadata, variables and texts read. Blocking.

use std::path::Path;

use drover_hcl::variables::{Declaration, Declarations};
use drover_hcl::{Body, Diagnostics, Source, Type, TypeRules, parse_body};
use drover_packs::nomad_pack::{GoPack, is_go_pack};
use drover_packs::{Dependency, Metadata};
use drover_registry::archive::{self, ArchiveError};
use drover_registry::wire::{DependencyInfo, VariableInfo};

use crate::example::Renderer;
use crate::release::Documents;

/// The longest README that is kept, in bytes.
const MAX_README_BYTES: usize = 512 * 1024;
/// The most files that a page lists.
const MAX_LISTED_FILES: usize = 500;

/// What an archive holds.
pub(crate) struct Inspected {
    pub metadata: Metadata,
    pub dependencies: Vec<DependencyInfo>,
    pub variables: Vec<VariableInfo>,
    pub documents: Documents,
}

/// Why an archive is refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InspectError {
    /// It is no archive of a pack, or exceeds a limit.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// A file of it is wrong.
    #[error("the pack has errors:\n{0}")]
    Content(Diagnostics),
    /// It is in nomad-pack's format, and wrong.
    #[error("the pack has errors: {0}")]
    Go(String),
    /// There is no room for it here.
    #[error("cannot unpack the archive")]
    Scratch(#[source] std::io::Error),
}

/// Reads an archive.
pub(crate) fn inspect(
    content: &[u8],
    limits: &archive::Limits,
    renderer: Option<&Renderer>,
) -> Result<Inspected, InspectError> {
    let scratch = tempfile::tempdir().map_err(InspectError::Scratch)?;
    let folder = scratch.path().join("pack");
    archive::unpack(content, None, &folder, limits)?;
    let mut inspected = if is_go_pack(&folder) { go_pack(&folder)? } else { pack(&folder)? };
    inspected.documents = documents(&folder);
    let needed: Vec<&str> = required(&inspected.variables).collect();
    if !needed.is_empty() {
        inspected.documents.no_example = Some(format!("it needs values for: {}", needed.join(", ")));
    } else if let Some(renderer) = renderer {
        match renderer.render(&folder) {
            Ok(files) => inspected.documents.example = files,
            Err(why) => inspected.documents.no_example = Some(hide(&why, &folder)),
        }
    }
    Ok(inspected)
}

fn required(variables: &[VariableInfo]) -> impl Iterator<Item = &str> {
    variables.iter().filter(|variable| variable.required).map(|variable| variable.name.as_str())
}

/// Messages name files as they are in the pack, not where it was unpacked.
fn hide(text: &str, folder: &Path) -> String {
    let folder = folder.display().to_string();
    text.replace(&format!("{folder}/"), "").replace(&folder, ".")
}

fn body(folder: &Path, name: &str) -> Result<Option<Body>, Diagnostics> {
    let Ok(content) = std::fs::read(folder.join(name)) else { return Ok(None) };
    let source = Source::from_bytes(name, &content)?;
    parse_body(&source).map(Some)
}

fn pack(folder: &Path) -> Result<Inspected, InspectError> {
    let mut problems = Diagnostics::new();
    let mut keep = |found: Diagnostics| problems.extend(found);
    let metadata = match body(folder, archive::METADATA_FILE) {
        Ok(Some(body)) => Metadata::parse(&body).map_err(&mut keep).unwrap_or_default(),
        Ok(None) => <(Metadata, Vec<Dependency>)>::default(),
        Err(found) => {
            keep(found);
            <(Metadata, Vec<Dependency>)>::default()
        }
    };
    let variables = body(folder, "variables.hcl")
        .and_then(|body| body.map(|body| Declarations::parse(&body, TypeRules::Constraint)).transpose())
        .map_err(&mut keep)
        .unwrap_or_default()
        .unwrap_or_default();
    let (metadata, dependencies) = problems.into_result(metadata).map_err(InspectError::Content)?;
    Ok(Inspected {
        metadata,
        dependencies: dependencies.into_iter().map(dependency).collect(),
        variables: variables.iter().map(variable).collect(),
        documents: Documents::default(),
    })
}

fn dependency(dependency: Dependency) -> DependencyInfo {
    DependencyInfo {
        name: dependency.alias.clone(),
        alias: dependency.alias,
        source: dependency.source,
        version: dependency.version.or(dependency.reference).unwrap_or_default(),
        enabled: dependency.enabled.is_none(),
    }
}

fn variable(declared: &Declaration) -> VariableInfo {
    let default = declared.default.as_ref().filter(|_| !declared.sensitive);
    VariableInfo {
        name: declared.name.to_string(),
        kind: declared.kind.as_ref().map_or_else(|| "any".to_owned(), Type::friendly),
        description: declared.description.clone().unwrap_or_default(),
        default: default.and_then(|value| value.to_json().ok()),
        required: declared.default.is_none(),
        sensitive: declared.sensitive,
    }
}

fn go_pack(folder: &Path) -> Result<Inspected, InspectError> {
    let pack = GoPack::load(folder).map_err(|error| InspectError::Go(hide(&error.to_string(), folder)))?;
    let metadata = Metadata {
        name: pack.name().to_owned(),
        description: pack.description().to_owned(),
        version: pack.version().to_owned(),
        url: pack.url().to_owned(),
        author: pack.author().to_owned(),
    };
    let variables = pack.described_variables().map(|[name, kind, default, description]| VariableInfo {
        required: default.is_empty(),
        default: serde_json::from_str(&default).ok(),
        name,
        kind,
        description,
        sensitive: false,
    });
    Ok(Inspected {
        metadata,
        dependencies: Vec::new(),
        variables: variables.collect(),
        documents: Documents::default(),
    })
}

fn documents(folder: &Path) -> Documents {
    let mut files = Vec::new();
    list(folder, "", &mut files);
    files.sort();
    let readme = files.iter().map(|(path, _)| path).find(|path| path.eq_ignore_ascii_case("readme.md"));
    let readme = readme.and_then(|path| std::fs::read(folder.join(path)).ok()).map(|mut content| {
        content.truncate(MAX_README_BYTES);
        String::from_utf8_lossy(&content).into_owned()
    });
    files.truncate(MAX_LISTED_FILES);
    Documents { readme, files, ..Documents::default() }
}

fn list(folder: &Path, prefix: &str, files: &mut Vec<(String, u64)>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if prefix.is_empty() { name } else { format!("{prefix}/{name}") };
        match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => list(&entry.path(), &path, files),
            Ok(metadata) => files.push((path, metadata.len())),
            Err(_) => {}
        }
    }
}

/// The archive limits of the configuration.
pub(crate) fn archive_limits(limits: &crate::config::Limits) -> archive::Limits {
    archive::Limits {
        archive_bytes: limits.archive_bytes,
        unpacked_bytes: limits.unpacked_bytes,
        entries: limits.files,
        ..archive::Limits::default()
    }
}
