//! Conversion of values between types, and the type that several values have in common.

use std::fmt;
use std::sync::Arc;

use crate::number::Number;
use crate::types::{ObjectField, Type};
use crate::value::{Entries, Value};

/// A value that does not fit a type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConvertError {
    /// Where in the value, such as `.ports[1]`; empty for the value itself.
    pub path: String,
    /// What is wrong, such as `a number is required`.
    pub message: String,
}

impl ConvertError {
    fn new(message: impl Into<String>) -> Self {
        Self { path: String::new(), message: message.into() }
    }

    fn under(mut self, step: &str) -> Self {
        self.path.insert_str(0, step);
        self
    }
}

impl fmt::Display for ConvertError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() { f.write_str(&self.message) } else { write!(f, "{}: {}", self.path, self.message) }
    }
}

impl std::error::Error for ConvertError {}

/// Converts a value to a type: strings, numbers and bools into each other where the text allows it, tuples into lists
/// and sets, objects into maps. Null stays null.
///
/// # Errors
/// The value does not fit.
pub fn convert(value: &Value, to: &Type) -> Result<Value, ConvertError> {
    match (value, to) {
        (Value::Null | Value::Unknown, _) | (_, Type::Any) => Ok(value.clone()),
        (_, Type::Bool) => to_bool(value).map(Value::Bool),
        (_, Type::Number) => to_number(value).map(Value::Number),
        (Value::String(_), Type::String) => Ok(value.clone()),
        (_, Type::String) => to_text(value).map(Value::String),
        (_, Type::List(item)) => Ok(Value::list(elements(value, item, to)?)),
        (_, Type::Set(item)) => Ok(Value::set(elements(value, item, to)?)),
        (_, Type::Tuple(items)) => to_tuple(value, items, to),
        (_, Type::Map(item)) => to_map(value, item, to),
        (_, Type::Object(fields)) => match value.as_entries() {
            Some(entries) => to_object(entries, fields),
            None => Err(mismatch(value, to)),
        },
    }
}

/// The bool that a value stands for: itself, `"true"` or `"false"`.
///
/// # Errors
/// Any other value.
pub fn to_bool(value: &Value) -> Result<bool, ConvertError> {
    match value {
        Value::Bool(value) => Ok(*value),
        Value::String(text) => match &**text {
            "true" | "1" => Ok(true),
            "false" | "0" => Ok(false),
            _ => Err(ConvertError::new("a bool is required")),
        },
        Value::Number(_) => Err(ConvertError::new("a bool is required")),
        other => Err(ConvertError::new(format!("bool required, but have {}", other.kind()))),
    }
}

/// The number that a value stands for: itself or its text.
///
/// # Errors
/// Any other value.
pub fn to_number(value: &Value) -> Result<Number, ConvertError> {
    match value {
        Value::Number(number) => Ok(number.clone()),
        Value::String(text) => text.parse().map_err(|_| ConvertError::new("a number is required")),
        Value::Bool(_) => Err(ConvertError::new("a number is required")),
        other => Err(ConvertError::new(format!("number required, but have {}", other.kind()))),
    }
}

/// The text of a string, number or bool.
///
/// # Errors
/// Any other value.
pub fn to_text(value: &Value) -> Result<Arc<str>, ConvertError> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string().into()),
        Value::Bool(value) => Ok(value.to_string().into()),
        other => Err(ConvertError::new(format!("string required, but have {}", other.kind()))),
    }
}

fn mismatch(value: &Value, to: &Type) -> ConvertError {
    ConvertError::new(format!("{} required, but have {}", to.friendly(), value.kind()))
}

fn elements(value: &Value, item: &Type, to: &Type) -> Result<Vec<Value>, ConvertError> {
    let items = value.as_items().ok_or_else(|| mismatch(value, to))?;
    let any = *item == Type::Any;
    let common = if any { unify_types(items.iter().map(Value::type_of)) } else { None };
    if any && common.is_none() {
        return Err(ConvertError::new("all elements must have the same type"));
    }
    let item = common.as_ref().unwrap_or(item);
    let convert_at = |(at, value)| convert(value, item).map_err(|error| error.under(&format!("[{at}]")));
    items.iter().enumerate().map(convert_at).collect()
}

fn to_tuple(value: &Value, kinds: &[Type], to: &Type) -> Result<Value, ConvertError> {
    let (Value::Tuple(items) | Value::List(items)) = value else { return Err(mismatch(value, to)) };
    if items.len() != kinds.len() {
        return Err(ConvertError::new(format!("tuple of {} elements required, but have {}", kinds.len(), items.len())));
    }
    let convert_at = |(at, (value, kind))| convert(value, kind).map_err(|error| error.under(&format!("[{at}]")));
    items.iter().zip(kinds).enumerate().map(convert_at).collect::<Result<_, _>>().map(|v| Value::Tuple(Arc::new(v)))
}

fn to_map(value: &Value, item: &Type, to: &Type) -> Result<Value, ConvertError> {
    let entries = value.as_entries().ok_or_else(|| mismatch(value, to))?;
    let any = *item == Type::Any;
    let common = if any { unify_types(entries.values().map(Value::type_of)) } else { None };
    if any && common.is_none() {
        return Err(ConvertError::new("all map elements must have the same type"));
    }
    let item = common.as_ref().unwrap_or(item);
    let mut converted = Entries::new();
    for (key, value) in entries {
        converted.insert(key.clone(), convert(value, item).map_err(|error| error.under(&format!("[{key:?}]")))?);
    }
    Ok(Value::Map(Arc::new(converted)))
}

fn to_object(
    entries: &Entries,
    fields: &std::collections::BTreeMap<Arc<str>, ObjectField>,
) -> Result<Value, ConvertError> {
    let mut converted = Entries::new();
    for (name, field) in fields {
        let value = match (entries.get(name), &field.optional) {
            (Some(Value::Null) | None, Some(default)) => default.clone(),
            (Some(value), _) => convert(value, &field.kind).map_err(|error| error.under(&format!(".{name}")))?,
            (None, None) => return Err(ConvertError::new(format!("attribute {name:?} is required"))),
        };
        converted.insert(name.clone(), value);
    }
    Ok(Value::Object(Arc::new(converted)))
}

/// The one type that values of all these types convert to, if there is one.
pub fn unify_types(types: impl IntoIterator<Item = Type>) -> Option<Type> {
    types.into_iter().try_fold(Type::Any, unify)
}

fn unify(a: Type, b: Type) -> Option<Type> {
    if a == b {
        return Some(a);
    }
    match (a, b) {
        (Type::Any, other) | (other, Type::Any) => Some(other),
        (Type::String, other) | (other, Type::String) if other.is_primitive() => Some(Type::String),
        (Type::List(a), Type::List(b)) => Some(Type::List(Box::new(unify(*a, *b)?))),
        (Type::Set(a), Type::Set(b)) => Some(Type::Set(Box::new(unify(*a, *b)?))),
        (Type::Map(a), Type::Map(b)) => Some(Type::Map(Box::new(unify(*a, *b)?))),
        (Type::Tuple(a), Type::Tuple(b)) if a.len() == b.len() => {
            a.into_iter().zip(b).map(|(a, b)| unify(a, b)).collect::<Option<_>>().map(Type::Tuple)
        }
        (Type::Tuple(a), Type::Tuple(b)) => Some(Type::List(Box::new(unify_types(a.into_iter().chain(b))?))),
        (Type::List(item), Type::Tuple(items)) | (Type::Tuple(items), Type::List(item)) => {
            Some(Type::List(Box::new(unify_types(items.into_iter().chain([*item]))?)))
        }
        (Type::Set(item), Type::Tuple(items)) | (Type::Tuple(items), Type::Set(item)) => {
            Some(Type::Set(Box::new(unify_types(items.into_iter().chain([*item]))?)))
        }
        (Type::List(a), Type::Set(b)) | (Type::Set(b), Type::List(a)) => Some(Type::List(Box::new(unify(*a, *b)?))),
        (Type::Object(a), Type::Object(b)) if a.keys().eq(b.keys()) => {
            let kinds = a.into_iter().zip(b.into_values());
            let field = |((name, a), b): ((Arc<str>, ObjectField), ObjectField)| Some((name, unify(a.kind, b.kind)?));
            Some(Type::object(kinds.map(field).collect::<Option<Vec<_>>>()?))
        }
        (Type::Object(a), Type::Object(b)) => {
            let kinds = a.into_values().chain(b.into_values()).map(|field| field.kind);
            Some(Type::Map(Box::new(unify_types(kinds)?)))
        }
        (Type::Map(item), Type::Object(fields)) | (Type::Object(fields), Type::Map(item)) => {
            let kinds = fields.into_values().map(|field| field.kind);
            Some(Type::Map(Box::new(unify_types(kinds.chain([*item]))?)))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_become_numbers_only_when_they_are_numbers() {
        assert_eq!(convert(&"12".into(), &Type::Number), Ok(12.into()));
        assert_eq!(convert(&"many".into(), &Type::Number).unwrap_err().to_string(), "a number is required");
        assert_eq!(convert(&1.into(), &Type::Bool).unwrap_err().to_string(), "a bool is required");
    }

    #[test]
    fn errors_name_the_element() {
        let value = Value::object([("ports", Value::tuple([1.into(), "x".into()]))]);
        let to = Type::object([("ports".into(), Type::List(Box::new(Type::Number)))]);
        assert_eq!(convert(&value, &to).unwrap_err().to_string(), ".ports[1]: a number is required");
    }

    #[test]
    fn sets_are_sorted_and_distinct() {
        let value = Value::tuple(["b".into(), "a".into(), "b".into()]);
        assert_eq!(convert(&value, &Type::Set(Box::new(Type::String))), Ok(Value::set(["a".into(), "b".into()])));
    }
}
