//! `job stop`: stops jobs.

use crate::context::Context;
use crate::engine::EngineArgs;
use crate::error::During;
use crate::registry::{Invoke, Outcome};
use crate::{monitor, output, prompt, resolve};
use drover_sdk::StopOptions;

/// Stops jobs.
#[derive(clap::Args)]
#[command(next_help_heading = "Stop Options")]
pub struct JobStop {
    #[command(flatten)]
    engine: EngineArgs,
    /// Prints the evaluation's id and does not wait.
    #[arg(long)]
    detach: bool,
    /// Priority of the evaluation instead of the job's.
    #[arg(long = "eval-priority", value_name = "priority", default_value_t = 0)]
    eval_priority: u8,
    /// Forgets the job too.
    #[arg(long)]
    purge: bool,
    /// Stops it in every region.
    #[arg(long)]
    global: bool,
    /// Stops without the groups' shutdown delay.
    #[arg(long = "no-shutdown-delay")]
    no_shutdown_delay: bool,
    /// Asks no questions.
    #[arg(long)]
    yes: bool,
    /// Shows whole ids.
    #[arg(long)]
    verbose: bool,
    #[arg(hide = true)]
    jobs: Vec<String>,
}

impl Invoke for JobStop {
    fn invoke(self, context: &Context) -> Outcome {
        if self.jobs.is_empty() {
            return Err(context.usage("This command takes at least one argument: <job>"));
        }
        let client = self.engine.connect(context)?;
        context.block_on(async {
            let mut code = 0;
            for typed in &self.jobs {
                let job = resolve::job(&client, typed).await?;
                if job.id != *typed
                    && !self.yes
                    && prompt::can_ask()
                    && !prompt::confirm(&format!("Are you sure you want to stop job \"{}\"?", job.id))?
                {
                    output::line("Job stop cancelled");
                    continue;
                }
                let client = client.in_namespace(&job.namespace);
                let options = StopOptions {
                    purge: self.purge,
                    global: self.global,
                    no_shutdown_delay: self.no_shutdown_delay,
                    eval_priority: self.eval_priority,
                };
                let stopped = client.stop_job(&job.id, &options).await.during("Error deregistering job")?;
                if stopped.eval_id.is_empty() {
                    continue;
                }
                if self.detach {
                    output::line(&stopped.eval_id);
                } else {
                    code = code.max(monitor::watch(&client, &stopped.eval_id, self.verbose).await?);
                }
            }
            Ok(code)
        })
    }
}
