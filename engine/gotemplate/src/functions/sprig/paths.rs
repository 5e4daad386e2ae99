//! Paths and the environment.

use super::text;
use crate::functions::{Function, Functions, Type};
use crate::value::Value;

pub(super) fn add(functions: &mut Functions) {
    use Type::Text;
    for name in ["base", "osBase"] {
        functions.plain(name, &[Text], None, |v| Ok(Value::text(base(&text(&v[0])))));
    }
    for name in ["dir", "osDir"] {
        functions.plain(name, &[Text], None, |v| {
            let path = text(&v[0]);
            Ok(Value::text(clean(&path[..path.rfind('/').map_or(0, |at| at + 1)])))
        });
    }
    for name in ["clean", "osClean"] {
        functions.plain(name, &[Text], None, |v| Ok(Value::text(clean(&text(&v[0])))));
    }
    for name in ["ext", "osExt"] {
        functions.plain(name, &[Text], None, |v| {
            let path = text(&v[0]);
            let name = path.rsplit('/').next().unwrap_or_default();
            Ok(Value::text(name.rfind('.').map_or("", |at| &name[at..])))
        });
    }
    for name in ["isAbs", "osIsAbs"] {
        functions.plain(name, &[Text], None, |v| Ok(Value::Bool(text(&v[0]).starts_with('/'))));
    }
    functions.add(
        "env",
        Function::new(&[Text], None, |execution, v| Ok(Value::text(execution.host().environment(&text(&v[0]))?))),
    );
    functions.add(
        "expandenv",
        Function::new(&[Text], None, |execution, v| {
            let host = execution.host();
            Ok(Value::text(expand(&text(&v[0]), |name| host.environment(name))?))
        }),
    );
    functions.add(
        "getHostByName",
        Function::new(&[Text], None, |execution, v| Ok(Value::text(execution.host().address(&text(&v[0]))?))),
    );
}

fn base(path: &str) -> String {
    if path.is_empty() {
        return ".".to_owned();
    }
    match path.trim_end_matches('/') {
        "" => "/".to_owned(),
        path => path.rsplit('/').next().unwrap_or_default().to_owned(),
    }
}

/// The shortest path that means the same.
pub(crate) fn clean(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|&last| last != "..") => {
                parts.pop();
            }
            ".." if rooted => {}
            part => parts.push(part),
        }
    }
    let joined = parts.join("/");
    match (rooted, joined.is_empty()) {
        (true, _) => format!("/{joined}"),
        (false, true) => ".".to_owned(),
        (false, false) => joined,
    }
}

/// Replaces `$name` and `${name}`.
fn expand(source: &str, lookup: impl Fn(&str) -> Result<String, String>) -> Result<String, String> {
    let mut out = String::new();
    let mut rest = source;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(inner) = rest.strip_prefix('{') {
            match inner.split_once('}') {
                Some((name, after)) => {
                    if !name.is_empty() {
                        out.push_str(&lookup(name)?);
                    }
                    rest = after;
                }
                None => rest = inner,
            }
            continue;
        }
        let length = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
        if length == 0 {
            out.push('$');
            continue;
        }
        out.push_str(&lookup(&rest[..length])?);
        rest = &rest[length..];
    }
    out.push_str(rest);
    Ok(out)
}
