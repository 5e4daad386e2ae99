//! Older files put several things on one line: `segments { rack = "R2", zone = "a" }`. HCL wants a line for each.

/// The same text with a line per attribute and block. Comments and strings stay as they are; texts with here-documents,
/// which nobody writes on one line, are left alone.
#[must_use]
pub fn spread_out(text: &str) -> String {
    if text.contains("<<") {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len() * 2);
    // Whether each open bracket is that of a block.
    let mut open: Vec<bool> = Vec::new();
    let mut after_equals = false;
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let in_block = open.last().is_none_or(|is_block| *is_block);
        let length = token(rest, first);
        let (this, after) = rest.split_at(length);
        let name_begins = first.is_ascii_alphabetic() || first == '_';
        let is_attribute = name_begins && {
            let next = after.trim_start_matches([' ', '\t']);
            next.starts_with('=') && !next.starts_with("==")
        };
        let is_block_name = name_begins && !after_equals && block_follows(after);
        match first {
            '{' => {
                let is_block = in_block && !after_equals;
                open.push(is_block);
                out.push_str(if is_block { "{\n" } else { "{" });
            }
            '}' => {
                let was_block = open.pop().unwrap_or(true);
                out.push_str(if was_block { "\n}\n" } else { "}" });
            }
            '[' | '(' => {
                open.push(false);
                out.push(first);
            }
            ']' | ')' => {
                open.pop();
                out.push(first);
            }
            ',' if in_block => out.push('\n'),
            _ if (is_attribute || is_block_name) && in_block => {
                let is_first = out.trim_end_matches([' ', '\t']).ends_with('\n') || out.is_empty();
                out.push_str(if is_first { "" } else { "\n" });
                out.push_str(this);
            }
            _ => out.push_str(this),
        }
        after_equals = first == '=' || (after_equals && first.is_whitespace() && first != '\n');
        rest = after;
    }
    out
}

/// Whether what follows a name makes it that of a block: labels in quotes, if any, and a brace.
fn block_follows(after: &str) -> bool {
    let mut rest = after.trim_start_matches([' ', '\t']);
    while rest.starts_with('"') {
        rest = rest[token(rest, '"')..].trim_start_matches([' ', '\t']);
    }
    rest.starts_with('{')
}

/// The bytes of what begins `rest`: a string, a comment, a name, or one character.
fn token(rest: &str, first: char) -> usize {
    let until = |end: &str| rest.find(end).unwrap_or(rest.len());
    match first {
        '"' => {
            let mut escaped = false;
            let inner = rest[1..].char_indices().find(|(_, c)| {
                let ends = *c == '"' && !escaped;
                escaped = *c == '\\' && !escaped;
                ends
            });
            inner.map_or(rest.len(), |(at, _)| at + 2)
        }
        '#' => until("\n"),
        '/' if rest.starts_with("//") => until("\n"),
        '/' if rest.starts_with("/*") => rest.find("*/").map_or(rest.len(), |at| at + 2),
        c if c.is_ascii_alphabetic() || c == '_' => {
            rest.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))).unwrap_or(rest.len())
        }
        c => c.len_utf8(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Source, parse_body};

    fn check(text: &str, blocks: usize, attributes: usize) {
        let spread = spread_out(text);
        let body =
            parse_body(&Source::new("v.hcl", spread.as_str())).unwrap_or_else(|faults| panic!("{spread}\n{faults}"));
        assert_eq!((body.blocks.len(), body.attributes.len()), (blocks, attributes), "{spread}");
    }

    #[test]
    fn one_line_may_hold_many_things() {
        check("a { topology { segments { rack = \"R2\", zone = \"us-east-1a\" } } }", 1, 0);
        check("capability { access_mode = \"x\" attachment_mode = \"y\" }\nname = \"n\" # a = { b }\n", 1, 1);
        check(
            "server { enabled = true n = 1 } client { a = true meta { b = \"c\" } }\nplugin \"x\" { config { e = 1 } }",
            3,
            0,
        );
        check("data_dir = \"/x\" log_level = \"WARN\" ports { http = 1 rpc = 2 }", 1, 2);
        check("flags = [\"a\", \"b\"]\nmap = { x = 1, y = \"}{\" }\nb \"label\" {\n  c = 1\n}\n", 1, 2);
        check("/* x = { */ name = \"say \\\"hi\\\"\"\n", 0, 1);
    }
}
