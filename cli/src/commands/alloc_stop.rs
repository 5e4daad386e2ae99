//! `alloc stop`: stops an allocation, which is then placed anew.

use crate::context::Context;
use crate::engine::EngineArgs;
use crate::error::During;
use crate::registry::{Invoke, Outcome};
use crate::{monitor, output, resolve};

/// Stops an allocation.
#[derive(clap::Args)]
#[command(next_help_heading = "Stop Options")]
pub struct AllocStop {
    #[command(flatten)]
    engine: EngineArgs,
    /// Does not wait.
    #[arg(long)]
    detach: bool,
    /// Stops without the group's shutdown delay.
    #[arg(long = "no-shutdown-delay")]
    no_shutdown_delay: bool,
    /// Shows whole ids.
    #[arg(long)]
    verbose: bool,
    #[arg(hide = true)]
    alloc: Vec<String>,
}

impl Invoke for AllocStop {
    fn invoke(self, context: &Context) -> Outcome {
        let [alloc] = self.alloc.as_slice() else {
            return Err(context.usage("This command takes one argument: <alloc-id>"));
        };
        let client = self.engine.connect(context)?;
        context.block_on(async {
            let stub = resolve::allocation(&client, alloc, self.verbose).await?;
            let client = client.in_namespace(&stub.namespace);
            let eval =
                client.stop_allocation(&stub.id, self.no_shutdown_delay).await.during("Error stopping allocation")?;
            if self.detach {
                output::line(&eval);
                return Ok(0);
            }
            monitor::watch(&client, &eval, self.verbose).await
        })
    }
}
