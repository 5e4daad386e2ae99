//! What a body may hold: names of attributes and blocks, with their labels. All that does not fit is reported at once,
//! with the nearest name that does; bodies in JSON syntax become attributes and blocks here.

use std::borrow::Cow;

use crate::diagnostic::{Diagnostic, Diagnostics, did_you_mean};
use crate::source::Span;
use crate::syntax::{Block, Body};

/// The type of blocks that expand into others; whoever uses the schema expands them.
pub const DYNAMIC: &str = "dynamic";

/// The names that a body may hold.
#[derive(Clone, Copy, Debug)]
pub struct Schema {
    /// Attributes.
    pub attributes: &'static [&'static str],
    /// Attributes that must be there.
    pub required: &'static [&'static str],
    /// Blocks with the names of their labels.
    pub blocks: &'static [(&'static str, &'static [&'static str])],
    /// Whether `dynamic` blocks are accepted.
    pub dynamic: bool,
}

impl Schema {
    /// Only attributes, all optional.
    #[must_use]
    pub const fn attributes(attributes: &'static [&'static str]) -> Self {
        Self { attributes, required: &[], blocks: &[], dynamic: false }
    }

    /// The same with blocks.
    #[must_use]
    pub const fn with_blocks(mut self, blocks: &'static [(&'static str, &'static [&'static str])]) -> Self {
        self.blocks = blocks;
        self
    }

    /// The same with attributes that must be there.
    #[must_use]
    pub const fn with_required(mut self, required: &'static [&'static str]) -> Self {
        self.required = required;
        self
    }

    /// The same with `dynamic` blocks.
    #[must_use]
    pub const fn with_dynamic(mut self) -> Self {
        self.dynamic = true;
        self
    }

    fn knows_attribute(&self, name: &str) -> bool {
        self.attributes.contains(&name) || self.required.contains(&name)
    }

    fn labels(&self, kind: &str) -> Option<&'static [&'static str]> {
        if self.dynamic && kind == DYNAMIC {
            return Some(&["type"]);
        }
        self.blocks.iter().find(|(name, _)| *name == kind).map(|(_, labels)| *labels)
    }

    fn all_names(&self) -> impl Iterator<Item = &'static str> {
        self.attributes.iter().chain(self.required).copied().chain(self.blocks.iter().map(|(name, _)| *name))
    }
}

impl Body {
    /// The body's attributes and blocks, with everything reported that `schema` does not know or misses.
    pub fn content(&self, schema: &Schema, problems: &mut Diagnostics) -> Cow<'_, Self> {
        let body = self.lowered(schema, problems);
        for attribute in &body.attributes {
            if !schema.knows_attribute(&attribute.name) {
                problems.push(unknown_attribute(self, schema, &attribute.name, attribute.name_span));
            }
        }
        for block in &body.blocks {
            match schema.labels(&block.kind) {
                Some(labels) => check_labels(self, block, labels, problems),
                None => problems.push(unknown_block(self, schema, block)),
            }
        }
        for name in schema.required {
            if body.attribute(name).is_none() {
                let detail = format!("the argument {name:?} is required, but there is no definition of it");
                problems.push(Diagnostic::error("Missing required argument", detail).at(&self.source, self.opening()));
            }
        }
        body
    }

    /// All properties as attributes: blocks are reported. For bodies whose names are free.
    pub fn just_attributes(&self, problems: &mut Diagnostics) -> Cow<'_, Self> {
        let Some(properties) = &self.json else {
            for block in &self.blocks {
                let detail = format!(
                    "no blocks are expected here, but {:?} is one; arguments are written NAME = VALUE",
                    block.kind
                );
                problems.push(Diagnostic::error("Unexpected block", detail).at(&self.source, block.header_span()));
            }
            return Cow::Borrowed(self);
        };
        match self.lower_json_attributes(properties) {
            Ok(body) => Cow::Owned(body),
            Err(errors) => {
                problems.extend(errors);
                Cow::Borrowed(self)
            }
        }
    }

    /// The first character of the body: the brace of a block.
    #[must_use]
    pub fn opening(&self) -> Span {
        Span { start: self.span.start, end: self.span.end.min(self.span.start + 1) }
    }

    fn lowered(&self, schema: &Schema, problems: &mut Diagnostics) -> Cow<'_, Self> {
        let Some(properties) = &self.json else { return Cow::Borrowed(self) };
        // What can be either is an attribute: its value is an object in both forms.
        let labels = |name: &str| if schema.knows_attribute(name) { None } else { schema.labels(name).map(<[_]>::len) };
        match self.lower_json(properties, &labels) {
            Ok(body) => Cow::Owned(body),
            Err(errors) => {
                problems.extend(errors);
                Cow::Borrowed(self)
            }
        }
    }
}

fn unknown_attribute(body: &Body, schema: &Schema, name: &str, span: Span) -> Diagnostic {
    let error = Diagnostic::error("Unsupported argument", format!("an argument named {name:?} is not expected here"));
    let hint = if schema.labels(name).is_some() {
        Some(format!("{name} is a block: write {name} {{ … }} without the equals sign"))
    } else {
        did_you_mean(name, schema.all_names())
    };
    error.at(&body.source, span).maybe_hint(hint)
}

fn unknown_block(body: &Body, schema: &Schema, block: &Block) -> Diagnostic {
    let kind = &block.kind;
    let error = Diagnostic::error("Unsupported block type", format!("blocks of type {kind:?} are not expected here"));
    let hint = if schema.knows_attribute(kind) {
        Some(format!("{kind} is an argument: write {kind} = …"))
    } else {
        did_you_mean(kind, schema.all_names())
    };
    error.at(&body.source, block.kind_span).maybe_hint(hint)
}

fn check_labels(body: &Body, block: &Block, labels: &[&str], problems: &mut Diagnostics) {
    let kind = &block.kind;
    if block.labels.len() < labels.len() {
        let missing = labels[block.labels.len()];
        let error = Diagnostic::error(
            format!("Missing {missing} for {kind}"),
            format!("a {kind} block must have {} label(s) ({})", labels.len(), labels.join(", ")),
        );
        problems.push(error.at(&body.source, block.body.opening()).hint(format!("write {kind} \"{missing}\" {{ … }}")));
    } else if let Some(extra) = block.labels.get(labels.len()) {
        let detail = match labels {
            [] => format!("no labels are expected for {kind} blocks"),
            _ => format!("only {} label(s) ({}) are expected for {kind} blocks", labels.len(), labels.join(", ")),
        };
        problems.push(Diagnostic::error(format!("Extraneous label for {kind}"), detail).at(&body.source, extra.span));
    }
}
