//! String and character constants.

/// The bytes of a quoted constant: `"…"`, or `` `…` `` as it stands.
pub(super) fn unquote(text: &str) -> Option<Vec<u8>> {
    let inner = text.get(1..text.len().checked_sub(1)?)?;
    if text.starts_with('`') {
        return Some(inner.replace('\r', "").into_bytes());
    }
    let mut out = Vec::with_capacity(inner.len());
    let mut rest = inner;
    while !rest.is_empty() {
        rest = step(rest, '"', &mut out)?.1;
    }
    Some(out)
}

/// The code point of a character constant.
pub(super) fn character(text: &str) -> Option<i64> {
    let inner = text.strip_prefix('\'')?.strip_suffix('\'')?;
    let (code, rest) = step(inner, '\'', &mut Vec::new())?;
    rest.is_empty().then_some(i64::from(code))
}

/// One character or escape: appends its bytes, gives its code and what follows.
fn step<'a>(text: &'a str, quote: char, out: &mut Vec<u8>) -> Option<(u32, &'a str)> {
    let mut chars = text.chars();
    let first = chars.next()?;
    if first == quote {
        return None;
    }
    if first != '\\' {
        push(out, first);
        return Some((u32::from(first), chars.as_str()));
    }
    let escape = chars.next()?;
    let rest = chars.as_str();
    let simple = match escape {
        'a' => Some(7),
        'b' => Some(8),
        'f' => Some(12),
        'n' => Some(10),
        'r' => Some(13),
        't' => Some(9),
        'v' => Some(11),
        '\\' => Some(b'\\'),
        '\'' | '"' if escape == quote => Some(escape as u8),
        _ => None,
    };
    if let Some(byte) = simple {
        out.push(byte);
        return Some((u32::from(byte), rest));
    }
    match escape {
        'x' => byte(rest, 2, 16, out),
        'u' => code_point(rest, 4, out),
        'U' => code_point(rest, 8, out),
        '0'..='7' => byte(&text[1..], 3, 8, out),
        _ => None,
    }
}

fn digits(text: &str, count: usize, radix: u32) -> Option<(u32, &str)> {
    let digits = text.get(..count)?;
    if !digits.chars().all(|c| c.is_digit(radix)) {
        return None;
    }
    Some((u32::from_str_radix(digits, radix).ok()?, &text[count..]))
}

fn byte<'a>(text: &'a str, count: usize, radix: u32, out: &mut Vec<u8>) -> Option<(u32, &'a str)> {
    let (code, rest) = digits(text, count, radix)?;
    out.push(u8::try_from(code).ok()?);
    Some((code, rest))
}

fn code_point<'a>(text: &'a str, count: usize, out: &mut Vec<u8>) -> Option<(u32, &'a str)> {
    let (code, rest) = digits(text, count, 16)?;
    push(out, char::from_u32(code)?);
    Some((code, rest))
}

fn push(out: &mut Vec<u8>, c: char) {
    out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
}
