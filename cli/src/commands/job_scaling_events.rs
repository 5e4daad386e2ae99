//! `job scaling-events`: how the counts of a job's groups were changed.

use crate::context::Context;
use crate::engine::EngineArgs;
use crate::error::During;
use crate::output::{self, Table};
use crate::registry::{Invoke, Outcome};
use crate::resolve;
use drover_base::UnixNanos;
use serde_json::Value;

/// Lists scaling events.
#[derive(clap::Args)]
#[command(next_help_heading = "Scaling-Events Options")]
pub struct JobScalingEvents {
    #[command(flatten)]
    engine: EngineArgs,
    /// The messages, errors and evaluations too.
    #[arg(long)]
    verbose: bool,
    #[arg(hide = true)]
    job: Vec<String>,
}

impl Invoke for JobScalingEvents {
    fn invoke(self, context: &Context) -> Outcome {
        let [typed] = self.job.as_slice() else {
            return Err(context.usage("This command takes one argument: <job>"));
        };
        let client = self.engine.connect(context)?;
        context.block_on(async {
            let stub = resolve::job(&client, typed).await?;
            let client = client.in_namespace(&stub.namespace);
            let status = client.job_scale_status(&stub.id).await.during("Error listing scaling events")?;
            let mut events: Vec<(&String, &Value)> = status["TaskGroups"]
                .as_object()
                .into_iter()
                .flatten()
                .flat_map(|(group, status)| {
                    status["Events"].as_array().into_iter().flatten().map(move |event| (group, event))
                })
                .collect();
            if events.is_empty() {
                output::line("No events found");
                return Ok(0);
            }
            events.sort_by_key(|(_, event)| std::cmp::Reverse(event["Time"].as_i64()));
            let mut table = if self.verbose {
                Table::new(&["Task Group", "Count", "PrevCount", "Error", "Message", "Eval ID", "Date"])
            } else {
                Table::new(&["Task Group", "Count", "PrevCount", "Date"])
            };
            for (group, event) in events {
                let number = |name: &str| event[name].as_i64().map(|number| number.to_string()).unwrap_or_default();
                let text = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
                let mut cells = vec![group.clone(), number("Count"), number("PreviousCount")];
                if self.verbose {
                    let failed = event["Error"].as_bool().unwrap_or(false).to_string();
                    cells.extend([failed, text("Message"), text("EvalID")]);
                }
                cells.push(output::stamp(UnixNanos(event["Time"].as_i64().unwrap_or(0))));
                table.push(cells);
            }
            output::line(&table.render());
            Ok(0)
        })
    }
}
