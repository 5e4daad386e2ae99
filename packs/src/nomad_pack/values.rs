//! The values of a pack's variables: what was given, else the default.

use super::load::GoPack;
use super::variables::{Variable, constant, misfit};
use crate::supplied::{GivenRef, Supplied};
use drover_hcl::{
    CallEnv, Diagnostic, Diagnostics, Entries, EvalContext, Function, FunctionTable, Param, Source, Type, Value,
    convert, parse_expression,
};
use regex::{Captures, Regex};
use std::sync::{Arc, LazyLock};

/// Which faults are overlooked.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Leniency {
    /// A variable may stay without a value.
    pub unset: bool,
    /// A value may be for no variable.
    pub unknown: bool,
}

impl GoPack {
    /// Its variables' values. `prefix` is the path of the pack, for messages.
    pub(super) fn values(&self, supplied: &Supplied, prefix: &str, leniency: Leniency) -> Result<Entries, Diagnostics> {
        let mut problems = Diagnostics::new();
        let aliases: Vec<&str> = self.dependencies.iter().map(|(alias, _)| alias.as_str()).collect();
        let mut given: Vec<(&str, Result<Value, Diagnostics>)> = Vec::new();
        for one in supplied.all() {
            match self.variables.get(one.name) {
                Some(variable) => given.push((&variable.name, variable.take(&one))),
                None if leniency.unknown || one.is_for_anybody() || for_another(&one, &aliases) => {}
                None => problems.push(unknown(&format!("{prefix}{}", one.name), &one)),
            }
        }
        let mut values = Entries::new();
        for variable in &self.variables.all {
            let last = given.iter().rposition(|(name, _)| *name == variable.name);
            let value = match last.map(|at| given.swap_remove(at).1) {
                Some(Ok(value)) => Some(value),
                Some(Err(found)) => {
                    problems.extend(found);
                    continue;
                }
                None => variable.default.clone(),
            };
            match value {
                Some(value) if !value.is_null() => {
                    variable.check(&value, &mut problems);
                    values.insert(variable.name.as_str().into(), value);
                }
                _ if leniency.unset => {
                    values.insert(variable.name.as_str().into(), Value::Null);
                }
                _ => problems.push(variable.missing(prefix)),
            }
        }
        problems.into_result(values)
    }
}

/// Whether a value is meant for a dependency, or in a file for a pack that is not there.
fn for_another(given: &GivenRef<'_>, aliases: &[&str]) -> bool {
    match given.name.split_once('.') {
        Some((head, _)) => aliases.contains(&head) || given.place.is_some(),
        None => false,
    }
}

fn unknown(name: &str, given: &GivenRef<'_>) -> Diagnostic {
    let detail = format!(
        "There is no variable named \"{name}\". An override file can only override a variable that was already declared in a primary configuration file."
    );
    let error = Diagnostic::error("Missing base variable declaration to override", detail);
    match given.place {
        Some((source, span)) => error.at(source, *span),
        None => error,
    }
}

impl Variable {
    fn missing(&self, prefix: &str) -> Diagnostic {
        let about = if self.description.is_empty() { String::new() } else { format!(" ({})", self.description) };
        Diagnostic::error(format!("missing required variable: \"{prefix}{}\"{about}", self.name), "")
            .hint(format!("give it a value with -var {prefix}{}=…", self.name))
    }

    /// A given value in the variable's type.
    fn take(&self, given: &GivenRef<'_>) -> Result<Value, Diagnostics> {
        let value = match (given.text, given.value) {
            (Some(text), _) => match &self.kind {
                None | Some(Type::String | Type::Number) => Value::string(text),
                Some(_) => {
                    let source = Source::new(format!("<value for var.{} from {}>", self.name, given.origin), text);
                    constant(&parse_expression(&source)?)?
                }
            },
            (None, Some(value)) => value.clone(),
            (None, None) => Value::Null,
        };
        let Some(kind) = &self.kind else { return Ok(value) };
        convert(&value, kind).map_err(|error| {
            let detail = misfit(&value, kind, &error.to_string());
            let problem = Diagnostic::error(format!("Invalid value for variable {}", self.name), detail);
            Diagnostics::from(match given.place {
                Some((source, span)) => problem.at(source, *span),
                None => problem,
            })
        })
    }

    /// Applies the rules.
    fn check(&self, value: &Value, problems: &mut Diagnostics) {
        for rule in &self.rules {
            let mut context = EvalContext::new().with_functions(functions());
            context.set("var", Value::object([(self.name.as_str(), value.clone())]));
            match rule.condition.evaluate(&context) {
                Err(found) => problems.extend(super::wording::reword(found)),
                Ok(Value::Bool(true)) => {}
                Ok(Value::Bool(false)) => {
                    let detail = format!("Variable \"{}\": {}", self.name, rule.message);
                    problems.push(rule.condition.error("Variable validation failed", detail));
                }
                Ok(_) => {
                    let detail = format!("Validation condition for variable \"{}\" must return a boolean.", self.name);
                    problems.push(rule.condition.error("Invalid validation condition", detail));
                }
            }
        }
    }
}

/// The functions of conditions: the standard ones, and those that only nomad-pack has.
fn functions() -> Arc<FunctionTable> {
    static TABLE: LazyLock<Arc<FunctionTable>> = LazyLock::new(|| {
        let mut table = FunctionTable::standard().as_ref().clone();
        let texts = || vec![Param::string("pattern"), Param::string("text")];
        table.add(Function::new("strlen", vec![Param::string("text")], |_: &CallEnv<'_>, arguments: &[Value]| {
            let count = text(arguments, 0).chars().count();
            Ok(Value::Number(i64::try_from(count).unwrap_or(i64::MAX).into()))
        }));
        table.add(Function::new("regex", texts(), |_: &CallEnv<'_>, arguments: &[Value]| {
            let pattern = compiled(text(arguments, 0))?;
            let found = pattern.captures(text(arguments, 1));
            found
                .map(|found| captured(&pattern, &found))
                .ok_or_else(|| "pattern did not match any part of the given string".to_owned())
        }));
        table.add(Function::new("regexall", texts(), |_: &CallEnv<'_>, arguments: &[Value]| {
            let pattern = compiled(text(arguments, 0))?;
            Ok(Value::list(pattern.captures_iter(text(arguments, 1)).map(|found| captured(&pattern, &found))))
        }));
        Arc::new(table)
    });
    Arc::clone(&TABLE)
}

fn text(arguments: &[Value], at: usize) -> &str {
    arguments.get(at).and_then(Value::as_str).unwrap_or_default()
}

fn compiled(pattern: &str) -> Result<Regex, String> {
    Regex::new(pattern).map_err(|error| format!("invalid regular expression: {error}"))
}

/// The match, or its groups: by name if they have names.
fn captured(pattern: &Regex, found: &Captures<'_>) -> Value {
    let group = |at: usize| found.get(at).map_or(Value::Null, |group| Value::string(group.as_str()));
    let names: Vec<&str> = pattern.capture_names().flatten().collect();
    if !names.is_empty() {
        let named = |name: &str| found.name(name).map_or(Value::Null, |group| Value::string(group.as_str()));
        return Value::object(names.into_iter().map(|name| (name, named(name))));
    }
    if pattern.captures_len() > 1 {
        return Value::tuple((1..pattern.captures_len()).map(group));
    }
    group(0)
}
