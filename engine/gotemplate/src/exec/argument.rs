//! Arguments: a word as a value of the type that a parameter has.

use super::evaluate::constant;
use super::walk::fault;
use super::{Execution, Step};
use crate::functions::Type;
use crate::syntax::Node;
use crate::value::Value;

impl Execution<'_> {
    /// The value of a word for a parameter.
    pub(super) fn argument(&mut self, word: &Node, kind: Type, dot: &Value) -> Step<Value> {
        match word {
            Node::Dot(_) => return fit(dot.clone(), kind).map_err(|message| fault(word, message)),
            Node::Nil if kind.takes_nil() => return Ok(Value::Absent),
            Node::Nil => return Err(fault(word, format!("cannot assign nil to {}", kind.name()))),
            Node::Field(..) | Node::Variable(..) | Node::Chain(..) | Node::Pipeline(_) | Node::Identifier(..) => {
                let value = self.operand(word, dot)?;
                return fit(value, kind).map_err(|message| fault(word, message));
            }
            _ => {}
        }
        let wrong = |expected: &str| Err(fault(word, format!("expected {expected}; found {word}")));
        match (kind, word) {
            (Type::Any | Type::Raw, word) => self.operand(word, dot),
            (Type::Bool, Node::Bool(value)) => Ok(Value::Bool(*value)),
            (Type::Bool, _) => wrong("bool"),
            (Type::Text, Node::String { text, .. }) => Ok(Value::Text(text.clone())),
            (Type::Text, _) => wrong("string"),
            (Type::Int, Node::Number(_, number)) => match number.int {
                Some(int) => Ok(Value::int(int)),
                None if number.uint.is_some() => constant(number).map_err(|message| fault(word, message)),
                None => wrong("integer"),
            },
            (Type::Int, _) => wrong("integer"),
            (Type::Uint32, Node::Number(_, number)) => match number.uint {
                Some(value) => Ok(Value::int(i64::try_from(value).unwrap_or(i64::MAX))),
                None => wrong("unsigned integer"),
            },
            (Type::Uint32, _) => wrong("unsigned integer"),
            (Type::Float, Node::Number(_, number)) => match number.float {
                Some(value) => Ok(Value::Float(value)),
                None => wrong("float"),
            },
            (Type::Float, _) => wrong("float"),
            (kind, word) => Err(fault(word, format!("can't handle {word} for arg of type {}", kind.name()))),
        }
    }
}

/// A computed value for a parameter.
pub(super) fn fit(value: Value, kind: Type) -> Result<Value, String> {
    match value {
        Value::Absent if kind.takes_nil() => Ok(Value::Absent),
        Value::Absent => Err(format!("invalid value; expected {}", kind.name())),
        Value::Nil if matches!(kind, Type::Any | Type::Raw) => Ok(Value::Nil),
        value if kind.takes(&value) => Ok(value),
        value => Err(format!("wrong type for value; expected {}; got {}", kind.name(), value.type_name())),
    }
}
