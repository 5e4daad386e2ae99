//! Attributes and elements of values.

use crate::convert::{to_number, to_text};
use crate::diagnostic::{Diagnostic, did_you_mean};
use crate::source::Span;
use crate::syntax::{Step, StepKind};
use crate::value::Value;

use super::Evaluator;

impl Evaluator<'_> {
    pub(super) fn step(&mut self, value: &Value, step: &Step) -> Option<Value> {
        match &step.kind {
            StepKind::Attribute(name) => self.attribute(value, name, step.span),
            StepKind::Index(key) => self.index(value, key, step.span),
        }
    }

    fn attribute(&mut self, value: &Value, name: &str, span: Span) -> Option<Value> {
        match value {
            Value::Unknown => Some(Value::Unknown),
            Value::Object(entries) | Value::Map(entries) => match entries.get(name) {
                Some(found) => Some(found.clone()),
                None => {
                    let (summary, detail) = if matches!(value, Value::Map(_)) {
                        ("Missing map element", format!("this map has no element with the key {name:?}"))
                    } else {
                        ("Unsupported attribute", format!("this object does not have an attribute named {name:?}"))
                    };
                    let hint = did_you_mean(name, entries.keys().map(|key| &**key));
                    self.problems.push(Diagnostic::error(summary, detail).at(self.source, span).maybe_hint(hint));
                    None
                }
            },
            Value::Null => self.report(
                span,
                "Attempt to get attribute from null value",
                "this value is null, so it has no attributes",
            ),
            Value::List(_) | Value::Set(_) | Value::Tuple(_) => {
                let detail =
                    format!("a {} has no attributes; pick an element with [0], or all with [*].{name}", value.kind());
                self.report(span, "Unsupported attribute", detail)
            }
            other => self.report(span, "Unsupported attribute", format!("a {} has no attributes", other.kind())),
        }
    }

    pub(super) fn index(&mut self, value: &Value, key: &Value, span: Span) -> Option<Value> {
        if let Value::Null = key {
            return self.report(span, "Invalid index", "the key is null");
        }
        match value {
            Value::Unknown => Some(Value::Unknown),
            _ if !key.is_known() => Some(Value::Unknown),
            Value::List(items) | Value::Tuple(items) => {
                let number = match to_number(key) {
                    Ok(number) => number,
                    Err(error) => {
                        return self.report(span, "Invalid index", format!("an element's position is needed: {error}"));
                    }
                };
                match number.as_i64().and_then(|at| usize::try_from(at).ok()).and_then(|at| items.get(at)) {
                    Some(found) => Some(found.clone()),
                    None => {
                        let detail = format!(
                            "there is no element {number}: this {} has {} elements, counted from 0",
                            value.kind(),
                            items.len()
                        );
                        self.report(span, "Invalid index", detail)
                    }
                }
            }
            Value::Map(_) | Value::Object(_) => match to_text(key) {
                Ok(name) => self.attribute(value, &name, span),
                Err(error) => self.report(span, "Invalid index", format!("an element's name is needed: {error}")),
            },
            Value::Null => {
                self.report(span, "Attempt to index null value", "this value is null, so it has no elements")
            }
            Value::Set(_) => {
                self.report(span, "Invalid index", "the elements of a set have no position; iterate over it with 'for'")
            }
            other => self.report(span, "Invalid index", format!("a {} has no elements", other.kind())),
        }
    }
}
