//! `job restart`: restarts a job's allocations, some at a time.

use crate::context::Context;
use crate::engine::EngineArgs;
use crate::error::{CliError, During};
use crate::registry::{Invoke, Outcome};
use crate::{monitor, output, prompt, resolve};
use drover_base::Nanos;
use drover_sdk::types::AllocStub;
use drover_sdk::{Client, Query};
use std::time::Duration;

/// The longest wait between two looks at a replacement; a change of it comes at once.
const LOOK_AGAIN: Duration = Duration::from_secs(60);

/// Restarts allocations.
#[derive(clap::Args)]
#[command(next_help_heading = "Restart Options")]
pub struct JobRestart {
    #[command(flatten)]
    engine: EngineArgs,
    /// Tasks that do not run too, as those that come before the others.
    #[arg(long = "all-tasks")]
    all_tasks: bool,
    /// How many are restarted together: a number, or a share as 25%.
    #[arg(long = "batch-size", value_name = "n|n%", default_value = "1")]
    batch_size: String,
    /// How long to wait between batches: a duration as 30s, or "ask".
    #[arg(long = "batch-wait", value_name = "duration|ask", default_value = "0s")]
    batch_wait: String,
    /// Only allocations of this group; may be given several times.
    #[arg(long, value_name = "group-name")]
    group: Vec<String>,
    /// With `-reschedule`: without the groups' shutdown delay.
    #[arg(long = "no-shutdown-delay")]
    no_shutdown_delay: bool,
    /// What to do when one fails: "ask" or "fail". Default: "ask" at a terminal.
    #[arg(long = "on-error", value_name = "ask|fail")]
    on_error: Option<String>,
    /// Stops allocations and has them placed anew instead of restarting their tasks in place.
    #[arg(long)]
    reschedule: bool,
    /// Only this task; may be given several times.
    #[arg(long, value_name = "task-name")]
    task: Vec<String>,
    /// Asks no questions.
    #[arg(long)]
    yes: bool,
    /// Shows whole ids.
    #[arg(long)]
    verbose: bool,
    #[arg(hide = true)]
    job: Vec<String>,
}

/// What lies between two batches.
enum Pause {
    For(Duration),
    Ask,
}

impl Invoke for JobRestart {
    fn invoke(self, context: &Context) -> Outcome {
        let [typed] = self.job.as_slice() else {
            return Err(context.usage("This command takes one argument: <job>"));
        };
        if self.reschedule && (self.all_tasks || !self.task.is_empty()) {
            return Err(context.usage("-reschedule cannot be used with -all-tasks or -task"));
        }
        if self.all_tasks && !self.task.is_empty() {
            return Err(context.usage("-all-tasks cannot be used with -task"));
        }
        if self.no_shutdown_delay && !self.reschedule {
            return Err(context.usage("-no-shutdown-delay needs -reschedule"));
        }
        let asks_on_error = match self.on_error.as_deref() {
            Some("fail") => false,
            Some("ask") if !prompt::can_ask() => {
                let text = "Invalid -on-error value \"ask\": \"ask\" cannot be used when terminal is not interactive";
                return Err(context.usage(text));
            }
            Some("ask") => true,
            None => prompt::can_ask() && !self.yes,
            Some(other) => {
                return Err(context.usage(format!("Invalid -on-error value {other:?}: use \"ask\" or \"fail\"")));
            }
        };
        let pause = match self.batch_wait.as_str() {
            "ask" if prompt::can_ask() => Pause::Ask,
            "ask" => return Err(context.usage("-batch-wait=ask needs a terminal")),
            text => Pause::For(
                Nanos::parse(text)
                    .map_err(|error| context.usage(format!("Invalid -batch-wait value {text:?}: {error}")))?
                    .as_duration(),
            ),
        };
        let client = self.engine.connect(context)?;
        context.block_on(async {
            let stub = resolve::job(&client, typed).await?;
            let question = format!("Are you sure you want to restart job \"{}\"?", stub.id);
            if stub.id != *typed && !self.yes && prompt::can_ask() && !prompt::confirm(&question)? {
                return Ok(0);
            }
            self.restart(&client.in_namespace(&stub.namespace), &stub.id, &pause, asks_on_error).await
        })
    }
}

impl JobRestart {
    async fn restart(&self, client: &Client, job: &str, pause: &Pause, asks_on_error: bool) -> Outcome {
        let found = client.job_allocations(job, true, &Query::new()).await;
        let mut allocs = found.during(&format!("Error retrieving allocations for job {job:?}"))?.value;
        allocs.retain(|alloc| self.is_meant(alloc));
        allocs.sort_by(|a, b| (&a.task_group, &a.name).cmp(&(&b.task_group, &b.name)));
        if allocs.is_empty() {
            output::line("No allocations to restart");
            return Ok(0);
        }
        let size = batch_size(&self.batch_size, allocs.len())?;
        monitor::heading(&format!("Restarting {}", output::plural(allocs.len() as u64, "allocation")));
        let batches = allocs.len().div_ceil(size);
        for (number, batch) in allocs.chunks(size).enumerate() {
            if batches > 1 {
                monitor::heading(&format!("Restarting batch {} of {batches}", number + 1));
            }
            let restarts = batch.iter().map(|alloc| self.restart_one(client, alloc));
            for result in futures::future::join_all(restarts).await {
                let Err(error) = result else { continue };
                if !asks_on_error {
                    return Err(error);
                }
                output::error_line(&error.message);
                if !prompt::confirm("Restart the others all the same?")? {
                    return Ok(1);
                }
            }
            if number + 1 == batches {
                break;
            }
            match pause {
                Pause::For(time) => tokio::time::sleep(*time).await,
                Pause::Ask if prompt::confirm("Go on with the next batch?")? => {}
                Pause::Ask => return Ok(1),
            }
        }
        monitor::heading("Job restart finished");
        output::line("\nJob restarted successfully!");
        Ok(0)
    }

    fn is_meant(&self, alloc: &AllocStub) -> bool {
        let is_of_group = self.group.is_empty() || self.group.contains(&alloc.task_group);
        let has_task = self.task.is_empty() || self.task.iter().any(|task| alloc.task_states.contains_key(task));
        is_of_group && has_task && alloc.desired_status == "run" && alloc.client_status == "running"
    }

    async fn restart_one(&self, client: &Client, alloc: &AllocStub) -> Result<(), CliError> {
        let id = output::id(&alloc.id, self.verbose);
        let failed = format!("Error restarting allocation {id:?}");
        let group = &alloc.task_group;
        if self.reschedule {
            monitor::detail(&format!("Rescheduling allocation {id:?} for group {group:?}"));
            client.stop_allocation(&alloc.id, self.no_shutdown_delay).await.during(&failed)?;
            return replaced(client, alloc).await.during(&failed);
        }
        if self.task.is_empty() {
            let which = if self.all_tasks { "all" } else { "running" };
            monitor::detail(&format!("Restarting {which} tasks in allocation {id:?} for group {group:?}"));
            return client.restart_allocation(&alloc.id, "", self.all_tasks).await.during(&failed);
        }
        for task in self.task.iter().filter(|task| alloc.task_states.contains_key(*task)) {
            monitor::detail(&format!("Restarting task {task:?} in allocation {id:?} for group {group:?}"));
            client.restart_allocation(&alloc.id, task, false).await.during(&failed)?;
        }
        Ok(())
    }
}

/// Waits until what replaces an allocation runs.
async fn replaced(client: &Client, alloc: &AllocStub) -> drover_sdk::Result<()> {
    let mut id = alloc.id.clone();
    let mut index = 0;
    loop {
        let query = Query::new().newer_than(index, LOOK_AGAIN);
        let answer = client.allocation(&id, &query).await?;
        index = answer.index;
        let now = answer.value;
        if id == alloc.id {
            if !now.next_allocation.is_empty() {
                (id, index) = (now.next_allocation.to_string(), 0);
            }
        } else if now.client_status.as_str() == "running" || now.is_client_terminal() {
            return Ok(());
        }
    }
}

/// How many of `total` make a batch.
fn batch_size(text: &str, total: usize) -> Result<usize, CliError> {
    let size = match text.strip_suffix('%') {
        Some(share) => {
            share.parse::<usize>().ok().filter(|share| *share <= 100).map(|share| (total * share).div_ceil(100))
        }
        None => text.parse().ok(),
    };
    size.filter(|size| *size > 0)
        .ok_or_else(|| CliError::new(format!("Invalid -batch-size value {text:?}: use a number or a share as 25%")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_are_numbers_or_shares() {
        assert_eq!(batch_size("3", 10).unwrap(), 3);
        assert_eq!(batch_size("25%", 10).unwrap(), 3);
        assert!(batch_size("0", 10).is_err());
        assert!(batch_size("120%", 10).is_err());
        assert!(batch_size("many", 10).is_err());
    }
}
