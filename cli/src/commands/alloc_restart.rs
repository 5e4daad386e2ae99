//! `alloc restart`: restarts the tasks of an allocation where they are.

use crate::context::Context;
use crate::engine::EngineArgs;
use crate::error::{CliError, During};
use crate::registry::{Invoke, Outcome};
use crate::resolve;
use drover_sdk::types::AllocStub;

/// Restarts tasks.
#[derive(clap::Args)]
#[command(next_help_heading = "Restart Options")]
pub struct AllocRestart {
    #[command(flatten)]
    engine: EngineArgs,
    /// All tasks, also those that have ended.
    #[arg(long = "all-tasks")]
    all_tasks: bool,
    /// Only this task.
    #[arg(long, value_name = "task-name")]
    task: Option<String>,
    /// Shows whole ids.
    #[arg(long)]
    verbose: bool,
    #[arg(hide = true)]
    arguments: Vec<String>,
}

impl Invoke for AllocRestart {
    fn invoke(self, context: &Context) -> Outcome {
        let (alloc, task) = match self.arguments.as_slice() {
            [alloc] => (alloc, String::new()),
            [alloc, task] => (alloc, task.clone()),
            _ => return Err(context.usage("This command takes one or two arguments: <alloc-id> <task-name>")),
        };
        let task = self.task.clone().unwrap_or(task);
        let client = self.engine.connect(context)?;
        context.block_on(async {
            let stub = resolve::allocation(&client, alloc, self.verbose).await?;
            known_task(&stub, &task)?;
            let client = client.in_namespace(&stub.namespace);
            client.restart_allocation(&stub.id, &task, self.all_tasks).await.during("Failed to restart allocation")?;
            Ok(0)
        })
    }
}

/// The name of a task of an allocation.
///
/// # Errors
/// The allocation has no such task.
pub fn known_task(stub: &AllocStub, task: &str) -> Result<(), CliError> {
    if task.is_empty() || stub.task_states.is_empty() || stub.task_states.contains_key(task) {
        return Ok(());
    }
    let names: Vec<&str> = stub.task_states.keys().map(String::as_str).collect();
    Err(CliError::new(format!("Could not find task named: {task}, found:\n{}", names.join("\n"))))
}
