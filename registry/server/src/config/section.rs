//! One body of the configuration: its values in the wanted types, and every problem with its place.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use drover_hcl::schema::Schema;
use drover_hcl::{Attribute, Body, Diagnostic, Diagnostics, EvalContext, Type, Value, convert};

/// Reads one body; problems are collected.
pub(super) struct Section<'a> {
    pub(super) body: &'a Body,
    context: &'a EvalContext<'a>,
    pub(super) problems: Diagnostics,
}

impl<'a> Section<'a> {
    /// Only what `schema` names may stand in `body`.
    pub(super) fn new(body: &'a Body, schema: &Schema, context: &'a EvalContext<'a>) -> Self {
        let mut problems = Diagnostics::new();
        let _checked = body.content(schema, &mut problems);
        Self { body, context, problems }
    }

    fn value(&mut self, name: &str, kind: &Type) -> Option<(Value, &'a Attribute)> {
        let attribute = self.body.attribute(name)?;
        let read = attribute.value.evaluate(self.context).and_then(|value| {
            convert(&value, kind).map_err(|error| {
                Diagnostic::error(format!("`{name}` has the wrong type"), error.to_string())
                    .at(&attribute.value.source, attribute.value.expr.span)
                    .into()
            })
        });
        match read {
            Ok(value) if value.is_null() => None,
            Ok(value) => Some((value, attribute)),
            Err(found) => {
                self.problems.extend(found);
                None
            }
        }
    }

    /// Notes that the value of an attribute is of no use.
    pub(super) fn wrong(&mut self, attribute: &Attribute, message: impl Into<String>, hint: &str) {
        let problem = Diagnostic::error(message, "").at(&attribute.value.source, attribute.value.expr.span);
        self.problems.push(if hint.is_empty() { problem } else { problem.hint(hint) });
    }

    pub(super) fn text(&mut self, name: &str) -> Option<String> {
        self.value(name, &Type::String).and_then(|(value, _)| value.as_str().map(str::to_owned))
    }

    pub(super) fn flag(&mut self, name: &str) -> Option<bool> {
        self.value(name, &Type::Bool).and_then(|(value, _)| value.as_bool())
    }

    pub(super) fn path(&mut self, name: &str) -> Option<PathBuf> {
        self.text(name).map(PathBuf::from)
    }

    pub(super) fn texts(&mut self, name: &str) -> Vec<String> {
        let list = Type::List(Box::new(Type::String));
        let Some((value, _)) = self.value(name, &list) else { return Vec::new() };
        let items = value.as_items().unwrap_or_default();
        items.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect()
    }

    pub(super) fn text_map(&mut self, name: &str) -> BTreeMap<String, String> {
        let map = Type::Map(Box::new(Type::String));
        let Some((value, _)) = self.value(name, &map) else { return BTreeMap::new() };
        let Some(entries) = value.as_entries() else { return BTreeMap::new() };
        entries.iter().filter_map(|(key, value)| Some((key.to_string(), value.as_str()?.to_owned()))).collect()
    }

    /// A text that `parse` makes something of.
    pub(super) fn parsed<T>(&mut self, name: &str, parse: impl Fn(&str) -> Result<T, String>) -> Option<T> {
        let (value, attribute) = self.value(name, &Type::String)?;
        match parse(value.as_str()?) {
            Ok(parsed) => Some(parsed),
            Err(message) => {
                self.wrong(attribute, format!("`{name}`: {message}"), "");
                None
            }
        }
    }

    pub(super) fn duration(&mut self, name: &str) -> Option<Duration> {
        self.parsed(name, parse_duration)
    }

    /// A whole number within what `T` can hold.
    pub(super) fn count<T: TryFrom<u64>>(&mut self, name: &str) -> Option<T> {
        let (value, attribute) = self.value(name, &Type::Number)?;
        let number = value.to_json().ok().and_then(|json| json.as_u64()).and_then(|number| T::try_from(number).ok());
        if number.is_none() {
            self.wrong(attribute, format!("`{name}` has to be a whole number that is not negative"), "");
        }
        number
    }

    /// Complains of `name` not being there.
    pub(super) fn missing(&mut self, what: &str, name: &str) {
        self.problems.push(
            Diagnostic::error(format!("{what} needs the attribute `{name}`"), "")
                .at(&self.body.source, self.body.span.start_point()),
        );
    }

    pub(super) fn required_text(&mut self, what: &str, name: &str) -> String {
        if self.body.attribute(name).is_none() {
            self.missing(what, name);
        }
        self.text(name).unwrap_or_default()
    }
}

/// Reads `90s`, `15m`, `1h`, `2d`, `500ms`, or several of them in a row.
///
/// # Errors
/// It is none; the message says how one is written.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is no duration; write one such as \"30s\", \"15m\" or \"1h30m\"");
    let mut rest = text.trim();
    if rest == "0" {
        return Ok(Duration::ZERO);
    }
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
        let number: u64 = rest[..digits].parse().map_err(|_| wrong())?;
        rest = &rest[digits..];
        let unit = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        let milliseconds: u64 = match &rest[..unit] {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return Err(wrong()),
        };
        total += Duration::from_millis(number.checked_mul(milliseconds).ok_or_else(wrong)?);
        rest = &rest[unit..];
    }
    if text.trim().is_empty() { Err(wrong()) } else { Ok(total) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        assert_eq!(parse_duration("1h30m"), Ok(Duration::from_secs(5400)));
        assert_eq!(parse_duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(parse_duration("0"), Ok(Duration::ZERO));
        for wrong in ["", "5", "m", "5 m", "5y", "99999999999999999999s"] {
            assert!(parse_duration(wrong).is_err(), "{wrong}");
        }
    }
}
