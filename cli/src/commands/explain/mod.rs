//! `explain`: why a job is placed where it is, or is not, node by node, and what would make it fit.
//!
//! What is recorded (evaluations, metrics of allocations) is shown as it is. What the nodes say now is
//! worked out here, by the engine's own scheduler on what the API tells of nodes and allocations: so it
//! works against Nomad too.

mod report;
mod text;
mod view;

use crate::context::Context;
use crate::engine::EngineArgs;
use crate::error::{CliError, During};
use crate::output;
use crate::registry::{Invoke, Outcome};
use crate::resolve;
use drover_model::{Allocation, Evaluation};
use drover_sdk::{Client, Query};
use report::Report;
use view::Seen;

/// Tells why.
#[derive(clap::Args)]
#[command(next_help_heading = "Explain Options")]
pub struct Explain {
    #[command(flatten)]
    engine: EngineArgs,
    /// Only this group.
    #[arg(long, value_name = "group")]
    group: Option<String>,
    /// As JSON.
    #[arg(long)]
    json: bool,
    /// Shows every node and whole ids.
    #[arg(long)]
    verbose: bool,
    #[arg(hide = true)]
    subject: Vec<String>,
}

/// What is to be explained.
enum Subject {
    Job { id: String, namespace: String },
    Evaluation(Box<Evaluation>),
    Allocation(Box<Allocation>),
}

impl Invoke for Explain {
    fn invoke(self, context: &Context) -> Outcome {
        let [typed] = self.subject.as_slice() else {
            return Err(context.usage("This command takes one argument: <job>, <evaluation> or <allocation>"));
        };
        let client = self.engine.connect(context)?;
        context.block_on(async {
            let subject = find(&client, typed).await?;
            let (id, namespace) = match &subject {
                Subject::Job { id, namespace } => (id.clone(), namespace.clone()),
                Subject::Evaluation(eval) => (eval.job_id.to_string(), eval.namespace.to_string()),
                Subject::Allocation(alloc) => (alloc.job_id.to_string(), alloc.namespace.to_string()),
            };
            let client = client.in_namespace(&namespace);
            let job = client.job(&id, &Query::new()).await.during("Error querying job")?.value;
            if let Some(group) = self.group.as_ref().filter(|name| job.group(name).is_none()) {
                let known: Vec<&str> = job.task_groups.iter().map(|group| group.name.as_str()).collect();
                let text = format!("Job \"{id}\" has no group \"{group}\"; it has: {}", known.join(", "));
                return Err(CliError::new(text));
            }
            let evals = client.job_evaluations(&id, &Query::new()).await.during("Error querying evaluations")?.value;
            let seen = Seen::read(&client, &job).await?;
            let report = Report::new(&subject, &job, &evals, &seen, self.group.as_deref());
            let shown = if self.json { output::json(&report) } else { text::render(&report, self.verbose) };
            output::line(&shown);
            Ok(0)
        })
    }
}

/// A job of that very name, then what an id begins with, then what a job's name begins with.
async fn find(client: &Client, typed: &str) -> Result<Subject, CliError> {
    let jobs = client.jobs(&Query::new().prefix(typed)).await.during("Error querying jobs")?.value;
    if let Some(job) = jobs.iter().find(|job| job.id == typed) {
        return Ok(Subject::Job { id: job.id.clone(), namespace: job.namespace.clone() });
    }
    let is_id = typed.len() >= 2 && typed.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
    if is_id {
        if let Ok(stub) = resolve::allocation(client, typed, false).await {
            let full = client.allocation(&stub.id, &Query::new().namespace(&stub.namespace)).await;
            return Ok(Subject::Allocation(Box::new(full.during("Error querying allocation")?.value)));
        }
        if let Ok(eval) = resolve::evaluation(client, typed, false).await {
            return Ok(Subject::Evaluation(Box::new(eval)));
        }
    }
    match resolve::job(client, typed).await {
        Ok(stub) => Ok(Subject::Job { id: stub.id, namespace: stub.namespace }),
        Err(_) if is_id => {
            Err(CliError::new(format!("No job, evaluation or allocation with prefix or ID \"{typed}\" found")))
        }
        Err(error) => Err(error),
    }
}
