//! URLs.

use super::{Outcome, key, map, text};
use crate::functions::{Functions, Type};
use crate::value::{Map, Value};

pub(super) fn add(functions: &mut Functions) {
    functions.plain("urlParse", &[Type::Text], None, |v| parse(&text(&v[0])));
    functions.plain("urlJoin", &[Type::Map], None, |v| join(&map(&v[0])));
}

/// Bytes that stand for themselves in a path.
fn in_path(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_.~$&+,/:;=@!'()*".contains(&byte)
}
fn in_user(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_.~$&+,;=!'()*".contains(&byte)
}
fn in_fragment(byte: u8) -> bool {
    in_path(byte) || byte == b'?'
}

fn escape(text: &str, stays: fn(u8) -> bool) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if stays(byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

fn unescape(text: &str) -> Result<String, String> {
    let mut out = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        if byte != b'%' {
            out.push(byte);
            rest = after;
            continue;
        }
        let digits = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        let value = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        out.push(value.ok_or_else(|| format!("invalid URL escape in {text:?}"))?);
        rest = &after[2..];
    }
    Ok(String::from_utf8_lossy(&out).into_owned())
}

fn parse(source: &str) -> Outcome {
    let fault = |why: &str| format!("unable to parse url: parse {source:?}: {why}");
    let (rest, fragment) = source.split_once('#').unwrap_or((source, ""));
    let (mut rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let mut scheme = String::new();
    if let Some((before, after)) = rest.split_once(':') {
        let valid = before.starts_with(|c: char| c.is_ascii_alphabetic())
            && before.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
        if before.is_empty() {
            return Err(fault("missing protocol scheme"));
        }
        if valid {
            scheme = before.to_ascii_lowercase();
            rest = after;
        }
    }
    let (mut user, mut host, mut opaque) = ("", "", "");
    let mut path = rest;
    if let Some(after) = rest.strip_prefix("//") {
        let end = after.find('/').unwrap_or(after.len());
        let authority = &after[..end];
        path = &after[end..];
        (user, host) = authority.rsplit_once('@').unwrap_or(("", authority));
    } else if !scheme.is_empty() && !rest.starts_with('/') {
        (opaque, path) = (rest, "");
    }
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.chars().all(|c| c.is_ascii_digit()) && !name.ends_with(':') => name,
        _ => host,
    };
    let out = Map::new();
    out.set(key("scheme"), Value::text(scheme));
    out.set(key("userinfo"), Value::text(user));
    out.set(key("host"), Value::text(host));
    out.set(key("hostname"), Value::text(name.trim_start_matches('[').trim_end_matches(']')));
    out.set(key("path"), Value::text(unescape(path).map_err(|why| fault(&why))?));
    out.set(key("query"), Value::text(query));
    out.set(key("opaque"), Value::text(opaque));
    out.set(key("fragment"), Value::text(unescape(fragment).map_err(|why| fault(&why))?));
    Ok(Value::Map(out))
}

fn join(parts: &Map) -> Outcome {
    let part = |name: &str| {
        parts.get(&key(name)).filter(|value| !value.is_nil()).map(|value| text(&value)).unwrap_or_default()
    };
    let mut out = String::new();
    let (scheme, host, path) = (part("scheme"), part("host"), part("path"));
    if !scheme.is_empty() {
        out.push_str(&scheme);
        out.push(':');
    }
    let opaque = part("opaque");
    if opaque.is_empty() {
        let user = part("userinfo");
        if !scheme.is_empty() || !host.is_empty() || !user.is_empty() {
            if !host.is_empty() || !path.is_empty() || !user.is_empty() {
                out.push_str("//");
            }
            if !user.is_empty() {
                let words: Vec<String> = user.splitn(2, ':').map(|word| escape(word, in_user)).collect();
                out.push_str(&words.join(":"));
                out.push('@');
            }
            out.push_str(&host);
        }
        if !path.is_empty() && !path.starts_with('/') && !host.is_empty() {
            out.push('/');
        }
        out.push_str(&escape(&path, in_path));
    } else {
        out.push_str(&opaque);
    }
    for (mark, text) in [('?', part("query")), ('#', escape(&part("fragment"), in_fragment))] {
        if !text.is_empty() {
            out.push(mark);
            out.push_str(&text);
        }
    }
    Ok(Value::text(out))
}
