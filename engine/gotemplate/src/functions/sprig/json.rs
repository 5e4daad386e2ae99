//! JSON as Go's encoder writes it.

use super::{Outcome, text};
use crate::format::shortest;
use crate::functions::{Functions, Type};
use crate::value::{Map, Text, Value};

pub(super) fn add(functions: &mut Functions) {
    use Type::{Any, Text as Str};
    for name in ["toJson", "mustToJson"] {
        functions.plain(name, &[Any], None, |v| write(&v[0], Style { html: true, pretty: false }));
    }
    for name in ["toPrettyJson", "mustToPrettyJson"] {
        functions.plain(name, &[Any], None, |v| write(&v[0], Style { html: true, pretty: true }));
    }
    for name in ["toRawJson", "mustToRawJson"] {
        functions.plain(name, &[Any], None, |v| write(&v[0], Style { html: false, pretty: false }));
    }
    functions.plain("fromJson", &[Str], None, |v| Ok(read(&text(&v[0])).unwrap_or(Value::Nil)));
    functions.plain("mustFromJson", &[Str], None, |v| read(&text(&v[0])));
}

#[derive(Clone, Copy)]
struct Style {
    /// `<`, `>` and `&` are escaped.
    html: bool,
    pretty: bool,
}

/// Levels of nesting: a map may hold itself.
const MAX_DEPTH: usize = 200;

fn write(value: &Value, style: Style) -> Outcome {
    let mut out = String::new();
    append(&mut out, value, style, 0)?;
    Ok(Value::text(out))
}

fn append(out: &mut String, value: &Value, style: Style, depth: usize) -> Result<(), String> {
    if depth == MAX_DEPTH {
        return Err(format!("value is nested deeper than {MAX_DEPTH} levels"));
    }
    match value {
        Value::Absent | Value::Nil => out.push_str("null"),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Int(value, width) if width.is_unsigned() => out.push_str(&value.cast_unsigned().to_string()),
        Value::Int(value, _) => out.push_str(&value.to_string()),
        Value::Float(value) => out.push_str(&number(*value)?),
        Value::Complex(..) => return Err("json: unsupported type: complex128".to_owned()),
        Value::Text(text) => string(out, &text.text(), style),
        Value::Object(object) => string(out, &object.show(), style),
        Value::List(list) => {
            let items = list.items.iter().map(|item| (None, item.clone())).collect();
            sequence(out, ('[', ']'), items, style, depth)?;
        }
        Value::Map(map) => {
            let pairs = map.pairs().into_iter().map(|(key, value)| (Some(key), value)).collect();
            sequence(out, ('{', '}'), pairs, style, depth)?;
        }
    }
    Ok(())
}

fn sequence(
    out: &mut String,
    (open, close): (char, char),
    items: Vec<(Option<Text>, Value)>,
    style: Style,
    depth: usize,
) -> Result<(), String> {
    out.push(open);
    let empty = items.is_empty();
    for (at, (key, value)) in items.into_iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        line(out, style, depth + 1);
        if let Some(key) = key {
            string(out, &key.text(), style);
            out.push_str(if style.pretty { ": " } else { ":" });
        }
        append(out, &value, style, depth + 1)?;
    }
    if !empty {
        line(out, style, depth);
    }
    out.push(close);
    Ok(())
}

fn line(out: &mut String, style: Style, depth: usize) {
    if style.pretty {
        out.push('\n');
        out.push_str(&"  ".repeat(depth));
    }
}

/// Positional from 10^-6 to 10^21, with the shortest exponent otherwise.
fn number(value: f64) -> Result<String, String> {
    if !value.is_finite() {
        return Err(format!("json: unsupported value: {}", shortest(value, 21)));
    }
    let size = value.abs();
    if size != 0.0 && !(1e-6..1e21).contains(&size) {
        let text = shortest(value, i32::MIN);
        return Ok(text.replace("e-0", "e-"));
    }
    Ok(format!("{value}"))
}

fn string(out: &mut String, text: &str, style: Style) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\x08' => out.push_str("\\b"),
            '\x0c' => out.push_str("\\f"),
            '<' | '>' | '&' if style.html => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            '\u{2028}' | '\u{2029}' => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c if u32::from(c) < 0x20 => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
}

fn read(text: &str) -> Outcome {
    let value: serde_json::Value = serde_json::from_str(text).map_err(|error| {
        if error.is_eof() { "unexpected end of JSON input".to_owned() } else { format!("invalid JSON: {error}") }
    })?;
    Ok(convert(value))
}

fn convert(value: serde_json::Value) -> Value {
    match value {
        serde_json::Value::Null => Value::Nil,
        serde_json::Value::Bool(value) => Value::Bool(value),
        serde_json::Value::Number(number) => Value::Float(number.as_f64().unwrap_or(f64::NAN)),
        serde_json::Value::String(text) => Value::text(text),
        serde_json::Value::Array(items) => Value::list(items.into_iter().map(convert).collect()),
        serde_json::Value::Object(entries) => {
            let map = Map::new();
            for (key, value) in entries {
                map.set(Text::from(key), convert(value));
            }
            Value::Map(map)
        }
    }
}
