//! `resources.hcl.tera`: what goes with a pack's jobs.

use std::collections::BTreeMap;

use drover_hcl::{Body, Diagnostic, Diagnostics, EvalContext, Type, convert};

use crate::attributes::{Reader, label};

/// Something other than a job.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Resource {
    /// A namespace.
    Namespace(NamespaceResource),
    /// The variables at one path.
    Variables(VariablesResource),
}

/// `namespace "shop" { description = "…"  meta = { … } }`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NamespaceResource {
    /// Its name.
    pub name: String,
    /// In one sentence.
    pub description: String,
    /// Its metadata.
    pub meta: BTreeMap<String, String>,
}

/// `variables "nomad/jobs/web" { items = { … } }`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VariablesResource {
    /// Where they are kept.
    pub path: String,
    /// The namespace, when it is not the stack's.
    pub namespace: Option<String>,
    /// What is kept there.
    pub items: BTreeMap<String, String>,
}

impl NamespaceResource {
    /// Reads the body of a `namespace` block.
    pub fn parse(name: String, body: &Body, context: &EvalContext<'_>, extra: &[&str]) -> Result<Self, Diagnostics> {
        let known: Vec<&str> = ["description", "meta"].iter().chain(extra).copied().collect();
        let mut reader = Reader::new(body, "a `namespace` block", &known, &[]);
        let description = reader.text("description", context).unwrap_or_default();
        let meta = texts(&mut reader, "meta", context);
        reader.problems.into_result(Self { name, description, meta })
    }
}

impl VariablesResource {
    /// Reads the body of a `variables` block.
    pub fn parse(path: String, body: &Body, context: &EvalContext<'_>, extra: &[&str]) -> Result<Self, Diagnostics> {
        let known: Vec<&str> = ["items", "namespace"].iter().chain(extra).copied().collect();
        let mut reader = Reader::new(body, "a `variables` block", &known, &[]);
        let namespace = reader.text("namespace", context);
        let items = texts(&mut reader, "items", context);
        if items.is_empty() && reader.problems.is_empty() {
            reader.problems.push(
                Diagnostic::error("a `variables` block needs items", "write items = { name = \"value\" }")
                    .at(&body.source, body.span.start_point()),
            );
        }
        reader.problems.into_result(Self { path, namespace, items })
    }
}

fn texts(reader: &mut Reader<'_>, name: &str, context: &EvalContext<'_>) -> BTreeMap<String, String> {
    let map = Type::Map(Box::new(Type::String));
    let value = reader.value(name, &map, context);
    let entries = value.as_ref().and_then(|value| value.as_entries()).into_iter().flatten();
    entries
        .filter_map(|(name, value)| {
            let value = convert(value, &Type::String).ok()?;
            Some((name.to_string(), value.as_str()?.to_owned()))
        })
        .collect()
}

/// Reads a file of resources.
pub(crate) fn parse(body: &Body, context: &EvalContext<'_>) -> Result<Vec<Resource>, Diagnostics> {
    let mut problems = Reader::new(body, "a file of resources", &[], &["namespace", "variables"]).problems;
    let mut resources = Vec::new();
    for block in &body.blocks {
        let is_namespace = &*block.kind == "namespace";
        if !is_namespace && &*block.kind != "variables" {
            continue;
        }
        let Some(name) = label(block, body, &mut problems) else { continue };
        let parsed = if is_namespace {
            NamespaceResource::parse(name, &block.body, context, &[]).map(Resource::Namespace)
        } else {
            VariablesResource::parse(name, &block.body, context, &[]).map(Resource::Variables)
        };
        match parsed {
            Ok(resource) => resources.push(resource),
            Err(found) => problems.extend(found),
        }
    }
    problems.into_result(resources)
}
