//! One value under one verb.

use super::float;
use super::quote::{self, Quote};
use crate::value::{Text, Value};

/// The flags of a verb.
#[derive(Debug, Clone, Default)]
pub(super) struct Flags {
    pub plus: bool,
    pub minus: bool,
    pub sharp: bool,
    pub space: bool,
    pub zero: bool,
    /// `%#v`
    pub go_syntax: bool,
    pub width: Option<usize>,
    pub precision: Option<usize>,
}

/// Levels of nesting that are shown: a map may hold itself.
const MAX_DEPTH: usize = 100;

/// Appends a value.
pub(super) fn value(out: &mut Vec<u8>, value: &Value, verb: char, flags: &Flags, depth: usize) {
    if depth > MAX_DEPTH {
        out.extend(b"...");
        return;
    }
    match value {
        Value::Absent | Value::Nil => nil(out, verb, flags, depth),
        Value::Bool(it) => match verb {
            't' | 'v' => pad(out, if *it { b"true" } else { b"false" }, flags),
            _ => bad(out, value, verb),
        },
        Value::Int(it, width) => integer(out, *it, width.is_unsigned(), verb, flags, value),
        Value::Float(it) => real(out, *it, verb, flags, value),
        Value::Complex(real_part, imaginary) => {
            if !matches!(verb, 'v' | 'b' | 'g' | 'G' | 'x' | 'X' | 'f' | 'F' | 'e' | 'E') {
                return bad(out, value, verb);
            }
            let verb = if verb == 'v' { 'g' } else { verb };
            let second = float::format(*imaginary, verb, flags.precision, false);
            let plus = if second.starts_with(['-', '+']) { "" } else { "+" };
            let text = format!("({}{plus}{second}i)", float::format(*real_part, verb, flags.precision, false));
            pad(out, text.as_bytes(), flags);
        }
        Value::Text(text) => string(out, text, verb, flags, value),
        Value::List(list) => {
            if flags.go_syntax {
                out.extend(value.type_name().bytes());
            }
            sequence(out, &list.items, verb, flags, depth);
        }
        Value::Map(map) => mapping(out, value, &map.pairs(), verb, flags, depth),
        Value::Object(object) => match verb {
            'v' | 's' => pad(out, object.show().as_bytes(), flags),
            'q' => string(out, &Text::from(object.show()), 'q', flags, value),
            _ => bad(out, value, verb),
        },
    }
}

fn nil(out: &mut Vec<u8>, verb: char, flags: &Flags, depth: usize) {
    match verb {
        'v' if flags.go_syntax && depth > 0 => out.extend(b"interface {}(nil)"),
        'v' | 'T' => pad(out, b"<nil>", flags),
        _ if depth > 0 => out.extend(b"<nil>"),
        _ => out.extend(format!("%!{verb}(<nil>)").bytes()),
    }
}

/// A verb that the value does not have.
fn bad(out: &mut Vec<u8>, it: &Value, verb: char) {
    out.extend(format!("%!{verb}({}=", it.type_name()).bytes());
    value(out, it, 'v', &Flags::default(), 0);
    out.push(b')');
}

fn sequence(out: &mut Vec<u8>, items: &[Value], verb: char, flags: &Flags, depth: usize) {
    let (open, gap, close): (&[u8], &[u8], &[u8]) =
        if flags.go_syntax { (b"{", b", ", b"}") } else { (b"[", b" ", b"]") };
    out.extend(open);
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            out.extend(gap);
        }
        value(out, item, verb, flags, depth + 1);
    }
    out.extend(close);
}

fn mapping(out: &mut Vec<u8>, it: &Value, pairs: &[(Text, Value)], verb: char, flags: &Flags, depth: usize) {
    let (gap, close): (&[u8], u8) = if flags.go_syntax { (b", ", b'}') } else { (b" ", b']') };
    if flags.go_syntax {
        out.extend(it.type_name().bytes());
        out.push(b'{');
    } else {
        out.extend(b"map[");
    }
    for (at, (key, item)) in pairs.iter().enumerate() {
        if at > 0 {
            out.extend(gap);
        }
        value(out, &Value::Text(key.clone()), verb, flags, depth + 1);
        out.push(b':');
        value(out, item, verb, flags, depth + 1);
    }
    out.push(close);
}

fn string(out: &mut Vec<u8>, text: &Text, verb: char, flags: &Flags, it: &Value) {
    let bytes = cut(text.bytes(), flags.precision);
    match verb {
        'v' if flags.go_syntax => pad(out, quote::quote(bytes, Quote::Plain).as_bytes(), flags),
        'v' | 's' => pad(out, bytes, flags),
        'q' if flags.sharp && quote::fits_raw(bytes) => {
            pad(out, &[b"`", bytes, b"`"].concat(), flags);
        }
        'q' => {
            let how = if flags.plus { Quote::Ascii } else { Quote::Plain };
            pad(out, quote::quote(bytes, how).as_bytes(), flags);
        }
        'x' | 'X' => {
            let digit = |byte: &u8| if verb == 'x' { format!("{byte:02x}") } else { format!("{byte:02X}") };
            let prefix = if flags.sharp && !bytes.is_empty() { format!("0{verb}") } else { String::new() };
            let gap = if flags.space { format!(" {prefix}") } else { String::new() };
            let digits: Vec<String> = bytes.iter().map(digit).collect();
            pad(out, format!("{prefix}{}", digits.join(&gap)).as_bytes(), flags);
        }
        _ => bad(out, it, verb),
    }
}

/// The first characters of a text.
fn cut(bytes: &[u8], precision: Option<usize>) -> &[u8] {
    let Some(precision) = precision else { return bytes };
    let mut left = precision;
    let mut end = 0;
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            if left == 0 {
                return &bytes[..end];
            }
            left -= 1;
            end += c.len_utf8();
        }
        for _ in chunk.invalid() {
            if left == 0 {
                return &bytes[..end];
            }
            left -= 1;
            end += 1;
        }
    }
    bytes
}

fn integer(out: &mut Vec<u8>, it: i64, unsigned: bool, verb: char, flags: &Flags, whole: &Value) {
    let (negative, size) = if unsigned { (false, it.cast_unsigned()) } else { (it < 0, it.unsigned_abs()) };
    match verb {
        'v' if flags.go_syntax && unsigned => digits(out, negative, format!("{size:x}"), "0x", &Flags::default()),
        'v' | 'd' => digits(out, negative, size.to_string(), "", flags),
        'b' => digits(out, negative, format!("{size:b}"), if flags.sharp { "0b" } else { "" }, flags),
        'o' => digits(out, negative, format!("{size:o}"), if flags.sharp { "0" } else { "" }, flags),
        'O' => digits(out, negative, format!("{size:o}"), "0o", flags),
        'x' => digits(out, negative, format!("{size:x}"), if flags.sharp { "0x" } else { "" }, flags),
        'X' => digits(out, negative, format!("{size:X}"), if flags.sharp { "0X" } else { "" }, flags),
        'c' => {
            let c = u32::try_from(it).ok().and_then(char::from_u32).unwrap_or(char::REPLACEMENT_CHARACTER);
            pad(out, c.to_string().as_bytes(), flags);
        }
        'q' => {
            let how = if flags.plus { Quote::Ascii } else { Quote::Plain };
            pad(out, quote::quote_char(it, how).as_bytes(), flags);
        }
        'U' => {
            let mut text = format!("U+{size:04X}");
            let c = u32::try_from(it).ok().and_then(char::from_u32).filter(|&c| quote::is_printable(c));
            if let (true, Some(c)) = (flags.sharp, c) {
                text.push_str(&format!(" '{c}'"));
            }
            pad(out, text.as_bytes(), flags);
        }
        _ => bad(out, whole, verb),
    }
}

/// Digits with sign, prefix, precision and zeros.
fn digits(out: &mut Vec<u8>, negative: bool, mut digits: String, prefix: &str, flags: &Flags) {
    let sign = sign(negative, flags);
    if let Some(precision) = flags.precision {
        if precision == 0 && digits == "0" {
            digits.clear();
        }
        digits = format!("{}{digits}", "0".repeat(precision.saturating_sub(digits.len())));
    } else if let (true, false, Some(width)) = (flags.zero, flags.minus, flags.width) {
        digits = format!("{}{digits}", "0".repeat(width.saturating_sub(digits.len() + sign.len())));
    }
    let text = format!("{sign}{prefix}{digits}");
    pad(out, text.as_bytes(), &Flags { zero: false, ..flags.clone() });
}

fn sign(negative: bool, flags: &Flags) -> &'static str {
    match (negative, flags.plus, flags.space) {
        (true, ..) => "-",
        (_, true, _) => "+",
        (_, _, true) => " ",
        _ => "",
    }
}

fn real(out: &mut Vec<u8>, it: f64, verb: char, flags: &Flags, whole: &Value) {
    if !matches!(verb, 'v' | 'b' | 'g' | 'G' | 'x' | 'X' | 'f' | 'F' | 'e' | 'E') {
        return bad(out, whole, verb);
    }
    let text = if verb == 'v' && flags.go_syntax {
        float::shortest(it, 21)
    } else {
        float::format(it, if verb == 'v' { 'g' } else { verb }, flags.precision, flags.sharp)
    };
    let (negative, body) = match text.strip_prefix('-') {
        Some(body) => (true, body),
        None => (false, text.strip_prefix('+').unwrap_or(&text)),
    };
    let mut sign = sign(negative, flags);
    if text.starts_with('+') && sign.is_empty() {
        sign = "+";
    }
    let zeros = match (flags.zero && !flags.minus && it.is_finite(), flags.width) {
        (true, Some(width)) => width.saturating_sub(body.len() + sign.len()),
        _ => 0,
    };
    let text = format!("{sign}{}{body}", "0".repeat(zeros));
    pad(out, text.as_bytes(), &Flags { zero: false, ..flags.clone() });
}

/// Fills up to the width, counted in characters.
fn pad(out: &mut Vec<u8>, text: &[u8], flags: &Flags) {
    let length = text.utf8_chunks().map(|chunk| chunk.valid().chars().count() + chunk.invalid().len()).sum();
    let missing = flags.width.unwrap_or(0).saturating_sub(length);
    let fill = if flags.zero && !flags.minus { b'0' } else { b' ' };
    if !flags.minus {
        out.resize(out.len() + missing, fill);
    }
    out.extend(text);
    if flags.minus {
        out.resize(out.len() + missing, b' ');
    }
}
