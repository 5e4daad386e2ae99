//! Functions that lay text out: indentation, wrapping, abbreviation.

use super::{Outcome, bounded, int, text};
use crate::functions::{Functions, Type};
use crate::value::Value;

pub(super) fn add(functions: &mut Functions) {
    use Type::{Int, Text};
    functions.plain("indent", &[Int, Text], None, |v| Ok(Value::text(indent(int(&v[0]), &text(&v[1]))?)));
    functions
        .plain("nindent", &[Int, Text], None, |v| Ok(Value::text(format!("\n{}", indent(int(&v[0]), &text(&v[1]))?))));
    functions.plain("wrap", &[Int, Text], None, |v| wrap(&text(&v[1]), int(&v[0]), "\n", false));
    functions.plain("wrapWith", &[Int, Text, Text], None, |v| wrap(&text(&v[2]), int(&v[0]), &text(&v[1]), true));
    functions.plain("abbrev", &[Int, Text], None, |v| {
        let (width, text) = (int(&v[0]), text(&v[1]));
        Ok(Value::text(if width < 4 { text } else { abbreviate(&text, 0, width) }))
    });
    functions.plain("abbrevboth", &[Int, Int, Text], None, |v| {
        let (left, right, text) = (int(&v[0]), int(&v[1]), text(&v[2]));
        let too_short = right < 4 || left > 0 && right < 7;
        Ok(Value::text(if too_short { text } else { abbreviate(&text, left, right) }))
    });
}

fn indent(spaces: i64, text: &str) -> Result<String, String> {
    let spaces = usize::try_from(spaces).map_err(|_| "strings: negative Repeat count".to_owned())?;
    bounded(text.matches('\n').count().saturating_add(1).saturating_mul(spaces) / 32)?;
    let pad = " ".repeat(spaces);
    Ok(format!("{pad}{}", text.replace('\n', &format!("\n{pad}"))))
}

/// Lines of at most `width` characters, broken at spaces; longer words stay whole unless they may be cut.
fn wrap(text: &str, width: i64, separator: &str, cuts: bool) -> Outcome {
    let width = usize::try_from(width).unwrap_or(0).max(1);
    let chars: Vec<char> = text.chars().collect();
    let length = chars.len();
    let mut out = String::new();
    let mut from = 0;
    bounded(length.saturating_mul(separator.len().max(1)) / 32)?;
    while length > from && length - from > width {
        if chars[from] == ' ' {
            from += 1;
            continue;
        }
        let until = from + width;
        let space = (from..=until.min(length - 1)).rev().find(|&at| chars[at] == ' ');
        match space {
            Some(space) => {
                out.extend(&chars[from..space]);
                out.push_str(separator);
                from = space + 1;
            }
            None if cuts => {
                out.extend(&chars[from..until]);
                out.push_str(separator);
                from = until;
            }
            None => match (until..length).find(|&at| chars[at] == ' ') {
                Some(space) => {
                    out.extend(&chars[from..space]);
                    out.push_str(separator);
                    from = space + 1;
                }
                None => {
                    out.extend(&chars[from..]);
                    from = length;
                }
            },
        }
    }
    out.extend(&chars[from.min(length)..]);
    Ok(Value::text(out))
}

/// `width` characters of a text from about `offset` on, with dots where something is left out.
fn abbreviate(text: &str, offset: i64, width: i64) -> String {
    let chars: Vec<char> = text.chars().collect();
    let length = i64::try_from(chars.len()).unwrap_or(i64::MAX);
    if width < 4 || length <= width {
        return text.to_owned();
    }
    let part = |from: i64, to: i64| -> String {
        let from = usize::try_from(from.clamp(0, length)).unwrap_or(0);
        let to = usize::try_from(to.clamp(0, length)).unwrap_or(0);
        chars[from..to.max(from)].iter().collect()
    };
    let mut offset = offset.min(length);
    if length - offset < width - 3 {
        offset = length - (width - 3);
    }
    if offset <= 4 {
        return format!("{}...", part(0, width - 3));
    }
    if width < 7 {
        return format!("{}...", part(0, width - 3));
    }
    if offset + width - 3 < length {
        return format!("...{}", abbreviate(&part(offset, length), 0, width - 3));
    }
    format!("...{}", part(length - (width - 3), length))
}
