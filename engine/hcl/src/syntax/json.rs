//! HCL's JSON syntax: an object's properties are attributes or blocks as a schema says, texts are templates.

use std::sync::Arc;

use crate::diagnostic::Diagnostics;
use crate::number::Number;
use crate::source::{Source, Span};
use crate::value::Value;

use super::scan::{Parsed, Scanner};
use super::{Attribute, Block, Body, Expr, ExprKind, Expression, Label, ObjectItem};

/// The property that holds a comment.
const COMMENT: &str = "//";

/// A JSON value with its place.
#[derive(Clone, Debug)]
pub(crate) struct Json {
    pub kind: JsonKind,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub(crate) enum JsonKind {
    Null,
    Bool(bool),
    Number(Number),
    String(String),
    Array(Vec<Json>),
    Object(Properties),
}

/// An object's properties in the order of the file.
pub(crate) type Properties = Vec<Property>;

#[derive(Clone, Debug)]
pub(crate) struct Property {
    pub name: String,
    pub name_span: Span,
    pub value: Json,
}

/// Reads a whole file in JSON syntax. [`crate::schema`] gives its attributes and blocks.
///
/// # Errors
/// The first syntax error, or a file that is no object.
pub fn parse_json_body(source: &Arc<Source>) -> Result<Body, Diagnostics> {
    let value = read(source)?;
    let span = value.span;
    match value.kind {
        JsonKind::Object(properties) => Ok(body_of(source, properties, span)),
        _ => Err(crate::diagnostic::Diagnostic::error("Invalid JSON", "the file must hold one object")
            .at(source, span)
            .into()),
    }
}

/// Reads a whole file.
pub(super) fn read(source: &Arc<Source>) -> Result<Json, Diagnostics> {
    let mut scanner = Scanner::new(source);
    scanner.newline_is_space = true;
    scanner.json_file().map_err(|error| Diagnostics::from(*error))
}

pub(super) fn body_of(source: &Arc<Source>, properties: Properties, span: Span) -> Body {
    Body {
        source: Arc::clone(source),
        span,
        attributes: Vec::new(),
        blocks: Vec::new(),
        json: Some(Arc::new(properties)),
    }
}

impl Body {
    /// The attributes and blocks of a body in JSON syntax: `labels` says how many labels a block of that name has,
    /// `None` that it is an attribute.
    pub(crate) fn lower_json(
        &self,
        properties: &Properties,
        labels: &dyn Fn(&str) -> Option<usize>,
    ) -> Result<Self, Diagnostics> {
        let mut body = Self { attributes: Vec::new(), blocks: Vec::new(), json: None, ..self.clone() };
        for property in properties.iter().filter(|property| property.name != COMMENT) {
            let kind: Arc<str> = property.name.as_str().into();
            match labels(&property.name) {
                None => body.attributes.push(Attribute {
                    name: kind,
                    name_span: property.name_span,
                    value: Expression {
                        expr: Arc::new(self.json_expression(&property.value)?),
                        source: Arc::clone(&self.source),
                    },
                }),
                Some(labels) => {
                    let header = (&kind, property.name_span);
                    self.lower_block(header, &mut Vec::new(), labels, &property.value, &mut body.blocks)?;
                }
            }
        }
        Ok(body)
    }

    fn lower_block(
        &self,
        (kind, kind_span): (&Arc<str>, Span),
        labels: &mut Vec<Label>,
        missing: usize,
        value: &Json,
        blocks: &mut Vec<Block>,
    ) -> Result<(), Diagnostics> {
        match &value.kind {
            JsonKind::Null => {}
            JsonKind::Array(items) => {
                for item in items {
                    self.lower_block((kind, kind_span), labels, missing, item, blocks)?;
                }
            }
            JsonKind::Object(properties) if missing == 0 => blocks.push(Block {
                kind: Arc::clone(kind),
                kind_span,
                labels: labels.clone(),
                body: body_of(&self.source, properties.clone(), value.span),
            }),
            JsonKind::Object(properties) => {
                for property in properties.iter().filter(|property| property.name != COMMENT) {
                    labels.push(Label { text: property.name.as_str().into(), span: property.name_span });
                    self.lower_block((kind, kind_span), labels, missing - 1, &property.value, blocks)?;
                    labels.pop();
                }
            }
            _ => {
                let detail = format!("{kind:?} is a block, so an object or a list of objects is required");
                let error = crate::diagnostic::Diagnostic::error("Incorrect JSON value type", detail);
                return Err(error.at(&self.source, value.span).into());
            }
        }
        Ok(())
    }

    /// All properties as attributes.
    pub(crate) fn lower_json_attributes(&self, properties: &Properties) -> Result<Self, Diagnostics> {
        self.lower_json(properties, &|_| None)
    }

    fn json_expression(&self, json: &Json) -> Result<Expr, Diagnostics> {
        let kind = match &json.kind {
            JsonKind::Null => ExprKind::Literal(Value::Null),
            JsonKind::Bool(value) => ExprKind::Literal(Value::Bool(*value)),
            JsonKind::Number(number) => ExprKind::Literal(number.clone().into()),
            JsonKind::String(text) => return self.json_text(text, json.span),
            JsonKind::Array(items) => {
                ExprKind::Tuple(items.iter().map(|item| self.json_expression(item)).collect::<Result<_, _>>()?)
            }
            JsonKind::Object(properties) => {
                let item = |property: &Property| {
                    let key = self.json_text(&property.name, property.name_span)?;
                    Ok(ObjectItem { key, value: self.json_expression(&property.value)? })
                };
                let items = properties.iter().filter(|property| property.name != COMMENT).map(item);
                // In parentheses: an object in JSON syntax is a value, never a block.
                let object =
                    Expr { kind: ExprKind::Object(items.collect::<Result<_, Diagnostics>>()?), span: json.span };
                ExprKind::Parens(Box::new(object))
            }
        };
        Ok(Expr { kind, span: json.span })
    }

    /// A JSON text is a template. It is read from a text of its own, since escapes move its characters.
    fn json_text(&self, text: &str, span: Span) -> Result<Expr, Diagnostics> {
        if !text.contains("${") && !text.contains("%{") {
            return Ok(Expr { kind: ExprKind::Literal(Value::string(super::template::normalized(text))), span });
        }
        let source = self.source.embedded(text, span);
        let expr = Scanner::new(&source).raw_template().map_err(|error| Diagnostics::from(*error))?;
        Ok(Expr { kind: ExprKind::Embedded(Box::new(Expression { expr: Arc::new(expr), source })), span })
    }
}

impl Scanner<'_> {
    fn json_file(&mut self) -> Parsed<Json> {
        self.skip_json_space();
        let value = self.json_value()?;
        self.skip_json_space();
        if self.at_end() {
            Ok(value)
        } else {
            Err(self.error_here("Extraneous data after JSON object", "only one JSON object is allowed in a file"))
        }
    }

    fn skip_json_space(&mut self) {
        while matches!(self.peek(0), b' ' | b'\t' | b'\r' | b'\n') {
            self.at += 1;
        }
    }

    fn json_value(&mut self) -> Parsed<Json> {
        let start = self.at;
        let kind = match self.peek(0) {
            b'{' => JsonKind::Object(self.nested(Self::json_object)?),
            b'[' => JsonKind::Array(self.nested(Self::json_array)?),
            b'"' => JsonKind::String(self.json_string()?),
            b'-' | b'0'..=b'9' => JsonKind::Number(self.json_number()?),
            _ if self.take("true") => JsonKind::Bool(true),
            _ if self.take("false") => JsonKind::Bool(false),
            _ if self.take("null") => JsonKind::Null,
            _ => return Err(self.error_here("Invalid JSON", "a JSON value is required here")),
        };
        Ok(Json { kind, span: self.span_from(start) })
    }

    fn json_object(&mut self) -> Parsed<Properties> {
        self.at += 1;
        let mut properties = Vec::new();
        loop {
            self.skip_json_space();
            if properties.is_empty() && self.take("}") {
                return Ok(properties);
            }
            if self.peek(0) != b'"' {
                return Err(
                    self.error_here("Invalid JSON property", "a property's name in double quotes is required here")
                );
            }
            let start = self.at;
            let name = self.json_string()?;
            let name_span = self.span_from(start);
            self.skip_json_space();
            if !self.take(":") {
                return Err(self
                    .error_here("Missing JSON property value", "a colon and a value must follow the property's name"));
            }
            self.skip_json_space();
            let value = self.json_value()?;
            properties.push(Property { name, name_span, value });
            self.skip_json_space();
            if self.take("}") {
                return Ok(properties);
            }
            if !self.take(",") {
                let place = self.source.position(self.after_object());
                let detail = format!(
                    "a comma must stand between the properties of an object; nothing was read from here up to line {}",
                    place.line
                );
                return Err(self.error_here("Missing attribute separator comma", detail));
            }
        }
    }

    /// Where the text goes on after the object that the position is in: the rest of the object is not understood.
    fn after_object(&self) -> usize {
        let mut depth = 1;
        let mut in_text = false;
        let bytes = &self.text.as_bytes()[..self.end];
        let mut at = self.at;
        while depth > 0 && at < bytes.len() {
            match bytes[at] {
                b'\\' if in_text => at += 1,
                b'"' => in_text = !in_text,
                b'{' | b'[' if !in_text => depth += 1,
                b'}' | b']' if !in_text => depth -= 1,
                _ => {}
            }
            at += 1;
        }
        at = at.min(bytes.len());
        at + bytes[at..].iter().take_while(|byte| byte.is_ascii_whitespace()).count()
    }

    fn json_array(&mut self) -> Parsed<Vec<Json>> {
        self.at += 1;
        let mut items = Vec::new();
        loop {
            self.skip_json_space();
            if items.is_empty() && self.take("]") {
                return Ok(items);
            }
            items.push(self.json_value()?);
            self.skip_json_space();
            if self.take("]") {
                return Ok(items);
            }
            if !self.take(",") {
                return Err(
                    self.error_here("Missing item separator comma", "a comma must stand between the items of an array")
                );
            }
        }
    }

    fn json_string(&mut self) -> Parsed<String> {
        let start = self.at;
        self.at += 1;
        loop {
            match self.peek(0) {
                0 if self.at_end() => {
                    return Err(self.error(self.span_from(start), "Invalid JSON string", "there is no closing quote"));
                }
                b'"' => break,
                b'\\' => self.at += 2,
                _ => self.at += 1,
            }
        }
        self.at = (self.at + 1).min(self.end);
        let span = self.span_from(start);
        serde_json::from_str(self.source.slice(span)).map_err(|_| {
            self.error(span, "Invalid JSON string", "this text has a character or an escape that JSON does not allow")
        })
    }

    fn json_number(&mut self) -> Parsed<Number> {
        let start = self.at;
        while matches!(self.peek(0), b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9') {
            self.at += 1;
        }
        let span = self.span_from(start);
        self.source.slice(span).parse().map_err(|_| self.error(span, "Invalid JSON number", "this is not a number"))
    }
}
