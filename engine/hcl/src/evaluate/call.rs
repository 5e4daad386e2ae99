//! Function calls.

use crate::context::EvalContext;
use crate::convert::convert;
use crate::diagnostic::{Diagnostic, Diagnostics, did_you_mean};
use crate::functions::{CallEnv, Function, Special};
use crate::source::Span;
use crate::syntax::{Call, Expr};
use crate::types::{Type, TypeRules};
use crate::value::Value;

use super::{Evaluator, READ_SHARE};

/// Most arguments of one call, expanded ones included.
const MAX_ARGUMENTS: usize = 100_000;

impl Evaluator<'_> {
    pub(super) fn call(&mut self, call: &Call, span: Span, context: &EvalContext<'_>) -> Option<Value> {
        let Some(function) = context.function(&call.name) else {
            let hint = did_you_mean(&call.name, context.functions().names());
            let detail = format!("there is no function named {:?}", call.name);
            let error = Diagnostic::error("Call to unknown function", detail).at(self.source, call.name_span);
            self.problems.push(error.maybe_hint(hint));
            return None;
        };
        match function.special() {
            Some(Special::Try) => return self.try_call(&call.arguments, span, context),
            Some(Special::Can) => return self.can_call(call, span, context),
            Some(Special::Convert) => return self.convert_call(call, span, context),
            None => {}
        }
        let arguments = self.arguments(call, context)?;
        self.check_count(call, function, arguments.len())?;
        let mut converted = Vec::with_capacity(arguments.len());
        let mut complete = true;
        for (at, (value, span)) in arguments.into_iter().enumerate() {
            match self.argument(function, at, &value, span) {
                Some(value) => converted.push(value),
                None => complete = false,
            }
        }
        if !complete {
            return None;
        }
        if !converted.iter().all(Value::is_known) {
            return Some(Value::Unknown);
        }
        let cost = converted.iter().map(Value::weight).sum::<u64>() / READ_SHARE + function.fixed_cost(&converted);
        self.spend(cost, span, context)?;
        match function.call(&CallEnv { host: context.host() }, &converted) {
            Ok(value) => {
                self.spend(value.weight(), span, context)?;
                Some(value)
            }
            Err(message) => {
                let detail = format!("call to function {:?} failed: {message}", call.name);
                self.report(span, "Error in function call", detail)
            }
        }
    }

    fn arguments(&mut self, call: &Call, context: &EvalContext<'_>) -> Option<Vec<(Value, Span)>> {
        let values: Vec<_> = call.arguments.iter().map(|a| self.value(a, context).map(|v| (v, a.span))).collect();
        let mut values: Vec<(Value, Span)> = values.into_iter().collect::<Option<_>>()?;
        if !call.expand {
            return Some(values);
        }
        let (last, span) = values.pop()?;
        match last.as_items() {
            Some(items) if items.len() <= MAX_ARGUMENTS => values.extend(items.iter().map(|item| (item.clone(), span))),
            Some(_) => {
                return self.report(
                    span,
                    "Too many function arguments",
                    format!("at most {MAX_ARGUMENTS} are accepted"),
                );
            }
            None if last.is_null() => {
                return self.report(span, "Invalid expanding argument value", "the value before ... is null");
            }
            None => {
                let detail = format!("the value before ... must be a list, set or tuple, but is a {}", last.kind());
                return self.report(span, "Invalid expanding argument value", detail);
            }
        }
        Some(values)
    }

    fn check_count(&mut self, call: &Call, function: &Function, count: usize) -> Option<()> {
        let required = function.parameters().len();
        let (name, signature) = (&call.name, function.signature());
        if count < required {
            let missing = &function.parameters()[count].name;
            let detail =
                format!("{name:?} expects {required} arguments; the value of {missing:?} is missing: {signature}");
            return self.report(call.close_span, "Not enough function arguments", detail);
        }
        if count > required && function.variadic().is_none() {
            let span = call.arguments.get(required).map_or(call.close_span, |argument| argument.span);
            return self.report(
                span,
                "Too many function arguments",
                format!("{name:?} expects {required} arguments: {signature}"),
            );
        }
        Some(())
    }

    fn argument(&mut self, function: &Function, at: usize, value: &Value, span: Span) -> Option<Value> {
        let parameter = function.parameters().get(at).or(function.variadic())?;
        let problem = match value {
            Value::Null if !parameter.nullable => "argument must not be null".to_owned(),
            _ => match convert(value, &parameter.kind) {
                Ok(value) => return Some(value),
                Err(error) => error.to_string(),
            },
        };
        let detail = format!("invalid value for {:?}: {problem}", parameter.name);
        self.report(span, "Invalid function argument", detail)
    }

    /// The first argument that has a value.
    fn try_call(&mut self, arguments: &[Expr], span: Span, context: &EvalContext<'_>) -> Option<Value> {
        let mut all = Vec::new();
        for argument in arguments {
            let mut aside = Evaluator { source: self.source, problems: Diagnostics::new() };
            match aside.value(argument, context) {
                Some(value) => return Some(value),
                None => all.extend(aside.problems.iter().map(|problem| problem.detail.clone())),
            }
        }
        self.report(span, "Error in function call", format!("no argument of \"try\" has a value: {}", all.join("; ")))
    }

    /// Whether the argument has a value.
    fn can_call(&mut self, call: &Call, span: Span, context: &EvalContext<'_>) -> Option<Value> {
        let [argument] = call.arguments.as_slice() else {
            return self.report(span, "Wrong number of function arguments", "\"can\" expects 1 argument");
        };
        let mut aside = Evaluator { source: self.source, problems: Diagnostics::new() };
        Some(Value::Bool(aside.value(argument, context).is_some()))
    }

    fn convert_call(&mut self, call: &Call, span: Span, context: &EvalContext<'_>) -> Option<Value> {
        let [value, kind] = call.arguments.as_slice() else {
            return self.report(span, "Wrong number of function arguments", "\"convert\" expects a value and a type");
        };
        let to: Type = match Type::parse_at(kind, self.source, TypeRules::Constraint) {
            Ok(to) => to,
            Err(problems) => {
                self.problems.extend(problems);
                return None;
            }
        };
        let from = self.value(value, context)?;
        match convert(&from, &to) {
            Ok(converted) => Some(converted),
            Err(error) => {
                self.report(value.span, "Invalid function argument", format!("cannot convert the value: {error}"))
            }
        }
    }
}
