//! Files that describe quotas, in HCL with the names of the job language.

use crate::error::CliError;
use drover_hcl::{Body, Diagnostics, EvalContext, Source, parse_body};
use serde_json::{Map, Value, json};

/// Amounts, in files and on the wire.
const AMOUNTS: &[(&str, &str)] =
    &[("cpu", "CPU"), ("cores", "Cores"), ("memory", "MemoryMB"), ("memory_max", "MemoryMaxMB")];

/// The quota of an HCL file, as the wire has it.
///
/// # Errors
/// What is wrong, with its place.
pub fn parse(path: &str, text: &str) -> Result<Value, CliError> {
    let failed = |problems: Diagnostics| CliError::new(format!("Error parsing {path}:\n{problems}"));
    let body = parse_body(&Source::new(path, text)).map_err(failed)?;
    quota(&body).map_err(|fault| match fault {
        Fault::Hcl(problems) => failed(problems),
        Fault::Key(key) => CliError::new(format!("Error parsing {path}: invalid key: {key}")),
    })
}

enum Fault {
    Hcl(Diagnostics),
    Key(String),
}

impl From<Diagnostics> for Fault {
    fn from(problems: Diagnostics) -> Self {
        Self::Hcl(problems)
    }
}

/// The attributes of a body under the names of the wire.
fn attributes(body: &Body, within: &str, names: &[(&str, &str)]) -> Result<Map<String, Value>, Fault> {
    let mut fields = Map::new();
    for attribute in &body.attributes {
        let wire = names.iter().find(|(name, _)| *attribute.name == **name).map(|(_, wire)| *wire);
        let wire = wire.ok_or_else(|| Fault::Key(format!("{within}{}", attribute.name)))?;
        let value = attribute.value.evaluate(&EvalContext::new())?;
        fields.insert(wire.to_owned(), value.to_json().unwrap_or_default());
    }
    Ok(fields)
}

fn quota(body: &Body) -> Result<Value, Fault> {
    let mut quota = attributes(body, "", &[("name", "Name"), ("description", "Description")])?;
    let mut limits = Vec::new();
    for block in &body.blocks {
        if *block.kind != *"limit" {
            return Err(Fault::Key(block.kind.to_string()));
        }
        limits.push(limit(&block.body)?);
    }
    quota.insert("Limits".to_owned(), limits.into());
    Ok(Value::Object(quota))
}

fn limit(body: &Body) -> Result<Value, Fault> {
    let mut limit = attributes(body, "limit.", &[("region", "Region"), ("variables_limit", "VariablesLimit")])?;
    for block in &body.blocks {
        if *block.kind != *"region_limit" {
            return Err(Fault::Key(format!("limit.{}", block.kind)));
        }
        limit.insert("RegionLimit".to_owned(), region_limit(&block.body)?);
    }
    Ok(Value::Object(limit))
}

fn region_limit(body: &Body) -> Result<Value, Fault> {
    let mut amounts = attributes(body, "region_limit.", AMOUNTS)?;
    let (mut devices, mut pools) = (Vec::new(), Vec::new());
    for block in &body.blocks {
        let label = block.labels.first().map(|label| label.text.to_string()).unwrap_or_default();
        match &*block.kind {
            "device" => devices.push(device(&label, &block.body)?),
            "storage" => {
                let names = [("variables", "VariablesMB"), ("host_volumes", "HostVolumesMB")];
                let storage = attributes(&block.body, "storage.", &names)?;
                amounts.insert("Storage".to_owned(), Value::Object(storage));
            }
            "node_pool" => {
                let mut pool = attributes(&block.body, "node_pool.", AMOUNTS)?;
                let inner = block.body.blocks.iter().map(|inner| {
                    let label = inner.labels.first().map(|label| label.text.to_string()).unwrap_or_default();
                    device(&label, &inner.body)
                });
                pool.insert("Devices".to_owned(), inner.collect::<Result<Vec<_>, _>>()?.into());
                pool.insert("NodePool".to_owned(), label.into());
                pools.push(Value::Object(pool));
            }
            other => return Err(Fault::Key(format!("region_limit.{other}"))),
        }
    }
    amounts.insert("Devices".to_owned(), devices.into());
    amounts.insert("NodePools".to_owned(), pools.into());
    Ok(Value::Object(amounts))
}

fn device(name: &str, body: &Body) -> Result<Value, Fault> {
    let fields = attributes(body, "device.", &[("count", "Count")])?;
    Ok(json!({"Name": name, "Count": fields.get("Count").cloned().unwrap_or(1.into())}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_is_a_quota() {
        let quota = parse("spec.hcl", super::super::apply::EXAMPLE).unwrap_or_else(|_| panic!("it should be one"));
        let limit = &quota["Limits"][0]["RegionLimit"];
        assert_eq!(quota["Name"], "default-quota");
        assert_eq!(limit["CPU"], 2500);
        assert_eq!(limit["Devices"], json!([{"Name": "nvidia/gpu/1080ti", "Count": 1}]));
        assert_eq!(limit["NodePools"][0]["NodePool"], "example");
        assert_eq!(limit["Storage"]["HostVolumesMB"], 100_000);
        assert!(parse("spec.hcl", "colour = 1").is_err());
    }
}
