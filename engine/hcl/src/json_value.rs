//! JSON into values, with every digit of a number kept.

use serde_json::value::RawValue;
use std::collections::BTreeMap;

use crate::value::Value;

/// Deepest nesting that is read.
const MAX_DEPTH: usize = 128;

/// Reads one JSON text.
pub(crate) fn read(text: &str) -> Result<Value, serde_json::Error> {
    // Checked once as a whole, so that errors name the right line and column.
    let raw: &RawValue = serde_json::from_str(text)?;
    value(raw, 0)
}

fn value(raw: &RawValue, depth: usize) -> Result<Value, serde_json::Error> {
    if depth > MAX_DEPTH {
        return Err(serde::de::Error::custom(format!("more than {MAX_DEPTH} levels")));
    }
    let text = raw.get();
    Ok(match text.as_bytes().first() {
        Some(b'{') => {
            let entries: BTreeMap<String, &RawValue> = serde_json::from_str(text)?;
            let read = |(key, raw): (String, &RawValue)| Ok((key, value(raw, depth + 1)?));
            Value::object(entries.into_iter().map(read).collect::<Result<Vec<_>, serde_json::Error>>()?)
        }
        Some(b'[') => {
            let items: Vec<&RawValue> = serde_json::from_str(text)?;
            Value::tuple(items.into_iter().map(|raw| value(raw, depth + 1)).collect::<Result<Vec<_>, _>>()?)
        }
        Some(b'"') => Value::from(serde_json::from_str::<String>(text)?),
        Some(b't') => Value::Bool(true),
        Some(b'f') => Value::Bool(false),
        Some(b'n') => Value::Null,
        _ => match text.parse() {
            Ok(number) => Value::Number(number),
            Err(_) => return Err(serde::de::Error::custom(format!("the number {text} is out of range"))),
        },
    })
}
