//! YAML: `yamldecode` reads YAML 1.1, `yamlencode` writes with all texts and keys quoted.

use std::collections::HashMap;
use std::fmt::Write;

use saphyr_parser::{Event, Parser, ScalarStyle};

use crate::number::Number;
use crate::value::Value;

use super::Outcome;
use super::encoding::json_text;

/// Most nodes of a decoded document, aliases counted with what they stand for.
const MAX_NODES: usize = 1 << 20;
/// Deepest nesting.
const MAX_DEPTH: usize = 128;

pub(super) fn decode(text: &str) -> Outcome {
    let mut reader = Reader { parser: Parser::new_from_str(text), anchors: HashMap::new(), nodes: 0 };
    loop {
        match reader.next()? {
            Event::StreamStart | Event::DocumentStart(_) => {}
            Event::StreamEnd | Event::DocumentEnd => return Ok(Value::Null),
            event => {
                let value = reader.node(event, 0)?;
                reader.end()?;
                return Ok(value);
            }
        }
    }
}

struct Reader<'t> {
    parser: Parser<'t, saphyr_parser::StrInput<'t>>,
    anchors: HashMap<usize, (Value, usize)>,
    nodes: usize,
}

impl<'t> Reader<'t> {
    fn next(&mut self) -> Result<Event<'t>, String> {
        match self.parser.next_event() {
            Some(Ok((event, _))) => Ok(event),
            Some(Err(error)) => Err(format!("this is not YAML: {error}")),
            None => Ok(Event::StreamEnd),
        }
    }

    /// Only one document is read.
    fn end(&mut self) -> Result<(), String> {
        loop {
            match self.next()? {
                Event::StreamEnd => return Ok(()),
                Event::DocumentStart(_) => return Err("only one document is expected".to_owned()),
                _ => {}
            }
        }
    }

    fn node(&mut self, event: Event<'t>, depth: usize) -> Outcome {
        self.nodes += 1;
        if self.nodes > MAX_NODES || depth > MAX_DEPTH {
            return Err(format!("more than {MAX_NODES} values or {MAX_DEPTH} levels"));
        }
        let before = self.nodes;
        let (value, anchor) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                let tag = tag.as_ref().map(|tag| tag.suffix.as_str());
                (scalar(&text, style, tag), anchor)
            }
            Event::Alias(anchor) => {
                let (value, nodes) = self.anchors.get(&anchor).cloned().ok_or("an alias has no anchor")?;
                self.nodes += nodes;
                return Ok(value);
            }
            Event::SequenceStart(anchor, _) => {
                let mut items = Vec::new();
                loop {
                    match self.next()? {
                        Event::SequenceEnd => break,
                        event => items.push(self.node(event, depth + 1)?),
                    }
                }
                (Value::tuple(items), anchor)
            }
            Event::MappingStart(anchor, _) => (self.mapping(depth)?, anchor),
            other => return Err(format!("unexpected {other:?}")),
        };
        if anchor > 0 {
            self.anchors.insert(anchor, (value.clone(), self.nodes - before + 1));
        }
        Ok(value)
    }

    fn mapping(&mut self, depth: usize) -> Outcome {
        let mut entries = crate::value::Entries::new();
        let mut merged = Vec::new();
        loop {
            let event = self.next()?;
            if matches!(event, Event::MappingEnd) {
                break;
            }
            let is_merge = matches!(&event, Event::Scalar(text, ScalarStyle::Plain, ..) if text == "<<");
            let key = self.node(event, depth + 1)?;
            let event = self.next()?;
            let value = self.node(event, depth + 1)?;
            if is_merge {
                merged.push(value);
                continue;
            }
            let key =
                crate::convert::to_text(&key).map_err(|_| "a key must be a text, a number or a bool".to_owned())?;
            entries.insert(key, value);
        }
        // What a mapping says itself wins over what it merges.
        for source in merged {
            let sources = source.as_items().map_or_else(|| vec![source.clone()], <[Value]>::to_vec);
            for source in sources {
                let found = source.as_entries().ok_or("<< needs a mapping")?;
                for (key, value) in found {
                    entries.entry(key.clone()).or_insert_with(|| value.clone());
                }
            }
        }
        Ok(Value::Object(std::sync::Arc::new(entries)))
    }
}

fn scalar(text: &str, style: ScalarStyle, tag: Option<&str>) -> Value {
    match tag {
        Some("str") => return text.into(),
        Some("float" | "int") => return text.parse::<Number>().map_or_else(|_| text.into(), Value::Number),
        _ if style != ScalarStyle::Plain => return text.into(),
        _ => {}
    }
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => Value::Bool(true),
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => Value::Bool(false),
        ".inf" | ".Inf" | ".INF" | "+.inf" => Value::Number(Number::PositiveInfinity),
        "-.inf" | "-.Inf" | "-.INF" => Value::Number(Number::NegativeInfinity),
        _ => plain_number(text).map_or_else(|| text.into(), Value::Number),
    }
}

fn plain_number(text: &str) -> Option<Number> {
    let digits: String = text.chars().filter(|c| *c != '_').collect();
    let (sign, body) = match digits.strip_prefix(['-', '+']) {
        Some(body) => (if digits.starts_with('-') { "-" } else { "" }, body),
        None => ("", digits.as_str()),
    };
    let radix = |digits: &str, radix| i64::from_str_radix(&format!("{sign}{digits}"), radix).ok().map(Number::Int);
    if !body.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return None;
    }
    if let Some(hex) = body.strip_prefix("0x") {
        return radix(hex, 16);
    }
    if let Some(binary) = body.strip_prefix("0b") {
        return radix(binary, 2);
    }
    if body.len() > 1 && body.starts_with('0') && body.bytes().all(|b| b.is_ascii_digit()) {
        return radix(body, 8);
    }
    format!("{sign}{body}").parse().ok()
}

pub(super) fn encode(value: &Value) -> Result<String, String> {
    let mut out = String::new();
    write_value(value, 0, &mut out)?;
    if !out.ends_with('\n') {
        out.push('\n');
    }
    Ok(out)
}

/// Writes a value whose first line has been started at `indent`.
fn write_value(value: &Value, indent: usize, out: &mut String) -> Result<(), String> {
    let pad = " ".repeat(indent);
    match value {
        Value::List(items) | Value::Set(items) | Value::Tuple(items) if !items.is_empty() => {
            for (at, item) in items.iter().enumerate() {
                let _ = write!(out, "{}- ", if at == 0 { "" } else { &pad });
                write_value(item, indent + 2, out)?;
                end_line(out);
            }
        }
        Value::Map(entries) | Value::Object(entries) if !entries.is_empty() => {
            for (at, (key, item)) in entries.iter().enumerate() {
                let _ = write!(out, "{}{}:", if at == 0 { "" } else { &pad }, json_text(&Value::String(key.clone()))?);
                write_entry(item, indent, out)?;
                end_line(out);
            }
        }
        Value::List(_) | Value::Set(_) | Value::Tuple(_) => out.push_str("[]"),
        Value::Map(_) | Value::Object(_) => out.push_str("{}"),
        Value::String(text) if text.contains('\n') => write_block(text, indent, out),
        other => out.push_str(&json_text(other)?),
    }
    Ok(())
}

/// Writes a mapping's value after its colon: collections start on a new line.
fn write_entry(item: &Value, indent: usize, out: &mut String) -> Result<(), String> {
    let deeper = match item {
        Value::Map(entries) | Value::Object(entries) if !entries.is_empty() => Some(indent + 2),
        Value::List(items) | Value::Set(items) | Value::Tuple(items) if !items.is_empty() => Some(indent),
        _ => None,
    };
    match deeper {
        Some(deeper) => {
            let _ = write!(out, "\n{}", " ".repeat(deeper));
            write_value(item, deeper, out)
        }
        None => {
            out.push(' ');
            write_value(item, indent + 2, out)
        }
    }
}

fn write_block(text: &str, indent: usize, out: &mut String) {
    let chomping = match (text.ends_with('\n'), text.ends_with("\n\n")) {
        (false, _) => "-",
        (true, true) => "+",
        (true, false) => "",
    };
    let _ = write!(out, "|{chomping}");
    let pad = " ".repeat(indent.max(2));
    for line in text.strip_suffix('\n').unwrap_or(text).split('\n') {
        let _ = write!(out, "\n{}{line}", if line.is_empty() { "" } else { &pad });
    }
}

fn end_line(out: &mut String) {
    if !out.ends_with('\n') {
        out.push('\n');
    }
}
