//! Changing one field of a document and leaving the rest as it is.

use serde_json::{Map, Value};

use crate::ProviderError;

/// The document with `field` as `value`. An empty one becomes JSON.
///
/// # Errors
/// The document is neither JSON nor dotenv, or has something else than an object on the way to a dotted field.
pub fn set(text: &str, field: &str, value: &str) -> Result<String, ProviderError> {
    if text.trim().is_empty() || text.trim_start().starts_with('{') {
        let mut document = object(text)?;
        place(&mut document, field, value)?;
        return Ok(written(document));
    }
    super::parse(text)?;
    let line = format!("{field}={}", quoted(value));
    let mut found = false;
    let mut lines: Vec<String> = Vec::new();
    for old in text.lines() {
        if named(old, field) {
            if !found {
                lines.push(line.clone());
            }
            found = true;
        } else {
            lines.push(old.to_owned());
        }
    }
    if !found {
        lines.push(line);
    }
    Ok(lines.join("\n") + "\n")
}

/// The document without `field`; none when it has no such field.
///
/// # Errors
/// The document is neither JSON nor dotenv.
pub fn remove(text: &str, field: &str) -> Result<Option<String>, ProviderError> {
    if !super::parse(text)?.contains_key(field) {
        return Ok(None);
    }
    if text.trim_start().starts_with('{') {
        let mut document = object(text)?;
        take(&mut document, field);
        return Ok(Some(written(document)));
    }
    let kept: Vec<&str> = text.lines().filter(|line| !named(line, field)).collect();
    Ok(Some(kept.join("\n") + "\n"))
}

fn object(text: &str) -> Result<Map<String, Value>, ProviderError> {
    if text.trim().is_empty() {
        return Ok(Map::new());
    }
    match serde_json::from_str(text) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(_) => Err(ProviderError::Malformed { reason: "it is not a JSON object".to_owned() }),
        // serde_json's message may quote the text, so only the position is kept.
        Err(error) => {
            let reason = format!("it is not a JSON object (line {}, column {})", error.line(), error.column());
            Err(ProviderError::Malformed { reason })
        }
    }
}

fn place(members: &mut Map<String, Value>, field: &str, value: &str) -> Result<(), ProviderError> {
    // A member whose own name has a dot goes before one within another.
    if let Some((head, rest)) = field.split_once('.')
        && !members.contains_key(field)
    {
        let inner = members.entry(head).or_insert_with(|| Value::Object(Map::new()));
        let Value::Object(inner) = inner else {
            let reason = format!("`{head}` is a value, so it cannot have the field `{rest}`");
            return Err(ProviderError::Malformed { reason });
        };
        return place(inner, rest, value);
    }
    if members.get(field).is_some_and(Value::is_object) {
        let reason = format!("`{field}` has fields of its own; name one of them");
        return Err(ProviderError::Malformed { reason });
    }
    members.insert(field.to_owned(), Value::String(value.to_owned()));
    Ok(())
}

fn take(members: &mut Map<String, Value>, field: &str) {
    if members.shift_remove(field).is_some() {
        return;
    }
    if let Some((head, rest)) = field.split_once('.')
        && let Some(Value::Object(inner)) = members.get_mut(head)
    {
        take(inner, rest);
    }
}

fn written(members: Map<String, Value>) -> String {
    serde_json::to_string_pretty(&Value::Object(members)).expect("JSON values always have a text") + "\n"
}

fn named(line: &str, field: &str) -> bool {
    let line = line.trim();
    let line = line.strip_prefix("export ").unwrap_or(line);
    !line.starts_with('#') && line.split_once('=').is_some_and(|(name, _)| name.trim() == field)
}

fn quoted(value: &str) -> String {
    let mut text = String::with_capacity(value.len() + 2);
    text.push('"');
    for c in value.chars() {
        match c {
            '\n' => text.push_str("\\n"),
            '\t' => text.push_str("\\t"),
            '"' | '\\' => text.extend(['\\', c]),
            other => text.push(other),
        }
    }
    text.push('"');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(before: &str, field: &str, value: &str) {
        let after = set(before, field, value).unwrap();
        assert_eq!(super::super::parse(&after).unwrap()[field].expose(), value, "{after}");
        let again = remove(&after, field).unwrap().unwrap();
        assert!(!super::super::parse(&again).unwrap().contains_key(field), "{again}");
    }

    #[test]
    fn a_field_is_set_and_removed() {
        for value in ["plain", "with \"quotes\" and \\", "two\nlines\ttab", "$x #y 'z' é"] {
            check("", "password", value);
            check("{\"user\": \"a\", \"password\": \"old\"}", "password", value);
            check("{\"db\": {\"user\": \"a\"}}", "db.password", value);
            check("# note\nuser=a\nexport password=old\n", "password", value);
        }
    }

    #[test]
    fn what_was_there_stays() {
        let after = set("# note\nuser=a\npassword=old\nother='x'\n", "password", "new").unwrap();
        assert_eq!(after, "# note\nuser=a\npassword=\"new\"\nother='x'\n");
        assert!(set("{\"db\": \"x\"}", "db.password", "y").is_err());
        assert!(remove("{}", "x").unwrap().is_none());
    }
}
