//! `pack` blocks.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::path::Path;
use std::sync::Arc;

use drover_base::Nanos;
use drover_hcl::{Diagnostic, Diagnostics, Type, Value};
use drover_packs::nomad_pack::Choices;
use drover_packs::{
    LoadError, LocateError, Locator, Meta, Pack, RenderRequest, Rendered, Resource as PackResource, Supplied,
};
use serde_json::Value as Json;

use super::blocks::{COMMON, Instance, Reader, namespace_spec, variables_spec, waiting};
use super::scope::Scope;
use crate::desired::{DEFAULT_TIMEOUT, Resource, Spec, Wait};

/// Where a pack's resources go in the stack.
struct Place<'a> {
    node: &'a str,
    address: String,
    deployment: String,
    namespace: String,
    depends_on: BTreeSet<String>,
    wait: Wait,
    timeout: Nanos,
    engine: Option<String>,
    ignore: Vec<String>,
    written_at: String,
}

/// One pack alone: its variables are the person's.
pub(super) fn single(folder: &Path, scope: &mut Scope<'_>) -> Result<(), Diagnostics> {
    let pack = load(folder, locator(scope))?;
    let place = Place {
        node: "pack",
        address: format!("pack.{}", pack.metadata.name),
        deployment: scope.stack().to_owned(),
        namespace: scope.namespace.clone(),
        depends_on: BTreeSet::new(),
        wait: Wait::default(),
        timeout: DEFAULT_TIMEOUT,
        engine: None,
        ignore: Vec::new(),
        written_at: String::new(),
    };
    let supplied = scope.inputs.supplied.clone();
    let rendered = render(&pack, supplied, &place, scope)?;
    for (name, value) in &rendered.outputs {
        let value = value.to_json().unwrap_or(Json::Null);
        scope.add_output(crate::desired::Output {
            name: name.to_string(),
            description: String::new(),
            sensitive: false,
            value,
        });
    }
    add(&rendered, &place, scope);
    Ok(())
}

pub(super) fn block(instance: &Instance<'_>, scope: &mut Scope<'_>) -> Result<Value, Diagnostics> {
    let known: Vec<&str> = ["source", "version", "ref", "vars", "name", "namespace", "wait", "timeout"]
        .into_iter()
        .chain(COMMON)
        .collect();
    let body = &instance.block.body;
    let mut reader = Reader::new(body, "a `pack` block", &known, instance.context);
    let source = reader.text("source");
    if source.is_none() && reader.problems.is_empty() {
        reader.missing("a `pack` block needs a `source`".to_owned(), "write source = \"./packs/web\"");
    }
    let source = source.unwrap_or_default();
    let version = reader.text("version");
    let reference = reader.text("ref");
    let deployment = reader.text("name").unwrap_or_else(|| instance.name.clone());
    let namespace = reader.text("namespace").unwrap_or_else(|| instance.namespace.clone());
    let (wait, timeout) = waiting(&mut reader);
    let supplied = vars(&mut reader);
    reader.problems.into_result(())?;
    let place = Place {
        node: instance.node,
        address: instance.address.clone(),
        deployment,
        namespace,
        depends_on: instance.depends_on.clone(),
        wait,
        timeout,
        engine: instance.engine.clone(),
        ignore: instance.ignore.clone(),
        written_at: body.source.range(instance.block.header_span()).to_string(),
    };
    let pack = locator(scope)
        .find(&source, version.as_deref(), reference.as_deref(), &scope.inputs.folder)
        .map_err(not_found)
        .and_then(|located| load(&located.folder, locator(scope)))
        .map_err(|problems| at_source(problems, body))?;
    let rendered = render(&pack, supplied, &place, scope)?;
    let value = value(&rendered);
    add(&rendered, &place, scope);
    Ok(value)
}

fn vars(reader: &mut Reader<'_>) -> Supplied {
    let mut supplied = Supplied::default();
    let Some(value) = reader.value("vars", &Type::Any) else { return supplied };
    match value.as_entries() {
        Some(entries) => entries.iter().for_each(|(name, value)| supplied.add_value(name, value.clone())),
        None => reader.complain("vars", "`vars` is an object: vars = { name = value }".to_owned(), None),
    }
    supplied
}

fn locator<'a>(scope: &'a Scope<'_>) -> Locator<'a> {
    Locator { locate: &*scope.inputs.packs, registries: &scope.registries }
}

fn not_found(error: LocateError) -> Diagnostics {
    let hint = Some(error.hint).filter(|hint| !hint.is_empty());
    Diagnostic::error(error.message, "").maybe_hint(hint).into()
}

fn load(folder: &Path, locator: Locator<'_>) -> Result<Pack, Diagnostics> {
    Pack::load_with(folder, locator).map_err(|error| match error {
        LoadError::Content(problems) => problems,
        other => {
            let mut message = other.to_string();
            let mut cause = other.source();
            while let Some(next) = cause {
                message.push_str(&format!(": {next}"));
                cause = next.source();
            }
            Diagnostic::error(message, "").into()
        }
    })
}

/// A problem without a place of its own is one of the `source`.
fn at_source(problems: Diagnostics, body: &drover_hcl::Body) -> Diagnostics {
    let Some(attribute) = body.attribute("source") else { return problems };
    let place = |problem: Diagnostic| match problem.range {
        Some(_) => problem,
        None => problem.at(&attribute.value.source, attribute.value.expr.span),
    };
    problems.into_iter().map(place).collect()
}

fn render(pack: &Pack, supplied: Supplied, place: &Place<'_>, scope: &Scope<'_>) -> Result<Rendered, Diagnostics> {
    let request = RenderRequest {
        supplied,
        secrets: Arc::clone(&scope.inputs.secrets),
        env: Arc::clone(&scope.inputs.env),
        meta: Meta {
            stack: scope.stack().to_owned(),
            deployment: place.deployment.clone(),
            namespace: place.namespace.clone(),
        },
        choices: Choices::default(),
        engine: None,
    };
    pack.render(&request).map_err(|error| error.0)
}

/// What `pack.web` is to others: `outputs`, `vars`, `jobs`, `name`, `version`.
fn value(rendered: &Rendered) -> Value {
    let jobs = rendered.jobs.iter().map(|job| Value::from(job.id.as_str()));
    Value::object([
        ("name", Value::from(rendered.metadata.name.as_str())),
        ("version", Value::from(rendered.metadata.version.as_str())),
        ("jobs", Value::tuple(jobs)),
        ("vars", rendered.variables.clone()),
        ("outputs", Value::Object(Arc::new(rendered.outputs.clone()))),
    ])
}

/// Adds what a pack brings, its dependencies first; answers the addresses.
fn add(rendered: &Rendered, place: &Place<'_>, scope: &mut Scope<'_>) -> BTreeSet<String> {
    let mut depends_on = place.depends_on.clone();
    let mut addresses = BTreeSet::new();
    for dependency in &rendered.dependencies {
        let place = Place {
            address: format!("{}.{}", place.address, dependency.alias),
            depends_on: place.depends_on.clone(),
            deployment: place.deployment.clone(),
            namespace: place.namespace.clone(),
            engine: place.engine.clone(),
            ignore: place.ignore.clone(),
            written_at: place.written_at.clone(),
            ..*place
        };
        let made = add(dependency, &place, scope);
        depends_on.extend(made.iter().cloned());
        addresses.extend(made);
    }
    let mut made = BTreeSet::new();
    let push = |name: String, spec: Spec, depends_on: &BTreeSet<String>, scope: &mut Scope<'_>| {
        let address = format!("{}.{name}", place.address);
        let resource = Resource {
            address: address.clone(),
            spec,
            depends_on: depends_on.clone(),
            wait: place.wait,
            timeout: place.timeout,
            engine: place.engine.clone(),
            ignore: place.ignore.clone(),
            place: place.written_at.clone(),
        };
        scope.add(place.node, resource);
        address
    };
    for resource in &rendered.resources {
        let (name, spec) = match resource {
            PackResource::Namespace(namespace) => {
                (format!("namespace.{}", namespace.name), namespace_spec(namespace.clone()))
            }
            PackResource::Variables(variables) => {
                (format!("variables[{:?}]", variables.path), variables_spec(variables.clone(), &place.namespace))
            }
            _ => continue,
        };
        made.insert(push(name, spec, &depends_on, scope));
    }
    depends_on.extend(made.iter().cloned());
    for rendered_job in &rendered.jobs {
        let mut job = rendered_job.job.clone();
        pack_meta(&mut job, rendered, &place.deployment);
        super::jobs::default_namespace(&mut job, &place.namespace);
        made.insert(push(format!("job.{}", rendered_job.id), Spec::Job(job), &depends_on, scope));
    }
    if let Some(message) = &rendered.message {
        scope.add_message(&place.address, message.trim().to_owned());
    }
    addresses.extend(made);
    addresses
}

/// The keys that nomad-pack writes too, so that both know each other's jobs.
fn pack_meta(job: &mut Json, rendered: &Rendered, deployment: &str) {
    let id = job["ID"].as_str().unwrap_or_default().to_owned();
    let meta = BTreeMap::from([
        ("pack.name", rendered.metadata.name.clone()),
        ("pack.version", rendered.metadata.version.clone()),
        ("pack.deployment_name", deployment.to_owned()),
        ("pack.job", id),
    ]);
    if !job["Meta"].is_object() {
        job["Meta"] = Json::Object(serde_json::Map::new());
    }
    for (key, value) in meta {
        job["Meta"][key] = Json::String(value);
    }
}
