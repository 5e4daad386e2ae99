//! The syntax tree: bodies with attributes and blocks, and expressions. Every node knows its place.

mod body;
mod expression;
mod heredoc;
mod json;
mod json_tree;
mod scan;
mod steps;
mod template;

use std::sync::Arc;

use crate::source::{Source, Span};
use crate::value::Value;

pub use body::{parse_body, parse_expression};
pub use json::parse_json_body;
pub use json_tree::{JsonLabel, JsonNames, parse_json_tree};
pub(crate) use scan::Scanner;
pub(crate) use template::normalized;

/// Deepest nesting of blocks and of expressions that the parser accepts.
pub const MAX_NESTING: usize = 100;

/// What stands between a file's ends or a block's braces.
#[derive(Clone, Debug)]
pub struct Body {
    /// The text it was read from.
    pub source: Arc<Source>,
    /// From the opening to the closing brace, or the whole file.
    pub span: Span,
    /// `name = value`, in the order of the file.
    pub attributes: Vec<Attribute>,
    /// Blocks, in the order of the file.
    pub blocks: Vec<Block>,
    /// The properties of a body in JSON syntax, which only a schema tells apart into attributes and blocks.
    pub(crate) json: Option<Arc<json::Properties>>,
}

impl Body {
    /// The attribute of that name.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes.iter().find(|attribute| &*attribute.name == name)
    }

    /// The blocks of that type.
    pub fn blocks_of<'b>(&'b self, kind: &'b str) -> impl Iterator<Item = &'b Block> {
        self.blocks.iter().filter(move |block| &*block.kind == kind)
    }

    /// Whether it was written in JSON syntax, so that [`crate::schema`] has to tell attributes from blocks.
    #[must_use]
    pub fn is_json(&self) -> bool {
        self.json.is_some()
    }
}

/// `name = value`.
#[derive(Clone, Debug)]
pub struct Attribute {
    /// The name.
    pub name: Arc<str>,
    /// Where the name is.
    pub name_span: Span,
    /// The value.
    pub value: Expression,
}

impl Attribute {
    /// From the name to the end of the value.
    #[must_use]
    pub fn span(&self) -> Span {
        self.name_span.to(self.value.expr.span)
    }
}

/// `kind "label" { … }`.
#[derive(Clone, Debug)]
pub struct Block {
    /// The block's type.
    pub kind: Arc<str>,
    /// Where the type is.
    pub kind_span: Span,
    /// The labels.
    pub labels: Vec<Label>,
    /// What is between the braces.
    pub body: Body,
}

impl Block {
    /// The block's type and labels, without the body.
    #[must_use]
    pub fn header_span(&self) -> Span {
        self.labels.last().map_or(self.kind_span, |label| self.kind_span.to(label.span))
    }

    /// The text of a label.
    #[must_use]
    pub fn label(&self, at: usize) -> Option<&str> {
        self.labels.get(at).map(|label| &*label.text)
    }
}

/// A block's label.
#[derive(Clone, Debug)]
pub struct Label {
    /// Its text.
    pub text: Arc<str>,
    /// Where it is, with its quotes.
    pub span: Span,
}

/// An expression together with the text it was read from.
#[derive(Clone, Debug)]
pub struct Expression {
    /// The expression.
    pub expr: Arc<Expr>,
    /// The text.
    pub source: Arc<Source>,
}

/// One node of an expression.
#[derive(Clone, Debug)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Where it is.
    pub span: Span,
}

/// The kinds of expressions.
#[derive(Clone, Debug)]
pub enum ExprKind {
    /// A number, `true`, `false`, `null`, or a text without interpolation.
    Literal(Value),
    /// A text with interpolations or directives.
    Template(Vec<TemplatePart>),
    /// A text that is one interpolation only: its value keeps its type.
    Wrapped(Box<Expr>),
    /// A variable with literal steps: `var.ports["http"].to`.
    Traversal(Arc<str>, Vec<Step>),
    /// A step from any other expression: `f(x).name`.
    Access(Box<Expr>, Step),
    /// `list[expression]`.
    Index(Box<Expr>, Box<Expr>),
    /// `list[*].name` or `list.*.name`.
    Splat(Box<Splat>),
    /// `name(arguments)`.
    Call(Box<Call>),
    /// `condition ? yes : no`.
    Conditional(Box<[Expr; 3]>),
    /// `left operator right`.
    Binary(BinaryOperator, Span, Box<[Expr; 2]>),
    /// `-number`.
    Negate(Box<Expr>),
    /// `!bool`.
    Not(Box<Expr>),
    /// `[…]`.
    Tuple(Vec<Expr>),
    /// `{…}`.
    Object(Vec<ObjectItem>),
    /// `[for …]` or `{for …}`.
    For(Box<For>),
    /// `(…)`.
    Parens(Box<Expr>),
    /// An expression from a text of its own, inside of a JSON string.
    Embedded(Box<Expression>),
}

impl Expr {
    /// The value of an expression that needs no variable and no function.
    #[must_use]
    pub fn constant(&self) -> Option<Value> {
        match &self.kind {
            ExprKind::Literal(value) => Some(value.clone()),
            ExprKind::Parens(inner) | ExprKind::Wrapped(inner) => inner.constant(),
            ExprKind::Negate(inner) => Some(Value::Number(inner.constant()?.as_number()?.negate())),
            ExprKind::Tuple(items) => items.iter().map(Self::constant).collect::<Option<Vec<_>>>().map(Value::tuple),
            ExprKind::Object(items) => items
                .iter()
                .map(|item| Some((item.key_name()?, item.value.constant()?)))
                .collect::<Option<Vec<_>>>()
                .map(Value::object),
            _ => None,
        }
    }

    /// The expression with the texts of JSON strings as they are, not as templates; `None` if it holds no such text.
    pub(crate) fn without_embedded(&self) -> Option<Self> {
        let kind = match &self.kind {
            ExprKind::Embedded(inner) => ExprKind::Literal(Value::string(inner.source.text())),
            ExprKind::Parens(inner) => ExprKind::Parens(Box::new(inner.without_embedded()?)),
            ExprKind::Tuple(items) => {
                let plain: Vec<Option<Self>> = items.iter().map(Self::without_embedded).collect();
                if plain.iter().all(Option::is_none) {
                    return None;
                }
                ExprKind::Tuple(
                    plain.into_iter().zip(items).map(|(new, old)| new.unwrap_or_else(|| old.clone())).collect(),
                )
            }
            ExprKind::Object(items) => {
                let plain = |item: &ObjectItem| ObjectItem {
                    key: item.key.without_embedded().unwrap_or_else(|| item.key.clone()),
                    value: item.value.without_embedded().unwrap_or_else(|| item.value.clone()),
                };
                ExprKind::Object(items.iter().map(plain).collect())
            }
            _ => return None,
        };
        Some(Self { kind, span: self.span })
    }

    /// Calls `visit` with every variable's traversal that the expression reads, its own `for` variables left out.
    pub fn visit_traversals<'e>(&'e self, visit: &mut dyn FnMut(&'e str, &'e [Step], Span)) {
        crate::references::visit(self, &mut Vec::new(), visit);
    }
}

/// A literal step of a traversal.
#[derive(Clone, Debug)]
pub struct Step {
    /// Attribute or index.
    pub kind: StepKind,
    /// Where it is, with its dot or brackets.
    pub span: Span,
}

/// The kinds of steps.
#[derive(Clone, Debug, PartialEq)]
pub enum StepKind {
    /// `.name`.
    Attribute(Arc<str>),
    /// `["key"]`, `[0]` or `.0`.
    Index(Value),
}

/// A splat.
#[derive(Clone, Debug)]
pub struct Splat {
    /// What is iterated.
    pub source: Expr,
    /// The steps taken from each element.
    pub each: Vec<SplatStep>,
    /// Where the `[*]` or `.*` is.
    pub marker: Span,
}

/// A step from each element of a splat.
#[derive(Clone, Debug)]
pub enum SplatStep {
    /// A literal step.
    Step(Step),
    /// An index by an expression.
    Index(Expr),
    /// Another splat with all that follows it.
    Splat(Vec<SplatStep>, Span),
}

/// A function call.
#[derive(Clone, Debug)]
pub struct Call {
    /// The function.
    pub name: Arc<str>,
    /// Where the name is.
    pub name_span: Span,
    /// The arguments.
    pub arguments: Vec<Expr>,
    /// Whether the last argument ends in `...`.
    pub expand: bool,
    /// Where the closing parenthesis is.
    pub close_span: Span,
}

/// `key = value` of an object expression.
#[derive(Clone, Debug)]
pub struct ObjectItem {
    /// The key; a bare name is a [`ExprKind::Traversal`] without steps that stands for its own name.
    pub key: Expr,
    /// The value.
    pub value: Expr,
}

impl ObjectItem {
    /// The key, where it is a literal or a bare name.
    #[must_use]
    pub fn key_name(&self) -> Option<String> {
        match &self.key.kind {
            ExprKind::Traversal(name, steps) if steps.is_empty() => Some(name.to_string()),
            ExprKind::Literal(value) => crate::convert::to_text(value).ok().map(|text| text.to_string()),
            _ => None,
        }
    }
}

/// A `for` expression.
#[derive(Clone, Debug)]
pub struct For {
    /// The name of the key or index, if it is asked for.
    pub key_name: Option<Arc<str>>,
    /// The name of the element.
    pub value_name: Arc<str>,
    /// What is iterated.
    pub collection: Expr,
    /// The result's key, for an object.
    pub key: Option<Expr>,
    /// The result's value.
    pub value: Expr,
    /// Which elements to take.
    pub condition: Option<Expr>,
    /// Whether values of one key are collected (`...`).
    pub group: bool,
}

/// A part of a text.
#[derive(Clone, Debug)]
pub enum TemplatePart {
    /// Text as it is.
    Literal(Arc<str>),
    /// `${expression}`.
    Interpolation(Expr),
    /// `%{ if … }…%{ else }…%{ endif }`.
    If(Box<Expr>, Vec<TemplatePart>, Vec<TemplatePart>),
    /// `%{ for … }…%{ endfor }`.
    For(Box<TemplateFor>),
}

/// A `for` directive.
#[derive(Clone, Debug)]
pub struct TemplateFor {
    /// The name of the key or index, if it is asked for.
    pub key_name: Option<Arc<str>>,
    /// The name of the element.
    pub value_name: Arc<str>,
    /// What is iterated.
    pub collection: Expr,
    /// What is written for each element.
    pub body: Vec<TemplatePart>,
}

/// The operators with two operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BinaryOperator {
    /// `||`
    Or,
    /// `&&`
    And,
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterEqual,
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `%`
    Modulo,
}
