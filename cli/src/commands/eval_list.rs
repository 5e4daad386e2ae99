//! `eval list`: every evaluation.

use crate::context::Context;
use crate::engine::EngineArgs;
use crate::error::During;
use crate::registry::{Invoke, Outcome};
use crate::{output, resolve};
use drover_sdk::Query;

/// Lists evaluations.
#[derive(clap::Args)]
#[command(next_help_heading = "Eval List Options")]
pub struct EvalList {
    #[command(flatten)]
    engine: EngineArgs,
    #[command(flatten)]
    format: output::Format,
    /// Shows whole ids.
    #[arg(long)]
    verbose: bool,
    /// Only those that match.
    #[arg(long, value_name = "expression")]
    filter: Option<String>,
    /// Only those of this job.
    #[arg(long, value_name = "job")]
    job: Option<String>,
    /// Only those in this status.
    #[arg(long, value_name = "status")]
    status: Option<String>,
}

impl Invoke for EvalList {
    fn invoke(self, context: &Context) -> Outcome {
        let client = self.engine.connect(context)?;
        context.block_on(async {
            let mut query = Query::new().param("reverse", "true");
            for (name, value) in [("filter", &self.filter), ("job", &self.job), ("status", &self.status)] {
                if let Some(value) = value {
                    query = query.param(name, value.as_str());
                }
            }
            if self.format.is_set() {
                let list: serde_json::Value =
                    client.get("/v1/evaluations", &query).await.during("Error querying evaluations")?.value;
                self.format.print(&list)?;
                return Ok(0);
            }
            let list = client.evaluations(&query).await.during("Error querying evaluations")?.value;
            if list.is_empty() {
                output::line("No evals found");
                return Ok(0);
            }
            output::line(&resolve::evaluation_list(&list, self.verbose));
            Ok(0)
        })
    }
}
