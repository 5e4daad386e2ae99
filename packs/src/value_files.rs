//! Files of values in YAML and TOML, beside those in HCL and JSON.

use std::sync::Arc;

use drover_hcl::{Diagnostic, Diagnostics, EvalContext, Source, Span, Value, parse_expression};

/// The endings of names of files of values.
pub const ENDINGS: [&str; 5] = [".hcl", ".json", ".yaml", ".yml", ".toml"];

/// Whether a file's name says that it is YAML or TOML.
pub(crate) fn is_other_format(name: &str) -> bool {
    is_yaml(name) || has_ending(name, &[".toml"])
}

fn is_yaml(name: &str) -> bool {
    has_ending(name, &[".yaml", ".yml"])
}

fn has_ending(name: &str, endings: &[&str]) -> bool {
    let name = name.to_ascii_lowercase();
    endings.iter().any(|ending| name.ends_with(ending))
}

/// The values of a YAML or TOML file with the places of their names.
///
/// # Errors
/// It is not what its name says, or its top is no map.
pub(crate) fn read(source: &Arc<Source>) -> Result<Vec<(String, Value, Span)>, Diagnostics> {
    let value = if is_yaml(source.name()) { yaml(source)? } else { toml(source)? };
    let Some(entries) = value.as_entries() else {
        if value.is_null() {
            return Ok(Vec::new());
        }
        let detail = "the top of a file of values is a map of names to values";
        return Err(Diagnostic::error(format!("{}: no names", source.name()), detail)
            .at(source, Span::new(0, 0))
            .into());
    };
    let place = |name: &str| place(source.text(), name);
    Ok(entries.iter().map(|(name, value)| (name.to_string(), value.clone(), place(name))).collect())
}

/// The same values as a file in JSON, for those who know HCL and JSON alone; none for files that are in these.
///
/// # Errors
/// The file is not what its name says.
pub fn as_json(name: &str, content: &[u8]) -> Option<Result<String, Diagnostics>> {
    if !is_other_format(name) {
        return None;
    }
    let read = || {
        let source = Source::from_bytes(name, content)?;
        let entries = read(&source)?.into_iter().map(|(name, value, _)| Ok((name, value.to_json()?)));
        let entries: Result<serde_json::Map<String, serde_json::Value>, drover_hcl::NoJson> = entries.collect();
        let entries = entries.map_err(|error| Diagnostic::error(format!("{name}: {error}"), ""))?;
        Ok(serde_json::Value::Object(entries).to_string())
    };
    Some(read())
}

fn yaml(source: &Arc<Source>) -> Result<Value, Diagnostics> {
    let call = parse_expression(&Source::new("yaml", "yamldecode(text)"))?;
    let mut context = EvalContext::new();
    context.set("text", source.text());
    call.evaluate(&context).map_err(|problems| {
        let reason = problems.iter().map(|problem| problem.detail.clone()).collect::<Vec<_>>().join("; ");
        Diagnostic::error(format!("{}: not YAML", source.name()), reason).into()
    })
}

fn toml(source: &Arc<Source>) -> Result<Value, Diagnostics> {
    let table: toml::Table = toml::from_str(source.text()).map_err(|error: toml::de::Error| {
        let problem = Diagnostic::error("not TOML", error.message());
        match error.span() {
            Some(span) => problem.at(source, Span::new(span.start, span.end)),
            None => problem,
        }
    })?;
    Ok(Value::object(table.into_iter().map(|(name, value)| (name, plain(value)))))
}

fn plain(value: toml::Value) -> Value {
    match value {
        toml::Value::String(text) => Value::from(text.as_str()),
        toml::Value::Integer(number) => Value::from_json(&number.into()),
        toml::Value::Float(number) => Value::from_json(&number.into()),
        toml::Value::Boolean(truth) => Value::Bool(truth),
        toml::Value::Datetime(moment) => Value::from(moment.to_string().as_str()),
        toml::Value::Array(items) => Value::tuple(items.into_iter().map(plain)),
        toml::Value::Table(table) => Value::object(table.into_iter().map(|(name, value)| (name, plain(value)))),
    }
}

/// Where a name is written: at the begin of a line, with or without quotes, or as the name of a table.
fn place(text: &str, name: &str) -> Span {
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let bare = line.trim_start_matches(['"', '\'', '[']);
        if let Some(rest) = bare.strip_prefix(name)
            && rest.trim_start_matches(['"', '\'', ' ', '\t']).starts_with([':', '=', ']', '.'])
        {
            let at = start + line.len() - bare.len();
            return Span::new(at, at + name.len());
        }
        start += line.len();
    }
    Span::new(0, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(name: &str, text: &str) -> Result<String, String> {
        let json = as_json(name, text.as_bytes()).ok_or("no other format")?;
        json.map_err(|problems| problems.to_string())
    }

    #[test]
    fn yaml_and_toml_give_the_same() {
        let yaml = values("v.yaml", "port: 80\ntags: [a, \"b ${x}\"]\ndb:\n  name: shop\n  tls: true\n").unwrap();
        let toml =
            values("v.toml", "port = 80\ntags = [\"a\", \"b ${x}\"]\n[db]\nname = \"shop\"\ntls = true\n").unwrap();
        let parse = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(parse(&yaml), parse(&toml));
        assert_eq!(parse(&yaml)["tags"][1], "b ${x}");
        assert!(values("v.hcl", "").is_err());
    }

    #[test]
    fn faults_have_their_place() {
        let error = values("v.toml", "a = 1\nb = = 2\n").unwrap_err();
        assert!(error.contains("v.toml:2:5"), "{error}");
        assert!(values("v.yaml", "- a\n").unwrap_err().contains("map of names"));
        assert!(values("v.yaml", "a: [\n").unwrap_err().contains("not YAML"));
        assert_eq!(place("a: 1\n\"name\": 2\n", "name"), Span::new(6, 10));
    }
}
