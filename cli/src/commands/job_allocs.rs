//! `job allocs`: the allocations of a job.

use crate::context::Context;
use crate::engine::EngineArgs;
use crate::error::During;
use crate::registry::{Invoke, Outcome};
use crate::{output, resolve};
use drover_sdk::Query;

/// Lists allocations.
#[derive(clap::Args)]
#[command(next_help_heading = "Allocs Options")]
pub struct JobAllocs {
    #[command(flatten)]
    engine: EngineArgs,
    /// Those of a former job of the same id too.
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    format: output::Format,
    /// Shows whole ids.
    #[arg(long)]
    verbose: bool,
    #[arg(hide = true)]
    job: Vec<String>,
}

impl Invoke for JobAllocs {
    fn invoke(self, context: &Context) -> Outcome {
        let [job] = self.job.as_slice() else {
            return Err(context.usage("This command takes one argument: <job>"));
        };
        let client = self.engine.connect(context)?;
        context.block_on(async {
            let stub = resolve::job(&client, job).await?;
            let client = client.in_namespace(&stub.namespace);
            if self.format.is_set() {
                let path = format!("/v1/job/{}/allocations", stub.id.replace('/', "%2F"));
                let value: serde_json::Value =
                    client.get(&path, &Query::new()).await.during("Error retrieving allocations")?.value;
                self.format.print(&value)?;
                return Ok(0);
            }
            let mut allocs = client
                .job_allocations(&stub.id, self.all, &Query::new())
                .await
                .during("Error retrieving allocations")?
                .value;
            allocs.sort_by_key(|alloc| std::cmp::Reverse(alloc.create_index));
            output::line(&output::alloc_table::of_job(&allocs, self.verbose, output::now()));
            Ok(0)
        })
    }
}
