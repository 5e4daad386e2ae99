//! Expressions, except texts.

use std::sync::Arc;

use crate::diagnostic::Diagnostic;
use crate::number::Number;
use crate::source::Span;
use crate::value::Value;

use super::scan::{Parsed, Scanner};
use super::{BinaryOperator, Call, Expr, ExprKind, For, ObjectItem};

use BinaryOperator as Op;

/// Most operators, or steps after a term, in a row.
pub(super) const MAX_CHAIN: usize = 200;

/// The operators, loosest first; longer ones before those that they start with.
const LEVELS: [&[(&str, Op)]; 6] = [
    &[("||", Op::Or)],
    &[("&&", Op::And)],
    &[("==", Op::Equal), ("!=", Op::NotEqual)],
    &[("<=", Op::LessEqual), (">=", Op::GreaterEqual), ("<", Op::Less), (">", Op::Greater)],
    &[("+", Op::Add), ("-", Op::Subtract)],
    &[("*", Op::Multiply), ("/", Op::Divide), ("%", Op::Modulo)],
];

impl Scanner<'_> {
    /// Reads an expression.
    pub fn expression(&mut self) -> Parsed<Expr> {
        self.nested(Self::conditional)
    }

    fn conditional(&mut self) -> Parsed<Expr> {
        let condition = self.binary(0)?;
        self.skip()?;
        if !self.take("?") {
            return Ok(condition);
        }
        let yes = self.expression()?;
        self.skip()?;
        if !self.take(":") {
            let detail =
                "the conditional operator needs a false expression, separated by a colon: CONDITION ? YES : NO";
            return Err(self.error_here("Missing false expression in conditional", detail));
        }
        let no = self.expression()?;
        let span = condition.span.to(no.span);
        Ok(Expr { kind: ExprKind::Conditional(Box::new([condition, yes, no])), span })
    }

    /// Reads operands and the operators between them that bind at least as tightly as `least`.
    fn binary(&mut self, least: usize) -> Parsed<Expr> {
        let mut left = self.unary()?;
        for _ in 0..MAX_CHAIN {
            self.skip()?;
            let Some((level, text, operator)) = self.peek_operator() else { return Ok(left) };
            if level < least {
                return Ok(left);
            }
            let start = self.at;
            self.at += text.len();
            let operator_span = self.span_from(start);
            let right = self.nested(|scanner| scanner.binary(level + 1))?;
            let span = left.span.to(right.span);
            left = Expr { kind: ExprKind::Binary(operator, operator_span, Box::new([left, right])), span };
        }
        Err(self.chain_too_long())
    }

    pub(super) fn chain_too_long(&self) -> Box<Diagnostic> {
        let detail = format!("at most {MAX_CHAIN} operators or steps in a row are read; put a part into a local value");
        self.error_here("Too long an expression", detail)
    }

    /// The operator that is next, with its level.
    fn peek_operator(&self) -> Option<(usize, &'static str, Op)> {
        // Most expressions are one term: look at the byte before comparing operators.
        let first = self.peek(0);
        if !matches!(first, b'|' | b'&' | b'=' | b'!' | b'<' | b'>' | b'+' | b'-' | b'*' | b'/' | b'%') {
            return None;
        }
        // `%{` is a directive of a text around this expression, never a modulo.
        if first == b'%' && self.peek(1) == b'{' {
            return None;
        }
        let all = LEVELS.iter().enumerate().flat_map(|(level, operators)| operators.iter().map(move |op| (level, op)));
        all.filter(|(_, (text, _))| self.starts_with(text))
            .max_by_key(|(_, (text, _))| text.len())
            .map(|(level, (text, operator))| (level, *text, *operator))
    }

    fn unary(&mut self) -> Parsed<Expr> {
        self.skip()?;
        let start = self.at;
        match self.peek(0) {
            b'-' => {
                self.at += 1;
                let operand = self.nested(Self::unary)?;
                let span = Span::new(start, operand.span.end as usize);
                if let ExprKind::Literal(Value::Number(number)) = &operand.kind {
                    return Ok(Expr { kind: ExprKind::Literal(number.negate().into()), span });
                }
                Ok(Expr { kind: ExprKind::Negate(Box::new(operand)), span })
            }
            b'!' if self.peek(1) != b'=' => {
                self.at += 1;
                let operand = self.nested(Self::unary)?;
                let span = Span::new(start, operand.span.end as usize);
                Ok(Expr { kind: ExprKind::Not(Box::new(operand)), span })
            }
            _ => {
                let term = self.term()?;
                self.steps(term)
            }
        }
    }

    fn term(&mut self) -> Parsed<Expr> {
        let start = self.at;
        match self.peek(0) {
            b'"' => self.quoted(),
            b'<' if self.peek(1) == b'<' => self.heredoc(),
            b'0'..=b'9' => self.number(),
            b'(' => {
                self.at += 1;
                let inner = self.with_newlines(true, |scanner| {
                    let inner = scanner.expression()?;
                    scanner.skip()?;
                    Ok(inner)
                })?;
                if !self.take(")") {
                    return Err(self
                        .error_here("Unbalanced parentheses", "expected a closing parenthesis to end the expression"));
                }
                Ok(Expr { kind: ExprKind::Parens(Box::new(inner)), span: self.span_from(start) })
            }
            b'[' => self.with_newlines(true, Self::tuple),
            b'{' => self.with_newlines(true, Self::object),
            _ => self.name_term(),
        }
    }

    fn name_term(&mut self) -> Parsed<Expr> {
        let Some((name, span)) = self.take_name() else { return Err(self.no_expression()) };
        let kind = match name {
            "true" => ExprKind::Literal(Value::Bool(true)),
            "false" => ExprKind::Literal(Value::Bool(false)),
            "null" => ExprKind::Literal(Value::Null),
            _ => {
                let after_name = self.at;
                self.skip()?;
                if self.peek(0) == b'(' {
                    return self.with_newlines(true, |scanner| scanner.call(name, span));
                }
                self.at = after_name;
                ExprKind::Traversal(name.into(), Vec::new())
            }
        };
        Ok(Expr { kind, span })
    }

    fn no_expression(&self) -> Box<Diagnostic> {
        if let Some(error) = self.bad_character() {
            return error;
        }
        let found = match self.text[self.at..self.end].chars().next() {
            None => "the end of the text".to_owned(),
            Some('\n') => "the end of the line".to_owned(),
            Some(c) => format!("{:?}", c.to_string()),
        };
        self.error_here("Invalid expression", format!("expected the start of an expression, but found {found}"))
    }

    fn number(&mut self) -> Parsed<Expr> {
        let start = self.at;
        let digits = |scanner: &mut Self| {
            while scanner.peek(0).is_ascii_digit() {
                scanner.at += 1;
            }
        };
        digits(self);
        if self.peek(0) == b'.' && self.peek(1).is_ascii_digit() {
            self.at += 1;
            digits(self);
        }
        if matches!(self.peek(0), b'e' | b'E') {
            let sign = usize::from(matches!(self.peek(1), b'+' | b'-'));
            if self.peek(1 + sign).is_ascii_digit() {
                self.at += 1 + sign;
                digits(self);
            }
        }
        let span = self.span_from(start);
        let number: Number = self
            .source
            .slice(span)
            .parse()
            .map_err(|_| self.error(span, "Invalid number", "this number is too large or too small"))?;
        Ok(Expr { kind: ExprKind::Literal(number.into()), span })
    }

    fn call(&mut self, name: &str, name_span: Span) -> Parsed<Expr> {
        self.at += 1; // the parenthesis
        let mut call =
            Call { name: name.into(), name_span, arguments: Vec::new(), expand: false, close_span: name_span };
        loop {
            self.skip()?;
            if self.peek(0) == b')' {
                break;
            }
            call.arguments.push(self.expression()?);
            self.skip()?;
            if self.take("...") {
                call.expand = true;
                self.take(",");
                self.skip()?;
                if self.peek(0) != b')' {
                    return Err(self.error_here("Invalid expansion", "... has to follow the last argument"));
                }
                break;
            }
            if !self.take(",") && self.peek(0) != b')' {
                let detail = "a comma is required to separate each function argument from the next";
                return Err(self.error_here("Missing argument separator", detail));
            }
        }
        call.close_span = self.here();
        self.at += 1;
        let span = self.span_from(name_span.start as usize);
        Ok(Expr { kind: ExprKind::Call(Box::new(call)), span })
    }

    fn tuple(&mut self) -> Parsed<Expr> {
        let start = self.at;
        self.at += 1;
        self.skip()?;
        if self.at_for_keyword()? {
            return self.for_expression(start, b']');
        }
        let mut items = Vec::new();
        loop {
            self.skip()?;
            if self.take("]") {
                break;
            }
            if self.at_end() {
                let open = Span::new(start, start + 1);
                return Err(self.error(
                    open,
                    "Unterminated tuple constructor expression",
                    "there is no closing bracket for this one",
                ));
            }
            items.push(self.expression()?);
            self.skip()?;
            if !self.take(",") && self.peek(0) != b']' && !self.at_end() {
                if let Some(error) = self.bad_character() {
                    return Err(error);
                }
                return Err(self
                    .error_here("Missing item separator", "expected a comma to mark the beginning of the next item"));
            }
        }
        Ok(Expr { kind: ExprKind::Tuple(items), span: self.span_from(start) })
    }

    fn object(&mut self) -> Parsed<Expr> {
        let start = self.at;
        self.at += 1;
        self.skip()?;
        if self.at_for_keyword()? {
            return self.for_expression(start, b'}');
        }
        let mut items = Vec::new();
        loop {
            self.skip()?;
            if self.take("}") {
                break;
            }
            if self.at_end() {
                let open = Span::new(start, start + 1);
                return Err(self.error(
                    open,
                    "Unterminated object constructor expression",
                    "there is no closing brace for this one",
                ));
            }
            items.push(self.object_item()?);
            // A line's end separates items here.
            self.with_newlines(false, Self::skip)?;
            if !self.take(",") && !matches!(self.peek(0), b'}' | b'\n') && !self.at_end() {
                if let Some(error) = self.bad_character() {
                    return Err(error);
                }
                let detail = "expected a newline or comma to mark the beginning of the next attribute";
                return Err(self.error_here("Missing attribute separator", detail));
            }
        }
        Ok(Expr { kind: ExprKind::Object(items), span: self.span_from(start) })
    }

    fn object_item(&mut self) -> Parsed<ObjectItem> {
        let key = self.object_key()?;
        self.skip()?;
        if !self.take("=") && !self.take(":") {
            let detail = "expected an equals sign (\"=\") to mark the beginning of the attribute value";
            return Err(self.bad_character().unwrap_or_else(|| self.error_here("Missing attribute value", detail)));
        }
        let value = self.with_newlines(false, |scanner| {
            scanner.skip()?;
            scanner.expression()
        })?;
        Ok(ObjectItem { key, value })
    }

    /// A bare name stands for itself, also `if`, `true` and their like.
    fn object_key(&mut self) -> Parsed<Expr> {
        let start = self.at;
        if let Some((name, span)) = self.take_name() {
            self.skip()?;
            if self.peek(0) == b':' || (self.peek(0) == b'=' && self.peek(1) != b'=') {
                return Ok(Expr { kind: ExprKind::Traversal(name.into(), Vec::new()), span });
            }
            self.at = start;
        }
        self.expression()
    }

    /// Whether `for NAME` is next.
    fn at_for_keyword(&mut self) -> Parsed<bool> {
        let start = self.at;
        let mut found = false;
        if let Some(("for", _)) = self.take_name() {
            self.skip()?;
            found = self.take_name().is_some();
        }
        self.at = start;
        Ok(found)
    }

    fn for_expression(&mut self, start: usize, close: u8) -> Parsed<Expr> {
        self.at += "for".len();
        let (key_name, value_name) = self.for_names()?;
        let collection = self.expression()?;
        self.skip()?;
        if !self.take(":") {
            return Err(self.error_here("Invalid 'for' expression", "a colon is required after the collection"));
        }
        let first = self.expression()?;
        self.skip()?;
        let (key, value) = if close == b'}' {
            if !self.take("=>") {
                return Err(self.error_here("Invalid 'for' expression", "an object needs KEY => VALUE"));
            }
            (Some(first), self.expression()?)
        } else {
            (None, first)
        };
        self.skip()?;
        let group = key.is_some() && self.take("...");
        self.skip()?;
        let before = self.at;
        let condition = match self.take_name() {
            Some(("if", _)) => Some(self.expression()?),
            _ => {
                self.at = before;
                None
            }
        };
        self.skip()?;
        if self.peek(0) != close {
            return Err(
                self.error_here("Invalid 'for' expression", format!("expected {:?} to end it", char::from(close)))
            );
        }
        self.at += 1;
        let kind = ExprKind::For(Box::new(For { key_name, value_name, collection, key, value, condition, group }));
        Ok(Expr { kind, span: self.span_from(start) })
    }

    /// `NAME in` or `NAME, NAME in`.
    pub fn for_names(&mut self) -> Parsed<(Option<Arc<str>>, Arc<str>)> {
        let name = |scanner: &mut Self| -> Parsed<Arc<str>> {
            scanner.skip()?;
            match scanner.take_name() {
                Some((name, _)) => Ok(name.into()),
                None => {
                    Err(scanner.error_here("Invalid 'for' expression", "a variable's name is required after 'for'"))
                }
            }
        };
        let first = name(self)?;
        self.skip()?;
        let names = if self.take(",") { (Some(first), name(self)?) } else { (None, first) };
        self.skip()?;
        match self.take_name() {
            Some(("in", _)) => Ok(names),
            _ => Err(self.error_here("Invalid 'for' expression", "the keyword 'in' is required after the names")),
        }
    }
}
