//! Go templates in a pack that also has Tera templates: a template's file name decides which it is.
//!
//! They see the same variables as the others, as nomad-pack's functions have them: `var "x" .`, `meta`, `deps`.

use std::rc::Rc;
use std::sync::Arc;

use drover_gotemplate::{Map, Text, Value as GoValue};
use drover_hcl::variables::Declarations;
use drover_hcl::{Diagnostic, Diagnostics, Value};

use crate::gotemplate::{HostRules, Session, View, World, from_hcl};
use crate::nomad_pack::{diagnostic, is_helper};
use crate::{Pack, RenderRequest, Rendered};

/// Stack for templates that call each other.
const STACK_BYTES: usize = 256 << 20;
/// The text after an apply.
pub(crate) const OUTPUTS: &str = "outputs.tpl";

/// A Go template's text.
pub(crate) struct MixedText {
    /// The template's path in the pack.
    pub template: String,
    /// The same without `.tpl`.
    pub path: String,
    pub is_job: bool,
    pub text: String,
}

/// Whether a file of a pack is a Go template that is rendered by itself.
pub(crate) fn is_rendered(name: &str) -> bool {
    name.starts_with("templates/") && name.ends_with(".tpl") && !is_helper(name)
}

/// Whether the pack has any.
pub(crate) fn has_any(pack: &Pack) -> bool {
    pack.files.keys().any(|name| is_rendered(name) || name == OUTPUTS)
}

/// Renders the Go templates of a pack, `outputs.tpl` among them.
pub(crate) fn render(
    pack: &Pack,
    alias: &str,
    variables: &Value,
    dependencies: &[Rendered],
    request: &RenderRequest,
) -> Result<Vec<MixedText>, Diagnostics> {
    let work = || render_here(pack, alias, variables, dependencies, request);
    std::thread::scope(|scope| {
        let worker = std::thread::Builder::new().stack_size(STACK_BYTES);
        match worker.spawn_scoped(scope, work) {
            Ok(thread) => {
                thread.join().unwrap_or_else(|_| Err(Diagnostic::error("the template engine failed", "").into()))
            }
            Err(error) => Err(Diagnostic::error(format!("cannot start a thread: {error}"), "").into()),
        }
    })
}

fn render_here(
    pack: &Pack,
    alias: &str,
    variables: &Value,
    dependencies: &[Rendered],
    request: &RenderRequest,
) -> Result<Vec<MixedText>, Diagnostics> {
    let folder = pack.folder.canonicalize().unwrap_or_else(|_| pack.folder.clone());
    let environment = Arc::clone(&request.env);
    let world = World {
        rules: HostRules {
            environment: Some(Arc::new(move |name| environment.get(name).cloned())),
            unbounded: false,
            folders: vec![folder.clone()],
            current: folder.clone(),
        },
        engine: request.engine.clone(),
        secrets: Some(request.pack_secrets()),
    };
    let shown = folder.display().to_string();
    let view = Rc::new(View {
        name: alias.to_owned(),
        path: pack.folder.display().to_string(),
        folder: shown.clone(),
        variables: values(variables, Some(&pack.variables)),
        metadata: metadata(&pack.metadata, &shown),
        dependencies: dependencies.iter().map(|dependency| dependency_view(dependency, &shown)).collect(),
    });
    let mut session = Session::new(&view, &world, false);
    let mut problems = Diagnostics::new();
    for (name, content) in pack.files.iter().filter(|(name, _)| is_parsed(name)) {
        let text = String::from_utf8_lossy(content);
        if let Err(error) = session.add(&pack.shown(name), text.strip_prefix('\u{feff}').unwrap_or(&text)) {
            problems.push(diagnostic(&error));
        }
    }
    problems.into_result(())?;
    let mut problems = Diagnostics::new();
    let mut texts = Vec::new();
    for name in pack.files.keys().filter(|name| is_rendered(name) || *name == OUTPUTS) {
        let is_job = name.ends_with(".nomad.tpl") || name.ends_with(".nomad.hcl.tpl");
        match session.render(&pack.shown(name), &view.context(), false) {
            Ok(text) => {
                let laid_out = is_job || name.ends_with(".hcl.tpl");
                let text = if laid_out { drover_hcl::format_lexically(&text) } else { text };
                let path = name.trim_end_matches(".tpl").to_owned();
                texts.push(MixedText { template: name.clone(), path, is_job, text });
            }
            Err(error) => problems.push(diagnostic(&error)),
        }
    }
    problems.into_result(texts)
}

/// Helpers in Tera have Tera's ending.
fn is_parsed(name: &str) -> bool {
    name == OUTPUTS
        || name.starts_with("templates/") && (name.ends_with(".tpl") || is_helper(name) && !name.ends_with(".tera"))
}

fn values(variables: &Value, declared: Option<&Declarations>) -> Map {
    let map = Map::new();
    for (name, value) in variables.as_entries().into_iter().flatten() {
        let kind = declared.and_then(|declared| declared.get(name)).and_then(|variable| variable.kind.as_ref());
        map.set(Text::from(&**name), from_hcl(value, kind));
    }
    map
}

fn metadata(metadata: &crate::Metadata, folder: &str) -> Map {
    let object = |entries: &[(&str, &str)]| {
        GoValue::map(entries.iter().map(|(name, text)| (Text::from(*name), GoValue::text(*text))).collect())
    };
    let map = Map::new();
    map.set(Text::from("app"), object(&[("url", &metadata.url)]));
    map.set(
        Text::from("pack"),
        object(&[
            ("name", &metadata.name),
            ("description", &metadata.description),
            ("version", &metadata.version),
            ("path", folder),
        ]),
    );
    map
}

fn dependency_view(rendered: &Rendered, folder: &str) -> Rc<View> {
    Rc::new(View {
        name: rendered.alias.clone(),
        path: rendered.alias.clone(),
        folder: folder.to_owned(),
        variables: values(&rendered.variables, None),
        metadata: metadata(&rendered.metadata, folder),
        dependencies: rendered.dependencies.iter().map(|inner| dependency_view(inner, folder)).collect(),
    })
}
