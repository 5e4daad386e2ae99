//! Documents with several secrets: JSON objects and dotenv files.

mod edit;

pub use edit::{remove, set};

use std::collections::BTreeMap;

use serde_json::Value;

use crate::{ProviderError, Secret};

type Fields = BTreeMap<String, Secret<String>>;

/// A JSON object when it starts with `{`, else lines of `NAME=value`.
///
/// # Errors
/// It is neither; the message holds positions, not contents.
pub fn parse(text: &str) -> Result<Fields, ProviderError> {
    if text.trim_start().starts_with('{') { parse_json(text) } else { parse_dotenv(text) }
}

/// Nested objects become dotted fields: `{"db":{"password":…}}` is `db.password`.
pub(crate) fn parse_json(text: &str) -> Result<Fields, ProviderError> {
    // serde_json's message may quote the text, so only the position is kept.
    let value: Value = serde_json::from_str(text).map_err(|error| ProviderError::Malformed {
        reason: format!("it is not a JSON object (line {}, column {})", error.line(), error.column()),
    })?;
    if !value.is_object() {
        return Err(ProviderError::Malformed {
            reason: "a field was asked for, but the document is not a JSON object".to_owned(),
        });
    }
    Ok(fields(&value))
}

/// The fields of a JSON object.
pub(crate) fn fields(value: &Value) -> Fields {
    let mut fields = Fields::new();
    flatten("", value, &mut fields);
    fields
}

fn flatten(prefix: &str, value: &Value, fields: &mut Fields) {
    let scalar = match value {
        Value::Object(members) => {
            for (name, member) in members {
                let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
                flatten(&path, member, fields);
            }
            return;
        }
        Value::Null => return,
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    fields.insert(prefix.to_owned(), Secret::new(scalar));
}

fn parse_dotenv(text: &str) -> Result<Fields, ProviderError> {
    let mut fields = Fields::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let line = line.strip_prefix("export ").unwrap_or(line);
        let Some((name, value)) = line.split_once('=') else {
            return Err(ProviderError::Malformed { reason: format!("line {} is not NAME=value", index + 1) });
        };
        fields.insert(name.trim().to_owned(), Secret::new(unquote(value.trim())));
    }
    Ok(fields)
}

/// Double quotes know `\n`, `\"` and `\\`; single quotes are literal; a bare value ends at ` #`.
fn unquote(value: &str) -> String {
    if let Some(inner) = value.strip_prefix('\'').and_then(|v| v.strip_suffix('\'')) {
        return inner.to_owned();
    }
    if let Some(inner) = value.strip_prefix('"').and_then(|v| v.strip_suffix('"')) {
        let mut result = String::with_capacity(inner.len());
        let mut characters = inner.chars();
        while let Some(c) = characters.next() {
            match (c, c == '\\') {
                (_, true) => match characters.next() {
                    Some('n') => result.push('\n'),
                    Some('t') => result.push('\t'),
                    Some(other) => result.push(other),
                    None => result.push('\\'),
                },
                (c, false) => result.push(c),
            }
        }
        return result;
    }
    value.split(" #").next().unwrap_or(value).trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nested_objects_become_dotted_fields() {
        let fields = parse(r#"{"db":{"port":5432,"password":"p"},"none":null}"#).unwrap();
        assert_eq!(fields.keys().collect::<Vec<_>>(), ["db.password", "db.port"]);
        assert_eq!(fields["db.port"].expose(), "5432");
    }

    #[test]
    fn quotes_of_dotenv() {
        let fields = parse("a=\"x\\ny\"\nb='# $z'\nc=plain # note\n").unwrap();
        let values: Vec<_> = fields.values().map(|v| v.expose().as_str()).collect();
        assert_eq!(values, ["x\ny", "# $z", "plain"]);
    }

    #[test]
    fn malformed_documents_name_the_place_only() {
        for (text, place) in [("{\"a\": hunter2}", "line 1"), ("a=1\nhunter2\n", "line 2")] {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.contains(place) && !error.contains("hunter2"), "{error}");
        }
    }
}
