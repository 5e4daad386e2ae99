//! `job deployments`: the deployments of a job.

use crate::context::Context;
use crate::engine::EngineArgs;
use crate::error::During;
use crate::registry::{Invoke, Outcome};
use crate::{monitor, output, resolve};
use drover_sdk::Query;

/// Lists deployments.
#[derive(clap::Args)]
#[command(next_help_heading = "Deployments Options")]
pub struct JobDeployments {
    #[command(flatten)]
    engine: EngineArgs,
    /// Only the newest, in full.
    #[arg(long)]
    latest: bool,
    #[command(flatten)]
    format: output::Format,
    /// Those of a former job of the same id too.
    #[arg(long)]
    all: bool,
    /// Shows whole ids.
    #[arg(long)]
    verbose: bool,
    #[arg(hide = true)]
    job: Vec<String>,
}

impl Invoke for JobDeployments {
    fn invoke(self, context: &Context) -> Outcome {
        let [job] = self.job.as_slice() else {
            return Err(context.usage("This command takes one argument: <job>"));
        };
        let client = self.engine.connect(context)?;
        context.block_on(async {
            let stub = resolve::job(&client, job).await?;
            let client = client.in_namespace(&stub.namespace);
            if self.latest {
                let newest = client
                    .job_latest_deployment(&stub.id, &Query::new())
                    .await
                    .during("Error retrieving deployments")?
                    .value;
                output::line(&newest.map_or_else(
                    || "No deployment found".to_owned(),
                    |deployment| monitor::describe(&deployment, self.verbose),
                ));
                return Ok(0);
            }
            let query = Query::new().param("all", self.all.to_string());
            let mut list = client.job_deployments(&stub.id, &query).await.during("Error retrieving deployments")?.value;
            list.sort_by_key(|deployment| std::cmp::Reverse(deployment.create_index));
            if self.format.is_set() {
                self.format.print(&list)?;
            } else if list.is_empty() {
                output::line("No deployments found");
            } else {
                output::line(&resolve::deployment_list(&list, self.verbose));
            }
            Ok(0)
        })
    }
}
