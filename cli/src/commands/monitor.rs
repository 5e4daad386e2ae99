//! `monitor`: the log of an agent as it is written.

use crate::context::Context;
use crate::engine::ServerArgs;
use crate::error::During;
use crate::output;
use crate::registry::{Invoke, Outcome};
use crate::resolve;
use drover_sdk::Query;

/// Streams an agent's log.
#[derive(clap::Args)]
#[command(next_help_heading = "Monitor Specific Options")]
pub struct Monitor {
    #[command(flatten)]
    engine: ServerArgs,
    /// The least important level: trace, debug, info, warn, error.
    #[arg(long = "log-level", value_name = "level", default_value = "info")]
    log_level: String,
    /// The place in the source of each line, where the engine knows it.
    #[arg(long = "log-include-location")]
    log_include_location: bool,
    /// The agent of this node.
    #[arg(long = "node-id", value_name = "node-id")]
    node_id: Option<String>,
    /// The agent of this server; "leader" for the one that leads.
    #[arg(long = "server-id", value_name = "server-id")]
    server_id: Option<String>,
    /// Lines as JSON.
    #[arg(long)]
    json: bool,
}

impl Invoke for Monitor {
    fn invoke(self, context: &Context) -> Outcome {
        let client = self.engine.connect(context)?;
        context.block_on(async {
            let mut query = Query::new()
                .param("log_level", self.log_level.as_str())
                .param("log_json", self.json.to_string())
                .param("log_include_location", self.log_include_location.to_string());
            if let Some(node) = &self.node_id {
                query = query.param("node_id", resolve::node(&client, node, false).await?.id);
            }
            if let Some(server) = &self.server_id {
                query = query.param("server_id", server.as_str());
            }
            let mut frames = client.monitor(&query).await.during("Error starting monitor")?;
            while let Some(frame) = frames.next().await.during("Error reading the log")? {
                output::raw(&frame.data);
            }
            Ok(0)
        })
    }
}
