//! The functions of sprig, by subject.

mod certificates;
mod crypto;
mod dates;
mod defaults;
mod dictionaries;
mod encodings;
mod json;
mod layout;
mod lists;
mod numbers;
mod paths;
mod random;
mod regexes;
mod semver;
mod strings;
mod urls;

use super::Functions;
use crate::format::plain_text;
use crate::value::{List, Map, Text, Value};

/// What a function gives.
type Outcome = Result<Value, String>;

pub(super) fn add(functions: &mut Functions) {
    strings::add(functions);
    layout::add(functions);
    numbers::add(functions);
    lists::add(functions);
    dictionaries::add(functions);
    defaults::add(functions);
    json::add(functions);
    encodings::add(functions);
    crypto::add(functions);
    certificates::add(functions);
    random::add(functions);
    dates::add(functions);
    regexes::add(functions);
    semver::add(functions);
    paths::add(functions);
    urls::add(functions);
}

// Arguments: their types were checked before the call.

/// A text argument.
fn text(value: &Value) -> String {
    match value {
        Value::Text(text) => text.text().into_owned(),
        value => shown(value),
    }
}
/// The bytes of a text argument.
fn bytes(value: &Value) -> &[u8] {
    match value {
        Value::Text(text) => text.bytes(),
        _ => b"",
    }
}
/// An integer argument.
fn int(value: &Value) -> i64 {
    match value {
        Value::Int(value, _) => *value,
        _ => 0,
    }
}
/// A map argument; nil is an empty one.
fn map(value: &Value) -> Map {
    match value {
        Value::Map(map) => map.clone(),
        _ => Map::new(),
    }
}
/// How a value prints; nil as `<nil>`.
fn shown(value: &Value) -> String {
    if value.is_nil() { "<nil>".to_owned() } else { plain_text(value) }
}
/// The items of a list, or why it is none.
fn items<'a>(value: &'a Value, action: &str) -> Result<&'a List, String> {
    match value {
        Value::List(list) => Ok(list),
        value => Err(format!("Cannot {action} type {}", kind(value))),
    }
}
/// The kind's name in messages.
fn kind(value: &Value) -> &'static str {
    value.kind_name()
}
/// Every item of a list as text, without nils; anything else as its one text.
fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::List(list) => list.items.iter().filter(|item| !item.is_nil()).map(shown).collect(),
        value if value.is_nil() => Vec::new(),
        value => vec![shown(value)],
    }
}
/// Refuses to make more than a function may.
fn bounded(count: usize) -> Result<usize, String> {
    let limit = crate::limits::MAX_ITEMS;
    if count > limit { Err(format!("makes {count} items; at most {limit} are allowed")) } else { Ok(count) }
}
/// A key.
fn key(text: &str) -> Text {
    Text::from(text)
}
