//! `server join`, `server force-leave`: who belongs to the cluster.

use crate::context::Context;
use crate::engine::ServerArgs;
use crate::error::{CliError, During};
use crate::output;
use crate::registry::{Invoke, Outcome};
use drover_sdk::{Method, NO_BODY, Query};
use serde_json::Value;

/// Joins servers.
#[derive(clap::Args)]
pub struct Join {
    #[command(flatten)]
    engine: ServerArgs,
    #[arg(hide = true)]
    addresses: Vec<String>,
}

impl Invoke for Join {
    fn invoke(self, context: &Context) -> Outcome {
        if self.addresses.is_empty() {
            return Err(context.usage("One or more node addresses must be given as arguments"));
        }
        let client = self.engine.connect(context)?;
        context.block_on(async {
            let query =
                self.addresses.iter().fold(Query::new(), |query, address| query.param("address", address.as_str()));
            let answer: Value =
                client.send(Method::Put, "/v1/agent/join", &query, NO_BODY).await.during("Error joining")?;
            if let Some(error) = answer["error"].as_str().filter(|error| !error.is_empty()) {
                return Err(CliError::new(format!("Error joining: failed joining: {}", error.trim_end())));
            }
            output::line(&format!("Joined {} servers successfully", answer["num_joined"].as_u64().unwrap_or(0)));
            Ok(0)
        })
    }
}

/// Takes a server for one that has left.
#[derive(clap::Args)]
#[command(next_help_heading = "Force-Leave Options")]
pub struct ForceLeave {
    #[command(flatten)]
    engine: ServerArgs,
    /// Forgets it at once.
    #[arg(long)]
    prune: bool,
    #[arg(hide = true)]
    server: Vec<String>,
}

impl Invoke for ForceLeave {
    fn invoke(self, context: &Context) -> Outcome {
        let [server] = self.server.as_slice() else {
            return Err(context.usage("This command takes one argument: <node>"));
        };
        let client = self.engine.connect(context)?;
        context.block_on(async {
            let mut query = Query::new().param("node", server.as_str());
            if self.prune {
                query = query.param("prune", "1");
            }
            let done = client.send::<Value, _>(Method::Put, "/v1/agent/force-leave", &query, NO_BODY).await;
            done.during(&format!("Error force-leaving server {server}"))?;
            Ok(0)
        })
    }
}
