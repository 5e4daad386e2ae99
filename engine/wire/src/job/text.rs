//! A job's JSON as text, as the reference prints it.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::{Formatter, PrettyFormatter};

/// Any value as JSON with four spaces of indentation, `<`, `>` and `&` escaped, and floats as Go writes them.
///
/// # Panics
/// Never for the types of this crate, which all have a JSON form.
#[must_use]
pub fn to_json_text(value: &impl Serialize) -> String {
    let mut bytes = Vec::new();
    let formatter = GoFormatter { inner: PrettyFormatter::with_indent(b"    ") };
    let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, formatter);
    value.serialize(&mut serializer).expect("the wire types have string keys and finite numbers");
    String::from_utf8(bytes).expect("JSON is UTF-8")
}

struct GoFormatter<'i> {
    inner: PrettyFormatter<'i>,
}

impl Formatter for GoFormatter<'_> {
    fn write_f64<W: ?Sized + Write>(&mut self, writer: &mut W, value: f64) -> io::Result<()> {
        let size = value.abs();
        if size != 0.0 && !(1e-6..1e21).contains(&size) {
            let text = format!("{value:e}");
            // Go writes the sign of every exponent.
            return match text.split_once('e') {
                Some((mantissa, exponent)) if !exponent.starts_with('-') => write!(writer, "{mantissa}e+{exponent}"),
                _ => writer.write_all(text.as_bytes()),
            };
        }
        write!(writer, "{value}")
    }

    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        let mut rest = fragment;
        while let Some(at) = rest.find(['<', '>', '&', '\u{2028}', '\u{2029}']) {
            writer.write_all(&rest.as_bytes()[..at])?;
            let special = rest[at..].chars().next().unwrap_or_default();
            write!(writer, "\\u{:04x}", u32::from(special))?;
            rest = &rest[at + special.len_utf8()..];
        }
        writer.write_all(rest.as_bytes())
    }

    fn begin_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.inner.begin_array(writer)
    }

    fn end_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.inner.end_array(writer)
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.inner.begin_array_value(writer, first)
    }

    fn end_array_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.inner.end_array_value(writer)
    }

    fn begin_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.inner.begin_object(writer)
    }

    fn end_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.inner.end_object(writer)
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.inner.begin_object_key(writer, first)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.inner.begin_object_value(writer)
    }

    fn end_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.inner.end_object_value(writer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_and_texts_are_written_as_go_does() {
        let value = serde_json::json!({ "a": [1e25, 1e-9, 0.5, 3], "b": "<x&y>", "c": {}, "d": [] });
        let expected = "{\n    \"a\": [\n        1e+25,\n        1e-9,\n        0.5,\n        3\n    ],\n    \
                        \"b\": \"\\u003cx\\u0026y\\u003e\",\n    \"c\": {},\n    \"d\": []\n}";
        assert_eq!(to_json_text(&value), expected);
    }
}
