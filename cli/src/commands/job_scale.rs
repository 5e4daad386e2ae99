//! `job scale`: changes the count of a group.

use super::job_run::print_warnings;
use crate::context::Context;
use crate::engine::EngineArgs;
use crate::error::{CliError, During};
use crate::registry::{Invoke, Outcome};
use crate::{monitor, output, resolve};
use drover_sdk::Query;
use drover_sdk::types::ScaleRequest;

/// Changes a count.
#[derive(clap::Args)]
#[command(next_help_heading = "Scale Options")]
pub struct JobScale {
    #[command(flatten)]
    engine: EngineArgs,
    /// Only if the job's modify index is this.
    #[arg(long = "check-index", value_name = "index")]
    check_index: Option<u64>,
    /// Does not wait.
    #[arg(long)]
    detach: bool,
    /// Shows whole ids.
    #[arg(long)]
    verbose: bool,
    #[arg(hide = true)]
    arguments: Vec<String>,
}

impl Invoke for JobScale {
    fn invoke(self, context: &Context) -> Outcome {
        let (job, group, count) = match self.arguments.as_slice() {
            [job, count] => (job, None, count),
            [job, group, count] => (job, Some(group.clone()), count),
            _ => return Err(context.usage("This command takes at least two arguments: <job> <count>")),
        };
        let count: i64 = count.parse().map_err(|_| {
            CliError::new(format!("Failed to convert count string to int: parsing \"{count}\": invalid syntax"))
        })?;
        let client = self.engine.connect(context)?;
        context.block_on(async {
            let stub = resolve::job(&client, job).await?;
            let client = client.in_namespace(&stub.namespace);
            let found = client.job(&stub.id, &Query::new()).await.during("Error querying job")?.value;
            let group = match group {
                Some(group) if found.group(&group).is_some() => group,
                Some(group) => return Err(CliError::new(format!("Group {group} not found within job"))),
                None => match found.task_groups.as_slice() {
                    [only] => only.name.clone(),
                    _ => return Err(CliError::new("Group name required")),
                },
            };
            if self.check_index.is_some_and(|index| index != found.job_modify_index) {
                return Err(CliError::new(format!(
                    "Job has modify index {}; nothing was changed",
                    found.job_modify_index
                )));
            }
            let request = ScaleRequest {
                count: Some(count),
                target: [("Group".to_owned(), group)].into_iter().collect(),
                message: "submitted using the Nomad CLI".to_owned(),
                error: false,
            };
            let made = client.scale_job(&stub.id, &request).await.during("Error submitting scaling request")?;
            print_warnings(&made.warnings);
            if made.eval_id.is_empty() {
                output::line("Job scale successful");
                return Ok(0);
            }
            if self.detach {
                output::line(&format!("Job scale successful\nEvaluation ID: {}", made.eval_id));
                return Ok(0);
            }
            monitor::watch(&client, &made.eval_id, self.verbose).await
        })
    }
}
