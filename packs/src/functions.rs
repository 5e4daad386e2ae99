//! Functions that expressions of packs, stacks and tests have beside those of job files: patterns, and conditions over lists.

use std::sync::LazyLock;

use drover_hcl::{CallEnv, Function, FunctionTable, Param, Type, Value, convert};
use regex::{Captures, Regex, RegexBuilder};

/// The largest pattern that is compiled, in bytes of its program.
const MAX_PATTERN_BYTES: usize = 1 << 20;

/// The standard functions and these.
pub(crate) fn table() -> FunctionTable {
    static TABLE: LazyLock<FunctionTable> = LazyLock::new(|| {
        let mut table = FunctionTable::standard().as_ref().clone();
        add(&mut table);
        table
    });
    TABLE.clone()
}

fn add(table: &mut FunctionTable) {
    let texts = || vec![Param::string("pattern"), Param::string("string")];
    table.add(Function::new("regex", texts(), |_: &CallEnv<'_>, given: &[Value]| {
        let (pattern, text) = (compiled(text(given, 0))?, text(given, 1));
        let found = pattern.captures(text).ok_or("the pattern matches nothing in the text")?;
        Ok(matched(&pattern, &found))
    }));
    table.add(Function::new("regexall", texts(), |_: &CallEnv<'_>, given: &[Value]| {
        let pattern = compiled(text(given, 0))?;
        Ok(Value::tuple(pattern.captures_iter(text(given, 1)).map(|found| matched(&pattern, &found))))
    }));
    let ends = || vec![Param::string("string"), Param::string("part")];
    table.add(Function::new("startswith", ends(), |_: &CallEnv<'_>, given: &[Value]| {
        Ok(Value::Bool(text(given, 0).starts_with(text(given, 1))))
    }));
    table.add(Function::new("endswith", ends(), |_: &CallEnv<'_>, given: &[Value]| {
        Ok(Value::Bool(text(given, 0).ends_with(text(given, 1))))
    }));
    table.add(Function::new("strcontains", ends(), |_: &CallEnv<'_>, given: &[Value]| {
        Ok(Value::Bool(text(given, 0).contains(text(given, 1))))
    }));
    table.add(Function::new("alltrue", vec![Param::any("list")], |_: &CallEnv<'_>, given: &[Value]| {
        Ok(Value::Bool(truths(given)?.into_iter().all(|truth| truth)))
    }));
    table.add(Function::new("anytrue", vec![Param::any("list")], |_: &CallEnv<'_>, given: &[Value]| {
        Ok(Value::Bool(truths(given)?.into_iter().any(|truth| truth)))
    }));
}

fn text(given: &[Value], at: usize) -> &str {
    given.get(at).and_then(Value::as_str).unwrap_or_default()
}

fn compiled(pattern: &str) -> Result<Regex, String> {
    let built = RegexBuilder::new(pattern).size_limit(MAX_PATTERN_BYTES).build();
    built.map_err(|error| {
        format!("the pattern cannot be used: {}", error.to_string().lines().last().unwrap_or_default())
    })
}

/// The whole match, a list of groups, or a map of named ones.
fn matched(pattern: &Regex, found: &Captures<'_>) -> Value {
    let group = |at: usize| found.get(at).map_or(Value::Null, |part| Value::from(part.as_str()));
    if pattern.capture_names().flatten().next().is_some() {
        let names = pattern.capture_names().enumerate().filter_map(|(at, name)| Some((name?, group(at))));
        return Value::object(names);
    }
    if found.len() == 1 { group(0) } else { Value::tuple((1..found.len()).map(group)) }
}

fn truths(given: &[Value]) -> Result<Vec<bool>, String> {
    let items = given.first().and_then(Value::as_items).ok_or("a list is needed")?;
    items
        .iter()
        .map(|item| {
            convert(item, &Type::Bool)
                .ok()
                .and_then(|item| item.as_bool())
                .ok_or_else(|| "an item is neither true nor false".to_owned())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use drover_hcl::{EvalContext, Source, parse_expression};

    use super::*;

    fn value(text: &str) -> Result<String, String> {
        let context = EvalContext::new().with_functions(Arc::new(table()));
        let expression = parse_expression(&Source::new("t", text)).map_err(|error| error.to_string())?;
        let value = expression.evaluate(&context).map_err(|error| error.to_string())?;
        value.to_json().map(|json| json.to_string()).map_err(|error| error.to_string())
    }

    #[test]
    fn patterns_and_conditions() {
        for (text, wanted) in [
            ("regex(\"b+\", \"abbc\")", "\"bb\""),
            ("regex(\"(a)(b)\", \"ab\")", "[\"a\",\"b\"]"),
            ("regex(\"(?P<x>a)\", \"ab\")", "{\"x\":\"a\"}"),
            ("length(regexall(\"[0-9]\", \"a1b2\"))", "2"),
            ("alltrue([true, \"true\"]) && !alltrue([false]) && alltrue([])", "true"),
            ("anytrue([false, true]) && !anytrue([])", "true"),
            ("startswith(\"abc\", \"a\") && endswith(\"abc\", \"c\") && strcontains(\"abc\", \"b\")", "true"),
            ("can(regex(\"x\", \"a\"))", "false"),
        ] {
            assert_eq!(value(text).as_deref(), Ok(wanted), "{text}");
        }
        assert!(value("regex(\"(\", \"a\")").is_err());
        assert!(value("regex(\"((a{1,1000}){1,1000}){1,1000}\", \"a\")").unwrap_err().contains("cannot be used"));
    }
}
