//! `deployment status`: how far a deployment is.

use crate::context::Context;
use crate::engine::EngineArgs;
use crate::error::During;
use crate::registry::{Invoke, Outcome};
use crate::{monitor, output, resolve};
use drover_sdk::Query;

/// Shows a deployment.
#[derive(clap::Args)]
#[command(next_help_heading = "Status Options")]
pub struct DeploymentStatus {
    #[command(flatten)]
    engine: EngineArgs,
    #[command(flatten)]
    format: output::Format,
    /// Goes on until the deployment has ended.
    #[arg(long)]
    monitor: bool,
    /// Shows whole ids.
    #[arg(long)]
    verbose: bool,
    #[arg(hide = true)]
    deployment: Vec<String>,
}

impl Invoke for DeploymentStatus {
    fn invoke(self, context: &Context) -> Outcome {
        let client = self.engine.connect(context)?;
        context.block_on(async {
            let Some(typed) = self.deployment.first() else {
                let list = client
                    .deployments(&Query::new().param("reverse", "true"))
                    .await
                    .during("Error retrieving deployments")?
                    .value;
                output::line(&if list.is_empty() {
                    "No deployments found".to_owned()
                } else {
                    resolve::deployment_list(&list, self.verbose)
                });
                return Ok(0);
            };
            let deployment = resolve::deployment(&client, typed, self.verbose).await?;
            let client = client.in_namespace(&deployment.namespace);
            if self.format.is_set() {
                let path = format!("/v1/deployment/{}", deployment.id);
                let value: serde_json::Value =
                    client.get(&path, &Query::new()).await.during("Error retrieving deployment")?.value;
                self.format.print(&value)?;
            } else if self.monitor {
                return monitor::watch_deployment(&client, &deployment.id, self.verbose).await;
            } else {
                output::line(&monitor::describe(&deployment, self.verbose));
            }
            Ok(0)
        })
    }
}
