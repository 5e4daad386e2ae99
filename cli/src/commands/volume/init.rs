//! `volume init`: an example to begin with.

use crate::context::Context;
use crate::error::CliError;
use crate::output;
use crate::registry::{Invoke, Outcome};

/// A dynamic host volume.
pub const HOST: &str = r#"# The ID of a volume that is there already: then this changes it.
# id = "0ba5e5f2-1e6b-4d1e-8d7f-0c3c5b3c9a11"

namespace = "default"
name      = "database"
type      = "host"

# Who makes it: mkdir is built in, others are programs in host_volume_plugin_dir of the nodes.
plugin_id = "mkdir"

# Where it may be. Without a node_id, a node is chosen that has the plugin and satisfies the constraints.
# node_pool = "default"
# node_id   = "..."

# How large it should be; whether that is kept is up to the plugin.
capacity_min = "10GiB"
capacity_max = "20G"

# How jobs may use it. The default is single-node-writer with file-system.
capability {
  access_mode     = "single-node-writer"
  attachment_mode = "file-system"
}

capability {
  access_mode     = "single-node-reader-only"
  attachment_mode = "file-system"
}

# For the plugin; mkdir knows mode, uid and gid.
parameters {
  mode = "0750"
}
"#;

/// A volume of a storage provider.
pub const CSI: &str = r#"id        = "ebs_prod_db1"
namespace = "default"
name      = "database"
type      = "csi"
plugin_id = "plugin_id"

# For 'volume register': what the storage provider calls it. Left out for 'volume create'.
external_id = "vol-23452345"

# For 'volume create': a snapshot to begin with, or a volume to copy. Not both.
snapshot_id = "snap-12345"
# clone_id    = "vol-abcdef"

# For 'volume create': how large it should be.
capacity_min = "10GiB"
capacity_max = "20G"

# How jobs may use it; at least one.
capability {
  access_mode     = "single-node-writer"
  attachment_mode = "file-system"
}

capability {
  access_mode     = "single-node-reader-only"
  attachment_mode = "block-device"
}

# How to mount it as a file system.
mount_options {
  fs_type     = "ext4"
  mount_flags = ["ro"]
}

# From where it must be reachable. The plugin says what segments mean.
topology_request {
  preferred {
    topology {
      segments {
        rack = "R1"
      }
    }
  }
  required {
    topology {
      segments {
        rack = "R1"
      }
    }
    topology {
      segments {
        rack = "R2"
        zone = "us-east-1a"
      }
    }
  }
}

# What the plugin needs to be let in.
secrets {
  example_secret = "xyzzy"
}

# For the plugin when it makes the volume.
parameters {
  skuname = "Premium_LRS"
}

# For 'volume register': what the plugin needs to mount it. 'volume create' finds it out.
context {
  endpoint = "http://192.168.1.101:9425"
}
"#;

const HOST_JSON: &str = r#"{
  "namespace": "default",
  "name": "database",
  "type": "host",
  "plugin_id": "mkdir",
  "capacity_min": "10GiB",
  "capacity_max": "20G",
  "capability": [
    {
      "access_mode": "single-node-writer",
      "attachment_mode": "file-system"
    },
    {
      "access_mode": "single-node-reader-only",
      "attachment_mode": "file-system"
    }
  ],
  "parameters": [
    {
      "mode": "0750"
    }
  ]
}
"#;

const CSI_JSON: &str = r#"{
  "id": "ebs_prod_db1",
  "namespace": "default",
  "name": "database",
  "type": "csi",
  "plugin_id": "plugin_id",
  "external_id": "vol-23452345",
  "snapshot_id": "snap-12345",
  "capacity_min": "10GiB",
  "capacity_max": "20G",
  "capability": [
    {
      "access_mode": "single-node-writer",
      "attachment_mode": "file-system"
    }
  ],
  "mount_options": [
    {
      "fs_type": "ext4",
      "mount_flags": ["ro"]
    }
  ],
  "topology_request": {
    "required": [
      {
        "topology": {
          "segments": {
            "rack": "R1"
          }
        }
      }
    ]
  },
  "parameters": [
    {
      "skuname": "Premium_LRS"
    }
  ]
}
"#;

/// Writes an example.
#[derive(clap::Args)]
#[command(next_help_heading = "Init Options")]
pub struct Init {
    /// In JSON.
    #[arg(long)]
    json: bool,
    /// Of this type: csi or host.
    #[arg(long = "type", value_name = "type", default_value = "csi")]
    kind: String,
    #[arg(hide = true)]
    file: Vec<String>,
}

impl Invoke for Init {
    fn invoke(self, context: &Context) -> Outcome {
        let contents = match (self.kind.as_str(), self.json) {
            ("host", false) => HOST,
            ("host", true) => HOST_JSON,
            ("csi", false) => CSI,
            ("csi", true) => CSI_JSON,
            (other, _) => {
                return Err(CliError::new(format!("-type should be \"csi\" or \"host\", not \"{other}\"")));
            }
        };
        let name = match self.file.as_slice() {
            [] if self.json => "volume.json",
            [] => "volume.hcl",
            [name] => name,
            _ => return Err(context.usage("This command takes no arguments or one: <filename>")),
        };
        crate::commands::write_new(name, contents)?;
        output::line(&format!("Example volume specification written to {name}"));
        Ok(0)
    }
}
