//! What follows a term: attributes, indexes and splats.

use crate::source::Span;
use crate::value::Value;

use super::expression::MAX_CHAIN;
use super::scan::{Parsed, Scanner};
use super::{Expr, ExprKind, Splat, SplatStep, Step, StepKind};

impl Scanner<'_> {
    /// What follows a term: attributes, indexes and splats.
    pub(super) fn steps(&mut self, mut term: Expr) -> Parsed<Expr> {
        for _ in 0..MAX_CHAIN {
            let before = self.at;
            self.skip()?;
            let start = self.at;
            match self.peek(0) {
                b'.' if self.peek(1) != b'.' => {
                    self.at += 1;
                    if self.peek(0) == b'*' {
                        self.at += 1;
                        let marker = self.span_from(start);
                        let each = self.attribute_splat_steps()?;
                        term = self.splat(term, each, marker);
                    } else {
                        for step in self.dot_steps(start)? {
                            term = access(term, step);
                        }
                    }
                }
                b'[' => match self.bracket()? {
                    Bracket::Splat(marker) => {
                        let each = self.full_splat_steps()?;
                        term = self.splat(term, each, marker);
                    }
                    Bracket::Step(step) => term = access(term, step),
                    Bracket::Index(index) => {
                        let span = Span::new(term.span.start as usize, self.at);
                        term = Expr { kind: ExprKind::Index(Box::new(term), Box::new(index)), span };
                    }
                },
                _ => {
                    self.at = before;
                    return Ok(term);
                }
            }
        }
        Err(self.chain_too_long())
    }

    fn splat(&self, source: Expr, each: Vec<SplatStep>, marker: Span) -> Expr {
        let span = Span::new(source.span.start as usize, self.at);
        Expr { kind: ExprKind::Splat(Box::new(Splat { source, each, marker })), span }
    }

    /// After the dot: a name, an index, or two indexes that look like a fraction (`.0.1`).
    fn dot_steps(&mut self, start: usize) -> Parsed<Vec<Step>> {
        self.skip()?;
        if let Some((name, _)) = self.take_name() {
            return Ok(vec![Step { kind: StepKind::Attribute(name.into()), span: self.span_from(start) }]);
        }
        let from = self.at;
        while self.peek(0).is_ascii_digit() {
            self.at += 1;
        }
        match self.text[from..self.at].parse::<i64>() {
            Ok(index) => Ok(vec![Step { kind: StepKind::Index(index.into()), span: self.span_from(start) }]),
            Err(_) => Err(self.error_here("Invalid attribute name", "an attribute name is required after a dot")),
        }
    }

    fn attribute_splat_steps(&mut self) -> Parsed<Vec<SplatStep>> {
        let mut each = Vec::new();
        while self.peek(0) == b'.' && self.peek(1) != b'.' && self.peek(1) != b'*' {
            let start = self.at;
            self.at += 1;
            each.extend(self.dot_steps(start)?.into_iter().map(SplatStep::Step));
        }
        Ok(each)
    }

    fn full_splat_steps(&mut self) -> Parsed<Vec<SplatStep>> {
        let mut each = Vec::new();
        loop {
            let start = self.at;
            match self.peek(0) {
                b'.' if self.peek(1) == b'*' => {
                    self.at += 2;
                    let marker = self.span_from(start);
                    each.push(SplatStep::Splat(self.attribute_splat_steps()?, marker));
                }
                b'.' if self.peek(1) != b'.' => {
                    self.at += 1;
                    each.extend(self.dot_steps(start)?.into_iter().map(SplatStep::Step));
                }
                b'[' => match self.bracket()? {
                    Bracket::Splat(marker) => {
                        let rest = self.nested(Self::full_splat_steps)?;
                        each.push(SplatStep::Splat(rest, marker));
                    }
                    Bracket::Step(step) => each.push(SplatStep::Step(step)),
                    Bracket::Index(index) => each.push(SplatStep::Index(index)),
                },
                _ => return Ok(each),
            }
        }
    }

    fn bracket(&mut self) -> Parsed<Bracket> {
        let start = self.at;
        self.at += 1;
        let (splat, index) = self.with_newlines(true, |scanner| {
            scanner.skip()?;
            let before = scanner.at;
            if scanner.take("*") {
                scanner.skip()?;
                if scanner.peek(0) == b']' {
                    return Ok((true, None));
                }
                scanner.at = before;
            }
            let index = scanner.expression()?;
            scanner.skip()?;
            Ok((false, Some(index)))
        })?;
        if !self.take("]") {
            return Err(self.error_here(
                "Missing close bracket on index",
                "the index operator must end with a closing bracket (\"]\")",
            ));
        }
        let span = self.span_from(start);
        Ok(match index {
            _ if splat => Bracket::Splat(span),
            Some(Expr { kind: ExprKind::Literal(value @ (Value::Number(_) | Value::String(_))), .. }) => {
                Bracket::Step(Step { kind: StepKind::Index(value), span })
            }
            Some(index) => Bracket::Index(index),
            None => Bracket::Splat(span),
        })
    }
}

enum Bracket {
    Splat(Span),
    Step(Step),
    Index(Expr),
}

/// Appends a literal step to a traversal, or wraps any other expression.
fn access(term: Expr, step: Step) -> Expr {
    let span = term.span.to(step.span);
    match term.kind {
        ExprKind::Traversal(root, mut steps) => {
            steps.push(step);
            Expr { kind: ExprKind::Traversal(root, steps), span }
        }
        kind => {
            let inner = Expr { kind, span: term.span };
            Expr { kind: ExprKind::Access(Box::new(inner), step), span }
        }
    }
}
