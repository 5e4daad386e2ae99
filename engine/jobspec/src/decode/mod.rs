//! From syntax to the job's types. Every block has a schema; everything that does not fit is reported, not only the
//! first thing; `dynamic` blocks take their place among the written ones.

mod config;
mod connect;
mod dynamic;
mod fields;
mod group;
mod job;
mod network;
mod policies;
mod service;
mod task;

use std::borrow::Cow;
use std::rc::Rc;
use std::sync::Arc;

use drover_hcl::schema::Schema;
use drover_hcl::syntax::Label;
use drover_hcl::{Body, Diagnostic, Diagnostics, EvalContext, Expression, Span, Value};

pub(crate) use job::job;

/// Blocks that may be repeated; of any other one there is at most one in a body.
const REPEATABLE: [&str; 22] = [
    "action",
    "affinity",
    "artifact",
    "check",
    "constraint",
    "device",
    "dynamic",
    "envoy_gateway_bind_addresses",
    "group",
    "identity",
    "link",
    "listener",
    "network",
    "path",
    "port",
    "region",
    "reserved_ports",
    "scaling",
    "secret",
    "service",
    "spread",
    "target",
];
const MORE_REPEATABLE: [&str; 5] = ["task", "template", "upstreams", "volume", "volume_mount"];

/// Reads one job.
pub(crate) struct Decoder<'c> {
    context: &'c EvalContext<'c>,
    problems: Diagnostics,
    /// How many blocks `dynamic` ones have become.
    expanded: usize,
}

/// The variables that `dynamic` blocks around a body give.
#[derive(Clone, Default)]
pub(crate) struct Scope(Option<Rc<Iteration>>);

struct Iteration {
    name: Arc<str>,
    value: Value,
    outer: Scope,
}

/// A block: written, or made by a `dynamic` one.
pub(crate) struct Item<'b> {
    kind: Arc<str>,
    kind_span: Span,
    labels: Cow<'b, [Label]>,
    body: Cow<'b, Body>,
    scope: Scope,
}

impl Item<'_> {
    fn label(&self) -> String {
        self.labels.first().map(|label| label.text.to_string()).unwrap_or_default()
    }

    fn header_span(&self) -> Span {
        self.labels.last().map_or(self.kind_span, |label| self.kind_span.to(label.span))
    }
}

/// The attributes and blocks of one body that was checked against its schema.
pub(crate) struct Fields<'b> {
    body: Cow<'b, Body>,
    scope: Scope,
}

impl Fields<'_> {
    fn has(&self, name: &str) -> bool {
        self.body.attribute(name).is_some()
    }
}

impl<'c> Decoder<'c> {
    pub(crate) fn new(context: &'c EvalContext<'c>) -> Self {
        Self { context, problems: Diagnostics::new(), expanded: 0 }
    }

    pub(crate) fn finish<T>(self, value: T) -> Result<T, Diagnostics> {
        self.problems.into_result(value)
    }

    pub(crate) fn report(&mut self, problem: Diagnostic) {
        self.problems.push(problem);
    }

    /// Checks a block's body against its schema.
    fn open<'i>(&mut self, item: &'i Item<'_>, schema: &Schema) -> Fields<'i> {
        self.open_body(&item.body, item.scope.clone(), schema)
    }

    fn open_body<'i>(&mut self, body: &'i Body, scope: Scope, schema: &Schema) -> Fields<'i> {
        Fields { body: body.content(schema, &mut self.problems), scope }
    }

    /// Calls `read` with every block of a body in the order of the file, `dynamic` ones expanded.
    fn blocks(&mut self, fields: &Fields<'_>, schema: &Schema, read: &mut dyn FnMut(&mut Self, &Item<'_>)) {
        let mut seen: Vec<(Arc<str>, Span)> = Vec::new();
        for block in &fields.body.blocks {
            if &*block.kind == drover_hcl::schema::DYNAMIC {
                for item in self.expand(block, &fields.scope, schema) {
                    self.check_repeated(fields, &item, &mut seen);
                    read(self, &item);
                }
                continue;
            }
            let item = Item {
                kind: Arc::clone(&block.kind),
                kind_span: block.kind_span,
                labels: Cow::Borrowed(&block.labels),
                body: Cow::Borrowed(&block.body),
                scope: fields.scope.clone(),
            };
            self.check_repeated(fields, &item, &mut seen);
            read(self, &item);
        }
    }

    fn check_repeated(&mut self, fields: &Fields<'_>, item: &Item<'_>, seen: &mut Vec<(Arc<str>, Span)>) {
        let kind = &*item.kind;
        if REPEATABLE.contains(&kind) || MORE_REPEATABLE.contains(&kind) {
            return;
        }
        let source = &fields.body.source;
        let (summary, detail) = if let Some((_, first)) = seen.iter().find(|(seen, _)| **seen == *item.kind) {
            let place = source.range(*first);
            (format!("Duplicate {kind} block"), format!("only one {kind} block is allowed; another one is at {place}"))
        } else if let Some(attribute) = fields.body.attribute(kind) {
            let place = source.range(attribute.name_span);
            (
                format!("Duplicate {kind} block"),
                format!("{kind} is given twice: as a block here and as an argument at {place}"),
            )
        } else {
            seen.push((Arc::clone(&item.kind), item.kind_span));
            return;
        };
        self.report(Diagnostic::error(summary, detail).at(source, item.header_span()));
    }

    /// The value of an expression.
    fn evaluate(&mut self, expression: &Expression, scope: &Scope) -> Option<Value> {
        let result = match &scope.0 {
            None => expression.evaluate(self.context),
            Some(_) => {
                let mut inner = self.context.inner();
                scope.fill(&mut inner);
                expression.evaluate(&inner)
            }
        };
        match result {
            Ok(value) => Some(value),
            Err(problems) => {
                self.problems.extend(problems);
                None
            }
        }
    }
}

impl Scope {
    /// Sets the variables, inner ones over outer ones of the same name.
    fn fill(&self, context: &mut EvalContext<'_>) {
        if let Some(iteration) = &self.0 {
            iteration.outer.fill(context);
            context.set(Arc::clone(&iteration.name), iteration.value.clone());
        }
    }

    fn within(&self, name: Arc<str>, value: Value) -> Self {
        Self(Some(Rc::new(Iteration { name, value, outer: self.clone() })))
    }
}
