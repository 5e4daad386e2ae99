//! Pipelines, commands and fields.

use super::walk::fault;
use super::{Execution, Step};
use crate::syntax::{Command, Node, Number, Pipeline};
use crate::value::{Text, Value};

impl Execution<'_> {
    /// A pipeline's value; declares or sets its variables.
    pub(super) fn pipeline(&mut self, pipeline: &Pipeline, dot: &Value) -> Step<Value> {
        let mut value = None;
        for command in &pipeline.commands {
            let result = self.command(command, dot, value.as_ref())?;
            value = Some(if matches!(result, Value::Nil) { Value::Absent } else { result });
        }
        let value = value.unwrap_or(Value::Absent);
        for name in &pipeline.variables {
            if pipeline.assigns {
                self.assign(name, value.clone());
            } else {
                self.variables.push((name.clone(), value.clone()));
            }
        }
        Ok(value)
    }

    /// `last` is the value of the command before, which becomes the last argument.
    fn command(&mut self, command: &Command, dot: &Value, last: Option<&Value>) -> Step<Value> {
        let word = &command.words[0];
        self.step().map_err(|message| fault(word, message))?;
        let arguments = &command.words[1..];
        match word {
            Node::Field(_, names) => return self.fields(word, dot, names, dot, arguments, last),
            Node::Chain(_, base, names) => {
                let base = self.operand(base, dot)?;
                return self.fields(word, &base, names, dot, arguments, last);
            }
            Node::Identifier(_, name) => return self.function(command, name, dot, arguments, last),
            Node::Variable(_, names) => return self.variable(word, names, dot, arguments, last),
            _ => {}
        }
        if !arguments.is_empty() || last.is_some() {
            return Err(fault(word, format!("can't give argument to non-function {word}")));
        }
        match word {
            Node::Nil => Err(fault(word, "nil is not a command")),
            word => self.operand(word, dot),
        }
    }

    /// The value of a word that stands alone.
    pub(super) fn operand(&mut self, word: &Node, dot: &Value) -> Step<Value> {
        match word {
            Node::Bool(value) => Ok(Value::Bool(*value)),
            Node::Dot(_) => Ok(dot.clone()),
            Node::Nil => Ok(Value::Absent),
            Node::String { text, .. } => Ok(Value::Text(text.clone())),
            Node::Number(_, number) => constant(number).map_err(|message| fault(word, message)),
            Node::Pipeline(pipeline) => self.pipeline(pipeline, dot),
            Node::Field(_, names) => self.fields(word, dot, names, dot, &[], None),
            Node::Variable(_, names) => self.variable(word, names, dot, &[], None),
            Node::Chain(_, base, names) => {
                if matches!(**base, Node::Nil) {
                    return Err(fault(word, format!("indirection through explicit nil in {word}")));
                }
                let base = self.operand(base, dot)?;
                self.fields(word, &base, names, dot, &[], None)
            }
            Node::Identifier(at, name) => {
                let command = Command { at: *at, words: vec![Node::Identifier(*at, name.clone())] };
                self.function(&command, name, dot, &[], None)
            }
            word => Err(fault(word, "not an operand")),
        }
    }

    fn variable(
        &mut self,
        word: &Node,
        names: &[String],
        dot: &Value,
        arguments: &[Node],
        last: Option<&Value>,
    ) -> Step<Value> {
        let found = self.variables.iter().rev().find(|(name, _)| *name == names[0]);
        let Some((_, value)) = found else { return Err(fault(word, format!("undefined variable: {}", names[0]))) };
        let value = value.clone();
        if names.len() > 1 {
            return self.fields(word, &value, &names[1..], dot, arguments, last);
        }
        if !arguments.is_empty() || last.is_some() {
            return Err(fault(word, format!("can't give argument to non-function {}", names[0])));
        }
        Ok(value)
    }

    /// `.a.b.c`; arguments belong to the last one.
    fn fields(
        &mut self,
        word: &Node,
        base: &Value,
        names: &[String],
        dot: &Value,
        arguments: &[Node],
        last: Option<&Value>,
    ) -> Step<Value> {
        let mut value = base.clone();
        for (at, name) in names.iter().enumerate() {
            let final_one = at + 1 == names.len();
            let mut given = Vec::new();
            if final_one {
                for argument in arguments {
                    given.push(self.operand(argument, dot)?);
                }
                given.extend(last.cloned());
            }
            value = field(&value, name, &given).map_err(|message| fault(word, message))?;
        }
        Ok(value)
    }
}

/// A field or method of a value.
fn field(value: &Value, name: &str, arguments: &[Value]) -> Result<Value, String> {
    match value {
        Value::Absent => Ok(Value::Absent),
        Value::Nil => Err(format!("nil pointer evaluating interface {{}}.{name}")),
        Value::Map(map) => {
            if !arguments.is_empty() {
                return Err(format!("{name} is not a method but has arguments"));
            }
            Ok(map.get(&Text::from(name)).unwrap_or(Value::Nil))
        }
        Value::Object(object) => match object.get(name, arguments) {
            Some(result) => result,
            None => Err(format!("can't evaluate field {name} in type {}", object.type_name())),
        },
        value => Err(format!("can't evaluate field {name} in type {}", value.type_name())),
    }
}

/// A number where nothing says which type it has.
pub(super) fn constant(number: &Number) -> Result<Value, String> {
    if let (Some((real, imaginary)), true) = (number.complex, number.int.is_none()) {
        return Ok(Value::Complex(real, imaginary));
    }
    match (number.looks_like_float(), number.float, number.int) {
        (true, Some(float), _) => Ok(Value::Float(float)),
        (_, _, Some(int)) => Ok(Value::int(int)),
        _ => Err(format!("{} overflows int", number.text)),
    }
}
