//! `node eligibility`: lets the scheduler use a node, or not.

use crate::context::Context;
use crate::engine::ServerArgs;
use crate::error::During;
use crate::registry::{Invoke, Outcome};
use crate::{output, resolve};

/// Sets eligibility.
#[derive(clap::Args)]
#[command(next_help_heading = "Node Eligibility Options")]
pub struct NodeEligibility {
    #[command(flatten)]
    engine: ServerArgs,
    /// New work may go there.
    #[arg(long)]
    enable: bool,
    /// No new work goes there.
    #[arg(long)]
    disable: bool,
    /// The node of the agent at the address.
    #[arg(long = "self")]
    own: bool,
    #[arg(hide = true)]
    node: Vec<String>,
}

impl Invoke for NodeEligibility {
    fn invoke(self, context: &Context) -> Outcome {
        if self.enable == self.disable {
            return Err(context.usage("Either the '-enable' or '-disable' flag must be set"));
        }
        let client = self.engine.connect(context)?;
        context.block_on(async {
            let id = match (self.node.as_slice(), self.own) {
                ([], true) => resolve::own_node(&client).await?,
                ([typed], false) => resolve::node(&client, typed, false).await?.id,
                _ => return Err(context.usage("Node ID must be specified if -self isn't being used")),
            };
            client.set_node_eligibility(&id, self.enable).await.during("Error updating scheduling eligibility")?;
            let state = if self.enable { "eligible" } else { "ineligible" };
            output::line(&format!("Node \"{id}\" scheduling eligibility set: {state} for scheduling"));
            Ok(0)
        })
    }
}
