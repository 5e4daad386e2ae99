//! Small HCL files of namespaces, node pools and variables, read into JSON.

use crate::error::CliError;
use crate::jobfile::reason;
use drover_hcl::{Body, EvalContext, Source, parse_body};
use serde_json::{Map, Value};
use std::io::Read;

/// The largest file that is read, in bytes.
const MAX_FILE_BYTES: u64 = 1024 * 1024;

/// The text of a file; `-` is the standard input.
///
/// # Errors
/// It cannot be read.
pub fn read(path: &str) -> Result<String, CliError> {
    let mut text = String::new();
    let result = if path == "-" {
        std::io::stdin().lock().take(MAX_FILE_BYTES).read_to_string(&mut text)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(MAX_FILE_BYTES).read_to_string(&mut text))
    };
    result.map_err(|error| CliError::new(format!("Error reading {path}: {}", reason(&error))))?;
    Ok(text)
}

/// A body of HCL as JSON: attributes by name, blocks as objects, labels of a block as the keys above it. Functions can
/// be called, variables there are none.
///
/// # Errors
/// What is wrong, with its place.
pub fn parse(name: &str, text: &str) -> Result<Map<String, Value>, CliError> {
    let failed = |problems: drover_hcl::Diagnostics| CliError::new(format!("Error parsing {name}:\n{problems}"));
    let body = parse_body(&Source::new(name, text)).map_err(failed)?;
    object(&body).map_err(failed)
}

fn object(body: &Body) -> Result<Map<String, Value>, drover_hcl::Diagnostics> {
    let mut fields = Map::new();
    for attribute in &body.attributes {
        let value = attribute.value.evaluate(&EvalContext::new())?;
        fields.insert(attribute.name.to_string(), value.to_json().unwrap_or_default());
    }
    for block in &body.blocks {
        let labels: Vec<&str> = block.labels.iter().map(|label| &*label.text).collect();
        nest(&mut fields, &block.kind, &labels, object(&block.body)?);
    }
    Ok(fields)
}

/// Puts `inner` below `name` and, within that, below each label.
fn nest(fields: &mut Map<String, Value>, name: &str, labels: &[&str], inner: Map<String, Value>) {
    let entry = fields.entry(name).or_insert_with(|| Value::Object(Map::new()));
    if let Value::Object(fields) = entry {
        match labels.split_first() {
            Some((label, rest)) => nest(fields, label, rest, inner),
            None => fields.extend(inner),
        }
    }
}

/// Renames fields by a table; the others are faults.
///
/// # Errors
/// A field that is not known.
pub fn renamed(what: &str, fields: Map<String, Value>, names: &[(&str, &str)]) -> Result<Map<String, Value>, CliError> {
    fields
        .into_iter()
        .map(|(name, value)| match names.iter().find(|(known, wire)| *known == name || *wire == name) {
            Some((_, wire)) => Ok(((*wire).to_owned(), value)),
            None => {
                let known: Vec<&str> = names.iter().map(|(known, _)| *known).collect();
                Err(CliError::new(format!("{what} has no field {name:?}; there are: {}", known.join(", "))))
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn blocks_become_objects_under_their_labels() {
        let text = "node_pool \"a\" {\n  description = \"x\"\n  meta {\n    k = \"v\"\n  }\n}\n";
        let parsed = Value::Object(parse("f.hcl", text).unwrap());
        assert_eq!(parsed, json!({"node_pool": {"a": {"description": "x", "meta": {"k": "v"}}}}));
    }

    #[test]
    fn faults_name_the_file() {
        assert!(parse("f.hcl", "a = ").unwrap_err().message.contains("f.hcl"));
        assert!(renamed("a namespace", parse("f", "colour = 1").unwrap(), &[("name", "Name")]).is_err());
    }
}
