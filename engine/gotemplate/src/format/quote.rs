//! Quoted strings and characters.

use std::fmt::Write;

/// How to quote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quote {
    /// Printable characters stand for themselves.
    Plain,
    /// Only ASCII stands for itself.
    Ascii,
}

/// `"…"` with escapes; bytes that are not UTF-8 become `\xNN`.
#[must_use]
pub fn quote(bytes: &[u8], how: Quote) -> String {
    let mut out = String::with_capacity(bytes.len() + 2);
    out.push('"');
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            escape(&mut out, c, '"', how);
        }
        for byte in chunk.invalid() {
            let _ = write!(out, "\\x{byte:02x}");
        }
    }
    out.push('"');
    out
}

/// `'c'` with escapes.
pub(super) fn quote_char(code: i64, how: Quote) -> String {
    let c = u32::try_from(code).ok().and_then(char::from_u32).unwrap_or(char::REPLACEMENT_CHARACTER);
    let mut out = String::from("'");
    escape(&mut out, c, '\'', how);
    out.push('\'');
    out
}

fn escape(out: &mut String, c: char, mark: char, how: Quote) {
    if c == mark || c == '\\' {
        out.push('\\');
        out.push(c);
        return;
    }
    let plain = if how == Quote::Ascii { c.is_ascii() && is_printable(c) } else { is_printable(c) };
    if plain {
        out.push(c);
        return;
    }
    match c {
        '\x07' => out.push_str("\\a"),
        '\x08' => out.push_str("\\b"),
        '\x0c' => out.push_str("\\f"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\x0b' => out.push_str("\\v"),
        c => {
            let code = u32::from(c);
            let _ = match code {
                0..0x20 | 0x7f => write!(out, "\\x{code:02x}"),
                0..0x10000 => write!(out, "\\u{code:04x}"),
                _ => write!(out, "\\U{code:08x}"),
            };
        }
    }
}

/// Letters, marks, numbers, punctuation, symbols and the ASCII space.
pub(super) fn is_printable(c: char) -> bool {
    // Within a string, only what is not printable is escaped: the first character alone would also be, were it a mark.
    c == ' ' || c == '"' || c == '\'' || c == '\\' || {
        let text = format!("a{c}");
        text.escape_debug().nth(1) == Some(c)
    }
}

/// Whether a raw string can hold it.
pub(super) fn fits_raw(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_ok_and(|text| {
        text.chars().all(|c| c != '`' && c != '\u{feff}' && c != '\x7f' && (c == '\t' || u32::from(c) >= 0x20))
    })
}
