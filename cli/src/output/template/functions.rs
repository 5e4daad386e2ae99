//! What templates can call, and how values become text.

use super::{Result, TemplateError, is_true};
use serde_json::Value;
use std::cmp::Ordering;

/// The functions there are.
pub(super) const NAMES: &[&str] =
    &["and", "eq", "ge", "gt", "index", "json", "le", "len", "lt", "ne", "not", "or", "print", "printf", "println"];

/// Calls a function.
pub(super) fn call(name: &str, arguments: &[Value]) -> Result<Value> {
    let wrong = |text: &str| Err(TemplateError::Value(format!("{name}: {text}")));
    match (name, arguments) {
        ("len", [Value::String(text)]) => Ok(text.len().into()),
        ("len", [Value::Array(items)]) => Ok(items.len().into()),
        ("len", [Value::Object(fields)]) => Ok(fields.len().into()),
        ("len", [Value::Null]) => Ok(0.into()),
        ("index", [value, keys @ ..]) => keys.iter().try_fold(value.clone(), |value, key| element(&value, key)),
        ("not", [value]) => Ok((!is_true(value)).into()),
        ("and", [.., last]) => Ok(arguments.iter().find(|value| !is_true(value)).unwrap_or(last).clone()),
        ("or", [.., last]) => Ok(arguments.iter().find(|value| is_true(value)).unwrap_or(last).clone()),
        ("eq", [first, others @ ..]) if !others.is_empty() => Ok(others.iter().any(|other| other == first).into()),
        ("ne", [a, b]) => Ok((a != b).into()),
        ("lt" | "le" | "gt" | "ge", [a, b]) => match order(a, b) {
            Some(order) => Ok(match name {
                "lt" => order.is_lt(),
                "le" => order.is_le(),
                "gt" => order.is_gt(),
                _ => order.is_ge(),
            }
            .into()),
            None => wrong("only numbers and texts of one kind can be compared"),
        },
        ("json", [value]) => Ok(value.to_string().into()),
        ("print", values) => Ok(values.iter().map(text_of).collect::<String>().into()),
        ("println", values) => Ok(format!("{}\n", values.iter().map(text_of).collect::<Vec<_>>().join(" ")).into()),
        ("printf", [Value::String(format), values @ ..]) => printf(format, values).map(Value::from),
        _ => wrong("called with arguments that do not fit"),
    }
}

fn element(value: &Value, key: &Value) -> Result<Value> {
    let found = match (value, key) {
        (Value::Array(items), Value::Number(at)) => at.as_u64().and_then(|at| items.get(usize::try_from(at).ok()?)),
        // As Go, a map gives nothing for a key that it has not.
        (Value::Object(fields), Value::String(name)) => return Ok(fields.get(name).cloned().unwrap_or_default()),
        _ => None,
    };
    found.cloned().ok_or_else(|| TemplateError::Value(format!("index: there is no element {}", text_of(key))))
}

fn order(a: &Value, b: &Value) -> Option<Ordering> {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.as_f64()?.partial_cmp(&b.as_f64()?),
        (Value::String(a), Value::String(b)) => Some(a.cmp(b)),
        _ => None,
    }
}

/// A value as Go prints it.
pub(super) fn text_of(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) => format!("[{}]", items.iter().map(text_of).collect::<Vec<_>>().join(" ")),
        Value::Object(fields) => {
            let pairs: Vec<String> = fields.iter().map(|(key, value)| format!("{key}:{}", text_of(value))).collect();
            format!("map[{}]", pairs.join(" "))
        }
        Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

/// `%s`, `%v`, `%d`, `%q`, `%t` and `%%`, with a width.
fn printf(format: &str, values: &[Value]) -> Result<String> {
    let mut out = String::new();
    let mut values = values.iter();
    let mut rest = format.chars();
    while let Some(character) = rest.next() {
        if character != '%' {
            out.push(character);
            continue;
        }
        let mut width = String::new();
        let verb = loop {
            match rest.next() {
                Some(digit @ ('0'..='9' | '-')) => width.push(digit),
                Some(verb) => break verb,
                None => return Err(TemplateError::Value("printf: the format ends after %".to_owned())),
            }
        };
        let text = match verb {
            '%' => "%".to_owned(),
            's' | 'v' | 'd' | 't' => values.next().map_or_else(|| format!("%!{verb}(MISSING)"), text_of),
            'q' => values.next().map_or_else(|| "%!q(MISSING)".to_owned(), |value| format!("{:?}", text_of(value))),
            other => return Err(TemplateError::Value(format!("printf: %{other} is not known here"))),
        };
        let cells = width.trim_start_matches('-').parse().unwrap_or(0);
        out.push_str(&if width.starts_with('-') { format!("{text:<cells$}") } else { format!("{text:>cells$}") });
    }
    Ok(out)
}
