//! A job file as a tree, and its text.

use serde_json::Value as Json;

/// How `${` in texts is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quoting {
    /// As it is: what the job's own names do not resolve, such as `${NOMAD_PORT_http}`, stays for the node.
    Readable,
    /// Escaped, so that nothing in a text means anything.
    Exact,
}

/// What stands between braces.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Body {
    pub(super) items: Vec<Item>,
}

/// One attribute or block.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Item {
    name: String,
    content: Content,
    is_hidden: bool,
}

#[derive(Clone, Debug, PartialEq)]
enum Content {
    Attribute(Json),
    Block(Option<String>, Body),
}

impl Body {
    pub(super) fn attribute(&mut self, name: impl Into<String>, value: Json) {
        self.items.push(Item { name: name.into(), content: Content::Attribute(value), is_hidden: false });
    }

    pub(super) fn block(&mut self, name: &str, label: Option<String>, body: Self) {
        self.items.push(Item { name: name.to_owned(), content: Content::Block(label, body), is_hidden: false });
    }

    /// The places of all items: the positions on the way to each.
    pub(super) fn paths(&self, at: &mut Vec<usize>, found: &mut Vec<Vec<usize>>) {
        for (position, item) in self.items.iter().enumerate() {
            at.push(position);
            found.push(at.clone());
            if let Content::Block(_, body) = &item.content {
                body.paths(at, found);
            }
            at.pop();
        }
    }

    /// Leaves the item at a place out of the text, or takes it in again.
    pub(super) fn hide(&mut self, path: &[usize], hidden: bool) {
        let Some((first, rest)) = path.split_first() else { return };
        let Some(item) = self.items.get_mut(*first) else { return };
        match &mut item.content {
            Content::Block(_, body) if !rest.is_empty() => body.hide(rest, hidden),
            _ => item.is_hidden = hidden,
        }
    }

    pub(super) fn render(&self, quoting: Quoting) -> String {
        let mut text = String::new();
        self.write(&mut text, 0, quoting);
        text
    }

    /// Attributes first, their `=` below each other; a blank line before each block.
    fn write(&self, text: &mut String, depth: usize, quoting: Quoting) {
        let indent = "  ".repeat(depth);
        let shown = || self.items.iter().filter(|item| !item.is_hidden);
        let attributes: Vec<(String, String)> = shown()
            .filter_map(|item| match &item.content {
                Content::Attribute(value) => Some((key(&item.name), value_text(value, depth, quoting))),
                Content::Block(..) => None,
            })
            .collect();
        let width = |text: &str| if text.contains('\n') { 0 } else { 1 };
        let widest = attributes.iter().filter(|(_, v)| width(v) == 1).map(|(name, _)| name.chars().count()).max();
        for (name, value) in &attributes {
            let pad = if width(value) == 1 { widest.unwrap_or(0).saturating_sub(name.chars().count()) } else { 0 };
            text.push_str(&format!("{indent}{name}{} = {value}\n", " ".repeat(pad)));
        }
        let mut is_first = attributes.is_empty();
        for item in shown() {
            let Content::Block(label, body) = &item.content else { continue };
            if !is_first {
                text.push('\n');
            }
            is_first = false;
            let label = label.as_ref().map(|label| format!(" {}", quoted(label, Quoting::Exact))).unwrap_or_default();
            if body.items.iter().all(|item| item.is_hidden) {
                text.push_str(&format!("{indent}{}{label} {{}}\n", item.name));
                continue;
            }
            text.push_str(&format!("{indent}{}{label} {{\n", item.name));
            body.write(text, depth + 1, quoting);
            text.push_str(&format!("{indent}}}\n"));
        }
    }
}

fn key(name: &str) -> String {
    if is_plain(name) { name.to_owned() } else { quoted(name, Quoting::Exact) }
}

/// Whether a name needs no quotes.
pub(super) fn is_plain(name: &str) -> bool {
    let fits = |(place, c): (usize, char)| {
        c == '_' || c.is_ascii_alphabetic() || (place > 0 && (c.is_ascii_digit() || c == '-'))
    };
    !name.is_empty() && name.chars().enumerate().all(fits)
}

fn value_text(value: &Json, depth: usize, quoting: Quoting) -> String {
    match value {
        Json::String(text) => heredoc(text, quoting).unwrap_or_else(|| quoted(text, quoting)),
        Json::Array(items) => {
            let items: Vec<String> = items.iter().map(|item| value_text_inline(item, depth, quoting)).collect();
            let line = format!("[{}]", items.join(", "));
            if line.len() <= 100 {
                return line;
            }
            let inner = "  ".repeat(depth + 1);
            format!("[\n{inner}{},\n{}]", items.join(&format!(",\n{inner}")), "  ".repeat(depth))
        }
        Json::Object(members) => {
            let inner = "  ".repeat(depth + 1);
            let lines: Vec<String> = members
                .iter()
                .map(|(name, value)| format!("{inner}{} = {}\n", key(name), value_text(value, depth + 1, quoting)))
                .collect();
            if lines.is_empty() { "{}".to_owned() } else { format!("{{\n{}{}}}", lines.concat(), "  ".repeat(depth)) }
        }
        other => other.to_string(),
    }
}

/// Within a list, where a text of several lines cannot stand as such.
fn value_text_inline(value: &Json, depth: usize, quoting: Quoting) -> String {
    match value {
        Json::String(text) => quoted(text, quoting),
        other => value_text(other, depth + 1, quoting),
    }
}

/// A text of several lines, line by line.
fn heredoc(text: &str, quoting: Quoting) -> Option<String> {
    let is_long = text.ends_with('\n') && text.trim_end_matches('\n').contains('\n');
    let is_plain = !text.contains('\r') && !text.lines().any(|line| line.trim() == "EOH");
    (is_long && is_plain).then(|| format!("<<EOH\n{}EOH", marked(text, quoting)))
}

fn quoted(text: &str, quoting: Quoting) -> String {
    let mut quoted = String::from("\"");
    for c in marked(text, quoting).chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            c if c.is_control() => quoted.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

fn marked(text: &str, quoting: Quoting) -> String {
    match quoting {
        Quoting::Readable => text.replace("%{", "%%{"),
        Quoting::Exact => text.replace("${", "$${").replace("%{", "%%{"),
    }
}
