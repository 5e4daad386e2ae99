//! Functions that write and read other formats.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::value::Value;

use super::{CallEnv, Function, FunctionTable, Outcome, Param, text, yaml};

pub(super) fn add(table: &mut FunctionTable) {
    table
        .add(Function::new("base64encode", vec![Param::string("str")], |_, a| Ok(STANDARD.encode(text(&a[0])).into())));
    table.add(Function::new("base64decode", vec![Param::string("str")], |_, a| {
        let bytes = STANDARD.decode(text(&a[0])).map_err(|error| format!("this is not base64: {error}"))?;
        String::from_utf8(bytes).map(Value::from).map_err(|_| "the decoded bytes are not UTF-8 text".to_owned())
    }));
    table.add(Function::new("jsonencode", vec![Param::any("val").or_null()], |_, a| json_text(&a[0]).map(Value::from)));
    table.add(Function::new("jsondecode", vec![Param::string("str")], json_decode));
    table.add(Function::new("yamlencode", vec![Param::any("value").or_null()], |_, a| {
        yaml::encode(&a[0]).map(Value::from)
    }));
    table.add(Function::new("yamldecode", vec![Param::string("src")], |_, a| yaml::decode(text(&a[0]))));
    table.add(Function::new("csvdecode", vec![Param::string("str")], csv_decode));
    table.add(Function::new("urlencode", vec![Param::string("str")], |_, a| {
        let mut encoded = String::new();
        for byte in text(&a[0]).bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => encoded.push(char::from(byte)),
                b' ' => encoded.push('+'),
                other => {
                    let _ = write!(encoded, "%{other:02X}");
                }
            }
        }
        Ok(encoded.into())
    }));
}

fn json_decode(_: &CallEnv<'_>, a: &[Value]) -> Outcome {
    // Numbers keep all their digits: each one is read from its own text.
    crate::json_value::read(text(&a[0])).map_err(|error| format!("this is not JSON: {error}"))
}

/// JSON on one line, with `<`, `>` and `&` escaped, as the reference writes it.
pub(super) fn json_text(value: &Value) -> Result<String, String> {
    let mut out = String::new();
    write_json(value, &mut out)?;
    Ok(out)
}

fn write_json(value: &Value, out: &mut String) -> Result<(), String> {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Number(number) if number.is_finite() => {
            let _ = write!(out, "{number}");
        }
        Value::Number(number) => return Err(format!("JSON has no number {number}")),
        Value::String(string) => write_json_string(string, out),
        Value::List(items) | Value::Set(items) | Value::Tuple(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write_json(item, out)?;
            }
            out.push(']');
        }
        Value::Map(entries) | Value::Object(entries) => {
            out.push('{');
            for (at, (key, item)) in entries.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write_json_string(key, out);
                out.push(':');
                write_json(item, out)?;
            }
            out.push('}');
        }
        Value::Unknown => return Err("the value is not known yet".to_owned()),
    }
    Ok(())
}

fn write_json_string(string: &str, out: &mut String) {
    out.push('"');
    for c in string.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' | '\u{0}'..='\u{1f}' => {
                let _ = write!(out, "\\u{:04x}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

fn csv_decode(_: &CallEnv<'_>, a: &[Value]) -> Outcome {
    let mut rows = csv_rows(text(&a[0]))?.into_iter();
    let headers = rows.next().ok_or("a line with the columns' names is required")?;
    let mut objects = Vec::new();
    for (at, row) in rows.enumerate() {
        if row.len() != headers.len() {
            return Err(format!("record {} has {} fields, but there are {} columns", at + 2, row.len(), headers.len()));
        }
        objects.push(Value::object(headers.iter().map(String::as_str).zip(row.into_iter().map(Value::from))));
    }
    Ok(Value::list(objects))
}

fn csv_rows(text: &str) -> Result<Vec<Vec<String>>, String> {
    let mut rows = Vec::new();
    let mut row: Vec<String> = Vec::new();
    let mut field = String::new();
    let mut characters = text.chars().peekable();
    let mut quoted = false;
    let mut any = false;
    while let Some(c) = characters.next() {
        any = true;
        match c {
            '"' if quoted && characters.peek() == Some(&'"') => {
                characters.next();
                field.push('"');
            }
            '"' if quoted => quoted = false,
            c if quoted => field.push(c),
            '"' if field.is_empty() => quoted = true,
            '"' => return Err(format!("a quote stands within an unquoted field of record {}", rows.len() + 1)),
            ',' => row.push(std::mem::take(&mut field)),
            '\r' if characters.peek() == Some(&'\n') => {}
            '\n' => {
                if !row.is_empty() || !field.is_empty() {
                    row.push(std::mem::take(&mut field));
                    rows.push(std::mem::take(&mut row));
                }
                any = false;
            }
            c => field.push(c),
        }
    }
    if quoted {
        return Err("a quoted field is not closed".to_owned());
    }
    if any {
        row.push(field);
        rows.push(row);
    }
    Ok(rows)
}
