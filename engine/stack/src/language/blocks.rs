//! What each kind of block means, except packs and jobs.

use std::collections::BTreeSet;

use drover_base::Nanos;
use drover_hcl::{Block, Body, Diagnostic, Diagnostics, EvalContext, Type, Value, convert, did_you_mean};
use drover_packs::{NamespaceResource, VariablesResource};

use super::nodes::{Node, Nodes};
use super::scope::Scope;
use super::{jobs, packs};
use crate::desired::{DEFAULT_TIMEOUT, EngineChoice, NamespaceSpec, Output, Resource, Spec, VariablesSpec, Wait};

/// Blocks that a stack may have.
const KNOWN: [&str; 9] = ["stack", "engine", "variable", "locals", "pack", "job", "namespace", "variables", "output"];

/// Attributes that every resource has.
pub(super) const COMMON: [&str; 2] = ["depends_on", "for_each"];

/// Refuses what is not known.
pub(super) fn check(bodies: &[Body]) -> Result<(), Diagnostics> {
    let mut problems = Diagnostics::new();
    for body in bodies {
        for attribute in &body.attributes {
            problems.push(
                Diagnostic::error(
                    format!("`{}` stands outside of any block", attribute.name),
                    "a stack consists of blocks",
                )
                .at(&body.source, attribute.name_span)
                .maybe_hint(did_you_mean(&attribute.name, KNOWN)),
            );
        }
        for block in body.blocks.iter().filter(|block| !KNOWN.contains(&&*block.kind)) {
            problems.push(
                Diagnostic::error(
                    format!("a stack has no block `{}`", block.kind),
                    format!("it has: {}", KNOWN.join(", ")),
                )
                .at(&body.source, block.kind_span)
                .maybe_hint(did_you_mean(&block.kind, KNOWN)),
            );
        }
    }
    problems.into_result(())
}

/// The name in the `stack` block.
pub(super) fn stack_name(bodies: &[Body]) -> Result<Option<String>, Diagnostics> {
    let mut found: Option<String> = None;
    for body in bodies {
        for block in body.blocks_of("stack") {
            let error = |message: &str, detail: &str| {
                Err(Diagnostics::from(Diagnostic::error(message, detail).at(&body.source, block.header_span())))
            };
            if found.is_some() {
                return error("there are two `stack` blocks", "a folder is one stack");
            }
            match block.label(0) {
                Some(name) if is_name(name) => found = Some(name.to_owned()),
                _ => {
                    return error("a stack needs a name", "stack \"shop\" {}: letters, digits, dashes and underscores");
                }
            }
        }
    }
    Ok(found)
}

/// Whether a stack can be called that: the name is part of a variable's path.
pub(crate) fn is_name(name: &str) -> bool {
    !name.is_empty() && name.len() <= 64 && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}

/// The `engine` block.
pub(super) fn engine(bodies: &[Body], context: &EvalContext<'_>) -> Result<EngineChoice, Diagnostics> {
    let mut choice = EngineChoice::default();
    let mut problems = Diagnostics::new();
    for block in bodies.iter().flat_map(|body| body.blocks_of("engine")) {
        let mut reader = Reader::new(&block.body, "an `engine` block", &["address", "namespace", "region"], context);
        choice.address = reader.text("address");
        choice.namespace = reader.text("namespace");
        choice.region = reader.text("region");
        problems.extend(reader.problems);
    }
    problems.into_result(choice)
}

/// Evaluates one node.
pub(super) fn node(nodes: &Nodes<'_>, name: &str, scope: &mut Scope<'_>) -> Result<(), Diagnostics> {
    let requirements = nodes.requirements(name);
    match nodes.get(name) {
        None => Ok(()),
        Some(Node::Local(attribute)) => {
            let value = attribute.value.evaluate(&scope.context())?;
            scope.set_value("local", &attribute.name, value);
            scope.inherit(name, &requirements);
            Ok(())
        }
        Some(Node::Block(block, label, _)) => match &*block.kind {
            "output" => output(block, label, scope),
            kind => instances(kind, block, label, name, &requirements, scope),
        },
    }
}

/// One instance of a block, or one for each member of `for_each`.
pub(super) struct Instance<'a> {
    pub(super) block: &'a Block,
    /// `pack.web`
    pub(super) node: &'a str,
    /// `pack.web`, or `pack.web["a"]`
    pub(super) address: String,
    /// `web`, or `web-a`: what things are called that have no name of their own.
    pub(super) name: String,
    /// What comes before it.
    pub(super) depends_on: BTreeSet<String>,
    pub(super) context: &'a EvalContext<'a>,
}

fn instances(
    kind: &str,
    block: &Block,
    label: &str,
    node: &str,
    requirements: &BTreeSet<String>,
    scope: &mut Scope<'_>,
) -> Result<(), Diagnostics> {
    let context = scope.context();
    let depends_on = scope.produced(requirements);
    let root = ["pack", "job", "namespace", "variables"].into_iter().find(|root| *root == kind).unwrap_or("pack");
    let address = if is_name(label) { node.to_owned() } else { format!("{kind}[{label:?}]") };
    let Some(each) = block.body.attribute("for_each") else {
        let instance = Instance { block, node, address, name: label.to_owned(), depends_on, context: &context };
        let value = one(kind, &instance, scope)?;
        scope.set_value(root, label, value);
        return Ok(());
    };
    let members = members(&each.value.evaluate(&context)?).ok_or_else(|| {
        Diagnostic::error("`for_each` takes a map, or a set of strings", "")
            .at(&each.value.source, each.value.expr.span)
    })?;
    let mut values = drover_hcl::Entries::new();
    for (key, value) in members {
        let mut inner = context.inner();
        inner.set("each", Value::object([("key", Value::from(key.as_str())), ("value", value)]));
        let instance = Instance {
            block,
            node,
            address: format!("{address}[{key:?}]"),
            name: format!("{label}-{key}"),
            depends_on: depends_on.clone(),
            context: &inner,
        };
        values.insert(key.as_str().into(), one(kind, &instance, scope)?);
    }
    scope.set_value(root, label, Value::Object(std::sync::Arc::new(values)));
    Ok(())
}

fn members(value: &Value) -> Option<Vec<(String, Value)>> {
    if let Some(entries) = value.as_entries() {
        return Some(entries.iter().map(|(key, value)| (key.to_string(), value.clone())).collect());
    }
    let items = value.as_items()?;
    items.iter().map(|item| item.as_str().map(|text| (text.to_owned(), item.clone()))).collect()
}

fn one(kind: &str, instance: &Instance<'_>, scope: &mut Scope<'_>) -> Result<Value, Diagnostics> {
    match kind {
        "pack" => packs::block(instance, scope),
        "job" => jobs::block(instance, scope),
        "namespace" => namespace(instance, scope),
        _ => variables(instance, scope),
    }
}

fn namespace(instance: &Instance<'_>, scope: &mut Scope<'_>) -> Result<Value, Diagnostics> {
    let parsed = NamespaceResource::parse(instance.name.clone(), &instance.block.body, instance.context, &COMMON)?;
    let value = Value::object([("name", Value::from(parsed.name.as_str()))]);
    scope.add(instance.node, resource(instance, instance.address.clone(), namespace_spec(parsed)));
    Ok(value)
}

fn variables(instance: &Instance<'_>, scope: &mut Scope<'_>) -> Result<Value, Diagnostics> {
    let parsed = VariablesResource::parse(instance.name.clone(), &instance.block.body, instance.context, &COMMON)?;
    let value = Value::object([("path", Value::from(parsed.path.as_str()))]);
    let spec = variables_spec(parsed, &scope.namespace);
    scope.add(instance.node, resource(instance, instance.address.clone(), spec));
    Ok(value)
}

pub(super) fn namespace_spec(parsed: NamespaceResource) -> Spec {
    Spec::Namespace(NamespaceSpec { name: parsed.name, description: parsed.description, meta: parsed.meta })
}

pub(super) fn variables_spec(parsed: VariablesResource, namespace: &str) -> Spec {
    let namespace = parsed.namespace.unwrap_or_else(|| namespace.to_owned());
    Spec::Variables(VariablesSpec { namespace, path: parsed.path, items: parsed.items })
}

pub(super) fn resource(instance: &Instance<'_>, address: String, spec: Spec) -> Resource {
    Resource { address, spec, depends_on: instance.depends_on.clone(), wait: Wait::None, timeout: DEFAULT_TIMEOUT }
}

fn output(block: &Block, label: &str, scope: &mut Scope<'_>) -> Result<(), Diagnostics> {
    let context = scope.context();
    let mut reader = Reader::new(&block.body, "an `output` block", &["value", "description", "sensitive"], &context);
    let description = reader.text("description").unwrap_or_default();
    let sensitive = reader.value("sensitive", &Type::Bool).and_then(|value| value.as_bool()).unwrap_or(false);
    let value = reader.value("value", &Type::Any).unwrap_or(Value::Null);
    let json = value.to_json().unwrap_or_else(|error| {
        reader.problems.push(
            Diagnostic::error(format!("output `{label}`"), error.to_string())
                .at(&block.body.source, block.header_span()),
        );
        serde_json::Value::Null
    });
    scope.add_output(Output { name: label.to_owned(), description, sensitive, value: json });
    reader.problems.into_result(())
}

/// `wait` and `timeout`.
pub(super) fn waiting(reader: &mut Reader<'_>) -> (Wait, Nanos) {
    let wait = reader.text("wait").and_then(|word| {
        let wait = Wait::from_name(&word);
        if wait.is_none() {
            reader.complain(
                "wait",
                format!("`wait` is one of: {}", Wait::NAMES.join(", ")),
                did_you_mean(&word, Wait::NAMES),
            );
        }
        wait
    });
    let timeout = reader.text("timeout").and_then(|text| {
        let timeout = Nanos::parse(&text).ok().filter(|timeout| timeout.0 > 0);
        if timeout.is_none() {
            reader.complain("timeout", "`timeout` is a duration such as \"5m\" or \"90s\"".to_owned(), None);
        }
        timeout
    });
    (wait.unwrap_or_default(), timeout.unwrap_or(DEFAULT_TIMEOUT))
}

/// Collects the problems of one block.
pub(super) struct Reader<'a> {
    body: &'a Body,
    context: &'a EvalContext<'a>,
    pub(super) problems: Diagnostics,
}

impl<'a> Reader<'a> {
    pub(super) fn new(body: &'a Body, what: &str, attributes: &[&str], context: &'a EvalContext<'a>) -> Self {
        let mut problems = Diagnostics::new();
        for attribute in body.attributes.iter().filter(|attribute| !attributes.contains(&&*attribute.name)) {
            problems.push(
                Diagnostic::error(format!("{what} has no attribute `{}`", attribute.name), "")
                    .at(&body.source, attribute.name_span)
                    .maybe_hint(did_you_mean(&attribute.name, attributes.iter().copied())),
            );
        }
        for block in &body.blocks {
            problems.push(
                Diagnostic::error(format!("{what} has no block `{}`", block.kind), "")
                    .at(&body.source, block.kind_span),
            );
        }
        Self { body, context, problems }
    }

    pub(super) fn value(&mut self, name: &str, kind: &Type) -> Option<Value> {
        let attribute = self.body.attribute(name)?;
        let expression = &attribute.value;
        let converted = expression.evaluate(self.context).and_then(|value| {
            convert(&value, kind).map_err(|error| {
                let message = format!("`{name}` has the wrong type");
                Diagnostic::error(message, error.to_string()).at(&expression.source, expression.expr.span).into()
            })
        });
        match converted {
            Ok(value) if value.is_null() => None,
            Ok(value) => Some(value),
            Err(found) => {
                self.problems.extend(found);
                None
            }
        }
    }

    pub(super) fn text(&mut self, name: &str) -> Option<String> {
        self.value(name, &Type::String).and_then(|value| value.as_str().map(str::to_owned))
    }

    /// Notes a problem with an attribute's value.
    pub(super) fn complain(&mut self, name: &str, message: String, hint: Option<String>) {
        let mut diagnostic = Diagnostic::error(message, "").maybe_hint(hint);
        if let Some(attribute) = self.body.attribute(name) {
            diagnostic = diagnostic.at(&attribute.value.source, attribute.value.expr.span);
        }
        self.problems.push(diagnostic);
    }

    /// Notes that an attribute is missing.
    pub(super) fn missing(&mut self, message: String, hint: &str) {
        self.problems.push(Diagnostic::error(message, hint).at(&self.body.source, self.body.span.start_point()));
    }
}
