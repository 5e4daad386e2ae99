//! Renders a pack: every template of it and of its dependencies.

use super::load::GoPack;
use super::values::Leniency;
use crate::gotemplate::{Session, View, World, from_hcl, legacy_root};
use crate::supplied::Supplied;
use drover_gotemplate::{Error, Map, Text, Value};
use drover_hcl::{Diagnostic, Diagnostics, Entries, Source, Span};
use std::collections::BTreeMap;
use std::rc::Rc;

/// Stack for templates that call each other.
const STACK_BYTES: usize = 256 << 20;

/// How to render.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub struct Choices {
    /// The first version of the dialect: `.my.x` instead of `var "x" .`.
    pub legacy: bool,
    /// Files whose names say that they are HCL get its canonical layout.
    pub format: bool,
    /// Also files that are no jobs.
    pub auxiliary: bool,
    /// Also `outputs.tpl`.
    pub outputs: bool,
    /// Variables without a value print nothing.
    pub allow_unset: bool,
    /// Values for variables that do not exist are passed over.
    pub ignore_unknown: bool,
}

impl Default for Choices {
    fn default() -> Self {
        Self { legacy: false, format: true, auxiliary: true, outputs: false, allow_unset: false, ignore_unknown: false }
    }
}

/// A rendered file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GoText {
    /// `PACK/FILE`, without `.tpl`.
    pub path: String,
    /// The template's path in its pack.
    pub template: String,
    /// Whether it is a job.
    pub is_job: bool,
    /// Its text.
    pub text: String,
}

/// Variables of the engine: path, namespace and items.
pub type StoredItems = (String, String, BTreeMap<String, String>);

/// What a pack renders to.
#[derive(Debug)]
pub struct Rendering {
    /// Its files, and those of its dependencies.
    pub texts: Vec<GoText>,
    /// The text of `outputs.tpl`; empty when there is none.
    pub outputs: Result<String, Diagnostics>,
    /// The variables' values of the root pack.
    pub values: Entries,
    /// What is stored in the engine with the pack: path, namespace and items.
    pub stored: Vec<StoredItems>,
}

impl GoPack {
    /// Renders it.
    ///
    /// # Errors
    /// Variables without values or with wrong ones, faults of templates, and that there is nothing to render.
    pub fn render(&self, supplied: &Supplied, world: &World, choices: Choices) -> Result<Rendering, Diagnostics> {
        // Deeply nested templates need more stack than a thread has by default; values are not shared between threads.
        std::thread::scope(|scope| {
            let worker = std::thread::Builder::new().stack_size(STACK_BYTES);
            match worker.spawn_scoped(scope, || self.render_here(supplied, world, choices)) {
                Ok(thread) => thread.join().unwrap_or_else(|_| Err(fault("the template engine failed").into())),
                Err(error) => Err(fault(&format!("cannot start a thread: {error}")).into()),
            }
        })
    }

    fn render_here(&self, supplied: &Supplied, world: &World, choices: Choices) -> Result<Rendering, Diagnostics> {
        let leniency = Leniency { unset: choices.allow_unset, unknown: choices.ignore_unknown };
        let supplied = if choices.legacy { self.without_object(supplied) } else { supplied.clone() };
        let values = self.values(&supplied, "", leniency)?;
        let name = self.metadata.shown_name().to_owned();
        let root = self.view(&name, &name, &supplied, "", leniency, choices.legacy)?;
        let mut session = Session::new(&root, world, choices.legacy);
        let mut packs = Vec::new();
        self.collect(&root, &mut packs);
        for (pack, view) in &packs {
            pack.add_templates(view, &mut session)?;
        }
        let mut texts = Vec::new();
        let mut ordered: Vec<_> = packs.iter().collect();
        if choices.legacy {
            // Dependencies stand beside their parent, and come first.
            ordered.sort_by_key(|(_, view)| (Rc::ptr_eq(view, &root), view.path.clone()));
        } else {
            ordered.sort_by_key(|(_, view)| view.path.clone());
        }
        for (pack, view) in ordered {
            pack.render_templates(view, &root, &session, choices, &mut texts)?;
        }
        if texts.is_empty() {
            return Err(fault("no templates were rendered by the renderer process run").into());
        }
        let outputs = self.outputs(&root, &mut session, choices);
        Ok(Rendering { texts, outputs, values, stored: self.stored()? })
    }

    /// The first version of the dialect takes `PACK = { x = … }` for its own variables too.
    fn without_object(&self, supplied: &Supplied) -> Supplied {
        let folder = self.folder_name();
        supplied.flattened(&folder)
    }
    fn folder_name(&self) -> String {
        std::path::Path::new(&self.absolute)
            .file_name()
            .map_or_else(String::new, |name| name.to_string_lossy().into_owned())
    }

    fn view(
        &self,
        name: &str,
        path: &str,
        supplied: &Supplied,
        prefix: &str,
        leniency: Leniency,
        legacy: bool,
    ) -> Result<Rc<View>, Diagnostics> {
        let values = self.values(supplied, prefix, leniency)?;
        let variables = Map::new();
        for (name, value) in &values {
            let kind = self.variables.get(name).and_then(|variable| variable.kind.as_ref());
            variables.set(Text::from(&**name), from_hcl(value, kind));
        }
        let mut dependencies = Vec::new();
        for (alias, pack) in &self.dependencies {
            let inner = supplied.prefixed(alias);
            let place = if legacy { alias.clone() } else { format!("{path}/{alias}") };
            dependencies.push(pack.view(alias, &place, &inner, &format!("{prefix}{alias}."), leniency, legacy)?);
        }
        Ok(Rc::new(View {
            name: name.to_owned(),
            path: path.to_owned(),
            folder: self.absolute.clone(),
            variables,
            metadata: self.metadata.as_map(&self.absolute),
            dependencies,
        }))
    }

    fn collect<'p>(&'p self, view: &Rc<View>, packs: &mut Vec<(&'p Self, Rc<View>)>) {
        packs.push((self, Rc::clone(view)));
        for ((_, pack), view) in self.dependencies.iter().zip(&view.dependencies) {
            pack.collect(view, packs);
        }
    }

    /// Files below `templates/` that are templates: those that end in `.tpl`, and helpers.
    fn template_files(&self) -> impl Iterator<Item = (&String, &Vec<u8>)> {
        self.files
            .iter()
            .filter(|(path, _)| path.starts_with("templates/") && (path.ends_with(".tpl") || is_helper(path)))
    }

    fn add_templates(&self, view: &View, session: &mut Session) -> Result<(), Diagnostics> {
        let mut problems = Diagnostics::new();
        for (path, content) in self.template_files() {
            let text = String::from_utf8_lossy(content);
            let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
            if let Err(error) = session.add(&format!("{}/{path}", view.path), text) {
                problems.push(diagnostic(&error));
            }
        }
        problems.into_result(())
    }

    fn render_templates(
        &self,
        view: &Rc<View>,
        root: &Rc<View>,
        session: &Session,
        choices: Choices,
        texts: &mut Vec<GoText>,
    ) -> Result<(), Diagnostics> {
        let dot = if choices.legacy { legacy_root(root, view, true) } else { view.context() };
        let mut problems = Diagnostics::new();
        for (path, _) in self.template_files().filter(|(path, _)| path.ends_with(".tpl") && !is_helper(path)) {
            let is_job = path.ends_with(".nomad.tpl") || path.ends_with(".nomad.hcl.tpl");
            if !is_job && !choices.auxiliary {
                continue;
            }
            let mut text = match session.render(&format!("{}/{path}", view.path), &dot, false) {
                Ok(text) => text,
                Err(error) => {
                    problems.push(diagnostic(&error));
                    continue;
                }
            };
            if text.trim().is_empty() {
                continue;
            }
            if choices.format && (is_job || path.ends_with(".hcl.tpl")) {
                text = drover_hcl::format_lexically(&text);
            }
            let shown = path.trim_start_matches("templates/").trim_end_matches(".tpl");
            texts.push(GoText { path: format!("{}/{shown}", view.path), template: path.clone(), is_job, text });
        }
        problems.into_result(())
    }

    fn outputs(&self, root: &Rc<View>, session: &mut Session, choices: Choices) -> Result<String, Diagnostics> {
        const NAME: &str = "outputs.tpl";
        let Some(content) = self.files.get(NAME).filter(|_| choices.outputs) else { return Ok(String::new()) };
        let failed = |error: &Error| {
            let mut problem = diagnostic(error);
            problem.summary = format!("failed to render {NAME}: {}", problem.summary);
            Diagnostics::from(problem)
        };
        session.add(NAME, &String::from_utf8_lossy(content)).map_err(|error| failed(&error))?;
        let dot: Value = if choices.legacy { legacy_root(root, root, false) } else { root.context() };
        session.render(NAME, &dot, true).map_err(|error| failed(&error))
    }

    fn stored(&self) -> Result<Vec<StoredItems>, Diagnostics> {
        let mut all = Vec::new();
        for stored in &self.variables.stored {
            let text = |expression: &drover_hcl::Expression| {
                super::variables::constant(expression).map(|value| value.as_str().unwrap_or_default().to_owned())
            };
            let items = super::variables::constant(&stored.items)?;
            let items = items.as_entries().into_iter().flatten();
            let items = items.map(|(name, value)| (name.to_string(), value.as_str().unwrap_or_default().to_owned()));
            let namespace = stored.namespace.as_ref().map(text).transpose()?.unwrap_or_default();
            all.push((text(&stored.path)?, namespace, items.collect()));
        }
        Ok(all)
    }
}

/// Helpers are parsed and never printed.
pub(crate) fn is_helper(path: &str) -> bool {
    path.contains("templates/_") || path.rsplit('/').next().is_some_and(|name| name.starts_with('_'))
}

fn fault(message: &str) -> Diagnostic {
    Diagnostic::error(message, "")
}

/// A template's fault with its line.
pub(crate) fn diagnostic(error: &Error) -> Diagnostic {
    let source = Source::new(error.template.clone(), format!("{}{}", "\n".repeat(error.line - 1), error.source_line));
    let at = error.line - 1 + error.column.saturating_sub(1);
    let mut problem = Diagnostic::error(error.to_string(), "").at(&source, Span::new(at, at));
    // The message names the place already.
    problem.hint = None;
    problem
}
