//! The rules of variables.

use std::sync::Arc;

use crate::context::{EvalContext, Unresolved};
use crate::convert::to_bool;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::source::{Source, Span};
use crate::syntax::{Expression, StepKind};
use crate::value::Value;

use super::Declaration;

/// A condition has to look at its own variable, and may look at no other.
pub(super) fn check_condition(condition: &Expression, name: &str, problems: &mut Diagnostics) -> Option<()> {
    let mut own = false;
    let before = problems.len();
    condition.expr.visit_traversals(&mut |root, steps, span| {
        let is_own = root == "var"
            && steps.first().is_some_and(|step| matches!(&step.kind, StepKind::Attribute(target) if &**target == name));
        own |= is_own;
        if !is_own {
            let detail =
                format!("the condition of variable {name:?} can only refer to the variable itself, as var.{name}");
            let error = Diagnostic::error("Invalid reference in variable validation", detail);
            problems.push(error.at(&condition.source, span));
        }
    });
    if problems.len() > before {
        return None;
    }
    if !own {
        let detail = format!("the condition of variable {name:?} must refer to var.{name} in order to test its value");
        problems.push(condition.error("Invalid variable validation condition", detail));
        return None;
    }
    Some(())
}

/// Applies a variable's rules to its value. `origin` says where the value comes from, `place` where it is written.
pub(super) fn apply(
    declaration: &Declaration,
    value: &Value,
    origin: &str,
    place: Option<&(Arc<Source>, Span)>,
    context: &EvalContext<'_>,
    problems: &mut Diagnostics,
) {
    if declaration.validations.is_empty() {
        return;
    }
    let mut scope = context.inner().with_unresolved(Unresolved::Refuse);
    scope.set("var", Value::object([(Arc::clone(&declaration.name), value.clone())]));
    for rule in &declaration.validations {
        let result = match rule.condition.evaluate(&scope) {
            Ok(Value::Unknown) => continue,
            Ok(result) => result,
            Err(errors) => {
                problems.extend(errors);
                continue;
            }
        };
        match to_bool(&result) {
            Ok(true) => {}
            Ok(false) => {
                let source = &rule.condition.source;
                let rule_place = source.range(rule.span);
                let detail =
                    format!("{} (value of {:?} from {origin}, rule at {rule_place})", rule.message, declaration.name);
                let error = Diagnostic::error("Invalid value for variable", detail);
                problems.push(match place {
                    Some((source, span)) => error.at(source, *span),
                    None => error,
                });
            }
            Err(error) => {
                let detail = format!("the condition must be true or false: {error}");
                problems.push(rule.condition.error("Invalid variable validation result", detail));
            }
        }
    }
}
