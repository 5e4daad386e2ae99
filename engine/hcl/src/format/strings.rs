//! Texts: what stands inside of `${…}` and `%{…}` is laid out too.

use std::borrow::Cow;

use crate::source::Source;

use super::tokens::{self, Kind};

/// How deep texts within texts are followed.
const MAX_DEPTH: usize = 20;

/// A quoted text with its interpolations laid out. Heredocs stay as they are.
pub(super) fn laid_out(text: &str) -> Cow<'_, str> {
    nested(text, 0)
}

fn nested(text: &str, depth: usize) -> Cow<'_, str> {
    if !text.starts_with('"') || !(text.contains("${") || text.contains("%{")) || depth == MAX_DEPTH {
        return Cow::Borrowed(text);
    }
    let bytes = text.as_bytes();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    let mut copied = 0;
    while at + 1 < bytes.len() {
        let opens = matches!(bytes[at], b'$' | b'%') && bytes[at + 1] == b'{';
        if bytes[at] == b'\\' || matches!(bytes[at], b'$' | b'%') && bytes[at + 1] == bytes[at] {
            // An escape, or a mark that is meant literally.
            at += 2;
            continue;
        }
        if !opens {
            at += 1;
            continue;
        }
        let Some(end) = closing(bytes, at + 2) else { return Cow::Borrowed(text) };
        out.push_str(&text[copied..at + 2]);
        out.push_str(&inside(&text[at + 2..end]));
        copied = end;
        at = end + 1;
    }
    out.push_str(&text[copied..]);
    Cow::Owned(out)
}

/// The brace that ends an interpolation whose inside begins at `at`.
fn closing(bytes: &[u8], mut at: usize) -> Option<usize> {
    let mut depth = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'{' => depth += 1,
            b'}' if depth == 0 => return Some(at),
            b'}' => depth -= 1,
            b'"' => at = string_end(bytes, at + 1)?,
            _ => {}
        }
        at += 1;
    }
    None
}

/// The quote that ends a text whose inside begins at `at`.
fn string_end(bytes: &[u8], mut at: usize) -> Option<usize> {
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 1,
            b'"' => return Some(at),
            b'$' | b'%' if bytes.get(at + 1) == Some(&b'{') && bytes[at - 1] != bytes[at] => {
                at = closing(bytes, at + 2)?;
            }
            _ => {}
        }
        at += 1;
    }
    None
}

/// The inside of an interpolation; marks that trim stay where they are.
fn inside(text: &str) -> String {
    let (before, rest) = if let Some(rest) = text.strip_prefix('~') { ("~", rest) } else { ("", text) };
    let (rest, after) = if let Some(rest) = rest.strip_suffix('~') { (rest, "~") } else { (rest, "") };
    let source = Source::new("", rest);
    let tokens = tokens::read(&source);
    if tokens.iter().any(|token| matches!(token.kind, Kind::Newline | Kind::Comment)) {
        return text.to_owned();
    }
    let gap = |mark: &str| if mark.is_empty() { "" } else { " " };
    format!("{before}{}{}{}{after}", gap(before), super::spaced(&tokens), gap(after))
}
