//! `deployment list`: every deployment.

use crate::context::Context;
use crate::engine::EngineArgs;
use crate::error::During;
use crate::registry::{Invoke, Outcome};
use crate::{output, resolve};
use drover_sdk::Query;

/// Lists deployments.
#[derive(clap::Args)]
#[command(next_help_heading = "List Options")]
pub struct DeploymentList {
    #[command(flatten)]
    engine: EngineArgs,
    #[command(flatten)]
    format: output::Format,
    /// Only those that match.
    #[arg(long, value_name = "expression")]
    filter: Option<String>,
    /// Shows whole ids.
    #[arg(long)]
    verbose: bool,
}

impl Invoke for DeploymentList {
    fn invoke(self, context: &Context) -> Outcome {
        let client = self.engine.connect(context)?;
        context.block_on(async {
            let query = Query::new().param("reverse", "true");
            let query = self.filter.as_ref().map_or(query.clone(), |filter| query.filter(filter));
            if self.format.is_set() {
                let list: serde_json::Value =
                    client.get("/v1/deployments", &query).await.during("Error retrieving deployments")?.value;
                self.format.print(&list)?;
                return Ok(0);
            }
            let list = client.deployments(&query).await.during("Error retrieving deployments")?.value;
            output::line(&if list.is_empty() {
                "No deployments found".to_owned()
            } else {
                resolve::deployment_list(&list, self.verbose)
            });
            Ok(0)
        })
    }
}
