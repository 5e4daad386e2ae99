//! Functions of text.

use super::{Outcome, bounded, bytes, int, shown, text, texts};
use crate::format::{Quote, quote};
use crate::functions::{Functions, Type};
use crate::limits::MAX_BYTES;
use crate::value::{Element, Map, Text, Value};

pub(super) fn add(functions: &mut Functions) {
    use Type::{Any, Int, Text};
    functions.plain("hello", &[], None, |_| Ok(Value::text("Hello!")));
    functions.plain("trim", &[Text], None, |v| Ok(Value::text(text(&v[0]).trim())));
    functions.plain("upper", &[Text], None, |v| Ok(Value::text(each(&text(&v[0]), upper))));
    functions.plain("lower", &[Text], None, |v| Ok(Value::text(each(&text(&v[0]), lower))));
    functions.plain("title", &[Text], None, |v| Ok(Value::text(words_with(&text(&v[0]), upper))));
    functions.plain("untitle", &[Text], None, |v| Ok(Value::text(untitle(&text(&v[0])))));
    functions.plain("swapcase", &[Text], None, |v| Ok(Value::text(swap_case(&text(&v[0])))));
    functions.plain("nospace", &[Text], None, |v| {
        Ok(Value::text(text(&v[0]).chars().filter(|c| !c.is_whitespace()).collect::<String>()))
    });
    functions.plain("initials", &[Text], None, |v| Ok(Value::text(initials(&text(&v[0])))));
    for name in ["trimAll", "trimall"] {
        functions.plain(name, &[Text, Text], None, |v| {
            let set = text(&v[0]);
            Ok(Value::text(text(&v[1]).trim_matches(|c| set.contains(c))))
        });
    }
    functions.plain("trimPrefix", &[Text, Text], None, |v| {
        Ok(Value::text(bytes(&v[1]).strip_prefix(bytes(&v[0])).unwrap_or(bytes(&v[1]))))
    });
    functions.plain("trimSuffix", &[Text, Text], None, |v| {
        Ok(Value::text(bytes(&v[1]).strip_suffix(bytes(&v[0])).unwrap_or(bytes(&v[1]))))
    });
    functions.plain("contains", &[Text, Text], None, |v| Ok(Value::Bool(text(&v[1]).contains(&text(&v[0])))));
    functions.plain("hasPrefix", &[Text, Text], None, |v| Ok(Value::Bool(bytes(&v[1]).starts_with(bytes(&v[0])))));
    functions.plain("hasSuffix", &[Text, Text], None, |v| Ok(Value::Bool(bytes(&v[1]).ends_with(bytes(&v[0])))));
    functions.plain("repeat", &[Int, Text], None, repeat);
    functions.plain("replace", &[Text, Text, Text], None, |v| replace(&text(&v[0]), &text(&v[1]), &text(&v[2])));
    functions.plain("substr", &[Int, Int, Text], None, substring);
    functions.plain("trunc", &[Int, Text], None, |v| Ok(Value::text(truncate(int(&v[0]), bytes(&v[1])))));
    functions
        .plain("plural", &[Text, Text, Int], None, |v| Ok(if int(&v[2]) == 1 { v[0].clone() } else { v[1].clone() }));
    functions.plain("quote", &[], Some(Any), |v| {
        let quoted = |value: &Value| quote(shown(value).as_bytes(), Quote::Plain);
        Ok(Value::text(v.iter().filter(|value| !value.is_nil()).map(quoted).collect::<Vec<_>>().join(" ")))
    });
    functions.plain("squote", &[], Some(Any), |v| {
        let quoted = |value: &Value| format!("'{}'", shown(value));
        Ok(Value::text(v.iter().filter(|value| !value.is_nil()).map(quoted).collect::<Vec<_>>().join(" ")))
    });
    functions.plain("cat", &[], Some(Any), |v| {
        Ok(Value::text(v.iter().filter(|value| !value.is_nil()).map(shown).collect::<Vec<_>>().join(" ")))
    });
    functions.plain("snakecase", &[Text], None, |v| Ok(Value::text(separated(&text(&v[0]), '_'))));
    functions.plain("kebabcase", &[Text], None, |v| Ok(Value::text(separated(&text(&v[0]), '-'))));
    functions.plain("camelcase", &[Text], None, |v| Ok(Value::text(camel_case(&text(&v[0])))));
    functions.plain("toString", &[Any], None, |v| {
        Ok(if let Value::Text(_) = v[0] { v[0].clone() } else { Value::text(shown(&v[0])) })
    });
    functions.plain("toStrings", &[Any], None, |v| Ok(Value::texts(texts(&v[0]))));
    functions.plain("join", &[Text, Any], None, |v| Ok(Value::text(texts(&v[1]).join(&text(&v[0])))));
    functions.plain("sortAlpha", &[Any], None, |v| {
        let mut items = match &v[0] {
            Value::List(_) => texts(&v[0]),
            value => vec![shown(value)],
        };
        items.sort();
        Ok(Value::texts(items))
    });
    functions.plain("split", &[Text, Text], None, |v| Ok(numbered(split(&text(&v[1]), &text(&v[0]), None))));
    functions.plain("splitn", &[Text, Int, Text], None, |v| {
        Ok(numbered(split(&text(&v[2]), &text(&v[0]), Some(int(&v[1])))))
    });
    functions.plain("splitList", &[Text, Text], None, |v| Ok(Value::texts(split(&text(&v[1]), &text(&v[0]), None))));
}

fn upper(c: char) -> char {
    one(c, c.to_uppercase())
}
fn lower(c: char) -> char {
    one(c, c.to_lowercase())
}
/// Letters are changed one for one; what would become several stays.
fn one(c: char, mut changed: impl Iterator<Item = char>) -> char {
    match (changed.next(), changed.next()) {
        (Some(one), None) => one,
        _ => c,
    }
}
fn each(text: &str, change: fn(char) -> char) -> String {
    text.chars().map(change).collect()
}

/// Whether a word begins after this character.
fn separates(c: char) -> bool {
    if c.is_ascii() { !(c.is_ascii_alphanumeric() || c == '_') } else { !c.is_alphanumeric() && c.is_whitespace() }
}
fn words_with(text: &str, change: fn(char) -> char) -> String {
    let mut before = ' ';
    text.chars()
        .map(|c| {
            let changed = if separates(before) { change(c) } else { c };
            before = c;
            changed
        })
        .collect()
}
fn untitle(text: &str) -> String {
    let mut before = ' ';
    text.chars()
        .map(|c| {
            let changed = if before.is_whitespace() { lower(c) } else { c };
            before = c;
            changed
        })
        .collect()
}
fn swap_case(text: &str) -> String {
    let mut after_space = true;
    text.chars()
        .map(|c| {
            let changed = if c.is_uppercase() {
                lower(c)
            } else if c.is_lowercase() {
                if after_space { titled(c) } else { upper(c) }
            } else {
                c
            };
            after_space = c.is_whitespace();
            changed
        })
        .collect()
}
fn titled(c: char) -> char {
    upper(c)
}
fn initials(text: &str) -> String {
    text.split_whitespace().filter_map(|word| word.chars().next()).collect()
}

fn repeat(v: &[Value]) -> Outcome {
    let count = usize::try_from(int(&v[0])).map_err(|_| "strings: negative Repeat count".to_owned())?;
    let total = count.checked_mul(bytes(&v[1]).len()).filter(|&total| total as u64 <= MAX_BYTES / 4);
    if total.is_none() {
        return Err(format!("repeats to more than {} bytes", MAX_BYTES / 4));
    }
    Ok(Value::text(bytes(&v[1]).repeat(count)))
}

fn replace(old: &str, new: &str, source: &str) -> Outcome {
    let count = if old.is_empty() { source.len() + 1 } else { source.matches(old).count() };
    bounded(count.saturating_mul(new.len()) / 32)?;
    Ok(Value::text(source.replace(old, new)))
}

fn substring(v: &[Value]) -> Outcome {
    let (start, end, source) = (int(&v[0]), int(&v[1]), bytes(&v[2]));
    let length = source.len();
    let end_at = usize::try_from(end).ok().filter(|&end| end <= length).unwrap_or(length);
    let Ok(start_at) = usize::try_from(start) else { return Ok(Value::text(&source[..end_at])) };
    if start_at > end_at {
        return Err(format!("slice bounds out of range [{start}:{end_at}]"));
    }
    Ok(Value::text(&source[start_at..end_at]))
}

fn truncate(count: i64, source: &[u8]) -> &[u8] {
    let size = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
    if count < 0 && source.len() > size {
        &source[source.len() - size..]
    } else if count >= 0 && source.len() > size {
        &source[..size]
    } else {
        source
    }
}

/// Parts of a text; `limit` is their largest number, all when it is negative.
pub(super) fn split(text: &str, separator: &str, limit: Option<i64>) -> Vec<String> {
    let limit = match limit {
        Some(0) => return Vec::new(),
        Some(limit) if limit > 0 => usize::try_from(limit).unwrap_or(usize::MAX),
        _ => usize::MAX,
    };
    if separator.is_empty() {
        let mut parts: Vec<String> = Vec::new();
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            if parts.len() + 1 == limit {
                parts.push(rest.to_owned());
                return parts;
            }
            parts.push(c.to_string());
            rest = &rest[c.len_utf8()..];
        }
        return parts;
    }
    text.splitn(limit, separator).map(str::to_owned).collect()
}

/// Parts as a map of `_0`, `_1`, ….
fn numbered(parts: Vec<String>) -> Value {
    let map = Map::new();
    for (at, part) in parts.into_iter().enumerate() {
        map.set(Text::from(format!("_{at}")), Value::text(part));
    }
    Value::Map(Map { element: Element::Text, ..map })
}

/// `snake_case` and `kebab-case`: words are divided at separators, at changes of case and before digits.
fn separated(text: &str, mark: char) -> String {
    let chars: Vec<char> = text.trim().chars().collect();
    let mut out = String::new();
    for (at, &c) in chars.iter().enumerate() {
        if matches!(c, ' ' | '_' | '-' | '.') {
            if !out.ends_with(mark) && !out.is_empty() && at + 1 < chars.len() {
                out.push(mark);
            }
            continue;
        }
        let before = at.checked_sub(1).map(|at| chars[at]);
        let after = chars.get(at + 1);
        let divides = before.is_some_and(|before| {
            !matches!(before, ' ' | '_' | '-' | '.')
                && (c.is_uppercase() && (!before.is_uppercase() || after.is_some_and(|c| c.is_lowercase()))
                    || c.is_numeric() && !before.is_numeric())
        });
        if divides && !out.ends_with(mark) {
            out.push(mark);
        }
        out.extend(c.to_lowercase());
    }
    out
}

fn camel_case(text: &str) -> String {
    let mut out = String::new();
    let mut begins = true;
    for c in text.trim().chars() {
        if matches!(c, ' ' | '_' | '-' | '.') {
            begins = true;
        } else if begins {
            out.push(upper(c));
            begins = false;
        } else {
            out.push(c);
        }
    }
    out
}
