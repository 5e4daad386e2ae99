//! From a pack and its variables to jobs, files, resources and outputs.

use std::collections::BTreeMap;
use std::sync::Arc;

use drover_hcl::variables::Strictness;
use drover_hcl::{Diagnostic, Diagnostics, Entries, EvalContext, Source, Type, Value, convert, parse_body};
use drover_secrets::{Origin, Resolver};
use serde_json::{Map, Value as Json, json};

use crate::PackSecrets;
use crate::attributes::{Reader, label};
use crate::gotemplate::EngineReads;
use crate::jobs::{self, RenderedJob};
use crate::limits;
use crate::mixed::{self, MixedText};
use crate::nomad_pack::{self, Choices};
use crate::resources::{self, Resource};
use crate::template::{Reach, Templates};
use crate::{LoadedDependency, Pack, Supplied};

/// What a rendering is for; templates see it as `meta`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Meta {
    /// The stack that the pack is part of.
    pub stack: String,
    /// The name of the pack in the stack.
    pub deployment: String,
    /// The namespace of its jobs, unless they say otherwise.
    pub namespace: String,
}

/// All that a rendering depends on besides the pack itself.
#[derive(Clone)]
pub struct RenderRequest {
    /// What the person gave for variables.
    pub supplied: Supplied,
    /// Answers `secret()`.
    pub secrets: Arc<Resolver>,
    /// The environment variables that templates may read.
    pub env: Arc<BTreeMap<String, String>>,
    /// What it is for.
    pub meta: Meta,
    /// How packs in nomad-pack's format are rendered.
    pub choices: Choices,
    /// The engine, for the functions of such packs that read it.
    pub engine: Option<Arc<dyn EngineReads>>,
}

impl RenderRequest {
    /// Answers `secret()` in the pack.
    pub(crate) fn pack_secrets(&self) -> PackSecrets {
        PackSecrets { secrets: Arc::clone(&self.secrets), env: Arc::clone(&self.env) }
    }
}

/// A rendered pack.
#[derive(Clone)]
pub struct Rendered {
    /// The alias of a dependency, or the pack's own name.
    pub alias: String,
    /// The pack's metadata.
    pub metadata: crate::Metadata,
    /// Its jobs, by template name.
    pub jobs: Vec<RenderedJob>,
    /// Its auxiliary files, by template name.
    pub files: Vec<RenderedFile>,
    /// What else it brings: namespaces, variables.
    pub resources: Vec<Resource>,
    /// Named outputs for other packs and for the person.
    pub outputs: Entries,
    /// The text of `outputs.tera`.
    pub message: Option<String>,
    /// Its variables' values.
    pub variables: Value,
    /// The packs that it depends on, which come first.
    pub dependencies: Vec<Rendered>,
}

/// An auxiliary file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RenderedFile {
    /// Its path in the pack, without `.tera`.
    pub path: String,
    /// Its text.
    pub text: String,
}

/// Why a pack does not render: everything that is wrong, with places, free of secrets.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct RenderError(pub Diagnostics);

impl From<Diagnostics> for RenderError {
    fn from(problems: Diagnostics) -> Self {
        Self(problems)
    }
}

impl From<Diagnostic> for RenderError {
    fn from(problem: Diagnostic) -> Self {
        Self(problem.into())
    }
}

const OUTPUT_TEXT: &str = "outputs.tera";
const OUTPUT_BLOCKS: [&str; 2] = ["outputs.hcl.tera", "outputs.hcl"];
const RESOURCES: [&str; 2] = ["resources.hcl.tera", "resources.hcl"];

impl Pack {
    /// Renders the pack and what it depends on.
    ///
    /// # Errors
    /// Variables that are missing or wrong, templates that fail or exceed [`limits`], jobs that are no valid HCL.
    pub fn render(&self, request: &RenderRequest) -> Result<Rendered, RenderError> {
        if let Some(go) = &self.go {
            let rendered = nomad_pack::bridge::render(go, request);
            return rendered.map_err(|problems| RenderError(masked(problems, &request.secrets)));
        }
        let (pack, own) = (self.clone(), request.clone());
        let rendered = limits::within(move || render(&pack, &pack.metadata.name, &own.supplied, &own));
        let rendered = rendered.unwrap_or_else(|exceeded| {
            Err(Diagnostic::error(format!("the pack {}: {exceeded}", self.metadata.name), "").into())
        });
        rendered.map_err(|problems| RenderError(masked(problems, &request.secrets)))
    }
}

/// Problems free of secrets: a line that is quoted in one may hold a value.
pub fn masked(problems: Diagnostics, secrets: &Resolver) -> Diagnostics {
    let masker = secrets.taint().masker();
    problems.into_iter().map(|problem| mask(problem, &masker)).collect()
}

fn mask(mut problem: Diagnostic, masker: &drover_secrets::Masker) -> Diagnostic {
    problem.summary = masker.mask(&problem.summary).into_owned();
    problem.detail = masker.mask(&problem.detail).into_owned();
    problem.source_line = problem.source_line.map(|line| masker.mask(&line).into_owned());
    problem.hint = problem.hint.map(|hint| masker.mask(&hint).into_owned());
    problem
}

fn render(pack: &Pack, alias: &str, supplied: &Supplied, request: &RenderRequest) -> Result<Rendered, Diagnostics> {
    let variables = variables(pack, alias, supplied, request)?;
    let mut context = EvalContext::new().with_functions(crate::secret::pack_secret_function(request.pack_secrets()));
    context.set("var", variables.clone());
    let mut dependencies = Vec::new();
    for dependency in &pack.dependencies {
        if is_enabled(dependency, &context)? {
            let supplied = supplied_to(dependency, supplied, &context)?;
            dependencies.push(render(&dependency.pack, &dependency.declared.alias, &supplied, request)?);
        }
    }
    let values = template_values(pack, alias, &variables, &dependencies, request)?;
    context.set("pack", Value::from_json(&values["pack"]));
    context.set("deps", Value::from_json(&values["deps"]));
    let workshop = Workshop { pack, values: &values, context: &context, templates: parse_templates(pack, request)? };
    let mut problems = Diagnostics::new();
    let (mut jobs, mut files) = workshop.templates(&mut problems);
    let mut go_message = None;
    if mixed::has_any(pack) {
        let texts = keep(mixed::render(pack, alias, &variables, &dependencies, request), &mut problems);
        go_message = workshop.sort_mixed(texts, &mut jobs, &mut files, &mut problems);
    }
    let resources = keep(
        workshop.blocks(&RESOURCES).and_then(|body| match body {
            Some(body) => resources::parse(&body, &context),
            None => Ok(Vec::new()),
        }),
        &mut problems,
    );
    let outputs = keep(workshop.outputs(), &mut problems);
    let message = match workshop.has(OUTPUT_TEXT) {
        true => keep(workshop.templates.render(OUTPUT_TEXT, &values).map(Some), &mut problems),
        false => go_message,
    };
    problems.into_result(Rendered {
        alias: alias.to_owned(),
        metadata: pack.metadata.clone(),
        jobs,
        files,
        resources,
        outputs,
        message,
        variables,
        dependencies,
    })
}

fn keep<T: Default>(result: Result<T, Diagnostics>, problems: &mut Diagnostics) -> T {
    result.unwrap_or_else(|found| {
        problems.extend(found);
        T::default()
    })
}

fn variables(pack: &Pack, alias: &str, supplied: &Supplied, request: &RenderRequest) -> Result<Value, Diagnostics> {
    let aliases: Vec<&str> = pack.dependencies.iter().map(|dependency| dependency.declared.alias.as_str()).collect();
    let inputs = supplied.inputs(&pack.variables, &aliases, &format!("the pack {alias}"))?;
    let context = EvalContext::new().with_functions(crate::secret::pack_secret_function(request.pack_secrets()));
    let values = pack.variables.resolve(inputs, Strictness::Strict, &context)?;
    for declared in pack.variables.iter().filter(|declared| declared.sensitive) {
        let name = format!("pack.{alias}.{}", declared.name);
        if let Some(value) = values.as_entries().and_then(|entries| entries.get(&*declared.name)) {
            taint(&name, value, request.secrets.taint());
        }
    }
    Ok(values)
}

/// Records every text and number within a sensitive value under its full name. Truth values say too little to be hidden.
pub fn taint(name: &str, value: &Value, taint_record: &drover_secrets::Taint) {
    if let Some(text) = value.as_str() {
        taint_record.add(Origin::Variable(name.to_owned()), text);
    } else if value.as_number().is_some() {
        if let Ok(Json::Number(number)) = value.to_json() {
            taint_record.add(Origin::Variable(name.to_owned()), &number.to_string());
        }
    } else if let Some(items) = value.as_items() {
        items.iter().for_each(|item| taint(name, item, taint_record));
    } else if let Some(entries) = value.as_entries() {
        entries.values().for_each(|item| taint(name, item, taint_record));
    }
}

fn is_enabled(dependency: &LoadedDependency, context: &EvalContext<'_>) -> Result<bool, Diagnostics> {
    let Some(expression) = &dependency.declared.enabled else { return Ok(true) };
    let value = expression.evaluate(context)?;
    let value = convert(&value, &Type::Bool).ok().and_then(|value| value.as_bool());
    value.ok_or_else(|| {
        Diagnostic::error("`enabled` has to be true or false", "").at(&expression.source, expression.expr.span).into()
    })
}

/// What the pack itself gives to its dependency, then what the person gave, which wins.
fn supplied_to(
    dependency: &LoadedDependency,
    supplied: &Supplied,
    context: &EvalContext<'_>,
) -> Result<Supplied, Diagnostics> {
    let mut result = Supplied::default();
    if let Some(expression) = &dependency.declared.vars {
        let value = expression.evaluate(context)?;
        let Some(entries) = value.as_entries() else {
            return Err(Diagnostic::error("`vars` has to be an object", "write vars = { name = value }")
                .at(&expression.source, expression.expr.span)
                .into());
        };
        for (name, value) in entries {
            result.add_value(name, value.clone());
        }
    }
    result.extend(supplied.for_dependency(&dependency.declared.alias));
    Ok(result)
}

/// The names of the variables that a pack gives values for to its dependency.
pub(crate) fn names_of_vars(declared: &crate::Dependency) -> std::collections::BTreeSet<String> {
    let mut names = std::collections::BTreeSet::new();
    if let Some(expression) = &declared.vars
        && let drover_hcl::syntax::ExprKind::Object(items) = &expression.expr.kind
    {
        names.extend(items.iter().filter_map(drover_hcl::syntax::ObjectItem::key_name));
    }
    names
}

fn template_values(
    pack: &Pack,
    alias: &str,
    variables: &Value,
    dependencies: &[Rendered],
    request: &RenderRequest,
) -> Result<Map<String, Json>, Diagnostics> {
    let not_json = |error: drover_hcl::NoJson| {
        Diagnostics::from(Diagnostic::error(format!("variables of {alias}"), error.to_string()))
    };
    let mut values = match variables.to_json().map_err(not_json)? {
        Json::Object(values) => values,
        _ => Map::new(),
    };
    let metadata = &pack.metadata;
    values.insert(
        "pack".to_owned(),
        json!({"name": metadata.name, "description": metadata.description, "version": metadata.version, "alias": alias}),
    );
    values.insert(
        "meta".to_owned(),
        json!({
            "app": {"url": metadata.url, "author": metadata.author},
            "stack": request.meta.stack,
            "deployment": request.meta.deployment,
            "namespace": request.meta.namespace,
        }),
    );
    let mut deps = Map::new();
    for dependency in dependencies {
        deps.insert(dependency.alias.clone(), dependency.as_json().map_err(not_json)?);
    }
    values.insert("deps".to_owned(), Json::Object(deps));
    Ok(values)
}

impl Rendered {
    /// What others see of it: its variables by name, and `pack`, `jobs` (their ids) and `outputs`.
    fn as_json(&self) -> Result<Json, drover_hcl::NoJson> {
        let mut values = match self.variables.to_json()? {
            Json::Object(values) => values,
            _ => Map::new(),
        };
        let jobs: Vec<Json> = self.jobs.iter().map(|job| Json::String(job.id.clone())).collect();
        values.insert("pack".to_owned(), json!({"name": self.metadata.name, "version": self.metadata.version}));
        values.insert("jobs".to_owned(), Json::Array(jobs));
        values.insert("outputs".to_owned(), Value::Object(Arc::new(self.outputs.clone())).to_json()?);
        Ok(Json::Object(values))
    }

    /// The jobs of this pack and of all that it depends on, dependencies first.
    pub fn all_jobs(&self) -> Vec<&RenderedJob> {
        let mut jobs: Vec<_> = self.dependencies.iter().flat_map(Self::all_jobs).collect();
        jobs.extend(&self.jobs);
        jobs
    }
}

fn parse_templates(pack: &Pack, request: &RenderRequest) -> Result<Templates, Diagnostics> {
    let mut sources = BTreeMap::new();
    let mut problems = Diagnostics::new();
    for name in pack.files.keys() {
        if !name.ends_with(".tera") {
            continue;
        }
        match pack.source(name) {
            Some(Ok(source)) => {
                sources.insert(name.clone(), source);
            }
            Some(Err(found)) => problems.extend(found),
            None => {}
        }
    }
    problems.into_result(())?;
    let reach =
        Reach { secrets: Arc::clone(&request.secrets), env: Arc::clone(&request.env), files: Arc::clone(&pack.files) };
    Templates::parse(sources, &reach)
}

struct Workshop<'a> {
    pack: &'a Pack,
    values: &'a Map<String, Json>,
    context: &'a EvalContext<'a>,
    templates: Templates,
}

impl Workshop<'_> {
    fn has(&self, name: &str) -> bool {
        self.pack.files.contains_key(name)
    }

    /// Everything below `templates/` that is not a helper, in order of path.
    fn templates(&self, problems: &mut Diagnostics) -> (Vec<RenderedJob>, Vec<RenderedFile>) {
        let mut jobs = Vec::new();
        let mut files = Vec::new();
        for name in self.pack.files.keys().filter(|name| is_rendered(name)) {
            let path = name.strip_suffix(".tera").unwrap_or(name).to_owned();
            let text = match self.text(name) {
                Ok(text) => text,
                Err(found) => {
                    problems.extend(found);
                    continue;
                }
            };
            // A template may decide to be nothing at all.
            if text.trim().is_empty() {
                continue;
            }
            if is_job(&path) {
                match jobs::parse(&self.rendered_name(name), name, &text) {
                    Ok(job) => jobs.push(job),
                    Err(found) => problems.extend(found),
                }
            } else {
                files.push(RenderedFile { path, text });
            }
        }
        (jobs, files)
    }

    /// Puts the texts of Go templates where they belong, in order of path; answers that of `outputs.tpl`.
    fn sort_mixed(
        &self,
        texts: Vec<MixedText>,
        jobs: &mut Vec<RenderedJob>,
        files: &mut Vec<RenderedFile>,
        problems: &mut Diagnostics,
    ) -> Option<String> {
        let mut message = None;
        for text in texts.into_iter().filter(|text| !text.text.trim().is_empty()) {
            if text.template == mixed::OUTPUTS {
                message = Some(text.text);
            } else if text.is_job {
                let shown = format!("{} (rendered)", self.pack.shown(&text.template));
                match jobs::parse(&shown, &text.template, &text.text) {
                    Ok(job) => jobs.push(job),
                    Err(found) => problems.extend(found),
                }
            } else {
                files.push(RenderedFile { path: text.path, text: text.text });
            }
        }
        jobs.sort_by(|a, b| a.template.cmp(&b.template));
        files.sort_by(|a, b| a.path.cmp(&b.path));
        message
    }

    fn text(&self, name: &str) -> Result<String, Diagnostics> {
        if name.ends_with(".tera") {
            return self.templates.render(name, self.values);
        }
        match self.pack.source(name) {
            Some(source) => Ok(source?.text().to_owned()),
            None => Ok(String::new()),
        }
    }

    /// Line numbers in rendered text are not those of the template, and the name says so.
    fn rendered_name(&self, name: &str) -> String {
        let shown = self.pack.shown(name);
        if name.ends_with(".tera") { format!("{shown} (rendered)") } else { shown }
    }

    /// The first of `names` that there is, rendered and parsed.
    fn blocks(&self, names: &[&str]) -> Result<Option<drover_hcl::Body>, Diagnostics> {
        let Some(name) = names.iter().find(|name| self.has(name)) else { return Ok(None) };
        let text = self.text(name)?;
        parse_body(&Source::new(self.rendered_name(name), text)).map(Some)
    }

    fn outputs(&self) -> Result<Entries, Diagnostics> {
        let Some(body) = self.blocks(&OUTPUT_BLOCKS)? else { return Ok(Entries::new()) };
        let mut problems = Reader::new(&body, "a file of outputs", &[], &["output"]).problems;
        let mut outputs = Entries::new();
        for block in body.blocks_of("output") {
            let Some(name) = label(block, &body, &mut problems) else { continue };
            let mut reader = Reader::new(&block.body, "an `output` block", &["value", "description"], &[]);
            let value = reader.value("value", &Type::Any, self.context).unwrap_or(Value::Null);
            problems.extend(reader.problems);
            outputs.insert(name.into(), value);
        }
        problems.into_result(outputs)
    }
}

fn is_rendered(name: &str) -> bool {
    let file = name.rsplit('/').next().unwrap_or(name);
    name.starts_with("templates/") && !file.starts_with('_') && (name.ends_with(".tera") || is_job(name))
}

fn is_job(path: &str) -> bool {
    [".nomad.hcl", ".nomad.json", ".nomad"].iter().any(|end| path.ends_with(end))
}
