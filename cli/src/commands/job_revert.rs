//! `job revert`: goes back to a version.

use crate::context::Context;
use crate::engine::EngineArgs;
use crate::error::{CliError, During};
use crate::registry::{Invoke, Outcome};
use crate::{monitor, output, resolve};

/// Goes back.
#[derive(clap::Args)]
#[command(next_help_heading = "Revert Options")]
pub struct JobRevert {
    #[command(flatten)]
    engine: EngineArgs,
    /// Does not wait.
    #[arg(long)]
    detach: bool,
    /// Shows whole ids.
    #[arg(long)]
    verbose: bool,
    #[arg(hide = true)]
    arguments: Vec<String>,
}

impl Invoke for JobRevert {
    fn invoke(self, context: &Context) -> Outcome {
        let [job, version] = self.arguments.as_slice() else {
            return Err(context.usage("This command takes two arguments: <job> <version|tag>"));
        };
        let Ok(version) = version.parse() else {
            return Err(CliError::new(format!("The job version \"{version}\" is no number")));
        };
        let client = self.engine.connect(context)?;
        context.block_on(async {
            let stub = resolve::job(&client, job).await?;
            let client = client.in_namespace(&stub.namespace);
            let made = client.revert_job(&stub.id, version, None).await.during("Error retrieving job versions")?;
            if made.eval_id.is_empty() {
                return Ok(0);
            }
            if self.detach {
                output::line(&format!("Evaluation ID: {}", made.eval_id));
                return Ok(0);
            }
            monitor::watch(&client, &made.eval_id, self.verbose).await
        })
    }
}
