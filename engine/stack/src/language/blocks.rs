//! What each kind of block means, except packs and jobs.

use std::collections::BTreeSet;

use drover_base::Nanos;
use drover_hcl::{Block, Body, Diagnostic, Diagnostics, Entries, EvalContext, Type, Value, convert, did_you_mean};
use drover_packs::{NamespaceResource, VariablesResource};

use super::nodes::{Node, Nodes};
use super::scope::Scope;
use super::{checks, engines, jobs, objects, packs, policies};
use crate::desired::{DEFAULT_TIMEOUT, NamespaceSpec, Output, Resource, Spec, VariablesSpec, Wait};
use crate::objects::ObjectKind;

/// Blocks that a stack may have, beside those of [`ObjectKind`].
const KNOWN: [&str; 17] = [
    "stack",
    "engine",
    "variable",
    "locals",
    "pack",
    "job",
    "namespace",
    "variables",
    "output",
    "overlay",
    "moved",
    "import",
    "policy",
    "policy_file",
    "check",
    "registry",
    "secrets",
];

/// Attributes that every resource has.
pub(super) const COMMON: [&str; 5] = ["depends_on", "for_each", "count", "engine", "ignore"];

fn known() -> impl Iterator<Item = &'static str> {
    KNOWN.into_iter().chain(ObjectKind::ALL.map(ObjectKind::word))
}

/// What is not known.
pub(super) fn check(bodies: &[Body]) -> Diagnostics {
    let mut problems = Diagnostics::new();
    for body in bodies {
        for attribute in &body.attributes {
            problems.push(
                Diagnostic::error(
                    format!("`{}` stands outside of any block", attribute.name),
                    "a stack consists of blocks",
                )
                .at(&body.source, attribute.name_span)
                .maybe_hint(did_you_mean(&attribute.name, known())),
            );
        }
        for block in body.blocks.iter().filter(|block| !known().any(|known| known == &*block.kind)) {
            problems.push(
                Diagnostic::error(
                    format!("a stack has no block `{}`", block.kind),
                    format!("it has: {}", known().collect::<Vec<_>>().join(", ")),
                )
                .at(&body.source, block.kind_span)
                .maybe_hint(did_you_mean(&block.kind, known())),
            );
        }
    }
    problems
}

/// The attributes and blocks of a body that are not known.
pub(super) fn unknown_parts(body: &Body, what: &str, attributes: &[&str]) -> Diagnostics {
    let mut problems = Diagnostics::new();
    for attribute in body.attributes.iter().filter(|attribute| !attributes.contains(&&*attribute.name)) {
        problems.push(
            Diagnostic::error(format!("{what} has no attribute `{}`", attribute.name), "")
                .at(&attribute.value.source, attribute.name_span)
                .maybe_hint(did_you_mean(&attribute.name, attributes.iter().copied())),
        );
    }
    for block in &body.blocks {
        problems.push(
            Diagnostic::error(format!("{what} has no block `{}`", block.kind), "")
                .at(&block.body.source, block.kind_span),
        );
    }
    problems
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
            "policy" => policies::block(block, label, scope),
            "policy_file" => policies::file(block, scope),
            "check" => checks::block(block, label, &requirements, scope),
            "engine" => engines::named(block, label, scope),
            kind => instances(kind, block, label, name, &requirements, scope),
        },
    }
}

/// One instance of a block, or one for each member of `for_each`, or as many as `count` says.
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
    /// The named engine that holds it.
    pub(super) engine: Option<String>,
    /// The namespace of what names none.
    pub(super) namespace: String,
    /// What is left to the engine.
    pub(super) ignore: Vec<String>,
}

/// What all instances of a block have in common.
struct Several<'a> {
    kind: &'a str,
    block: &'a Block,
    label: &'a str,
    node: &'a str,
    address: String,
    depends_on: BTreeSet<String>,
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
    let root = ObjectKind::from_word(kind).map_or_else(
        || ["job", "namespace", "variables"].into_iter().find(|root| *root == kind).unwrap_or("pack"),
        ObjectKind::word,
    );
    let address = if is_name(label) { node.to_owned() } else { format!("{kind}[{label:?}]") };
    let several = Several { kind, block, label, node, address, depends_on };
    let value = match (block.body.attribute("for_each"), block.body.attribute("count")) {
        (None, None) => {
            let name = scope.old_name(&several.address).map_or_else(|| label.to_owned(), unquoted);
            several.one(several.address.clone(), name, &context, scope)?
        }
        (Some(_), Some(count)) => {
            let message = "`for_each` and `count` exclude each other";
            return Err(Diagnostic::error(message, "").at(&count.value.source, count.name_span).into());
        }
        (Some(each), None) => several.for_each(&each.value.evaluate(&context)?, each, &context, scope)?,
        (None, Some(count)) => several.counted(count, &context, scope)?,
    };
    scope.set_value(root, label, value);
    Ok(())
}

/// `["a"]` names `a`.
fn unquoted(label: &str) -> String {
    label.trim_start_matches("[\"").trim_end_matches("\"]").to_owned()
}

/// The most instances of one block.
const MAX_COUNT: i64 = 10_000;

impl Several<'_> {
    fn for_each(
        &self,
        each: &Value,
        attribute: &drover_hcl::Attribute,
        context: &EvalContext<'_>,
        scope: &mut Scope<'_>,
    ) -> Result<Value, Diagnostics> {
        let members = members(each).ok_or_else(|| {
            let message = "`for_each` takes a map, or a set of strings";
            Diagnostic::error(message, "").at(&attribute.value.source, attribute.value.expr.span)
        })?;
        let mut problems = Diagnostics::new();
        let mut values = Entries::new();
        for (key, value) in members {
            let mut inner = context.inner();
            inner.set("each", Value::object([("key", Value::from(key.as_str())), ("value", value)]));
            let address = format!("{}[{key:?}]", self.address);
            match self.one(address, format!("{}-{key}", self.label), &inner, scope) {
                Ok(value) => drop(values.insert(key.as_str().into(), value)),
                Err(found) => problems.extend(found),
            }
        }
        problems.into_result(Value::Object(std::sync::Arc::new(values)))
    }

    fn counted(
        &self,
        attribute: &drover_hcl::Attribute,
        context: &EvalContext<'_>,
        scope: &mut Scope<'_>,
    ) -> Result<Value, Diagnostics> {
        let wrong = || {
            let message = format!("`count` is a whole number from 0 to {MAX_COUNT}");
            Diagnostics::from(attribute.value.error(&message, "for a switch: count = var.enabled ? 1 : 0"))
        };
        let value = convert(&attribute.value.evaluate(context)?, &Type::Number).map_err(|_| wrong())?;
        let count =
            value.as_number().and_then(drover_hcl::Number::as_i64).filter(|count| (0..=MAX_COUNT).contains(count));
        let mut problems = Diagnostics::new();
        let mut values = Vec::new();
        for index in 0..count.ok_or_else(wrong)? {
            let mut inner = context.inner();
            inner.set("count", Value::object([("index", Value::from(index))]));
            let address = format!("{}[{index}]", self.address);
            match self.one(address, format!("{}-{index}", self.label), &inner, scope) {
                Ok(value) => values.push(value),
                Err(found) => problems.extend(found),
            }
        }
        problems.into_result(Value::tuple(values))
    }

    fn one(
        &self,
        address: String,
        name: String,
        context: &EvalContext<'_>,
        scope: &mut Scope<'_>,
    ) -> Result<Value, Diagnostics> {
        let mut reader = Reader { body: &self.block.body, context, problems: Diagnostics::new() };
        let engine = engines::of_resource(&mut reader, scope);
        let ignore = reader.value("ignore", &Type::List(Box::new(Type::String)));
        let ignore = ignore.as_ref().and_then(|ignore| ignore.as_items()).into_iter().flatten();
        let instance = Instance {
            block: self.block,
            node: self.node,
            address,
            name,
            depends_on: self.depends_on.clone(),
            context,
            namespace: scope.default_namespace(engine.as_deref()),
            engine,
            ignore: ignore.filter_map(|path| path.as_str().map(str::to_owned)).collect(),
        };
        let mut problems = reader.problems;
        match made(self.kind, &instance, scope) {
            Ok(value) => problems.into_result(value),
            Err(found) => {
                problems.extend(found);
                Err(problems)
            }
        }
    }
}

fn members(value: &Value) -> Option<Vec<(String, Value)>> {
    if let Some(entries) = value.as_entries() {
        return Some(entries.iter().map(|(key, value)| (key.to_string(), value.clone())).collect());
    }
    let items = value.as_items()?;
    items.iter().map(|item| item.as_str().map(|text| (text.to_owned(), item.clone()))).collect()
}

fn made(kind: &str, instance: &Instance<'_>, scope: &mut Scope<'_>) -> Result<Value, Diagnostics> {
    match (kind, ObjectKind::from_word(kind)) {
        ("pack", _) => packs::block(instance, scope),
        ("job", _) => jobs::block(instance, scope),
        ("namespace", _) => namespace(instance, scope),
        (_, Some(object)) => objects::block(object, instance, scope),
        _ => variables(instance, scope),
    }
}

fn namespace(instance: &Instance<'_>, scope: &mut Scope<'_>) -> Result<Value, Diagnostics> {
    let parsed = NamespaceResource::parse(instance.name.clone(), &instance.block.body, instance.context, &COMMON)?;
    let value = Value::object([("name", Value::from(parsed.name.as_str()))]);
    scope.add(instance.node, resource(instance, namespace_spec(parsed)));
    Ok(value)
}

fn variables(instance: &Instance<'_>, scope: &mut Scope<'_>) -> Result<Value, Diagnostics> {
    let parsed = VariablesResource::parse(instance.name.clone(), &instance.block.body, instance.context, &COMMON)?;
    let value = Value::object([("path", Value::from(parsed.path.as_str()))]);
    let spec = variables_spec(parsed, &instance.namespace);
    scope.add(instance.node, resource(instance, spec));
    Ok(value)
}

pub(super) fn namespace_spec(parsed: NamespaceResource) -> Spec {
    Spec::Namespace(NamespaceSpec { name: parsed.name, description: parsed.description, meta: parsed.meta })
}

pub(super) fn variables_spec(parsed: VariablesResource, namespace: &str) -> Spec {
    let namespace = parsed.namespace.unwrap_or_else(|| namespace.to_owned());
    Spec::Variables(VariablesSpec { namespace, path: parsed.path, items: parsed.items })
}

/// The resource of an instance.
pub(super) fn resource(instance: &Instance<'_>, spec: Spec) -> Resource {
    Resource {
        depends_on: instance.depends_on.clone(),
        engine: instance.engine.clone(),
        ignore: instance.ignore.clone(),
        place: instance.block.body.source.range(instance.block.header_span()).to_string(),
        ..Resource::new(instance.address.clone(), spec)
    }
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
        Self { body, context, problems: unknown_parts(body, what, attributes) }
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
