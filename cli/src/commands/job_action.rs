//! `job action`: runs a command that a task offers.

use super::alloc_exec::{Session, attach};
use crate::context::Context;
use crate::engine::EngineArgs;
use crate::error::{CliError, During};
use crate::registry::{Invoke, Outcome};
use crate::resolve;
use drover_sdk::{ActionOptions, Query};
use std::io::IsTerminal;

/// Runs an action.
#[derive(clap::Args)]
#[command(next_help_heading = "Action Specific Options")]
pub struct JobAction {
    #[command(flatten)]
    engine: EngineArgs,
    /// The job.
    #[arg(long, value_name = "job-id")]
    job: Option<String>,
    /// The allocation; else one of the group is taken.
    #[arg(long, value_name = "allocation-id")]
    alloc: Option<String>,
    /// The task.
    #[arg(long, value_name = "task-name")]
    task: Option<String>,
    /// The group.
    #[arg(long, value_name = "group-name")]
    group: Option<String>,
    /// Passes the standard input on. Default: true.
    #[arg(long = "i", num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = true, action = clap::ArgAction::Set)]
    interactive: bool,
    /// Runs the command at a terminal. Default: whether this is one.
    #[arg(long = "t", num_args = 0..=1, require_equals = true, default_missing_value = "true", action = clap::ArgAction::Set)]
    tty: Option<bool>,
    /// At a terminal: this character at the beginning of a line and a dot end the session; "none" for no such thing.
    #[arg(long = "e", value_name = "escape_char", default_value = "~")]
    escape: String,
    #[arg(hide = true)]
    action: Vec<String>,
}

impl Invoke for JobAction {
    fn invoke(self, context: &Context) -> Outcome {
        let [action] = self.action.as_slice() else {
            return Err(context.usage("An action name is required"));
        };
        let Some(job) = &self.job else { return Err(context.usage("A job ID is required")) };
        if self.alloc.is_none() && (self.group.is_none() || self.task.is_none()) {
            let text = "A group and a task name must be provided, or an allocation ID";
            return Err(context.usage(text));
        }
        let session = Session::new(context, self.interactive, self.tty, &self.escape)?;
        let client = self.engine.connect(context)?;
        context.block_on(async {
            let job = resolve::job(&client, job).await?;
            let client = client.in_namespace(&job.namespace);
            let stub = match (&self.alloc, &self.group, &self.task) {
                (Some(alloc), ..) => resolve::allocation(&client, alloc, false).await?,
                (None, group, task) => {
                    resolve::allocation_of_job(&client, &job.id, group.as_deref(), task.as_deref()).await?
                }
            };
            let task = match &self.task {
                Some(task) => task.clone(),
                None => resolve::only_task(&client, &stub).await?,
            };
            let known = client.get::<serde_json::Value>(&format!("/v1/job/{}/actions", job.id), &Query::new()).await;
            let known = known.during("Error querying the job's actions")?.value;
            let has = known.as_array().into_iter().flatten().any(|one| one["Name"] == **action);
            if !has {
                return Err(CliError::new(format!("Action {action} not found in task {task} of job {}", job.id)));
            }
            let options = ActionOptions {
                job: job.id.clone(),
                alloc: stub.id.clone(),
                group: stub.task_group.clone(),
                task,
                action: action.clone(),
                tty: session.tty,
            };
            let (inputs, events) = client.run_action(&options).await.during("failed to run the action")?;
            attach(&session, inputs, events, "failed to run the action").await
        })
    }
}

impl Session {
    /// How a session goes, from the flags of a command.
    fn new(context: &Context, interactive: bool, tty: Option<bool>, escape: &str) -> Result<Self, CliError> {
        let at_terminal = || std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
        let tty = tty.unwrap_or_else(|| interactive && at_terminal());
        if tty && !interactive {
            return Err(context.usage("-i must be enabled if running with tty"));
        }
        let escape = match escape.as_bytes() {
            b"none" | b"" => None,
            [one] => Some(*one),
            _ => return Err(context.usage("-e requires 'none' or a single character")),
        };
        Ok(Self { interactive, tty, escape })
    }
}
