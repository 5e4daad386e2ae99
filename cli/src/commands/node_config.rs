//! `node config`: which servers a client talks to.

use crate::context::Context;
use crate::engine::ServerArgs;
use crate::error::During;
use crate::output;
use crate::registry::{Invoke, Outcome};
use drover_sdk::{Method, NO_BODY, Query};
use serde_json::Value;

/// Shows or sets the servers.
#[derive(clap::Args)]
#[command(next_help_heading = "Client Config Options")]
pub struct NodeConfig {
    #[command(flatten)]
    engine: ServerArgs,
    /// Lists them.
    #[arg(long)]
    servers: bool,
    /// Replaces them by those that are given as arguments.
    #[arg(long = "update-servers")]
    update_servers: bool,
    #[arg(hide = true)]
    addresses: Vec<String>,
}

impl Invoke for NodeConfig {
    fn invoke(self, context: &Context) -> Outcome {
        if self.servers == self.update_servers {
            return Err(context.usage("One of -servers and -update-servers must be given"));
        }
        if self.update_servers == self.addresses.is_empty() {
            return Err(context.usage("Addresses are needed with -update-servers, and only with it"));
        }
        let client = self.engine.connect(context)?;
        context.block_on(async {
            let path = "/v1/agent/servers";
            if self.update_servers {
                let query =
                    self.addresses.iter().fold(Query::new(), |query, address| query.param("address", address.as_str()));
                client
                    .send::<Value, _>(Method::Put, path, &query, NO_BODY)
                    .await
                    .during("Error updating server list")?;
                output::line("Server list updated");
                return Ok(0);
            }
            let mut servers: Vec<String> =
                client.get(path, &Query::new()).await.during("Error querying server list")?.value;
            servers.sort_unstable();
            servers.iter().for_each(|server| output::line(server));
            Ok(0)
        })
    }
}
