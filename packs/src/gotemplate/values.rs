//! Values of variables as templates see them.

use drover_gotemplate::{Element, Map, Text, Value};
use drover_hcl::{Type, Value as Hcl};

/// A variable's value; its type tells lists of maps from others where the value is empty.
pub(crate) fn from_hcl(value: &Hcl, kind: Option<&Type>) -> Value {
    match value {
        Hcl::Null | Hcl::Unknown => Value::Nil,
        Hcl::Bool(value) => Value::Bool(*value),
        Hcl::String(text) => Value::text(&**text),
        Hcl::Number(number) => match number.as_i64() {
            Some(number) => Value::int(number),
            None => Value::Float(number.to_f64()),
        },
        Hcl::List(items) | Hcl::Set(items) | Hcl::Tuple(items) => list(items, kind),
        Hcl::Map(entries) | Hcl::Object(entries) => {
            let map = Map::new();
            for (name, value) in entries.iter() {
                map.set(Text::from(&**name), from_hcl(value, member(kind, name)));
            }
            Value::Map(map)
        }
    }
}

fn list(items: &[Hcl], kind: Option<&Type>) -> Value {
    let inner = match kind {
        Some(Type::List(inner) | Type::Set(inner)) => Some(&**inner),
        _ => None,
    };
    let is_map = |item: &Hcl| matches!(item, Hcl::Map(_) | Hcl::Object(_));
    let of_maps = match inner {
        Some(Type::Map(_) | Type::Object(_)) => true,
        _ => !items.is_empty() && items.iter().all(is_map),
    };
    let kinds = |at: usize| match kind {
        Some(Type::Tuple(kinds)) => kinds.get(at),
        _ => inner,
    };
    let items = items.iter().enumerate().map(|(at, item)| from_hcl(item, kinds(at))).collect();
    Value::list_of(if of_maps { Element::Map } else { Element::Any }, items)
}

fn member<'k>(kind: Option<&'k Type>, name: &str) -> Option<&'k Type> {
    match kind? {
        Type::Map(inner) => Some(inner),
        Type::Object(fields) => fields.get(name).map(|field| &field.kind),
        _ => None,
    }
}

/// JSON of an engine.
pub(super) fn from_json(json: &serde_json::Value) -> Value {
    use serde_json::Value as Json;
    match json {
        Json::Null => Value::Nil,
        Json::Bool(value) => Value::Bool(*value),
        Json::Number(number) => match number.as_i64() {
            Some(number) => Value::int(number),
            None => Value::Float(number.as_f64().unwrap_or(0.0)),
        },
        Json::String(text) => Value::text(text.as_str()),
        Json::Array(items) => Value::list(items.iter().map(from_json).collect()),
        Json::Object(entries) => {
            Value::map(entries.iter().map(|(key, value)| (Text::from(key.as_str()), from_json(value))).collect())
        }
    }
}
