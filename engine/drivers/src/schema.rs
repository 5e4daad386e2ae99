//! Strict reading of a job's `config` block.
//!
//! As in HCL, numbers and booleans are accepted where text is wanted and the other way round. Everything that was
//! not asked for is a fault, and all faults are reported at once.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Map, Value};

use crate::driver::DriverError;

/// Reads one block; [`ConfigReader::finish`] tells the faults.
#[derive(Debug)]
pub struct ConfigReader<'a> {
    block: &'a Map<String, Value>,
    prefix: String,
    known: BTreeSet<&'static str>,
    faults: Vec<String>,
}

impl<'a> ConfigReader<'a> {
    /// Reads a task's whole `config`.
    pub fn new(block: &'a Map<String, Value>) -> Self {
        Self::nested(block, "")
    }

    /// Reads a block inside; `path` (`mount.`) begins the names in faults.
    pub fn nested(block: &'a Map<String, Value>, path: &str) -> Self {
        Self { block, prefix: path.into(), known: BTreeSet::new(), faults: Vec::new() }
    }

    /// Text that must be there.
    pub fn required_string(&mut self, key: &'static str) -> String {
        let value = self.string(key);
        if value.is_none() && !self.faults.iter().any(|fault| fault.contains(&format!("{key:?}"))) {
            self.faults.push(format!(
                "Missing required argument: The argument \"{}{key}\" is required, but no definition was found.",
                self.prefix
            ));
        }
        value.unwrap_or_default()
    }

    /// Text.
    pub fn string(&mut self, key: &'static str) -> Option<String> {
        let value = self.take(key)?;
        let text = scalar_text(value);
        if text.is_none() {
            self.wrong_type(key, "string required", value);
        }
        text
    }

    /// Yes or no.
    pub fn boolean(&mut self, key: &'static str) -> Option<bool> {
        let value = self.take(key)?;
        let flag = match value {
            Value::Bool(flag) => Some(*flag),
            Value::String(text) if text == "true" || text == "1" => Some(true),
            Value::String(text) if text == "false" || text == "0" => Some(false),
            _ => None,
        };
        if flag.is_none() {
            self.wrong_type(key, "bool required", value);
        }
        flag
    }

    /// A whole number.
    pub fn integer(&mut self, key: &'static str) -> Option<i64> {
        let value = self.take(key)?;
        let number = match value {
            Value::Number(number) => number.as_i64().or_else(|| whole(number.as_f64()?)),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        if number.is_none() {
            self.wrong_type(key, "number required", value);
        }
        number
    }

    /// A list of texts; empty when absent.
    pub fn string_list(&mut self, key: &'static str) -> Vec<String> {
        self.optional_string_list(key).unwrap_or_default()
    }

    /// A list of texts, when there.
    pub fn optional_string_list(&mut self, key: &'static str) -> Option<Vec<String>> {
        let value = self.take(key)?;
        let list = value.as_array().and_then(|items| items.iter().map(scalar_text).collect());
        if list.is_none() {
            self.wrong_type(key, "list of string required", value);
        }
        list
    }

    /// Names and texts: one map, or a list of maps as repeated HCL blocks give.
    pub fn string_map(&mut self, key: &'static str) -> BTreeMap<String, String> {
        let mut map = BTreeMap::new();
        let Some(value) = self.take(key) else {
            return map;
        };
        for block in self.maps(key, value) {
            for (name, value) in block {
                match scalar_text(value) {
                    Some(text) => {
                        map.insert(name.clone(), text);
                    }
                    None => self.wrong_type(key, "map of string required", value),
                }
            }
        }
        map
    }

    /// Blocks: one map, or a list of maps.
    pub fn blocks(&mut self, key: &'static str) -> Vec<&'a Map<String, Value>> {
        match self.take(key) {
            Some(value) => self.maps(key, value),
            None => Vec::new(),
        }
    }

    /// Notes a fault found by the caller.
    pub fn fault(&mut self, fault: impl Into<String>) {
        self.faults.push(fault.into());
    }

    /// Takes over the faults of a nested reader.
    pub fn absorb(&mut self, nested: ConfigReader<'_>) {
        self.faults.extend(nested.into_faults());
    }

    /// All faults, or none.
    pub fn finish(self) -> Result<(), DriverError> {
        let faults = self.into_faults();
        if faults.is_empty() { Ok(()) } else { Err(DriverError::Validation(faults)) }
    }

    fn into_faults(mut self) -> Vec<String> {
        for key in self.block.keys().filter(|key| !self.known.contains(key.as_str())) {
            self.faults.push(format!("Invalid label: No argument or block type is named \"{}{key}\".", self.prefix));
        }
        self.faults
    }

    /// Null is as good as absent.
    fn take(&mut self, key: &'static str) -> Option<&'a Value> {
        self.known.insert(key);
        self.block.get(key).filter(|value| !value.is_null())
    }

    fn maps(&mut self, key: &'static str, value: &'a Value) -> Vec<&'a Map<String, Value>> {
        let maps = match value {
            Value::Object(map) => Some(vec![map]),
            Value::Array(items) => items.iter().map(Value::as_object).collect(),
            _ => None,
        };
        maps.unwrap_or_else(|| {
            self.wrong_type(key, "list of map required", value);
            Vec::new()
        })
    }

    fn wrong_type(&mut self, key: &str, wanted: &str, found: &Value) {
        let found = match found {
            Value::Null => "null",
            Value::Bool(_) => "bool",
            Value::Number(_) => "number",
            Value::String(_) => "string",
            Value::Array(_) => "tuple",
            Value::Object(_) => "object",
        };
        self.faults.push(format!(
            "Incorrect attribute value type: Inappropriate value for attribute \"{}{key}\": {wanted}, but have \
             {found}.",
            self.prefix
        ));
    }
}

fn scalar_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// JSON has no whole numbers of its own: 5.0 is one.
fn whole(number: f64) -> Option<i64> {
    #[expect(clippy::cast_possible_truncation, reason = "checked to be whole and within range")]
    (number.fract() == 0.0 && number.abs() < 9.0e15).then_some(number as i64)
}

/// A duration in Go's notation, `1m30s`.
pub fn parse_duration(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, tail) = rest.split_at(digits);
        let unit_end = tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(unit_end);
        let seconds = match unit {
            "ns" => 1e-9,
            "us" | "µs" => 1e-6,
            "ms" => 1e-3,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            _ => return None,
        };
        total += Duration::try_from_secs_f64(number.parse::<f64>().ok()? * seconds).ok()?;
        rest = tail;
    }
    Some(total)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Reads `command`, `args` and `count`, and renders what came of it.
    fn check(config: &Value, expected: &str) {
        let mut reader = ConfigReader::new(config.as_object().unwrap());
        let command = reader.required_string("command");
        let args = reader.string_list("args");
        let count = reader.integer("count");
        let text = match reader.finish() {
            Ok(()) => format!("{command} {args:?} {count:?}"),
            Err(error) => error.to_string(),
        };
        assert_eq!(text, expected);
    }

    #[test]
    fn scalars_are_converted_as_in_hcl() {
        check(&json!({"command": 5, "args": [1, true, "x"], "count": "3"}), r#"5 ["1", "true", "x"] Some(3)"#);
        check(&json!({"command": "a", "args": null}), "a [] None");
    }

    #[test]
    fn every_fault_is_reported() {
        check(
            &json!({"args": "x", "foo": 1}),
            "failed to parse config: Missing required argument: The argument \"command\" is required, but no \
             definition was found.; Incorrect attribute value type: Inappropriate value for attribute \"args\": list \
             of string required, but have string.; Invalid label: No argument or block type is named \"foo\".",
        );
    }

    #[test]
    fn a_wrong_type_is_not_also_missing() {
        check(
            &json!({"command": ["a"]}),
            "failed to parse config: Incorrect attribute value type: Inappropriate value for attribute \
             \"command\": string required, but have tuple.",
        );
    }

    #[test]
    fn maps_come_alone_or_as_repeated_blocks() {
        for config in [json!({"labels": {"a": "b", "c": 1}}), json!({"labels": [{"a": "b"}, {"c": "1"}]})] {
            let config = config.as_object().unwrap().clone();
            let mut reader = ConfigReader::new(&config);
            let labels = reader.string_map("labels");
            reader.finish().unwrap();
            assert_eq!(labels, BTreeMap::from([("a".into(), "b".into()), ("c".into(), "1".into())]));
        }
    }

    #[test]
    fn durations_are_in_gos_notation() {
        for (text, millis) in [("10ms", 10), ("1m30s", 90_000), ("1.5s", 1500), ("2h", 7_200_000)] {
            assert_eq!(parse_duration(text), Some(Duration::from_millis(millis)), "{text}");
        }
        assert_eq!(parse_duration("10"), None);
        assert_eq!(parse_duration("10 years"), None);
    }
}
