//! `job periodic force`: starts a periodic job now.

use crate::context::Context;
use crate::engine::EngineArgs;
use crate::error::During;
use crate::registry::{Invoke, Outcome};
use crate::{monitor, output, resolve};

/// Starts a periodic job.
#[derive(clap::Args)]
#[command(next_help_heading = "Periodic Force Options")]
pub struct JobPeriodicForce {
    #[command(flatten)]
    engine: EngineArgs,
    /// Does not wait.
    #[arg(long)]
    detach: bool,
    /// Shows whole ids.
    #[arg(long)]
    verbose: bool,
    #[arg(hide = true)]
    job: Vec<String>,
}

impl Invoke for JobPeriodicForce {
    fn invoke(self, context: &Context) -> Outcome {
        let [job] = self.job.as_slice() else {
            return Err(context.usage("This command takes one argument: <job>"));
        };
        let client = self.engine.connect(context)?;
        context.block_on(async {
            let stub = resolve::job_where(&client, job, "periodic job", |job| job.periodic).await?;
            let client = client.in_namespace(&stub.namespace);
            let made =
                client.force_periodic(&stub.id).await.during(&format!("Error forcing periodic job \"{}\"", stub.id))?;
            if self.detach {
                output::line(&format!("Force periodic successful\nEvaluation ID: {}", made.eval_id));
                return Ok(0);
            }
            monitor::watch(&client, &made.eval_id, self.verbose).await
        })
    }
}
