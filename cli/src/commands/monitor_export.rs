//! `monitor export`: the log of an agent as it was written.

use crate::context::Context;
use crate::engine::ServerArgs;
use crate::error::During;
use crate::registry::{Invoke, Outcome};
use crate::{output, resolve};
use drover_sdk::Query;

/// Prints an agent's log of before.
#[derive(clap::Args)]
#[command(next_help_heading = "Monitor Specific Options")]
pub struct MonitorExport {
    #[command(flatten)]
    engine: ServerArgs,
    /// The agent of this node.
    #[arg(long = "node-id", value_name = "node-id")]
    node_id: Option<String>,
    /// The agent of this server.
    #[arg(long = "server-id", value_name = "server-id")]
    server_id: Option<String>,
    /// The service of the system whose journal is read.
    #[arg(long = "service-name", value_name = "service-name")]
    service_name: Option<String>,
    /// How far back the journal is read, as "72h".
    #[arg(long = "logs-since", value_name = "duration")]
    logs_since: Option<String>,
    /// Goes on as lines are written. Only of the journal.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false, action = clap::ArgAction::Set)]
    follow: bool,
    /// The agent's log file instead of the journal.
    #[arg(long = "on-disk", num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false, action = clap::ArgAction::Set)]
    on_disk: bool,
}

impl Invoke for MonitorExport {
    fn invoke(self, context: &Context) -> Outcome {
        if self.service_name.is_none() && !self.on_disk {
            return Err(context.usage("One of -service-name or -on-disk must be set"));
        }
        if self.node_id.is_some() && self.server_id.is_some() {
            return Err(context.usage("Cannot target node and server simultaneously"));
        }
        let client = self.engine.connect(context)?;
        context.block_on(async {
            let mut query = Query::new()
                .param("on_disk", self.on_disk.to_string())
                .param("follow", self.follow.to_string())
                .param("plain", "true");
            let given = [
                ("service_name", &self.service_name),
                ("logs_since", &self.logs_since),
                ("server_id", &self.server_id),
            ];
            for (name, value) in given {
                if let Some(value) = value {
                    query = query.param(name, value.as_str());
                }
            }
            if let Some(node) = &self.node_id {
                query = query.param("node_id", resolve::node(&client, node, false).await?.id);
            }
            let mut bytes = client.stream("/v1/agent/monitor/export", &query).await.during("Error starting monitor")?;
            while let Some(piece) = bytes.next().await.during("Error reading the log")? {
                output::raw(&piece);
            }
            Ok(0)
        })
    }
}
