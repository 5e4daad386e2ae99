//! `eval delete`: removes evaluations that nothing should work on any more.

use crate::context::Context;
use crate::engine::EngineArgs;
use crate::error::{CliError, During};
use crate::registry::{Invoke, Outcome};
use crate::{output, prompt, resolve};
use drover_sdk::{Error, Method, Query};
use serde_json::{Value, json};

/// Removes evaluations.
#[derive(clap::Args)]
#[command(next_help_heading = "Eval Delete Options")]
pub struct EvalDelete {
    #[command(flatten)]
    engine: EngineArgs,
    /// Those that this expression fits.
    #[arg(long, value_name = "filter")]
    filter: Option<String>,
    /// Does not ask.
    #[arg(long)]
    yes: bool,
    #[arg(hide = true)]
    evaluation: Vec<String>,
}

impl Invoke for EvalDelete {
    fn invoke(self, context: &Context) -> Outcome {
        let invalid = |text: &str| Err(CliError::new(format!("Error validating command args and flags: {text}")));
        match (self.evaluation.as_slice(), &self.filter) {
            ([], None) => return invalid("evaluation ID or filter flag required"),
            ([_, ..], Some(_)) => return invalid("evaluation ID and filter flag provided"),
            ([_, _, ..], None) => return invalid("expected 1 argument: <evaluation>"),
            _ => {}
        }
        let client = self.engine.connect(context)?;
        context.block_on(async {
            let path = "/v1/operator/scheduler/configuration";
            let answer = client.get::<Value>(path, &Query::new()).await;
            let configuration = answer.during("Error querying scheduler configuration")?.value;
            if configuration["SchedulerConfig"]["PauseEvalBroker"] != Value::Bool(true) {
                let name = context.program.name();
                return Err(CliError::new(format!(
                    "Eval broker is not paused\nTo delete evaluations you must first pause the eval broker by running \
                     \"{name} operator scheduler set-config -pause-eval-broker=true\"\nAfter the deletion is complete, \
                     unpause the eval broker by running \"{name} operator scheduler set-config \
                     -pause-eval-broker=false\""
                )));
            }
            let (query, body, count) = match (self.evaluation.first(), &self.filter) {
                (Some(prefix), _) => {
                    let found = resolve::evaluation(&client, prefix, false).await?;
                    (Query::new(), json!({ "EvalIDs": [found.id] }), 1)
                }
                (None, filter) => {
                    let query = Query::new().param("filter", filter.as_deref().unwrap_or_default());
                    let answer = client.get::<Value>("/v1/evaluations/count", &query).await;
                    let answer = answer.during("Error counting evaluations")?.value;
                    (query, json!({ "EvalIDs": [] }), answer["Count"].as_i64().unwrap_or(0))
                }
            };
            if self.filter.is_some() {
                let question = format!("Are you sure you want to delete {count} evals?");
                if !self.yes && !prompt::confirm(&question)? {
                    output::line("No evaluations were deleted");
                    return Ok(1);
                }
            }
            if count == 0 {
                output::line("No evaluations were deleted");
                return Ok(0);
            }
            let sent: Result<Value, Error> = client.send(Method::Delete, "/v1/evaluations", &query, Some(&body)).await;
            let deleted = sent.during("Error deleting evaluations")?["Count"].as_i64().unwrap_or(count);
            let plural = if deleted == 1 { "" } else { "s" };
            output::line(&format!("Successfully deleted {deleted} evaluation{plural}"));
            Ok(0)
        })
    }
}
