//! `job eval`: has a job evaluated anew.

use crate::context::Context;
use crate::engine::EngineArgs;
use crate::error::During;
use crate::registry::{Invoke, Outcome};
use crate::{monitor, output, resolve};

/// Evaluates a job.
#[derive(clap::Args)]
#[command(next_help_heading = "Eval Options")]
pub struct JobEval {
    #[command(flatten)]
    engine: EngineArgs,
    /// Places failed allocations anew whatever their policy says.
    #[arg(long = "force-reschedule")]
    force_reschedule: bool,
    /// Does not wait.
    #[arg(long)]
    detach: bool,
    /// Shows whole ids.
    #[arg(long)]
    verbose: bool,
    #[arg(hide = true)]
    job: Vec<String>,
}

impl Invoke for JobEval {
    fn invoke(self, context: &Context) -> Outcome {
        let [job] = self.job.as_slice() else {
            return Err(context.usage("This command takes one argument: <job>"));
        };
        let client = self.engine.connect(context)?;
        context.block_on(async {
            let stub = resolve::job(&client, job).await?;
            let client = client.in_namespace(&stub.namespace);
            let made = client.evaluate_job(&stub.id, self.force_reschedule).await.during("Error evaluating job")?;
            if self.detach {
                output::line(&format!("Created eval ID: \"{}\"", output::id(&made.eval_id, self.verbose)));
                return Ok(0);
            }
            monitor::watch(&client, &made.eval_id, self.verbose).await
        })
    }
}
