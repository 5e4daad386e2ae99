//! `alloc signal`: sends a signal to the tasks of an allocation.

use super::alloc_restart::known_task;
use crate::context::Context;
use crate::engine::EngineArgs;
use crate::error::During;
use crate::registry::{Invoke, Outcome};
use crate::resolve;

/// Sends a signal.
#[derive(clap::Args)]
#[command(next_help_heading = "Signal Options")]
pub struct AllocSignal {
    #[command(flatten)]
    engine: EngineArgs,
    /// The signal; SIGKILL unless said otherwise.
    #[arg(long = "s", value_name = "signal", default_value = "SIGKILL")]
    signal: String,
    /// Only this task.
    #[arg(long, value_name = "task-name")]
    task: Option<String>,
    /// Shows whole ids.
    #[arg(long)]
    verbose: bool,
    #[arg(hide = true)]
    arguments: Vec<String>,
}

impl Invoke for AllocSignal {
    fn invoke(self, context: &Context) -> Outcome {
        let (alloc, task) = match self.arguments.as_slice() {
            [alloc] => (alloc, String::new()),
            [alloc, task] => (alloc, task.clone()),
            _ => return Err(context.usage("This command takes up to two arguments: <alloc-id> <task>")),
        };
        let task = self.task.clone().unwrap_or(task);
        let client = self.engine.connect(context)?;
        context.block_on(async {
            let stub = resolve::allocation(&client, alloc, self.verbose).await?;
            known_task(&stub, &task)?;
            let client = client.in_namespace(&stub.namespace);
            client.signal_allocation(&stub.id, &task, &self.signal).await.during("Error signalling allocation")?;
            Ok(0)
        })
    }
}
