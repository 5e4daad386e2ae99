//! `volume delete`, `volume deregister`, `volume detach`.

use super::{find_one, text};
use crate::context::Context;
use crate::engine::EngineArgs;
use crate::error::{CliError, During};
use crate::output;
use crate::registry::{Invoke, Outcome};

/// Removes a volume with what is in it.
#[derive(clap::Args)]
#[command(next_help_heading = "Delete Options")]
pub struct Delete {
    #[command(flatten)]
    engine: EngineArgs,
    /// Also when the node of a host volume is gone for good.
    #[arg(long)]
    force: bool,
    /// What the plugin needs to be let in, as key=value; may be given several times.
    #[arg(long, value_name = "key=value")]
    secret: Vec<String>,
    /// Of this type: csi or host.
    #[arg(long = "type", value_name = "type", default_value = "csi")]
    kind: String,
    #[arg(hide = true)]
    volume: Vec<String>,
}

impl Invoke for Delete {
    fn invoke(self, context: &Context) -> Outcome {
        let [wanted] = self.volume.as_slice() else {
            return Err(context.usage("This command takes one argument: <vol id>"));
        };
        let client = self.engine.connect(context)?;
        context.block_on(async {
            let kind = self.kind.as_str();
            if !matches!(kind, "csi" | "host") {
                return Err(CliError::new(format!("No such volume type \"{kind}\"")));
            }
            let shown = if kind == "csi" { "CSI" } else { "host" };
            let failed = format!("Could not find existing {shown} volume to delete");
            let volume = find_one(&client, kind, wanted, &failed).await?;
            let (id, namespace) = (text(&volume, "ID"), text(&volume, "Namespace"));
            if kind == "host" {
                client.delete_host_volume(&namespace, &id, self.force).await.during("Error deleting volume")?;
            } else {
                client.delete_csi_volume(&namespace, &id, &self.secret).await.during("Error deleting volume")?;
            }
            output::line(&format!("Successfully deleted volume \"{id}\"!"));
            Ok(0)
        })
    }
}

/// Forgets a CSI volume.
#[derive(clap::Args)]
#[command(next_help_heading = "Volume Deregister Options")]
pub struct Deregister {
    #[command(flatten)]
    engine: EngineArgs,
    /// Also when allocations that are over still hold it.
    #[arg(long)]
    force: bool,
    #[arg(hide = true)]
    volume: Vec<String>,
}

impl Invoke for Deregister {
    fn invoke(self, context: &Context) -> Outcome {
        let [wanted] = self.volume.as_slice() else {
            return Err(context.usage("This command takes one argument: <id>"));
        };
        let client = self.engine.connect(context)?;
        context.block_on(async {
            let volume = find_one(&client, "csi", wanted, "Error listing volumes").await?;
            let (id, namespace) = (text(&volume, "ID"), text(&volume, "Namespace"));
            let done = client.deregister_csi_volume(&namespace, &id, self.force).await;
            done.during("Error deregistering volume")?;
            output::line(&format!("Successfully deregistered volume \"{id}\"!"));
            Ok(0)
        })
    }
}

/// Takes a CSI volume away from a node.
#[derive(clap::Args)]
pub struct Detach {
    #[command(flatten)]
    engine: EngineArgs,
    #[arg(hide = true)]
    arguments: Vec<String>,
}

impl Invoke for Detach {
    fn invoke(self, context: &Context) -> Outcome {
        let [volume, node] = self.arguments.as_slice() else {
            return Err(context.usage("This command takes two arguments: <vol id> <node id>"));
        };
        let client = self.engine.connect(context)?;
        context.block_on(async {
            // A node that is gone can be named by its whole id only.
            let node = match crate::resolve::node(&client, node, false).await {
                Ok(found) => found.id.clone(),
                Err(_) => node.clone(),
            };
            let found = find_one(&client, "csi", volume, "Error detaching volume").await?;
            let (id, namespace) = (text(&found, "ID"), text(&found, "Namespace"));
            client.detach_csi_volume(&namespace, &id, &node).await.during("Error detaching volume")?;
            Ok(0)
        })
    }
}
