//! `namespace apply`: makes or changes a namespace.

use crate::context::Context;
use crate::engine::ServerArgs;
use crate::error::{CliError, During};
use crate::output;
use crate::registry::{Invoke, Outcome};
use crate::specfile;
use drover_model::registry::NamespaceSpec;
use serde_json::Value;
use std::path::Path;

/// Makes a namespace.
#[derive(clap::Args)]
#[command(next_help_heading = "Apply Options")]
pub struct NamespaceApply {
    #[command(flatten)]
    engine: ServerArgs,
    /// Says what it is for.
    #[arg(long, value_name = "text")]
    description: Option<String>,
    /// The quota that holds in it.
    #[arg(long, value_name = "quota")]
    quota: Option<String>,
    /// The file is JSON.
    #[arg(long)]
    json: bool,
    #[arg(hide = true)]
    namespace: Vec<String>,
}

impl Invoke for NamespaceApply {
    fn invoke(self, context: &Context) -> Outcome {
        let [input] = self.namespace.as_slice() else {
            return Err(context.usage("This command takes one argument: <input>"));
        };
        let from_file = if input == "-" || Path::new(input).exists() {
            if self.description.is_some() || self.quota.is_some() {
                return Err(context.usage("-description and -quota cannot be given together with a file"));
            }
            Some(read(input, self.json)?)
        } else {
            None
        };
        let client = self.engine.connect(context)?;
        context.block_on(async {
            let mut spec = match from_file {
                Some(spec) => spec,
                None => match client.namespace(input).await {
                    Ok(found) => found,
                    Err(error) if error.is_not_found() => {
                        NamespaceSpec { name: input.as_str().into(), ..NamespaceSpec::default() }
                    }
                    Err(error) => return Err(error).during("Error retrieving namespace"),
                },
            };
            if let Some(description) = self.description {
                spec.description = description;
            }
            if let Some(quota) = self.quota {
                spec.quota = quota;
            }
            client.apply_namespace(&spec).await.during("Error applying namespace")?;
            output::line(&format!("Successfully applied namespace \"{}\"!", spec.name));
            Ok(0)
        })
    }
}

/// The namespace that a file describes.
fn read(path: &str, is_json: bool) -> Result<NamespaceSpec, CliError> {
    let text = specfile::read(path)?;
    let value = if is_json {
        serde_json::from_str(&text).map_err(|error| wrong(path, &error))?
    } else {
        wire_form(path, &text)?
    };
    serde_json::from_value(value).map_err(|error| wrong(path, &error))
}

fn wrong(path: &str, error: &serde_json::Error) -> CliError {
    CliError::new(format!("Error parsing {path}: {error}"))
}

fn wire_form(path: &str, text: &str) -> Result<Value, CliError> {
    const FIELDS: &[(&str, &str)] = &[
        ("name", "Name"),
        ("description", "Description"),
        ("quota", "Quota"),
        ("meta", "Meta"),
        ("capabilities", "Capabilities"),
        ("node_pool_config", "NodePoolConfiguration"),
        ("vault", "VaultConfiguration"),
        ("consul", "ConsulConfiguration"),
    ];
    const NESTED: &[(&str, &str)] = &[
        ("enabled_task_drivers", "EnabledTaskDrivers"),
        ("disabled_task_drivers", "DisabledTaskDrivers"),
        ("enabled_network_modes", "EnabledNetworkModes"),
        ("disabled_network_modes", "DisabledNetworkModes"),
        ("default", "Default"),
        ("allowed", "Allowed"),
        ("denied", "Denied"),
    ];
    let mut fields = specfile::renamed("a namespace", specfile::parse(path, text)?, FIELDS)?;
    for name in ["Capabilities", "NodePoolConfiguration", "VaultConfiguration", "ConsulConfiguration"] {
        if let Some(Value::Object(inner)) = fields.remove(name) {
            fields.insert(name.to_owned(), specfile::renamed("that block", inner, NESTED)?.into());
        }
    }
    Ok(Value::Object(fields))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn files_become_the_wire_form() {
        let text =
            "name = \"team\"\nmeta {\n  cost = \"low\"\n}\ncapabilities {\n  disabled_task_drivers = [\"docker\"]\n}\n";
        let expected =
            json!({"Name": "team", "Meta": {"cost": "low"}, "Capabilities": {"DisabledTaskDrivers": ["docker"]}});
        assert_eq!(wire_form("team.hcl", text).unwrap(), expected);
        assert!(wire_form("team.hcl", "colour = \"red\"").is_err());
    }
}
