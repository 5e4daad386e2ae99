//! Configuration text as one tree of plain values, whatever its syntax.
//!
//! HCL blocks become objects, their labels further keys. JSON files may write a block as an object or as
//! a list of objects, as the reference allows; [`blocks`] says where that is meant.

use super::ConfigError;
use drover_hcl::loose::spread_out;
use drover_hcl::{Body, EvalContext, Source, parse_body};
use serde_json::{Map, Value};

/// Groups of settings, where a list of objects means one merged object.
const BLOCKS: &[&str] = &[
    "ports",
    "addresses",
    "advertise",
    "client",
    "server",
    "plugin",
    "telemetry",
    "acl",
    "limits",
    "config",
    "meta",
    "options",
    "reserved",
    "host_volume",
    "tls",
    "consul",
    "vault",
    "ui",
    "autopilot",
    "audit",
    "keyring",
    "client_introduction",
    "reporting",
    "http_api_response_headers",
    "server_join",
    "template",
    "host_network",
];

/// Reads JSON or HCL by its first character.
pub fn parse(file: &str, text: &str) -> Result<Value, ConfigError> {
    if text.trim_start().starts_with('{') {
        let value: Value = serde_json::from_str(text)
            .map_err(|e| ConfigError::Syntax(format!("{file}:{}:{}: {e}", e.line(), e.column())))?;
        return Ok(blocks(value));
    }
    let body = parse_body(&Source::new(file, text)).or_else(|fault| {
        // Older files put several settings on one line. What is wrong is told of the text as it was written.
        parse_body(&Source::new(file, spread_out(text))).map_err(|_also| ConfigError::Syntax(fault.to_string()))
    })?;
    from_body(&body)
}

fn from_body(body: &Body) -> Result<Value, ConfigError> {
    let context = EvalContext::new();
    let mut map = Map::new();
    for attribute in &body.attributes {
        let value = attribute.value.evaluate(&context).map_err(|e| ConfigError::Syntax(e.to_string()))?;
        let value = value.to_json().map_err(|e| ConfigError::Syntax(format!("{}: {e}", attribute.name)))?;
        map.insert(attribute.name.to_string(), value);
    }
    for block in &body.blocks {
        let mut value = from_body(&block.body)?;
        for label in block.labels.iter().rev() {
            value = Value::Object(Map::from_iter([(label.text.to_string(), value)]));
        }
        merge_key(&mut map, block.kind.to_string(), value);
    }
    Ok(Value::Object(map))
}

/// Merges `new` over `old`: objects key by key, everything else replaced.
pub fn merge(old: &mut Value, new: Value) {
    match (old, new) {
        (Value::Object(old), Value::Object(new)) => {
            for (key, value) in new {
                merge_key(old, key, value);
            }
        }
        (old, new) => *old = new,
    }
}

fn merge_key(map: &mut Map<String, Value>, key: String, value: Value) {
    match map.get_mut(&key) {
        Some(old) => merge(old, value),
        None => {
            map.insert(key, value);
        }
    }
}

/// Turns lists of objects into merged objects where a group of settings is meant.
fn blocks(value: Value) -> Value {
    let Value::Object(map) = value else { return value };
    let merged = map.into_iter().map(|(key, value)| {
        let value = if BLOCKS.contains(&key.as_str()) || is_labelled(&value) { group(value) } else { value };
        (key, value)
    });
    Value::Object(merged.collect())
}

fn group(value: Value) -> Value {
    match value {
        Value::Array(items) => {
            let mut whole = Value::Object(Map::new());
            for item in items {
                merge(&mut whole, group(item));
            }
            whole
        }
        Value::Object(map) => blocks(Value::Object(map)),
        other => other,
    }
}

/// Below `plugin` and `host_volume` the labels are keys: `{"raw_exec": [{"config": …}]}`.
fn is_labelled(value: &Value) -> bool {
    matches!(value, Value::Array(items) if !items.is_empty() && items.iter().all(Value::is_object))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hcl_and_json_give_the_same_tree() {
        let hcl = "ports { http = 1 }\nplugin \"raw_exec\" {\n config { enabled = true }\n}\nclient {\n options = { \"a.b\" = \"c\" }\n}";
        let json = r#"{"ports":{"http":1},"plugin":[{"raw_exec":[{"config":[{"enabled":true}]}]}],"client":[{"options":{"a.b":"c"}}]}"#;
        assert_eq!(parse("a.hcl", hcl).unwrap(), parse("a.json", json).unwrap());
    }

    #[test]
    fn a_line_may_hold_several_settings() {
        let tree =
            parse("a.hcl", "server { enabled = true, workers = 1 } client { enabled = true meta { a = \"b\" } }");
        let expected = serde_json::json!({
            "server": {"enabled": true, "workers": 1},
            "client": {"enabled": true, "meta": {"a": "b"}},
        });
        assert_eq!(tree.unwrap(), expected);
    }

    #[test]
    fn later_blocks_add_to_earlier_ones() {
        let tree = parse("a.hcl", "client { enabled = true }\nclient { node_class = \"big\" }").unwrap();
        assert_eq!(tree["client"], serde_json::json!({"enabled": true, "node_class": "big"}));
    }

    #[test]
    fn syntax_errors_name_their_place() {
        let error = parse("a.json", "{\n \"a\": }").unwrap_err().to_string();
        assert!(error.starts_with("a.json:2:"), "{error}");
        let error = parse("a.hcl", "client {\n enabled = \n}").unwrap_err().to_string();
        assert!(error.starts_with("a.hcl:2:"), "{error}");
    }
}
