//! A pack in this format as any other pack: loaded, rendered to jobs, planned and run.

use super::load::GoPack;
use super::render::{Choices, StoredItems};
use crate::gotemplate::{HostRules, World};
use crate::jobs::{self, RenderedJob};
use crate::render::{RenderRequest, Rendered, RenderedFile};
use crate::resources::{Resource, VariablesResource};
use crate::{LoadError, Metadata, Pack};
use drover_hcl::variables::Declarations;
use drover_hcl::{Diagnostics, Entries, Value};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// Loads a pack of this format.
pub(crate) fn load(folder: &Path) -> Result<Pack, LoadError> {
    let pack = GoPack::load(folder)?;
    let metadata = Metadata {
        name: pack.name().to_owned(),
        description: pack.description().to_owned(),
        version: pack.version().to_owned(),
        url: pack.url().to_owned(),
        author: pack.author().to_owned(),
    };
    Ok(Pack {
        folder: folder.to_owned(),
        metadata,
        variables: Declarations::default(),
        files: Arc::new(pack.files.clone()),
        dependencies: Vec::new(),
        go: Some(Arc::new(pack)),
    })
}

/// Renders it. Templates see the environment variables that the request allows, and files of the pack.
pub(crate) fn render(pack: &GoPack, request: &RenderRequest) -> Result<Rendered, Diagnostics> {
    let environment: Arc<BTreeMap<String, String>> = Arc::clone(&request.env);
    let folder = pack.folder.canonicalize().unwrap_or_else(|_| pack.folder.clone());
    let world = World {
        rules: HostRules {
            environment: Some(Arc::new(move |name| environment.get(name).cloned())),
            unbounded: false,
            folders: vec![folder.clone()],
            current: folder,
        },
        engine: request.engine.clone(),
        secrets: Some(request.pack_secrets()),
    };
    let choices = Choices { outputs: true, ..request.choices };
    let result = pack.render(&request.supplied, &world, choices)?;
    let mut problems = Diagnostics::new();
    let mut jobs: Vec<RenderedJob> = Vec::new();
    let mut files = Vec::new();
    for text in &result.texts {
        if !text.is_job {
            files.push(RenderedFile { path: text.path.clone(), text: text.text.clone() });
            continue;
        }
        let shown = format!("{} (rendered)", text.path);
        match jobs::parse(&shown, &text.template, &text.text) {
            Ok(job) => jobs.push(job),
            Err(found) => problems.extend(found),
        }
    }
    let stored = |(path, namespace, items): StoredItems| {
        let namespace = (!namespace.is_empty()).then_some(namespace);
        Resource::Variables(VariablesResource { path, namespace, items })
    };
    let message = result.outputs?;
    problems.into_result(Rendered {
        alias: pack.metadata.shown_name().to_owned(),
        metadata: Metadata {
            name: pack.name().to_owned(),
            description: pack.description().to_owned(),
            version: pack.version().to_owned(),
            url: pack.url().to_owned(),
            author: pack.author().to_owned(),
        },
        jobs,
        files,
        resources: result.stored.into_iter().map(stored).collect(),
        outputs: Entries::new(),
        message: Some(message).filter(|message| !message.is_empty()),
        variables: Value::Object(Arc::new(result.values)),
        dependencies: Vec::new(),
    })
}
