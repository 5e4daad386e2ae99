//! Files that describe volumes, in HCL or JSON with the same names.

use crate::error::CliError;
use crate::specfile;
use drover_hcl::{Body, Diagnostics, EvalContext, Source, parse_body};
use serde_json::{Map, Value, json};

/// Attributes of volumes and what the wire calls them; `kind` is `host` or `csi`.
const TEXTS: &[(&str, &str)] = &[
    ("id", "ID"),
    ("namespace", "Namespace"),
    ("name", "Name"),
    ("plugin_id", "PluginID"),
    ("node_pool", "NodePool"),
    ("node_id", "NodeID"),
    ("host_path", "HostPath"),
    ("external_id", "ExternalID"),
    ("snapshot_id", "SnapshotID"),
    ("clone_id", "CloneID"),
];

/// A volume that a file describes.
pub struct Spec {
    /// `host` or `csi`.
    pub kind: String,
    /// As the wire has it.
    pub volume: Map<String, Value>,
}

impl Spec {
    /// A text of the volume.
    pub fn text(&self, name: &str) -> &str {
        self.volume.get(name).and_then(Value::as_str).unwrap_or_default()
    }
}

/// Reads a file; `-` is the standard input.
///
/// # Errors
/// It cannot be read, or is no volume.
pub fn read(path: &str) -> Result<Spec, CliError> {
    let text = specfile::read(path)?;
    let wrong = |problem: String| CliError::new(format!("Error parsing {path}: {problem}"));
    let fields = if text.trim_start().starts_with('{') {
        serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?
    } else {
        // Constraints name attributes of nodes, which mean nothing here.
        let literal = drover_hcl::loose::spread_out(&text).replace("${", "$${");
        let failed = |problems: Diagnostics| CliError::new(format!("Error parsing {path}:\n{problems}"));
        object(&parse_body(&Source::new(path, &literal)).map_err(failed)?).map_err(failed)?
    };
    volume_of(fields).map_err(wrong)
}

/// Blocks become lists of objects, so that those of a kind stay apart.
fn object(body: &Body) -> Result<Map<String, Value>, Diagnostics> {
    let mut fields = Map::new();
    for attribute in &body.attributes {
        let value = attribute.value.evaluate(&EvalContext::new())?;
        fields.insert(attribute.name.to_string(), value.to_json().unwrap_or_default());
    }
    for block in &body.blocks {
        let entry = fields.entry(block.kind.to_string()).or_insert_with(|| Value::Array(Vec::new()));
        if let Value::Array(list) = entry {
            list.push(Value::Object(object(&block.body)?));
        }
    }
    Ok(fields)
}

fn volume_of(fields: Map<String, Value>) -> Result<Spec, String> {
    let mut volume = Map::new();
    let mut kind = "csi".to_owned();
    for (name, value) in fields {
        let wire = TEXTS.iter().find(|(given, _)| *given == name).map(|(_, wire)| *wire);
        match (name.as_str(), wire) {
            ("type", _) => kind = text(&name, &value)?,
            (_, Some(wire)) => drop(volume.insert(wire.to_owned(), text(&name, &value)?.into())),
            ("capacity" | "capacity_min" | "capacity_max", _) => {
                drop(volume.insert(name.clone(), size(&name, &value)?.into()));
            }
            ("capability", _) => {
                let names = [("access_mode", "AccessMode"), ("attachment_mode", "AttachmentMode")];
                drop(volume.insert("RequestedCapabilities".into(), list(&name, value, &names)?));
            }
            ("constraint", _) => {
                drop(volume.insert("Constraints".into(), constraints(&name, value)?));
            }
            ("parameters", _) => drop(volume.insert("Parameters".into(), texts(&name, value)?)),
            ("secrets", _) => drop(volume.insert("Secrets".into(), texts(&name, value)?)),
            ("context", _) => drop(volume.insert("Context".into(), texts(&name, value)?)),
            ("mount_options", _) => {
                let names = [("fs_type", "FSType"), ("mount_flags", "MountFlags")];
                let first = list(&name, value, &names)?.get_mut(0).map(Value::take);
                drop(volume.insert("MountOptions".into(), first.unwrap_or_default()));
            }
            ("topology_request", _) => drop(volume.insert("RequestedTopologies".into(), topologies(value)?)),
            _ => return Err(format!("invalid key: {name}")),
        }
    }
    let suffix = if kind == "host" { "Bytes" } else { "" };
    for (name, wire) in [("capacity_min", "RequestedCapacityMin"), ("capacity_max", "RequestedCapacityMax")] {
        if let Some(bytes) = volume.remove(name) {
            volume.insert(format!("{wire}{suffix}"), bytes);
        }
    }
    if let Some(bytes) = volume.remove("capacity") {
        volume.insert(format!("Capacity{suffix}"), bytes);
    }
    Ok(Spec { kind, volume })
}

fn text(name: &str, value: &Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string()),
        Value::Bool(flag) => Ok(flag.to_string()),
        _ => Err(format!("{name} should be a text")),
    }
}

/// `10GiB`, `20G`, or a number of bytes.
fn size(name: &str, value: &Value) -> Result<i64, String> {
    let given = text(name, value)?;
    let wrong = || format!("{name}: {given:?} is no size; write it as \"10GiB\" or \"500MB\"");
    let end = given.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(given.len());
    let number: f64 = given[..end].parse().map_err(|_| wrong())?;
    let unit = given[end..].trim().to_ascii_lowercase();
    let (prefix, binary) = match unit.strip_suffix("ib") {
        Some(prefix) => (prefix, true),
        None => (unit.strip_suffix('b').unwrap_or(&unit), false),
    };
    let power = match prefix {
        "" if !binary => 0,
        prefix if prefix.len() == 1 => "kmgtpe".find(prefix).ok_or_else(wrong)? + 1,
        _ => return Err(wrong()),
    };
    let base: f64 = if binary { 1024.0 } else { 1000.0 };
    #[expect(clippy::cast_possible_truncation, reason = "sizes of volumes are far below 2^63")]
    Ok((number * base.powi(i32::try_from(power).unwrap_or(0))) as i64)
}

/// The blocks of a kind; JSON files may have one object in their place.
fn blocks(value: Value) -> Vec<Map<String, Value>> {
    match value {
        Value::Object(one) => vec![one],
        Value::Array(list) => list.into_iter().flat_map(blocks).collect(),
        _ => Vec::new(),
    }
}

fn list(name: &str, value: Value, names: &[(&str, &str)]) -> Result<Value, String> {
    let renamed = |block: Map<String, Value>| {
        let fields = block.into_iter().map(|(key, value)| {
            let wire = names.iter().find(|(given, _)| *given == key).map(|(_, wire)| *wire);
            Ok((wire.ok_or_else(|| format!("invalid key: {name}.{key}"))?.to_owned(), value))
        });
        fields.collect::<Result<Map<_, _>, String>>().map(Value::Object)
    };
    blocks(value).into_iter().map(renamed).collect::<Result<Vec<_>, _>>().map(Value::Array)
}

/// With the short forms of job files: `distinct_hosts = true` and `operator = "…"`.
fn constraints(name: &str, value: Value) -> Result<Value, String> {
    let names = [("attribute", "LTarget"), ("value", "RTarget"), ("operator", "Operand")];
    let mut list = list(name, value, &names)?;
    for constraint in list.as_array_mut().into_iter().flatten() {
        if constraint["Operand"].is_null() {
            constraint["Operand"] = "=".into();
        }
    }
    Ok(list)
}

fn texts(name: &str, value: Value) -> Result<Value, String> {
    let pairs = blocks(value).into_iter().flatten().map(|(key, value)| Ok((key, Value::String(text(name, &value)?))));
    pairs.collect::<Result<Map<_, _>, String>>().map(Value::Object)
}

fn topologies(value: Value) -> Result<Value, String> {
    let mut request = json!({"Required": null, "Preferred": null});
    for (kind, value) in blocks(value).into_iter().flatten() {
        let wire = match kind.as_str() {
            "required" => "Required",
            "preferred" => "Preferred",
            _ => return Err(format!("invalid key: topology_request.{kind}")),
        };
        let topologies = blocks(value).into_iter().flatten().flat_map(|(_, topology)| blocks(topology));
        let segments = topologies.map(|mut topology| {
            let segments = texts("segments", topology.remove("segments").unwrap_or_default())?;
            Ok(json!({"Segments": segments}))
        });
        request[wire] = segments.collect::<Result<Vec<_>, String>>()?.into();
    }
    Ok(request)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_powers_of_1000_or_1024() {
        let size = |text: &str| size("capacity", &text.into());
        assert_eq!(size("10GiB"), Ok(10 << 30));
        assert_eq!(size("20G"), Ok(20_000_000_000));
        assert_eq!(size("1.5 MB"), Ok(1_500_000));
        assert_eq!(size("17"), Ok(17));
        assert!(size("much").is_err() && size("3 parsecs").is_err());
    }

    #[test]
    fn both_examples_are_volumes() {
        for (text, kind) in [(super::super::init::HOST, "host"), (super::super::init::CSI, "csi")] {
            let fields = object(&parse_body(&Source::new("v.hcl", text)).unwrap()).unwrap();
            let spec = volume_of(fields).unwrap();
            assert_eq!(spec.kind, kind);
            assert_eq!(spec.volume["RequestedCapabilities"].as_array().unwrap().len(), 2);
        }
    }

    #[test]
    fn json_has_the_same_names() {
        let text = r#"{"id": "v", "type": "csi", "capability": [{"access_mode": "a", "attachment_mode": "b"}],
            "parameters": [{"x": "y"}], "topology_request": {"required": [{"topology": {"segments": {"rack": "R1"}}}]}}"#;
        let spec = volume_of(serde_json::from_str(text).unwrap()).unwrap();
        assert_eq!(spec.volume["Parameters"], json!({"x": "y"}));
        assert_eq!(spec.volume["RequestedTopologies"]["Required"], json!([{"Segments": {"rack": "R1"}}]));
        assert!(volume_of(serde_json::from_str(r#"{"colour": "red"}"#).unwrap()).is_err());
    }
}
