//! Defaults, conditions and types.

use super::{kind, text};
use crate::functions::{Functions, Type};
use crate::value::Value;

pub(super) fn add(functions: &mut Functions) {
    use Type::{Any, Bool, Text};
    functions.plain("default", &[Any], Some(Any), |v| {
        Ok(v.get(1).filter(|value| !is_empty(value)).unwrap_or(&v[0]).clone())
    });
    functions.plain("empty", &[Any], None, |v| Ok(Value::Bool(is_empty(&v[0]))));
    functions.plain("coalesce", &[], Some(Any), |v| {
        Ok(v.iter().find(|value| !is_empty(value)).cloned().unwrap_or(Value::Nil))
    });
    functions.plain("all", &[], Some(Any), |v| Ok(Value::Bool(!v.iter().any(is_empty))));
    functions.plain("any", &[], Some(Any), |v| Ok(Value::Bool(!v.iter().all(is_empty))));
    functions.plain("ternary", &[Any, Any, Bool], None, |v| Ok(v[if v[2].is_true() { 0 } else { 1 }].clone()));
    functions.plain("fail", &[Text], None, |v| Err(text(&v[0])));
    functions.plain("typeOf", &[Any], None, |v| Ok(Value::text(type_of(&v[0]))));
    functions.plain("typeIs", &[Text, Any], None, |v| Ok(Value::Bool(text(&v[0]) == type_of(&v[1]))));
    functions.plain("typeIsLike", &[Text, Any], None, |v| {
        let (wanted, found) = (text(&v[0]), type_of(&v[1]));
        Ok(Value::Bool(wanted == found || format!("*{wanted}") == found))
    });
    functions.plain("kindOf", &[Any], None, |v| Ok(Value::text(kind(&v[0]))));
    functions.plain("kindIs", &[Text, Any], None, |v| Ok(Value::Bool(text(&v[0]) == kind(&v[1]))));
    functions.plain("deepEqual", &[Any, Any], None, |v| Ok(Value::Bool(v[0].same(&v[1]))));
}

fn type_of(value: &Value) -> String {
    if value.is_nil() { "<nil>".to_owned() } else { value.type_name() }
}

/// Whether a value is its type's zero, or has nothing in it.
pub(super) fn is_empty(value: &Value) -> bool {
    match value {
        Value::Object(_) => false,
        value => !value.is_true(),
    }
}
