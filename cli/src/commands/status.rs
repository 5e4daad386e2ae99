//! `status`: anything by its id.

use crate::commands::alloc_status::AllocStatus;
use crate::commands::job_status::JobStatus;
use crate::commands::node_status::NodeStatus;
use crate::context::Context;
use crate::engine::EngineArgs;
use crate::error::{CliError, During};
use crate::registry::{Invoke, Outcome};
use crate::{monitor, output};
use drover_sdk::Query;

/// Shows anything.
#[derive(clap::Args)]
#[command(next_help_heading = "Status Options")]
pub struct Status {
    #[command(flatten)]
    engine: EngineArgs,
    /// Shows whole ids.
    #[arg(long)]
    verbose: bool,
    #[arg(hide = true)]
    id: Vec<String>,
}

impl Invoke for Status {
    fn invoke(self, context: &Context) -> Outcome {
        let client = self.engine.connect(context)?;
        context.block_on(async {
            let job_status = JobStatus::plain(self.engine.clone(), self.verbose);
            let id = match self.id.as_slice() {
                [] => return job_status.list(&client).await,
                [id] => id,
                _ => return Err(context.usage("This command takes either no arguments or one: <job>")),
            };
            let found =
                client.search(id, "all").await.during(&format!("Error querying search with id: \"{id}\""))?.matches;
            let of = |kind: &str| {
                found.get(kind).and_then(Option::as_ref).filter(|ids| !ids.is_empty()).cloned().unwrap_or_default()
            };
            let kinds = ["allocs", "deployment", "evals", "jobs", "nodes", "namespaces"];
            let matched: Vec<(&str, Vec<String>)> =
                kinds.iter().map(|kind| (*kind, of(kind))).filter(|(_, ids)| !ids.is_empty()).collect();
            let exact = matched.iter().find(|(_, ids)| ids.contains(id)).map(|(kind, _)| (*kind, id.clone()));
            let only = match matched.as_slice() {
                [(kind, ids)] if ids.len() == 1 => Some((*kind, ids[0].clone())),
                _ => None,
            };
            let Some((kind, id)) = exact.or(only) else {
                return Err(CliError::new(ambiguous(id, &matched)));
            };
            let verbose = self.verbose;
            match kind {
                "jobs" => job_status.show(&client, &id).await,
                "allocs" => AllocStatus::plain(self.engine.clone(), verbose).show(&client, &id).await,
                "nodes" => NodeStatus::plain(self.engine.server.clone(), verbose).show(&client, &id).await,
                "deployment" => {
                    let deployment =
                        client.deployment(&id, &Query::new()).await.during("Error retrieving deployment")?.value;
                    output::line(&monitor::describe(&deployment, verbose));
                    Ok(0)
                }
                "evals" => {
                    let eval = client
                        .evaluation(&id, &Query::new().param("related", "true"))
                        .await
                        .during("Error querying evaluation")?
                        .value;
                    let allocs = client.evaluation_allocations(&id).await.during("Error querying evaluation")?.value;
                    output::line(&super::eval_status::describe(&eval, &allocs, verbose));
                    Ok(0)
                }
                _ => Err(CliError::new(format!("Unable to resolve ID: \"{id}\""))),
            }
        })
    }
}

fn ambiguous(id: &str, matched: &[(&str, Vec<String>)]) -> String {
    if matched.is_empty() {
        return format!("Unable to resolve ID: \"{id}\"");
    }
    let mut text = format!("Multiple matches found for id \"{id}\"");
    for (kind, ids) in matched {
        let title = match *kind {
            "allocs" => "Allocations",
            "deployment" => "Deployments",
            "evals" => "Evaluations",
            "jobs" => "Jobs",
            "nodes" => "Nodes",
            _ => "Namespaces",
        };
        text.push_str(&format!("\n\n{title}:\n{}", ids.join(", ")));
    }
    text
}
