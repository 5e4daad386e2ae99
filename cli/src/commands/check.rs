//! `check`: whether the agent is well, for health checks.

use crate::context::Context;
use crate::engine::ServerArgs;
use crate::error::{CliError, During};
use crate::registry::{Invoke, Outcome};
use drover_sdk::Query;
use serde_json::Value;

/// Checks the agent.
#[derive(clap::Args)]
#[command(next_help_heading = "Agent Check Options")]
pub struct Check {
    #[command(flatten)]
    engine: ServerArgs,
    /// A server must know at least so many others.
    #[arg(long = "min-peers", value_name = "count", default_value_t = 0)]
    min_peers: u64,
    /// A client must know at least so many servers.
    #[arg(long = "min-servers", value_name = "count", default_value_t = 1)]
    min_servers: u64,
}

impl Invoke for Check {
    fn invoke(self, context: &Context) -> Outcome {
        let client = self.engine.connect(context)?;
        context.block_on(async {
            let agent = client.agent_self().await.during("unable to query agent info")?;
            let stats = &agent["stats"];
            // Numbers are texts there.
            let number = |value: &Value| value.as_str().and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
            if stats["nomad"].is_object() {
                let peers = number(&stats["raft"]["num_peers"]);
                if peers < self.min_peers {
                    return Err(CliError::new(format!("known peers: {peers}, but {} are wanted", self.min_peers)));
                }
            }
            if stats["client"].is_object() {
                let servers: Vec<String> =
                    client.get("/v1/agent/servers", &Query::new()).await.during("unable to query servers")?.value;
                if (servers.len() as u64) < self.min_servers {
                    let text = format!("known servers: {}, but {} are wanted", servers.len(), self.min_servers);
                    return Err(CliError::new(text));
                }
            }
            Ok(0)
        })
    }
}
