//! `quota apply`, `quota init`, `quota delete`.

use super::{only, spec};
use crate::context::Context;
use crate::engine::ServerArgs;
use crate::error::{CliError, During};
use crate::output;
use crate::registry::{Invoke, Outcome};
use crate::specfile;
use serde_json::Value;

/// A quota to begin with.
pub const EXAMPLE: &str = r#"name        = "default-quota"
description = "Limit the shared default namespace"

# One limit per region. 0 is no limit, a negative number allows nothing.
limit {
  region = "global"
  region_limit {
    cores      = 0
    cpu        = 2500 # MHz
    memory     = 1000 # MiB
    memory_max = 1000 # MiB

    device "nvidia/gpu/1080ti" {
      count = 1
    }

    storage {
      variables    = 1000   # MiB
      host_volumes = 100000 # MiB
    }

    # Of these, the jobs of one node pool may use no more than this.
    node_pool "example" {
      cpu    = 500
      memory = 100
    }
  }
}
"#;

const EXAMPLE_JSON: &str = r#"{
  "Name": "default-quota",
  "Description": "Limit the shared default namespace",
  "Limits": [
    {
      "Region": "global",
      "RegionLimit": {
        "Cores": 0,
        "CPU": 2500,
        "MemoryMB": 1000,
        "MemoryMaxMB": 1000,
        "Devices": [
          {
            "Name": "nvidia/gpu/1080ti",
            "Count": 1
          }
        ],
        "Storage": {
          "VariablesMB": 1000,
          "HostVolumesMB": 100000
        },
        "NodePools": [
          {
            "NodePool": "example",
            "CPU": 500,
            "MemoryMB": 100
          }
        ]
      }
    }
  ]
}
"#;

/// Makes or changes a quota.
#[derive(clap::Args)]
#[command(next_help_heading = "Apply Options")]
pub struct Apply {
    #[command(flatten)]
    engine: ServerArgs,
    /// The file is JSON.
    #[arg(long)]
    json: bool,
    #[arg(hide = true)]
    input: Vec<String>,
}

impl Invoke for Apply {
    fn invoke(self, context: &Context) -> Outcome {
        let path = only(context, &self.input, "input")?;
        let text = specfile::read(path)?;
        let quota: Value = if self.json {
            serde_json::from_str(&text).map_err(|error| CliError::new(format!("Error parsing {path}: {error}")))?
        } else {
            spec::parse(path, &text)?
        };
        let client = self.engine.connect(context)?;
        context.block_on(async {
            client.apply_quota(&quota).await.during("Error applying quota specification")?;
            let name = quota["Name"].as_str().unwrap_or_default();
            output::line(&format!("Successfully applied quota specification \"{name}\"!"));
            Ok(0)
        })
    }
}

/// Writes an example.
#[derive(clap::Args)]
#[command(next_help_heading = "Init Options")]
pub struct Init {
    /// In JSON.
    #[arg(long)]
    json: bool,
    #[arg(hide = true)]
    file: Vec<String>,
}

impl Invoke for Init {
    fn invoke(self, context: &Context) -> Outcome {
        let name = match self.file.as_slice() {
            [] if self.json => "spec.json",
            [] => "spec.hcl",
            [name] => name,
            _ => return Err(context.usage("This command takes no arguments or one: <filename>")),
        };
        crate::commands::write_new(name, if self.json { EXAMPLE_JSON } else { EXAMPLE })?;
        output::line(&format!("Example quota specification written to {name}"));
        Ok(0)
    }
}

/// Removes a quota.
#[derive(clap::Args)]
pub struct Delete {
    #[command(flatten)]
    engine: ServerArgs,
    #[arg(hide = true)]
    quota: Vec<String>,
}

impl Invoke for Delete {
    fn invoke(self, context: &Context) -> Outcome {
        let name = only(context, &self.quota, "quota")?;
        let client = self.engine.connect(context)?;
        context.block_on(async {
            client.delete_quota(name).await.during("Error deleting quota")?;
            output::line(&format!("Successfully deleted quota \"{name}\"!"));
            Ok(0)
        })
    }
}
