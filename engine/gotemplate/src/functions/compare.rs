//! `eq`, `ne`, `lt`, `le`, `gt`, `ge`.

use super::{Functions, Type};
use crate::format::plain_text;
use crate::value::Value;
use std::cmp::Ordering;

pub(super) fn add(functions: &mut Functions) {
    use Type::Raw;
    functions.plain("eq", &[Raw], Some(Raw), |values| {
        if values.len() < 2 {
            return Err("missing argument for comparison".to_owned());
        }
        for other in &values[1..] {
            if equal(&values[0], other)? {
                return Ok(Value::Bool(true));
            }
        }
        Ok(Value::Bool(false))
    });
    functions.plain("ne", &[Raw, Raw], None, |values| Ok(Value::Bool(!equal(&values[0], &values[1])?)));
    functions.plain("lt", &[Raw, Raw], None, |values| less(values, |order| order == Ordering::Less));
    functions.plain("le", &[Raw, Raw], None, |values| less(values, |order| order != Ordering::Greater));
    functions.plain("gt", &[Raw, Raw], None, |values| less(values, |order| order == Ordering::Greater));
    functions.plain("ge", &[Raw, Raw], None, |values| less(values, |order| order != Ordering::Less));
}

/// Integers of all types as one number.
fn wide(value: i64, unsigned: bool) -> i128 {
    if unsigned { i128::from(value.cast_unsigned()) } else { i128::from(value) }
}

fn equal(a: &Value, b: &Value) -> Result<bool, String> {
    Ok(match (a, b) {
        (Value::Bool(a), Value::Bool(b)) => a == b,
        (Value::Int(a, x), Value::Int(b, y)) => wide(*a, x.is_unsigned()) == wide(*b, y.is_unsigned()),
        (Value::Float(a), Value::Float(b)) => a == b,
        (Value::Complex(a, b), Value::Complex(c, d)) => a == c && b == d,
        (Value::Text(a), Value::Text(b)) => a == b,
        (a, b) if a.is_nil() || b.is_nil() => a.is_nil() && b.is_nil(),
        (Value::List(_) | Value::Map(_), other) | (other, Value::List(_) | Value::Map(_)) => {
            let comparable = !matches!(other, Value::List(_) | Value::Map(_));
            if comparable {
                return Err(incompatible(a, b));
            }
            let (x, y) = (plain_text(a), plain_text(b));
            return Err(format!("non-comparable types {x}: {}, {}: {y}", a.type_name(), b.type_name()));
        }
        (Value::Object(_), Value::Object(_)) => a.same(b),
        (a, b) => return Err(incompatible(a, b)),
    })
}

fn incompatible(a: &Value, b: &Value) -> String {
    format!("incompatible types for comparison: {} and {}", a.type_name(), b.type_name())
}

fn less(values: &[Value], holds: fn(Ordering) -> bool) -> Result<Value, String> {
    let order = match (&values[0], &values[1]) {
        (Value::Int(a, x), Value::Int(b, y)) => wide(*a, x.is_unsigned()).cmp(&wide(*b, y.is_unsigned())),
        (Value::Text(a), Value::Text(b)) => a.cmp(b),
        (Value::Float(a), Value::Float(b)) => match a.partial_cmp(b) {
            Some(order) => order,
            None => return Ok(Value::Bool(false)),
        },
        (Value::Bool(_) | Value::Complex(..) | Value::List(_) | Value::Map(_) | Value::Object(_), _)
        | (_, Value::Bool(_) | Value::Complex(..) | Value::List(_) | Value::Map(_) | Value::Object(_))
        | (Value::Absent | Value::Nil, _)
        | (_, Value::Absent | Value::Nil) => return Err("invalid type for comparison".to_owned()),
        (a, b) => return Err(incompatible(a, b)),
    };
    Ok(Value::Bool(holds(order)))
}
