//! Evaluation of expressions. All problems of an expression are collected, not only the first.

mod access;
mod call;
mod operators;
mod runtime;
mod template;

use std::sync::Arc;

use crate::context::{EvalContext, Unresolved};
use crate::convert::{to_bool, to_text};
use crate::diagnostic::{Diagnostic, Diagnostics, did_you_mean};
use crate::source::{Source, Span};
use crate::syntax::{Expr, ExprKind, Expression, For, ObjectItem, Splat, SplatStep, Step};
use crate::value::{Entries, Value};

/// Most work that the expressions of one context may cause together; a node costs [`NODE_COST`], a byte of text 1.
pub const MAX_EVALUATION_COST: u64 = 256 << 20;
/// The cost of evaluating one node.
const NODE_COST: u64 = 16;
/// Reading a byte costs this much less than making one.
const READ_SHARE: u64 = 16;

impl Expression {
    /// The value.
    ///
    /// # Errors
    /// Everything that is wrong with the expression.
    pub fn evaluate(&self, context: &EvalContext<'_>) -> Result<Value, Diagnostics> {
        // Most expressions are a literal.
        if let ExprKind::Literal(value) = &self.expr.kind {
            return Ok(value.clone());
        }
        let mut evaluator = Evaluator { source: &self.source, problems: Diagnostics::new() };
        match evaluator.value(&self.expr, context) {
            Some(value) if !evaluator.problems.has_errors() => Ok(value),
            _ => Err(evaluator.problems),
        }
    }

    /// Where it is.
    #[must_use]
    pub fn span(&self) -> Span {
        self.expr.span
    }

    /// A problem with the expression as a whole.
    #[must_use]
    pub fn error(&self, summary: &str, detail: impl Into<String>) -> Diagnostic {
        Diagnostic::error(summary, detail).at(&self.source, self.expr.span)
    }
}

/// The state of one evaluation. Methods give `None` after they have reported a problem.
struct Evaluator<'e> {
    source: &'e Source,
    problems: Diagnostics,
}

impl Evaluator<'_> {
    fn report<T>(&mut self, span: Span, summary: &str, detail: impl Into<String>) -> Option<T> {
        self.problems.push(Diagnostic::error(summary, detail).at(self.source, span));
        None
    }

    fn spend(&mut self, cost: u64, span: Span, context: &EvalContext<'_>) -> Option<()> {
        if context.spend(cost) > MAX_EVALUATION_COST {
            return self.report(
                span,
                "Too much to evaluate",
                format!("the expressions produce more than {MAX_EVALUATION_COST} bytes"),
            );
        }
        Some(())
    }

    fn value(&mut self, expr: &Expr, context: &EvalContext<'_>) -> Option<Value> {
        self.spend(NODE_COST, expr.span, context)?;
        match &expr.kind {
            ExprKind::Literal(value) => Some(value.clone()),
            ExprKind::Wrapped(inner) | ExprKind::Parens(inner) => self.value(inner, context),
            ExprKind::Template(parts) => self.template(parts, expr.span, context),
            ExprKind::Traversal(root, steps) => self.traversal(root, steps, expr.span, context),
            ExprKind::Access(inner, step) => {
                let value = self.value(inner, context)?;
                self.step(&value, step)
            }
            ExprKind::Index(inner, index) => {
                let value = self.value(inner, context);
                let index_value = self.value(index, context)?;
                self.index(&value?, &index_value, index.span)
            }
            ExprKind::Splat(splat) => self.splat(splat, context),
            ExprKind::Call(call) => self.call(call, expr.span, context),
            ExprKind::Conditional(parts) => self.conditional(parts, context),
            ExprKind::Binary(operator, span, operands) => self.binary(*operator, *span, operands, context),
            ExprKind::Negate(inner) => self.negate(inner, context),
            ExprKind::Not(inner) => self.not(inner, context),
            ExprKind::Tuple(items) => {
                let items: Vec<Option<Value>> = items.iter().map(|item| self.value(item, context)).collect();
                items.into_iter().collect::<Option<Vec<_>>>().map(|items| Value::Tuple(Arc::new(items)))
            }
            ExprKind::Object(items) => self.object(items, context),
            ExprKind::For(parts) => self.for_expression(parts, context),
            ExprKind::Embedded(inner) => {
                let problems = std::mem::take(&mut self.problems);
                let mut evaluator = Evaluator { source: &inner.source, problems };
                let value = evaluator.value(&inner.expr, context);
                self.problems = evaluator.problems;
                value
            }
        }
    }

    fn traversal(&mut self, root: &str, steps: &[Step], span: Span, context: &EvalContext<'_>) -> Option<Value> {
        let Some(value) = context.variable(root) else {
            return match context.unresolved() {
                Unresolved::KeepText => Some(Value::string(runtime::text(self.source, span))),
                Unresolved::Refuse => {
                    let hint = did_you_mean(root, context.variable_names());
                    let detail = format!("there is no variable named {root:?}");
                    self.problems
                        .push(Diagnostic::error("Unknown variable", detail).at(self.source, span).maybe_hint(hint));
                    None
                }
            };
        };
        match steps {
            [] => Some(value.clone()),
            [first, rest @ ..] => {
                let first = self.step(value, first)?;
                rest.iter().try_fold(first, |value, step| self.step(&value, step))
            }
        }
    }

    fn object(&mut self, items: &[ObjectItem], context: &EvalContext<'_>) -> Option<Value> {
        let mut entries = Entries::new();
        let mut complete = true;
        for item in items {
            let key = self.object_key(&item.key, context);
            let value = self.value(&item.value, context);
            match (key, value) {
                (Some(key), Some(value)) => {
                    entries.insert(key, value);
                }
                _ => complete = false,
            }
        }
        complete.then(|| Value::Object(Arc::new(entries)))
    }

    fn object_key(&mut self, key: &Expr, context: &EvalContext<'_>) -> Option<Arc<str>> {
        if let ExprKind::Traversal(name, steps) = &key.kind
            && steps.is_empty()
        {
            return Some(Arc::clone(name));
        }
        let value = self.value(key, context)?;
        self.key(&value, key.span)
    }

    fn key(&mut self, value: &Value, span: Span) -> Option<Arc<str>> {
        match value {
            Value::Null => self.report(span, "Null value as key", "a null value cannot be used as a key"),
            Value::Unknown => self.report(span, "Unknown value as key", "the key is not known yet"),
            value => match to_text(value) {
                Ok(key) => Some(key),
                Err(error) => {
                    self.report(span, "Incorrect key type", format!("cannot use this value as a key: {error}"))
                }
            },
        }
    }

    fn condition(&mut self, expr: &Expr, context: &EvalContext<'_>) -> Option<Option<bool>> {
        match self.value(expr, context)? {
            Value::Unknown => Some(None),
            Value::Null => self.report(expr.span, "Null condition", "the condition is null; it must be true or false"),
            value => match to_bool(&value) {
                Ok(value) => Some(Some(value)),
                Err(_) => {
                    let detail = format!("the condition must be true or false, but is a {}", value.kind());
                    self.report(expr.span, "Incorrect condition type", detail)
                }
            },
        }
    }

    /// Both results are evaluated, since they decide on one type; problems count only of the chosen one.
    fn conditional(&mut self, parts: &[Expr; 3], context: &EvalContext<'_>) -> Option<Value> {
        let [condition, yes, no] = parts;
        let Some(chosen) = self.condition(condition, context)? else { return Some(Value::Unknown) };
        let (chosen, other) = if chosen { (yes, no) } else { (no, yes) };
        let value = self.value(chosen, context);
        let mut aside = Evaluator { source: self.source, problems: Diagnostics::new() };
        let other = aside.value(other, context);
        let value = value?;
        let Some(other) = other else { return Some(value) };
        self.spend((value.weight() + other.weight()) / READ_SHARE, condition.span, context)?;
        let kinds = [value.type_of(), other.type_of()];
        if kinds[0] == kinds[1] {
            return Some(value);
        }
        let found = crate::convert::unify_types(kinds).and_then(|kind| crate::convert::convert(&value, &kind).ok());
        if found.is_none() {
            let span = yes.span.to(no.span);
            let detail =
                format!("both results must have one type, but one is {} and the other {}", value.kind(), other.kind());
            return self.report(span, "Inconsistent conditional result types", detail);
        }
        found
    }

    /// The keys and elements that a `for` goes over; `None` inside for a collection that is not known yet.
    fn iterate(&mut self, collection: &Value, span: Span) -> Option<Option<Vec<(Value, Value)>>> {
        let by_position =
            |items: &[Value]| items.iter().enumerate().map(|(i, v)| ((i as i64).into(), v.clone())).collect();
        match collection {
            Value::Unknown => Some(None),
            Value::List(items) | Value::Tuple(items) => Some(Some(by_position(items))),
            Value::Set(items) => Some(Some(items.iter().map(|v| (v.clone(), v.clone())).collect())),
            Value::Map(entries) | Value::Object(entries) => {
                Some(Some(entries.iter().map(|(k, v)| (Value::String(Arc::clone(k)), v.clone())).collect()))
            }
            Value::Null => self.report(span, "Iteration over null value", "a null value cannot be iterated"),
            other => {
                let detail = format!("a {} cannot be used as the collection of a 'for'", other.kind());
                self.report(span, "Iteration over non-iterable value", detail)
            }
        }
    }

    fn for_expression(&mut self, parts: &For, context: &EvalContext<'_>) -> Option<Value> {
        let collection = self.value(&parts.collection, context)?;
        let Some(items) = self.iterate(&collection, parts.collection.span)? else { return Some(Value::Unknown) };
        let mut tuple = Vec::new();
        let mut object = Entries::new();
        let mut groups: std::collections::BTreeMap<Arc<str>, Vec<Value>> = std::collections::BTreeMap::new();
        for (key, value) in items {
            let mut inner = context.inner();
            if let Some(name) = &parts.key_name {
                inner.set(Arc::clone(name), key);
            }
            inner.set(Arc::clone(&parts.value_name), value);
            if let Some(condition) = &parts.condition {
                match self.condition(condition, &inner)? {
                    Some(true) => {}
                    Some(false) => continue,
                    None => return Some(Value::Unknown),
                }
            }
            let Some(key) = &parts.key else {
                tuple.push(self.value(&parts.value, &inner)?);
                continue;
            };
            let key_value = self.value(key, &inner)?;
            let name = self.key(&key_value, key.span)?;
            let value = self.value(&parts.value, &inner)?;
            if parts.group {
                groups.entry(name).or_default().push(value);
            } else if object.insert(Arc::clone(&name), value).is_some() {
                let detail = format!(
                    "two items have the key {name:?}; write ... after the value to collect the items of each key"
                );
                return self.report(key.span, "Duplicate object key", detail);
            }
        }
        if parts.group {
            return Some(Value::object(groups.into_iter().map(|(name, values)| (name, Value::tuple(values)))));
        }
        Some(if parts.key.is_some() { Value::Object(Arc::new(object)) } else { Value::Tuple(Arc::new(tuple)) })
    }

    fn splat(&mut self, splat: &Splat, context: &EvalContext<'_>) -> Option<Value> {
        let source = self.value(&splat.source, context)?;
        self.splat_over(&source, &splat.each, context)
    }

    /// Null gives nothing, what is no collection gives itself alone.
    fn splat_over(&mut self, source: &Value, each: &[SplatStep], context: &EvalContext<'_>) -> Option<Value> {
        let items = match source {
            Value::Unknown => return Some(Value::Unknown),
            Value::Null => &[],
            Value::List(items) | Value::Set(items) | Value::Tuple(items) => items.as_slice(),
            other => std::slice::from_ref(other),
        };
        let mut results = Vec::with_capacity(items.len());
        for item in items {
            results.push(self.splat_steps(item.clone(), each, context)?);
        }
        Some(Value::Tuple(Arc::new(results)))
    }

    fn splat_steps(&mut self, value: Value, steps: &[SplatStep], context: &EvalContext<'_>) -> Option<Value> {
        let mut value = value;
        for step in steps {
            value = match step {
                SplatStep::Step(step) => self.step(&value, step)?,
                SplatStep::Index(index) => {
                    let key = self.value(index, context)?;
                    self.index(&value, &key, index.span)?
                }
                SplatStep::Splat(rest, span) => {
                    self.spend(NODE_COST, *span, context)?;
                    self.splat_over(&value, rest, context)?
                }
            };
        }
        Some(value)
    }
}
