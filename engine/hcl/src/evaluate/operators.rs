//! Operators.

use crate::context::EvalContext;
use crate::convert::{ConvertError, to_bool, to_number};
use crate::number::Number;
use crate::source::Span;
use crate::syntax::{BinaryOperator as Op, Expr};
use crate::value::Value;

use super::{Evaluator, READ_SHARE};

/// What is wrong with an operand.
const INVALID: &str = "Invalid operand";

impl Evaluator<'_> {
    pub(super) fn binary(
        &mut self,
        operator: Op,
        span: Span,
        operands: &[Expr; 2],
        context: &EvalContext<'_>,
    ) -> Option<Value> {
        let [left, right] = operands;
        let values = (self.value(left, context), self.value(right, context));
        let (a, b) = (values.0?, values.1?);
        match operator {
            Op::Equal | Op::NotEqual => {
                self.spend((a.weight() + b.weight()) / READ_SHARE, span, context)?;
                if !a.is_known() || !b.is_known() {
                    return Some(Value::Unknown);
                }
                Some(Value::Bool((a == b) == (operator == Op::Equal)))
            }
            Op::And | Op::Or => {
                let operands =
                    (self.operand(&a, left.span, "left", to_bool), self.operand(&b, right.span, "right", to_bool));
                match (operands.0?, operands.1?) {
                    (Some(a), Some(b)) => Some(Value::Bool(if operator == Op::And { a && b } else { a || b })),
                    _ => Some(Value::Unknown),
                }
            }
            _ => {
                let operands =
                    (self.operand(&a, left.span, "left", to_number), self.operand(&b, right.span, "right", to_number));
                match (operands.0?, operands.1?) {
                    (Some(a), Some(b)) => self.arithmetic(operator, span, &a, &b),
                    _ => Some(Value::Unknown),
                }
            }
        }
    }

    fn arithmetic(&mut self, operator: Op, span: Span, a: &Number, b: &Number) -> Option<Value> {
        let result = match operator {
            Op::Less => return Some(Value::Bool(a < b)),
            Op::LessEqual => return Some(Value::Bool(a <= b)),
            Op::Greater => return Some(Value::Bool(a > b)),
            Op::GreaterEqual => return Some(Value::Bool(a >= b)),
            Op::Add => a.add(b),
            Op::Subtract => a.subtract(b),
            Op::Multiply => a.multiply(b),
            Op::Divide => a.divide(b),
            _ => a.modulo(b),
        };
        match result {
            Some(number) => Some(Value::Number(number)),
            None => self.report(
                span,
                "Operation failed",
                format!("{a} and {b} have no result here, such as a division of zero by zero"),
            ),
        }
    }

    pub(super) fn negate(&mut self, inner: &Expr, context: &EvalContext<'_>) -> Option<Value> {
        let value = self.value(inner, context)?;
        let number = self.operand(&value, inner.span, "unary", to_number)?;
        Some(number.map_or(Value::Unknown, |number| Value::Number(number.negate())))
    }

    pub(super) fn not(&mut self, inner: &Expr, context: &EvalContext<'_>) -> Option<Value> {
        let value = self.value(inner, context)?;
        let value = self.operand(&value, inner.span, "unary", to_bool)?;
        Some(value.map_or(Value::Unknown, |value| Value::Bool(!value)))
    }

    /// The operand in the operator's type; `None` inside where it is not known yet.
    fn operand<T>(
        &mut self,
        value: &Value,
        span: Span,
        side: &str,
        to: impl Fn(&Value) -> Result<T, ConvertError>,
    ) -> Option<Option<T>> {
        match value {
            Value::Unknown => Some(None),
            Value::Null => self.report(span, INVALID, format!("the {side} operand is null")),
            value => match to(value) {
                Ok(converted) => Some(Some(converted)),
                Err(error) => self.report(span, INVALID, format!("unsuitable value for {side} operand: {error}")),
            },
        }
    }
}
