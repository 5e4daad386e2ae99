//! The language's own functions.

use super::{Body, Function, Functions, Type, compare};
use crate::format::{plain, print, println, sprintf};
use crate::value::{Element, Value, Width};

type Outcome = Result<Value, String>;

pub(super) fn add(functions: &mut Functions) {
    use Type::{Any, Raw, Text};
    functions.add("and", Function { fixed: &[Raw], rest: Some(Raw), body: Body::Stops(false) });
    functions.add("or", Function { fixed: &[Raw], rest: Some(Raw), body: Body::Stops(true) });
    functions.plain("not", &[Raw], None, |values| Ok(Value::Bool(!values[0].is_true())));
    functions.plain("len", &[Raw], None, |values| length(&values[0]));
    functions.plain("index", &[Raw], Some(Raw), index);
    functions.plain("call", &[Raw], Some(Raw), call);
    functions.plain("print", &[], Some(Any), |values| Ok(Value::text(print(values))));
    functions.plain("println", &[], Some(Any), |values| Ok(Value::text(println(values))));
    functions.plain("printf", &[Text], Some(Any), |values| match &values[0] {
        Value::Text(format) => Ok(Value::text(sprintf(format.bytes(), &values[1..]))),
        _ => Err("format is not a string".to_owned()),
    });
    functions.plain("html", &[], Some(Any), |values| Ok(Value::text(html(&joined(values)))));
    functions.plain("js", &[], Some(Any), |values| Ok(Value::text(js(&joined(values)))));
    functions.plain("urlquery", &[], Some(Any), |values| Ok(Value::text(url_query(&joined(values)))));
    compare::add(functions);
}

/// The text of arguments, as `print` shows them; a single string stays as it is.
fn joined(values: &[Value]) -> Vec<u8> {
    match values {
        [one] => plain(one),
        values => print(values),
    }
}

fn length(value: &Value) -> Outcome {
    let length = match value {
        Value::Text(text) => text.bytes().len(),
        Value::List(list) => list.items.len(),
        Value::Map(map) => map.len(),
        Value::Absent | Value::Nil => return Err("len of nil pointer".to_owned()),
        value => return Err(format!("len of type {}", value.type_name())),
    };
    Ok(Value::int(i64::try_from(length).unwrap_or(i64::MAX)))
}

fn call(values: &[Value]) -> Outcome {
    match &values[0] {
        Value::Absent | Value::Nil => Err("call of nil".to_owned()),
        value => Err(format!("non-function {} of type {}", String::from_utf8_lossy(&plain(value)), value.type_name())),
    }
}

fn index(values: &[Value]) -> Outcome {
    let mut item = values[0].clone();
    if matches!(item, Value::Absent | Value::Nil) {
        return Err("index of untyped nil".to_owned());
    }
    for key in &values[1..] {
        item = step(&item, key)?;
    }
    Ok(item)
}

fn step(item: &Value, key: &Value) -> Outcome {
    match item {
        Value::Absent | Value::Nil => Err("index of nil pointer".to_owned()),
        Value::Text(text) => {
            let at = position(key, text.bytes().len())?;
            Ok(Value::Int(i64::from(text.bytes()[at]), Width::Uint8))
        }
        Value::List(list) => Ok(list.items[position(key, list.items.len())?].clone()),
        Value::Map(map) => match key {
            Value::Text(key) => Ok(map.get(key).unwrap_or(match map.element {
                Element::Text => Value::text(""),
                Element::Int => Value::int(0),
                _ => Value::Nil,
            })),
            Value::Absent | Value::Nil => Err("value is nil; should be of type string".to_owned()),
            key => Err(format!("value has type {}; should be string", key.type_name())),
        },
        value => Err(format!("can't index item of type {}", value.type_name())),
    }
}

fn position(key: &Value, length: usize) -> Result<usize, String> {
    match key {
        Value::Int(at, _) => match usize::try_from(*at) {
            Ok(index) if index < length => Ok(index),
            _ => Err(format!("error calling index: reflect: slice index out of range: {at}")),
        },
        Value::Absent | Value::Nil => Err("cannot index slice/array with nil".to_owned()),
        key => Err(format!("cannot index slice/array with type {}", key.type_name())),
    }
}

fn html(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    for &byte in bytes {
        match byte {
            0 => out.extend("\u{fffd}".bytes()),
            b'"' => out.extend(b"&#34;"),
            b'\'' => out.extend(b"&#39;"),
            b'&' => out.extend(b"&amp;"),
            b'<' => out.extend(b"&lt;"),
            b'>' => out.extend(b"&gt;"),
            byte => out.push(byte),
        }
    }
    out
}

fn js(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for c in String::from_utf8_lossy(bytes).chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\'' => out.push_str("\\'"),
            '"' => out.push_str("\\\""),
            '<' => out.push_str("\\u003C"),
            '>' => out.push_str("\\u003E"),
            '&' => out.push_str("\\u0026"),
            '=' => out.push_str("\\u003D"),
            c if c.is_ascii_control() => out.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => out.push(c),
        }
    }
    out
}

/// As a value of a query: spaces are `+`, all but letters, digits and `-_.~` is `%XX`.
pub(super) fn url_query(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for &byte in bytes {
        match byte {
            b' ' => out.push('+'),
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            byte => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}
