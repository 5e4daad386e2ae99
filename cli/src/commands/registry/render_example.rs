//! `render-example FOLDER`: what a registry starts to render the pack of a stranger. It has little time and memory, no
//! environment and no secrets, and prints the rendered files as JSON.

use drover_packs::nomad_pack::Choices;
use drover_packs::{Meta, Pack, RenderRequest, Rendered, Supplied};
use drover_registry_server::release::ExampleFile;
use drover_secrets::{Resolver, Taint};
use nix::sys::resource::{Resource, setrlimit};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

/// Memory that the process may have, in bytes.
const MAX_MEMORY_BYTES: u64 = 768 * 1024 * 1024;
/// Time of the processor that it may use, in seconds.
const MAX_CPU_SECONDS: u64 = 10;

/// Renders, within limits.
pub fn main(arguments: &[String]) -> ExitCode {
    let [folder] = arguments else {
        crate::output::error_line("render-example takes a folder");
        return ExitCode::FAILURE;
    };
    for (what, limit) in
        [(Resource::RLIMIT_AS, MAX_MEMORY_BYTES), (Resource::RLIMIT_CPU, MAX_CPU_SECONDS), (Resource::RLIMIT_FSIZE, 0)]
    {
        if let Err(error) = setrlimit(what, limit, limit) {
            crate::output::error_line(&format!("cannot limit myself: {error}"));
            return ExitCode::FAILURE;
        }
    }
    match render(Path::new(folder)) {
        Ok(files) => {
            crate::output::line(&serde_json::to_string(&files).unwrap_or_default());
            ExitCode::SUCCESS
        }
        Err(error) => {
            crate::output::error_line(&error);
            ExitCode::FAILURE
        }
    }
}

fn render(folder: &Path) -> Result<Vec<ExampleFile>, String> {
    let pack = Pack::load(folder).map_err(|error| drover_base::error::chain(&error))?;
    let name = pack.metadata.name.clone();
    let request = RenderRequest {
        supplied: Supplied::default(),
        secrets: Arc::new(Resolver::new(Taint::default())),
        env: Arc::new(BTreeMap::new()),
        meta: Meta { stack: name.clone(), deployment: name, namespace: "default".to_owned() },
        choices: Choices::default(),
        engine: None,
    };
    let rendered = pack.render(&request).map_err(|error| error.to_string())?;
    let mut files = Vec::new();
    collect(&rendered, "", &mut files);
    Ok(files)
}

/// The pack's own files first, then those of what it depends on.
fn collect(rendered: &Rendered, prefix: &str, files: &mut Vec<ExampleFile>) {
    let mut add = |path: &str, text: &str| {
        let path = path.strip_prefix("templates/").unwrap_or(path);
        let path = path.strip_suffix(".tera").or_else(|| path.strip_suffix(".tpl")).unwrap_or(path);
        files.push(ExampleFile { path: format!("{prefix}{path}"), text: text.to_owned() });
    };
    rendered.jobs.iter().for_each(|job| add(&job.template, &job.text));
    rendered.files.iter().for_each(|file| add(&file.path, &file.text));
    if let Some(message) = rendered.message.as_deref().filter(|message| !message.trim().is_empty()) {
        add("outputs", message);
    }
    for dependency in &rendered.dependencies {
        collect(dependency, &format!("{prefix}{}/", dependency.alias), files);
    }
}
