//! `job` blocks, and job files without a stack.

use std::path::Path;

use drover_hcl::{Diagnostic, Diagnostics, Type, Value};
use drover_packs::Supplied;
use serde_json::Value as Json;

use super::blocks::{COMMON, Instance, Reader, resource, waiting};
use super::scope::Scope;
use crate::desired::{Resource, Spec};

pub(super) fn block(instance: &Instance<'_>, scope: &mut Scope<'_>) -> Result<Value, Diagnostics> {
    let known: Vec<&str> = ["file", "vars", "namespace", "wait", "timeout"].into_iter().chain(COMMON).collect();
    let body = &instance.block.body;
    let mut reader = Reader::new(body, "a `job` block", &known, instance.context);
    let file = reader.text("file");
    if file.is_none() && reader.problems.is_empty() {
        reader.missing("a `job` block needs a `file`".to_owned(), "write file = \"jobs/report.nomad.hcl\"");
    }
    let namespace = reader.text("namespace").unwrap_or_else(|| instance.namespace.clone());
    let (wait, timeout) = waiting(&mut reader);
    let mut supplied = Supplied::default();
    if let Some(value) = reader.value("vars", &Type::Any) {
        match value.as_entries() {
            Some(entries) => entries.iter().for_each(|(name, value)| supplied.add_value(name, value.clone())),
            None => reader.complain("vars", "`vars` is an object: vars = { name = value }".to_owned(), None),
        }
    }
    reader.problems.into_result(())?;
    let file = file.unwrap_or_default();
    let path = scope.inputs.folder.join(file.strip_prefix("./").unwrap_or(&file));
    let base = scope.inputs.folder.clone();
    let mut job = parse(&path, &supplied, &base).map_err(|problems| at_file(problems, body))?;
    default_namespace(&mut job, &namespace);
    let value = value(&job);
    let resource = Resource { wait, timeout, ..resource(instance, Spec::Job(job)) };
    scope.add(instance.node, resource);
    Ok(value)
}

/// A job file alone: its variables are the person's.
pub(super) fn file_alone(path: &Path, scope: &mut Scope<'_>) -> Result<(), Diagnostics> {
    let supplied = scope.inputs.supplied.clone();
    // As with other tools that run a job file: relative paths start where the person is.
    let mut job = parse(path, &supplied, Path::new("."))?;
    let namespace = scope.namespace.clone();
    default_namespace(&mut job, &namespace);
    let id = job["ID"].as_str().unwrap_or_default().to_owned();
    scope.add("job", Resource::new(format!("job.{id}"), Spec::Job(job)));
    Ok(())
}

fn parse(path: &Path, supplied: &Supplied, base: &Path) -> Result<Json, Diagnostics> {
    let content = std::fs::read(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => Diagnostic::error(format!("there is no job file {}", path.display()), ""),
        _ => Diagnostic::error(format!("cannot read the job file {}", path.display()), error.to_string()),
    })?;
    drover_packs::parse_job_file(&path.display().to_string(), &content, supplied, base)
}

/// A problem without a place of its own is one of the `file`.
fn at_file(problems: Diagnostics, body: &drover_hcl::Body) -> Diagnostics {
    let Some(attribute) = body.attribute("file") else { return problems };
    let place = |problem: Diagnostic| match problem.range {
        Some(_) => problem,
        None => problem.at(&attribute.value.source, attribute.value.expr.span),
    };
    problems.into_iter().map(place).collect()
}

/// A job that names no namespace is in the stack's.
pub(super) fn default_namespace(job: &mut Json, namespace: &str) {
    if job["Namespace"].as_str().is_none_or(str::is_empty) {
        job["Namespace"] = Json::String(namespace.to_owned());
    }
}

/// What `job.report` is to others.
fn value(job: &Json) -> Value {
    let text = |key: &str| Value::from(job[key].as_str().unwrap_or_default());
    Value::object([
        ("id", text("ID")),
        ("name", text("Name")),
        ("namespace", text("Namespace")),
        ("type", text("Type")),
    ])
}
