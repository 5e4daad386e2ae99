//! `job run`: registers a job and watches what becomes of it.

use crate::browser::Pages;
use crate::context::Context;
use crate::engine::EngineArgs;
use crate::error::CliError;
use crate::jobfile::{JobFile, JobFileArgs};
use crate::registry::{Invoke, Outcome};
use crate::{jobcheck, monitor, output};
use drover_sdk::{Client, RegisterOptions};
use drover_wire::job::to_json_text;
use std::collections::BTreeMap;

/// Registers a job.
#[derive(clap::Args)]
#[command(next_help_heading = "Run Options")]
pub struct JobRun {
    #[command(flatten)]
    engine: EngineArgs,
    #[command(flatten)]
    file: JobFileArgs,
    /// Registers only if the job's modify index is this; 0: only if there is no such job.
    #[arg(long = "check-index", value_name = "index")]
    check_index: Option<u64>,
    /// Prints the evaluation's id and does not wait.
    #[arg(long)]
    detach: bool,
    /// Priority of the evaluation instead of the job's.
    #[arg(long = "eval-priority", value_name = "priority", default_value_t = 0)]
    eval_priority: u8,
    /// Prints the JSON that would be sent, and sends nothing.
    #[arg(long)]
    output: bool,
    /// Opens the job in the web interface of the engine, where it has one.
    #[arg(long)]
    ui: bool,
    /// Overrides soft policies.
    #[arg(long = "policy-override")]
    policy_override: bool,
    /// Keeps the counts that run.
    #[arg(long = "preserve-counts")]
    preserve_counts: bool,
    /// Keeps the resources that run.
    #[arg(long = "preserve-resources")]
    preserve_resources: bool,
    /// Registers services in this Consul namespace.
    #[arg(long = "consul-namespace", value_name = "namespace")]
    consul_namespace: Option<String>,
    /// Shows whole ids.
    #[arg(long)]
    verbose: bool,
    #[arg(hide = true)]
    path: Vec<String>,
}

impl Invoke for JobRun {
    fn invoke(self, context: &Context) -> Outcome {
        let [path] = self.path.as_slice() else {
            return Err(context.usage("This command takes one argument: <path>"));
        };
        let mut file = self.file.load(path)?;
        if let Some(namespace) = &self.consul_namespace {
            file.job.consul_namespace = Some(namespace.clone());
        }
        if self.output {
            output::line(&to_json_text(&BTreeMap::from([("Job", file.job)])));
            return Ok(0);
        }
        jobcheck::configs(&file)?;
        let client = self.engine.connect(context)?;
        context.block_on(self.submit(context, &client, file))
    }
}

impl JobRun {
    async fn submit(&self, context: &Context, client: &Client, file: JobFile) -> Outcome {
        let client =
            match file.namespace().filter(|namespace| client.config().namespace.is_none() && *namespace != "default") {
                Some(namespace) => client.in_namespace(namespace),
                None => client.clone(),
            };
        let pages = if self.ui { Some(Pages::of(&client).await?) } else { None };
        let options = RegisterOptions {
            enforce_index: self.check_index,
            preserve_counts: self.preserve_counts,
            preserve_resources: self.preserve_resources,
            policy_override: self.policy_override,
            eval_priority: self.eval_priority,
            submission: Some(file.submission.clone()),
        };
        let registered = match client.register_job(&file.job, &options).await {
            Ok(registered) => registered,
            Err(error) => {
                if let Some(conflict) = error.body().and_then(conflict) {
                    return Err(CliError::new(format!("{conflict}\nJob not updated")));
                }
                return Err(jobcheck::failed(context.program, &file, "Error submitting job", error));
            }
        };
        print_warnings(&registered.warnings);
        if let Some(pages) = pages {
            pages.open(&format!("jobs/{}@{}", file.id(), client.config().namespace.as_deref().unwrap_or("default")));
        }
        if self.detach || registered.eval_id.is_empty() {
            output::line("Job registration successful");
            if file.is_periodic() {
                print_next_launch(&client, &file).await;
            } else if !registered.eval_id.is_empty() {
                output::line(&format!("Evaluation ID: {}", registered.eval_id));
            }
            return Ok(0);
        }
        monitor::watch(&client, &registered.eval_id, self.verbose).await
    }
}

/// The warnings of a registration, above everything else.
pub fn print_warnings(warnings: &str) {
    if !warnings.is_empty() {
        output::line(&format!("{}\n{warnings}\n", output::paint(output::Colour::Yellow, "Job Warnings:")));
    }
}

async fn print_next_launch(client: &Client, file: &JobFile) {
    let Ok(plan) = client.plan_job(file.id(), &file.job, false, false).await else { return };
    if let Some(next) = plan.next_periodic_launch.nanos() {
        let now = output::now();
        output::line(&format!("Approximate next launch time: {} ({})", output::stamp(next), output::ago(next, now)));
    }
}

/// The engine's words when the job has changed since its index was read.
fn conflict(body: &str) -> Option<&str> {
    let start = body.find("Enforcing job modify index")?;
    Some(body[start..].trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_conflict_is_told_from_other_refusals() {
        let body = "Enforcing job modify index 9: job exists with conflicting job modify index: 4";
        assert_eq!(conflict(body), Some(body));
        assert_eq!(conflict("no such driver"), None);
    }
}
