//! Calls of functions.

use super::argument::fit;
use super::walk::fault;
use super::{Execution, Fault, Step};
use crate::functions::{Body, Function};
use crate::syntax::{Command, Node};
use crate::value::Value;

impl Execution<'_> {
    pub(super) fn function(
        &mut self,
        command: &Command,
        name: &str,
        dot: &Value,
        words: &[Node],
        last: Option<&Value>,
    ) -> Step<Value> {
        let templates = self.templates;
        let failed = |message: String| Fault { at: command.at, part: command.to_string(), message, inner: None };
        let function =
            templates.functions().get(name).ok_or_else(|| failed(format!("{name:?} is not a defined function")))?;
        let given = words.len() + usize::from(last.is_some());
        let fixed = function.fixed.len();
        if function.rest.is_some() && given < fixed {
            return Err(failed(format!("wrong number of args for {name}: want at least {fixed} got {}", words.len())));
        }
        if function.rest.is_none() && given != fixed {
            return Err(failed(format!("wrong number of args for {name}: want {fixed} got {given}")));
        }
        if let Body::Stops(at) = function.body {
            return self.first_of_truth(at, function, dot, words, last);
        }
        let mut arguments = Vec::with_capacity(given);
        for (at, word) in words.iter().enumerate() {
            arguments.push(self.argument(word, parameter(function, at), dot)?);
        }
        if let Some(last) = last {
            let kind = parameter(function, words.len());
            arguments.push(fit(last.clone(), kind).map_err(&failed)?);
        }
        let result = match &function.body {
            Body::Plain(body) => body(&arguments),
            Body::Within(body) => body(self, &arguments),
            Body::Stops(_) => Ok(Value::Absent),
        };
        let value = result.map_err(|message| failed(format!("error calling {name}: {message}")))?;
        self.charge(size(&value)).map_err(failed)?;
        Ok(value)
    }

    /// `and` and `or`.
    fn first_of_truth(
        &mut self,
        truth: bool,
        function: &Function,
        dot: &Value,
        words: &[Node],
        last: Option<&Value>,
    ) -> Step<Value> {
        let mut value = Value::Absent;
        for (at, word) in words.iter().enumerate() {
            value = self.argument(word, parameter(function, at), dot)?;
            if value.is_true() == truth {
                return Ok(value);
            }
        }
        if let Some(last) = last {
            value = fit(last.clone(), parameter(function, words.len())).map_err(|message| match words.last() {
                Some(word) => fault(word, message),
                None => Fault { at: 0, part: String::new(), message, inner: None },
            })?;
        }
        Ok(value)
    }
}

/// The type of the parameter at a position.
fn parameter(function: &Function, at: usize) -> crate::functions::Type {
    function.fixed.get(at).copied().or(function.rest).unwrap_or(crate::functions::Type::Any)
}

/// About how much memory a result takes.
fn size(value: &Value) -> usize {
    match value {
        Value::Text(text) => text.bytes().len(),
        Value::List(list) => list.items.len() * size_of::<Value>(),
        Value::Map(_) => size_of::<Value>(),
        _ => 0,
    }
}
