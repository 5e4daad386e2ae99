//! `node pool apply`, `node pool init`, `node pool delete`.

use super::only;
use crate::context::Context;
use crate::engine::ServerArgs;
use crate::error::{CliError, During};
use crate::output;
use crate::registry::{Invoke, Outcome};
use crate::specfile;
use drover_base::Nanos;
use serde_json::{Map, Value};

const EXAMPLE: &str = r#"# A pool of nodes: jobs name it with node_pool, nodes join it by their configuration.
node_pool "example" {
  description = "Example node pool"

  meta {
    environment = "prod"
    owner       = "sre"
  }

  # How long the identities of its nodes are valid.
  # node_identity_ttl = "24h"
}
"#;

const EXAMPLE_JSON: &str = r#"{
  "Name": "example",
  "Description": "Example node pool",
  "Meta": {
    "environment": "prod",
    "owner": "sre"
  }
}
"#;

/// Writes an example.
#[derive(clap::Args)]
#[command(next_help_heading = "Init Options")]
pub struct Init {
    /// The form: hcl or json.
    #[arg(long, value_name = "format", default_value = "hcl")]
    out: String,
    /// Does not say where it was written.
    #[arg(long)]
    quiet: bool,
    #[arg(hide = true)]
    file: Vec<String>,
}

impl Invoke for Init {
    fn invoke(self, context: &Context) -> Outcome {
        let name = match self.file.as_slice() {
            [] if self.out == "json" => "pool.nomad.json",
            [] => "pool.nomad.hcl",
            [name] => name,
            _ => return Err(context.usage("This command takes no arguments or one: <filename>")),
        };
        let contents = match self.out.as_str() {
            "hcl" => EXAMPLE,
            "json" => EXAMPLE_JSON,
            other => return Err(CliError::new(format!("-out should be \"hcl\" or \"json\", not \"{other}\""))),
        };
        crate::commands::write_new(name, contents)?;
        if !self.quiet {
            output::line(&format!("Example node pool specification written to {name}"));
        }
        Ok(0)
    }
}

/// Makes or changes a pool.
#[derive(clap::Args)]
#[command(next_help_heading = "Apply Options")]
pub struct Apply {
    #[command(flatten)]
    engine: ServerArgs,
    /// Reads the file as JSON.
    #[arg(long)]
    json: bool,
    #[arg(hide = true)]
    file: Vec<String>,
}

impl Invoke for Apply {
    fn invoke(self, context: &Context) -> Outcome {
        let path = only(context, &self.file, "input")?;
        let text = specfile::read(path)?;
        let pool = if self.json {
            serde_json::from_str(&text).map_err(|error| CliError::new(format!("Error parsing {path}: {error}")))?
        } else {
            Value::Object(pool_of(path, &text)?)
        };
        let client = self.engine.connect(context)?;
        context.block_on(async {
            client.apply_node_pool(&pool).await.during("Error applying node pool")?;
            output::line(&format!("Successfully applied node pool \"{}\"!", pool["Name"].as_str().unwrap_or_default()));
            Ok(0)
        })
    }
}

/// The pool that a file describes, as the wire has it.
fn pool_of(path: &str, text: &str) -> Result<Map<String, Value>, CliError> {
    let wrong = |text: &str| CliError::new(format!("Error parsing {path}: {text}"));
    let mut file = specfile::parse(path, text)?;
    let Some(Value::Object(pools)) = file.remove("node_pool") else {
        return Err(wrong("there is no block node_pool \"name\""));
    };
    let mut pools = pools.into_iter();
    let (Some((name, Value::Object(fields))), None) = (pools.next(), pools.next()) else {
        return Err(wrong("one block node_pool \"name\" is wanted"));
    };
    const FIELDS: &[(&str, &str)] = &[
        ("description", "Description"),
        ("meta", "Meta"),
        ("node_identity_ttl", "NodeIdentityTTL"),
        ("scheduler_config", "SchedulerConfiguration"),
    ];
    let mut pool = specfile::renamed("a node pool", fields, FIELDS)?;
    if let Some(Value::String(ttl)) = pool.get("NodeIdentityTTL") {
        let ttl = Nanos::parse(ttl).map_err(|error| wrong(&format!("node_identity_ttl {ttl:?}: {error}")))?;
        pool.insert("NodeIdentityTTL".to_owned(), ttl.0.into());
    }
    if let Some(Value::Object(scheduler)) = pool.remove("SchedulerConfiguration") {
        const FIELDS: &[(&str, &str)] = &[
            ("scheduler_algorithm", "SchedulerAlgorithm"),
            ("memory_oversubscription_enabled", "MemoryOversubscriptionEnabled"),
        ];
        let scheduler = specfile::renamed("scheduler_config", scheduler, FIELDS)?;
        pool.insert("SchedulerConfiguration".to_owned(), scheduler.into());
    }
    pool.insert("Name".to_owned(), name.into());
    Ok(pool)
}

/// Removes a pool.
#[derive(clap::Args)]
pub struct Delete {
    #[command(flatten)]
    engine: ServerArgs,
    #[arg(hide = true)]
    pool: Vec<String>,
}

impl Invoke for Delete {
    fn invoke(self, context: &Context) -> Outcome {
        let name = only(context, &self.pool, "node-pool")?;
        let client = self.engine.connect(context)?;
        context.block_on(async {
            client.delete_node_pool(name).await.during("Error deleting node pool")?;
            output::line(&format!("Successfully deleted node pool \"{name}\"!"));
            Ok(0)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_example_is_a_pool() {
        let pool = Value::Object(pool_of("p.hcl", EXAMPLE).unwrap());
        assert_eq!(
            pool,
            json!({"Name": "example", "Description": "Example node pool", "Meta": {"environment": "prod", "owner": "sre"}})
        );
    }

    #[test]
    fn durations_are_read_and_unknown_fields_refused() {
        let pool = pool_of("p.hcl", "node_pool \"a\" {\n  node_identity_ttl = \"1s\"\n}\n").unwrap();
        assert_eq!(pool["NodeIdentityTTL"], 1_000_000_000);
        assert!(pool_of("p.hcl", "node_pool \"a\" {\n  colour = 1\n}\n").is_err());
        assert!(pool_of("p.hcl", "description = \"x\"\n").is_err());
    }
}
