//! `${…}` in texts of a job: node attributes, metadata and the task's environment.

use serde_json::Value;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Replaces every `${key}` that `lookup` knows; others stay as they are, as tools inside the task may mean them.
pub fn replace<'t>(text: &'t str, lookup: impl Fn(&str) -> Option<String>) -> Cow<'t, str> {
    if !text.contains("${") {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        let (before, after) = rest.split_at(start);
        out.push_str(before);
        let inner = &after[2..];
        let key_len = inner.find(|c: char| !is_key_char(c)).unwrap_or(inner.len());
        let closes = inner[key_len..].starts_with('}');
        let value = if closes && key_len > 0 { lookup(&inner[..key_len]) } else { None };
        match value {
            Some(value) => {
                out.push_str(&value);
                rest = &inner[key_len + 1..];
            }
            None => {
                out.push_str("${");
                rest = inner;
            }
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}

fn is_key_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.')
}

/// Replaces in every text of a JSON value, keys included.
pub fn replace_in_json(value: &Value, lookup: &impl Fn(&str) -> Option<String>) -> Value {
    match value {
        Value::String(text) => Value::String(replace(text, lookup).into_owned()),
        Value::Array(items) => Value::Array(items.iter().map(|item| replace_in_json(item, lookup)).collect()),
        Value::Object(fields) => Value::Object(
            fields
                .iter()
                .map(|(key, item)| (replace(key, lookup).into_owned(), replace_in_json(item, lookup)))
                .collect(),
        ),
        other => other.clone(),
    }
}

/// Replaces in keys and values.
pub fn replace_in_map(
    map: &BTreeMap<String, String>,
    lookup: &impl Fn(&str) -> Option<String>,
) -> BTreeMap<String, String> {
    map.iter().map(|(key, value)| (replace(key, lookup).into_owned(), replace(value, lookup).into_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let known = |key: &str| match key {
            "attr.kernel.name" => Some("linux".to_owned()),
            "NOMAD_PORT_a-b" => Some("8080".to_owned()),
            _ => None,
        };
        assert_eq!(replace(text, known), expected);
    }

    #[test]
    fn known_keys_are_replaced_and_unknown_ones_stay() {
        check("x ${attr.kernel.name}!", "x linux!");
        check("${NOMAD_PORT_a-b}${attr.kernel.name}", "8080linux");
        check("${nope.x} $HOME ${env[\"A\"]}", "${nope.x} $HOME ${env[\"A\"]}");
        check("${${attr.kernel.name}", "${linux");
        check("${", "${");
        check("${}", "${}");
        check("ü${attr.kernel.name}ü", "ülinuxü");
    }

    #[test]
    fn texts_inside_of_configuration_are_replaced() {
        let config = serde_json::json!({"args": ["-p", "${port}", 3], "labels": [{"${port}": true}]});
        let replaced = replace_in_json(&config, &|key: &str| (key == "port").then(|| "80".to_owned()));
        assert_eq!(replaced, serde_json::json!({"args": ["-p", "80", 3], "labels": [{"80": true}]}));
    }
}
