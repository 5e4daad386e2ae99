//! The blocks of a stack and what they refer to.

use std::collections::{BTreeMap, BTreeSet};

use drover_hcl::syntax::{Expr, ExprKind, Step, StepKind};
use drover_hcl::{Attribute, Block, Body, Diagnostic, Diagnostics, Source, Span, did_you_mean};
use std::sync::Arc;

use crate::graph;
use crate::objects::ObjectKind;

/// Kinds of resources that are not one object of [`crate::objects`].
const RESOURCES: [&str; 4] = ["pack", "job", "namespace", "variables"];
/// Other kinds of blocks that are evaluated in order, with one label.
const OTHERS: [&str; 4] = ["output", "policy", "policy_file", "check"];

/// Whether blocks of this kind are resources.
pub(super) fn is_resource(kind: &str) -> bool {
    RESOURCES.contains(&kind) || ObjectKind::from_word(kind).is_some()
}

/// Whether a block is evaluated in order.
fn is_node(block: &Block) -> bool {
    let kind = &*block.kind;
    is_resource(kind) || OTHERS.contains(&kind) || (kind == "engine" && !block.labels.is_empty())
}

/// Whether something can be named `kind.label`.
fn is_referable(kind: &str) -> bool {
    is_resource(kind) || kind == "local" || kind == "engine"
}

/// A part of a stack that is evaluated as one.
pub(super) enum Node<'b> {
    /// One attribute of a `locals` block.
    Local(&'b Attribute),
    /// A block with its kind, label and file.
    Block(&'b Block, String, &'b Body),
}

/// All nodes by name, such as `pack.web`.
pub(super) struct Nodes<'b> {
    nodes: BTreeMap<String, Node<'b>>,
    requirements: BTreeMap<String, BTreeSet<String>>,
    outputs: Vec<String>,
}

impl<'b> Nodes<'b> {
    pub(super) fn collect(bodies: &'b [Body]) -> Result<Self, Diagnostics> {
        let mut problems = Diagnostics::new();
        let mut nodes: BTreeMap<String, Node<'b>> = BTreeMap::new();
        let mut outputs = Vec::new();
        for body in bodies {
            for block in &body.blocks {
                let place = || (Arc::clone(&body.source), block.header_span());
                if &*block.kind == "locals" {
                    for attribute in &block.body.attributes {
                        let place = (Arc::clone(&body.source), attribute.name_span);
                        insert(
                            &mut nodes,
                            format!("local.{}", attribute.name),
                            Node::Local(attribute),
                            place,
                            &mut problems,
                        );
                    }
                    continue;
                }
                if !is_node(block) {
                    continue;
                }
                let Some(label) = block.label(0).filter(|label| !label.is_empty()) else {
                    let message = format!("a `{}` block needs a name: {} \"name\" {{ … }}", block.kind, block.kind);
                    problems.push(Diagnostic::error(message, "").at(&body.source, block.header_span()));
                    continue;
                };
                let name = format!("{}.{label}", block.kind);
                if &*block.kind == "output" {
                    outputs.push(label.to_owned());
                }
                insert(&mut nodes, name, Node::Block(block, label.to_owned(), body), place(), &mut problems);
            }
        }
        let mut requirements = BTreeMap::new();
        for (name, node) in &nodes {
            let mut found = BTreeSet::new();
            references(node, &mut |root, steps, source, span| match target(root, steps, &nodes) {
                Target::Node(target) => {
                    found.insert(target);
                }
                Target::Unknown(wanted) => problems.push(unknown(&wanted, root, &nodes).at(source, span)),
                Target::Other => {}
            });
            requirements.insert(name.clone(), found);
        }
        problems.into_result(Self { nodes, requirements, outputs })
    }

    pub(super) fn get(&self, name: &str) -> Option<&Node<'b>> {
        self.nodes.get(name)
    }

    pub(super) fn requirements(&self, name: &str) -> BTreeSet<String> {
        self.requirements.get(name).cloned().unwrap_or_default()
    }

    /// Names in the order of evaluation.
    pub(super) fn order(&self) -> Result<Vec<String>, Diagnostics> {
        graph::order(&self.requirements).map_err(|cycle| {
            let diagnostic = Diagnostic::error(cycle.to_string(), "");
            match cycle.path.first().and_then(|name| self.nodes.get(name)) {
                Some(Node::Block(block, _, body)) => diagnostic.at(&body.source, block.header_span()).into(),
                Some(Node::Local(attribute)) => diagnostic.at(&attribute.value.source, attribute.name_span).into(),
                None => diagnostic.into(),
            }
        })
    }

    pub(super) fn output_order(&self) -> &[String] {
        &self.outputs
    }
}

fn insert<'b>(
    nodes: &mut BTreeMap<String, Node<'b>>,
    name: String,
    node: Node<'b>,
    (source, span): (Arc<Source>, Span),
    problems: &mut Diagnostics,
) {
    if nodes.contains_key(&name) {
        problems.push(Diagnostic::error(format!("`{name}` is there twice"), "").at(&source, span));
        return;
    }
    nodes.insert(name, node);
}

enum Target {
    Node(String),
    Unknown(String),
    Other,
}

fn target(root: &str, steps: &[Step], nodes: &BTreeMap<String, Node<'_>>) -> Target {
    if !is_referable(root) {
        return Target::Other;
    }
    // `pack` alone, or `pack[var.x]`, names no one in particular.
    let label = match steps.first().map(|step| &step.kind) {
        Some(StepKind::Attribute(label)) => label.to_string(),
        Some(StepKind::Index(index)) => match index.as_str().map(str::to_owned) {
            Some(label) => label,
            None => return Target::Other,
        },
        _ => return Target::Other,
    };
    let name = format!("{root}.{label}");
    if nodes.contains_key(&name) { Target::Node(name) } else { Target::Unknown(label) }
}

fn unknown(label: &str, root: &str, nodes: &BTreeMap<String, Node<'_>>) -> Diagnostic {
    let prefix = format!("{root}.");
    let known = nodes.keys().filter_map(|name| name.strip_prefix(&prefix));
    Diagnostic::error(format!("the stack has no `{root}.{label}`"), "").maybe_hint(did_you_mean(label, known))
}

type Visit<'v> = dyn FnMut(&str, &[Step], &Arc<Source>, Span) + 'v;

fn references(node: &Node<'_>, visit: &mut Visit<'_>) {
    match node {
        Node::Local(attribute) => attribute_references(attribute, visit),
        Node::Block(block, ..) => body_references(&block.body, visit),
    }
}

fn body_references(body: &Body, visit: &mut Visit<'_>) {
    body.attributes.iter().for_each(|attribute| attribute_references(attribute, visit));
    body.blocks.iter().for_each(|block| body_references(&block.body, visit));
}

fn attribute_references(attribute: &Attribute, visit: &mut Visit<'_>) {
    expression_references(&attribute.value.expr, &attribute.value.source, visit);
}

/// The members of an object may come from another file, where an overlay was laid over it.
fn expression_references(expr: &Expr, source: &Arc<Source>, visit: &mut Visit<'_>) {
    match &expr.kind {
        ExprKind::Object(items) if items.iter().any(|item| matches!(item.value.kind, ExprKind::Embedded(_))) => {
            items.iter().for_each(|item| expression_references(&item.value, source, visit));
        }
        ExprKind::Embedded(inner) => expression_references(&inner.expr, &inner.source, visit),
        _ => expr.visit_traversals(&mut |root, steps, span| visit(root, steps, source, span)),
    }
}
