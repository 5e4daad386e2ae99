//! `job start`: starts a job that was stopped.

use crate::context::Context;
use crate::engine::EngineArgs;
use crate::error::{CliError, During};
use crate::registry::{Invoke, Outcome};
use crate::{monitor, output, resolve};
use drover_sdk::{Query, RegisterOptions};

/// Starts stopped jobs.
#[derive(clap::Args)]
#[command(next_help_heading = "Start Options")]
pub struct JobStart {
    #[command(flatten)]
    engine: EngineArgs,
    /// Prints the evaluation's id and does not wait.
    #[arg(long)]
    detach: bool,
    /// Shows whole ids.
    #[arg(long)]
    verbose: bool,
    #[arg(hide = true)]
    jobs: Vec<String>,
}

impl Invoke for JobStart {
    fn invoke(self, context: &Context) -> Outcome {
        if self.jobs.is_empty() {
            return Err(context.usage("This command takes at least one argument: <job>"));
        }
        let client = self.engine.connect(context)?;
        context.block_on(async {
            let mut code = 0;
            for typed in &self.jobs {
                let stub = resolve::job(&client, typed).await?;
                if !stub.stop {
                    return Err(CliError::new(format!("Job \"{}\" has not been stopped", stub.id)));
                }
                let client = client.in_namespace(&stub.namespace);
                let mut job = client.job_json(&stub.id, &Query::new()).await.during("Error retrieving job")?.value;
                let version = job["Version"].as_u64().unwrap_or(0);
                // A job that was made without a text has none to keep.
                let submission = client.job_submission(&stub.id, version, &Query::new()).await.ok();
                let enforce_index = job["JobModifyIndex"].as_u64();
                job["Stop"] = false.into();
                let options = RegisterOptions {
                    enforce_index,
                    submission: submission.map(|answer| answer.value),
                    ..RegisterOptions::default()
                };
                let job = job.as_object().cloned().unwrap_or_default();
                let made = client.register_job(&job, &options).await.during("Error starting job")?;
                if made.eval_id.is_empty() {
                    continue;
                }
                if self.detach {
                    output::line(&format!("Job start successful\nEvaluation ID: {}", made.eval_id));
                } else {
                    code = code.max(monitor::watch(&client, &made.eval_id, self.verbose).await?);
                }
            }
            Ok(code)
        })
    }
}
