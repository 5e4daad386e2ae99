//! Regular expressions.

use super::{Outcome, bounded, int, text};
use crate::functions::{Functions, Type};
use crate::value::Value;
use regex::{NoExpand, Regex, RegexBuilder};

/// Memory that one compiled expression may take.
const MAX_COMPILED: usize = 4 << 20;

pub(super) fn add(functions: &mut Functions) {
    use Type::{Int, Text};
    functions.plain("regexMatch", &[Text, Text], None, |v| {
        Ok(Value::Bool(compile(&v[0]).is_ok_and(|regex| regex.is_match(&text(&v[1])))))
    });
    functions.plain("mustRegexMatch", &[Text, Text], None, |v| Ok(Value::Bool(compile(&v[0])?.is_match(&text(&v[1])))));
    for name in ["regexFind", "mustRegexFind"] {
        functions.plain(name, &[Text, Text], None, |v| {
            Ok(Value::text(compile(&v[0])?.find(&text(&v[1])).map_or("", |found| found.as_str())))
        });
    }
    for name in ["regexFindAll", "mustRegexFindAll"] {
        functions.plain(name, &[Text, Text, Int], None, |v| {
            let limit = usize::try_from(int(&v[2])).unwrap_or(usize::MAX);
            let source = text(&v[1]);
            let regex = compile(&v[0])?;
            bounded(regex.find_iter(&source).take(limit).count())?;
            Ok(Value::texts(regex.find_iter(&source).take(limit).map(|found| found.as_str())))
        });
    }
    for name in ["regexReplaceAll", "mustRegexReplaceAll"] {
        functions.plain(name, &[Text, Text, Text], None, |v| {
            Ok(Value::text(compile(&v[0])?.replace_all(&text(&v[1]), text(&v[2]).as_str()).into_owned()))
        });
    }
    for name in ["regexReplaceAllLiteral", "mustRegexReplaceAllLiteral"] {
        functions.plain(name, &[Text, Text, Text], None, |v| {
            Ok(Value::text(compile(&v[0])?.replace_all(&text(&v[1]), NoExpand(&text(&v[2]))).into_owned()))
        });
    }
    for name in ["regexSplit", "mustRegexSplit"] {
        functions.plain(name, &[Text, Text, Int], None, split);
    }
    functions.plain("regexQuoteMeta", &[Text], None, |v| {
        let mut out = String::new();
        for c in text(&v[0]).chars() {
            if r"\.+*?()|[]{}^$".contains(c) {
                out.push('\\');
            }
            out.push(c);
        }
        Ok(Value::text(out))
    });
}

fn compile(pattern: &Value) -> Result<Regex, String> {
    let pattern = text(pattern);
    RegexBuilder::new(&pattern).size_limit(MAX_COMPILED).dfa_size_limit(MAX_COMPILED).build().map_err(|error| {
        let reason = error.to_string();
        let reason = reason.lines().last().unwrap_or_default().trim_start_matches("error: ");
        format!("error parsing regexp: {reason}: `{pattern}`")
    })
}

fn split(v: &[Value]) -> Outcome {
    let regex = compile(&v[0])?;
    let source = text(&v[1]);
    let limit = int(&v[2]);
    if limit == 0 {
        return Ok(Value::texts(Vec::<String>::new()));
    }
    if !text(&v[0]).is_empty() && source.is_empty() {
        return Ok(Value::texts([""]));
    }
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut parts = Vec::new();
    let (mut begin, mut end) = (0, 0);
    for found in regex.find_iter(&source) {
        if parts.len() + 1 == limit {
            break;
        }
        end = found.start();
        if found.end() != 0 {
            parts.push(source[begin..end].to_owned());
        }
        begin = found.end();
    }
    if end != source.len() {
        parts.push(source[begin..].to_owned());
    }
    Ok(Value::texts(parts))
}
