//! Functions on texts.

use regex::Regex;
use unicode_segmentation::UnicodeSegmentation;

use crate::value::Value;

use super::{CallEnv, Function, FunctionTable, Outcome, Param, items, text, whole};

/// Longest text that a function makes, in bytes.
const MAX_TEXT_BYTES: usize = 16 << 20;

pub(super) fn add(table: &mut FunctionTable) {
    cases(table);
    trims(table);
    parts(table);
    replacing(table);
}

fn one(name: &str, run: fn(&str) -> String) -> Function {
    Function::new(name, vec![Param::string("str")], move |_, a| Ok(Value::from(run(text(&a[0])))))
}

fn cases(table: &mut FunctionTable) {
    // One character for one, as the reference does: ß stays, İ becomes i.
    table.add(one("lower", |s| s.chars().map(|c| c.to_lowercase().next().unwrap_or(c)).collect()));
    table.add(one("upper", |s| s.chars().map(upper).collect()));
    table.add(one("title", title));
    table.add(one("reverse", |s| s.graphemes(true).rev().collect()));
    table.add(one("strrev", |s| s.graphemes(true).rev().collect()));
}

fn upper(c: char) -> char {
    let mut all = c.to_uppercase();
    match (all.next(), all.next()) {
        (Some(single), None) => single,
        _ => c,
    }
}

fn title(s: &str) -> String {
    let mut previous = ' ';
    let mut capital = |c: char| {
        let starts = if previous.is_ascii() {
            !(previous.is_ascii_alphanumeric() || previous == '_')
        } else {
            !previous.is_alphanumeric() && previous.is_whitespace()
        };
        previous = c;
        if starts { upper(c) } else { c }
    };
    s.chars().map(&mut capital).collect()
}

fn trims(table: &mut FunctionTable) {
    table.add(one("trimspace", |s| s.trim().to_owned()));
    table.add(one("chomp", |s| s.trim_end_matches(['\r', '\n']).to_owned()));
    let two = |name, second, run: fn(&str, &str) -> String| {
        Function::new(name, vec![Param::string("str"), Param::string(second)], move |_, a| {
            Ok(Value::from(run(text(&a[0]), text(&a[1]))))
        })
    };
    table.add(two("trim", "cutset", |s, set| s.trim_matches(|c| set.contains(c)).to_owned()));
    table.add(two("trimprefix", "prefix", |s, prefix| s.strip_prefix(prefix).unwrap_or(s).to_owned()));
    table.add(two("trimsuffix", "suffix", |s, suffix| s.strip_suffix(suffix).unwrap_or(s).to_owned()));
}

fn parts(table: &mut FunctionTable) {
    table.add(Function::new("strlen", vec![Param::string("str")], |_, a| {
        Ok((text(&a[0]).graphemes(true).count() as i64).into())
    }));
    table.add(Function::new(
        "substr",
        vec![Param::string("str"), Param::number("offset"), Param::number("length")],
        |_, a| {
            let clusters: Vec<&str> = text(&a[0]).graphemes(true).collect();
            let count = clusters.len() as i64;
            let (offset, length) = (whole(&a[1])?, whole(&a[2])?);
            let start = if offset < 0 { (offset + count).max(0) } else { offset.min(count) };
            let end = if length < 0 { count } else { start.saturating_add(length).min(count) };
            Ok(clusters[start as usize..end as usize].concat().into())
        },
    ));
    table.add(Function::new("split", vec![Param::string("separator"), Param::string("str")], |_, a| {
        let (separator, s) = (text(&a[0]), text(&a[1]));
        if separator.is_empty() {
            return Ok(Value::list(s.chars().map(|c| Value::from(c.to_string()))));
        }
        Ok(Value::list(s.split(separator).map(Value::from)))
    }));
    table.add(
        Function::new("join", vec![Param::string("separator")], |_, a| {
            let mut pieces = Vec::new();
            for list in &a[1..] {
                for item in items(list)? {
                    if item.is_null() {
                        return Err("an element of the list is null".to_owned());
                    }
                    pieces.push(text(item));
                }
            }
            Ok(pieces.join(text(&a[0])).into())
        })
        .variadic_with(Param::strings("lists")),
    );
    table.add(Function::new("indent", vec![Param::number("spaces"), Param::string("str")], |_, a| {
        let spaces =
            usize::try_from(whole(&a[0])?).map_err(|_| "the number of spaces must not be negative".to_owned())?;
        let s = text(&a[1]);
        let lines = s.matches('\n').count();
        if lines.saturating_mul(spaces) > MAX_TEXT_BYTES {
            return Err(too_long());
        }
        Ok(s.replace('\n', &format!("\n{}", " ".repeat(if lines == 0 { 0 } else { spaces }))).into())
    }));
}

fn too_long() -> String {
    format!("the text would be longer than {MAX_TEXT_BYTES} bytes")
}

fn replacing(table: &mut FunctionTable) {
    let parameters = |second| vec![Param::string("str"), Param::string(second), Param::string("replace")];
    table.add(Function::new("replace", parameters("substr"), |_, a| {
        let (s, from, to) = (text(&a[0]), text(&a[1]), text(&a[2]));
        let found = if from.is_empty() { s.len() + 1 } else { s.len() / from.len() };
        if found.saturating_mul(to.len()) > MAX_TEXT_BYTES
            && s.matches(from).count().saturating_mul(to.len()) > MAX_TEXT_BYTES
        {
            return Err(too_long());
        }
        Ok(s.replace(from, to).into())
    }));
    // A pattern is compiled anew for each call.
    let cost = |a: &[Value]| 4096 + 64 * text(&a[1]).len() as u64;
    table.add(Function::new("regex_replace", parameters("pattern"), regex_replace).costing(cost));
}

fn regex_replace(_: &CallEnv<'_>, a: &[Value]) -> Outcome {
    let (s, pattern, to) = (text(&a[0]), text(&a[1]), text(&a[2]));
    let regex = Regex::new(pattern).map_err(|error| format!("invalid regular expression: {error}"))?;
    let mut result = String::new();
    let mut last = 0;
    for captures in regex.captures_iter(s) {
        let Some(found) = captures.get(0) else { continue };
        result.push_str(&s[last..found.start()]);
        captures.expand(to, &mut result);
        last = found.end();
        if result.len() > MAX_TEXT_BYTES {
            return Err(too_long());
        }
    }
    result.push_str(&s[last..]);
    Ok(result.into())
}
