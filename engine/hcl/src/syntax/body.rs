//! Bodies: attributes and blocks.

use std::collections::HashMap;
use std::sync::Arc;

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::source::{Source, Span};

use super::scan::{Parsed, Scanner};
use super::{Attribute, Block, Body, Expression, Label};

/// Reads a whole file in native syntax.
///
/// # Errors
/// The first syntax error.
pub fn parse_body(source: &Arc<Source>) -> Result<Body, Diagnostics> {
    let mut scanner = Scanner::new(source);
    let body = scanner.body(None).map_err(|error| Diagnostics::from(*error))?;
    Ok(body)
}

/// Reads a text that is one expression.
///
/// # Errors
/// The first syntax error.
pub fn parse_expression(source: &Arc<Source>) -> Result<Expression, Diagnostics> {
    let mut scanner = Scanner::new(source);
    scanner.newline_is_space = true;
    let parse = |scanner: &mut Scanner<'_>| {
        let expr = scanner.expression()?;
        scanner.skip()?;
        if scanner.at_end() {
            Ok(expr)
        } else {
            Err(scanner
                .error_here("Extra characters after expression", "one expression was expected, and there is more"))
        }
    };
    let expr = parse(&mut scanner).map_err(|error| Diagnostics::from(*error))?;
    Ok(Expression { expr: Arc::new(expr), source: Arc::clone(source) })
}

const ITEM_REQUIRED: &str = "an argument or block definition is required here";

impl Scanner<'_> {
    /// Reads items up to the closing brace of the block that was opened at `open`, or to the end of the file.
    fn body(&mut self, open: Option<Span>) -> Parsed<Body> {
        let start = open.map_or(self.at, |open| open.start as usize);
        let mut body = self.empty_body();
        let mut names = HashMap::new();
        loop {
            self.skip_lines()?;
            match (self.peek(0), open) {
                (0, None) if self.at_end() => break,
                (0, Some(open)) if self.at_end() => {
                    return Err(self
                        .error(
                            open,
                            "Unclosed configuration block",
                            "there is no closing brace for this block before the end of the file",
                        )
                        .into_hint("check the nesting of the braces below"));
                }
                (b'}', Some(_)) => {
                    self.at += 1;
                    break;
                }
                _ => self.item(&mut body, &mut names)?,
            }
        }
        body.span = self.span_from(start);
        Ok(body)
    }

    fn empty_body(&self) -> Body {
        Body {
            source: Arc::clone(self.source),
            span: Span::default(),
            attributes: Vec::new(),
            blocks: Vec::new(),
            json: None,
        }
    }

    fn item(&mut self, body: &mut Body, names: &mut HashMap<Arc<str>, Span>) -> Parsed<()> {
        let Some((name, name_span)) = self.take_name() else {
            return Err(self.not_an_item());
        };
        self.skip()?;
        match self.peek(0) {
            b'=' => {
                let attribute = self.attribute(name, name_span, names)?;
                body.attributes.push(attribute);
                self.line_end("argument")
            }
            b'{' | b'"' => self.block(name, name_span, body),
            _ if !self.at_end() && self.text[self.at..self.end].starts_with(name_start) => {
                self.block(name, name_span, body)
            }
            _ => Err(match self.bad_character() {
                Some(error) => error,
                None => self
                    .error(name_span, "Argument or block definition required", ITEM_REQUIRED)
                    .into_hint("to set an argument, write NAME = VALUE; to start a block, write NAME {"),
            }),
        }
    }

    fn not_an_item(&mut self) -> Box<Diagnostic> {
        let here = self.here();
        if let Some(error) = self.bad_character() {
            return error;
        }
        match self.peek(0) {
            b'"' => self.error(here, "Invalid argument name", "argument names must not be quoted"),
            b'}' => self.error(
                here,
                "Argument or block definition required",
                format!("{ITEM_REQUIRED}: this brace closes nothing"),
            ),
            _ => self.error(here, "Argument or block definition required", ITEM_REQUIRED),
        }
    }

    fn attribute(&mut self, name: &str, name_span: Span, names: &mut HashMap<Arc<str>, Span>) -> Parsed<Attribute> {
        let name: Arc<str> = name.into();
        if let Some(first) = names.insert(Arc::clone(&name), name_span) {
            let place = self.source.range(first);
            let detail = format!("the argument {name:?} was already set at {place}; each may be set only once");
            return Err(self.error(name_span, "Attribute redefined", detail));
        }
        self.at += 1; // the equals sign
        let expr = self.with_newlines(false, Self::expression)?;
        let value = Expression { expr: Arc::new(expr), source: Arc::clone(self.source) };
        Ok(Attribute { name, name_span, value })
    }

    fn line_end(&mut self, what: &str) -> Parsed<()> {
        self.skip()?;
        if self.at_end() || self.take("\n") {
            return Ok(());
        }
        if let Some(error) = self.bad_character() {
            return Err(error);
        }
        let article = if what.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
        Err(self.error_here(
            &format!("Missing newline after {what}"),
            format!("{article} {what} definition must end with a newline"),
        ))
    }

    fn block(&mut self, kind: &str, kind_span: Span, body: &mut Body) -> Parsed<()> {
        let mut labels = Vec::new();
        while self.peek(0) != b'{' {
            labels.push(self.label()?);
            self.skip()?;
        }
        let open = self.here();
        self.at += 1;
        let inner = self.nested(|scanner| scanner.block_body(open))?;
        body.blocks.push(Block { kind: kind.into(), kind_span, labels, body: inner });
        self.line_end("block")
    }

    /// The items of a block, either over several lines or as one argument on the same line.
    fn block_body(&mut self, open: Span) -> Parsed<Body> {
        self.skip()?;
        if matches!(self.peek(0), b'\n' | b'}' | 0) {
            return self.body(Some(open));
        }
        let mut body = self.empty_body();
        let Some((name, name_span)) = self.take_name() else { return Err(self.not_an_item()) };
        self.skip()?;
        if self.peek(0) != b'=' || self.peek(1) == b'=' {
            return Err(self.error(
                name_span,
                "Argument definition required",
                "a block on one line can hold a single argument only; put a nested block on a line of its own",
            ));
        }
        let attribute = self.attribute(name, name_span, &mut HashMap::new())?;
        body.attributes.push(attribute);
        self.skip()?;
        if !self.take("}") {
            return Err(self.error_here(
                "Invalid single-argument block definition",
                "a block on one line can hold a single argument only; put each argument on a line of its own",
            ));
        }
        body.span = self.span_from(open.start as usize);
        Ok(body)
    }

    fn label(&mut self) -> Parsed<Label> {
        if let Some((name, span)) = self.take_name() {
            return Ok(Label { text: name.into(), span });
        }
        if self.peek(0) == b'"' {
            return self.quoted_label();
        }
        if let Some(error) = self.bad_character() {
            return Err(error);
        }
        let detail = "a block definition must have a name, perhaps labels, and then an opening brace";
        Err(self.error_here("Invalid block definition", detail))
    }
}

fn name_start(c: char) -> bool {
    c == '_' || c.is_ascii_alphabetic() || (!c.is_ascii() && unicode_ident::is_xid_start(c))
}

/// Adds advice to a boxed diagnostic.
pub(super) trait IntoHint {
    fn into_hint(self, hint: &str) -> Self;
}

impl IntoHint for Box<Diagnostic> {
    fn into_hint(mut self, hint: &str) -> Self {
        self.hint = Some(hint.to_owned());
        self
    }
}
