//! Regular expressions that do not compile, in the words of the reference's library.

use regex::Regex;

/// The most often that one part of an expression may be repeated.
const MAX_REPEAT: u32 = 1000;

/// What is wrong with an expression.
pub(super) fn fault(pattern: &str) -> Option<String> {
    let known = scan(pattern);
    let text = match (Regex::new(pattern), known) {
        (_, Some((what, part))) => format!("error parsing regexp: {what}: `{part}`"),
        (Err(error), None) => error.to_string(),
        (Ok(_), None) => return None,
    };
    Some(text)
}

/// The first of the usual faults, with the part of the expression that shows it.
fn scan(pattern: &str) -> Option<(&'static str, &str)> {
    let mut open = 0_usize;
    let mut at = 0;
    // Where the last repetition began, when it ends right here.
    let mut repeated: Option<usize> = None;
    let mut has_operand = false;
    while let Some(c) = pattern[at..].chars().next() {
        let rest = &pattern[at..];
        let mut next = at + c.len_utf8();
        let mut repetition = None;
        match c {
            '\\' => {
                let Some(escaped) = rest[1..].chars().next() else {
                    return Some(("trailing backslash at end of expression", ""));
                };
                next += escaped.len_utf8();
                if escaped == 'Q' {
                    next = pattern[next..].find("\\E").map_or(pattern.len(), |end| next + end + 2);
                } else if escaped.is_ascii_alphanumeric() && !"aftnrvxpPdDsSwWbBAzCE0123456789".contains(escaped) {
                    return Some(("invalid escape sequence", &rest[..1 + escaped.len_utf8()]));
                }
                has_operand = true;
            }
            '[' => match class_end(rest) {
                Err(fault) => return Some(fault),
                Ok(length) => {
                    next = at + length;
                    has_operand = true;
                }
            },
            '(' => {
                open += 1;
                has_operand = false;
                if rest.starts_with("(?") {
                    match group_start(rest) {
                        Err(fault) => return Some(fault),
                        Ok((length, closed)) => {
                            next = at + length;
                            open -= usize::from(closed);
                        }
                    }
                }
            }
            ')' if open == 0 => return Some(("unexpected )", pattern)),
            ')' => {
                open -= 1;
                has_operand = true;
            }
            '|' => has_operand = false,
            '*' | '+' | '?' => repetition = Some(1),
            '{' => match counts(rest) {
                None => has_operand = true,
                Some((length, least, most)) => {
                    let too_many = least > MAX_REPEAT || most.is_some_and(|most| most > MAX_REPEAT || most < least);
                    if too_many {
                        return Some(("invalid repeat count", &rest[..length]));
                    }
                    repetition = Some(length);
                }
            },
            _ => has_operand = true,
        }
        if let Some(length) = repetition {
            if !has_operand {
                return Some(("missing argument to repetition operator", &rest[..length]));
            }
            next = at + length + usize::from(pattern[at + length..].starts_with('?'));
            if let Some(first) = repeated {
                return Some(("invalid nested repetition operator", &pattern[first..at + length]));
            }
            repeated = Some(at);
        } else {
            repeated = None;
        }
        at = next;
    }
    (open > 0).then_some(("missing closing )", pattern))
}

/// The bytes of a class in brackets.
fn class_end(text: &str) -> Result<usize, (&'static str, &str)> {
    let mut at = 1 + usize::from(text[1..].starts_with('^'));
    let mut is_first = true;
    let mut low: Option<(usize, char)> = None;
    while let Some(c) = text[at..].chars().next() {
        if c == ']' && !is_first {
            return Ok(at + 1);
        }
        is_first = false;
        if text[at..].starts_with("[:")
            && let Some(end) = text[at..].find(":]")
        {
            at += end + 2;
            low = None;
            continue;
        }
        let mut length = c.len_utf8();
        if c == '\\' {
            length += text[at + 1..].chars().next().map_or(0, char::len_utf8);
            low = None;
            at += length;
            continue;
        }
        match low {
            Some((start, first)) if text.as_bytes()[at - 1] == b'-' && at - 1 > start => {
                if c < first {
                    return Err(("invalid character class range", &text[start..at + length]));
                }
                low = None;
            }
            _ if c == '-' && low.is_some() => {}
            _ => low = Some((at, c)),
        }
        at += length;
    }
    Err(("missing closing ]", text))
}

/// The bytes of what begins a group with a question mark, and whether that is the whole group.
fn group_start(text: &str) -> Result<(usize, bool), (&'static str, &str)> {
    for prefix in ["(?P<", "(?<"] {
        if let Some(name) = text.strip_prefix(prefix) {
            let Some(end) = name.find('>') else { return Err(("invalid named capture", text)) };
            let is_name = end > 0 && name[..end].chars().all(|c| c == '_' || c.is_ascii_alphanumeric());
            let length = prefix.len() + end + 1;
            return if is_name { Ok((length, false)) } else { Err(("invalid named capture", &text[..length])) };
        }
    }
    for (at, c) in text.char_indices().skip(2) {
        match c {
            ':' => return Ok((at + 1, false)),
            ')' if at > 2 => return Ok((at + 1, true)),
            'i' | 'm' | 's' | 'U' | '-' => {}
            _ => return Err(("invalid or unsupported Perl syntax", &text[..at + c.len_utf8()])),
        }
    }
    Err(("missing closing )", text))
}

/// `{2}`, `{2,}` or `{2,5}`: its bytes and bounds. Anything else is plain text.
fn counts(text: &str) -> Option<(usize, u32, Option<u32>)> {
    let end = text.find('}')?;
    let number = |digits: &str| {
        let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| digits.parse().unwrap_or(u32::MAX))
    };
    match text[1..end].split_once(',') {
        None => number(&text[1..end]).map(|count| (end + 1, count, Some(count))),
        Some((least, "")) => Some((end + 1, number(least)?, None)),
        Some((least, most)) => Some((end + 1, number(least)?, Some(number(most)?))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_read_as_in_the_reference() {
        for (pattern, wanted) in [
            ("a**", "invalid nested repetition operator: `**`"),
            ("a++", "invalid nested repetition operator: `++`"),
            ("[z-a]", "invalid character class range: `z-a`"),
            ("a)", "unexpected ): `a)`"),
            ("\\q", "invalid escape sequence: `\\q`"),
            ("*a", "missing argument to repetition operator: `*`"),
            ("(?=a)", "invalid or unsupported Perl syntax: `(?=`"),
            ("a{2000}", "invalid repeat count: `{2000}`"),
            ("a{3,1}", "invalid repeat count: `{3,1}`"),
            ("x[ab", "missing closing ]: `[ab`"),
            ("(ab", "missing closing ): `(ab`"),
            ("a\\", "trailing backslash at end of expression: ``"),
            ("(?P<n", "invalid named capture: `(?P<n`"),
            ("(?z)a", "invalid or unsupported Perl syntax: `(?z`"),
        ] {
            assert_eq!(fault(pattern), Some(format!("error parsing regexp: {wanted}")), "{pattern}");
        }
        for fine in ["^[a-z]+\\d{2,3}?(?:x|y)*$", "[]a-]", "[^\\]]", "(?i)a{2,}", "(?P<n>x)+?", "é+"] {
            assert_eq!(fault(fine), None, "{fine}");
        }
    }
}
