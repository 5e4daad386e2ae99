//! `volume claim list`, `volume claim delete`.

use super::text;
use crate::context::Context;
use crate::engine::EngineArgs;
use crate::error::During;
use crate::output::{self, Table};
use crate::prompt;
use crate::registry::{Invoke, Outcome};
use drover_sdk::Query;

/// Lists which groups stay with which volumes.
#[derive(clap::Args)]
#[command(next_help_heading = "List Options")]
pub struct List {
    #[command(flatten)]
    engine: EngineArgs,
    #[command(flatten)]
    format: output::Format,
    /// Only those of this job.
    #[arg(long, value_name = "id")]
    job: Option<String>,
    /// Only those of this group.
    #[arg(long, value_name = "name")]
    group: Option<String>,
    /// Only those of volumes with this name.
    #[arg(long = "volume-name", value_name = "name")]
    volume_name: Option<String>,
    /// Shows whole ids.
    #[arg(long)]
    verbose: bool,
    #[arg(hide = true)]
    prefix: Vec<String>,
}

impl Invoke for List {
    fn invoke(self, context: &Context) -> Outcome {
        let mut query = match self.prefix.as_slice() {
            [] => Query::new(),
            [prefix] => Query::new().prefix(prefix),
            _ => return Err(context.usage("This command takes no arguments or one: <claim_id>")),
        };
        let filters = [("job_id", &self.job), ("task_group", &self.group), ("volume_name", &self.volume_name)];
        for (name, value) in filters {
            if let Some(value) = value {
                query = query.param(name, value);
            }
        }
        let client = self.engine.connect(context)?;
        context.block_on(async {
            let claims = client.volume_claims(&query).await.during("Error querying volume claims")?.value;
            if self.format.is_set() {
                self.format.print(&claims)?;
                return Ok(0);
            }
            if claims.is_empty() {
                output::line("No task group host volume claims found");
                return Ok(0);
            }
            let mut table = Table::new(&["ID", "Namespace", "Job ID", "Volume ID", "Volume Name"]);
            for claim in &claims {
                table.row([
                    output::id(&text(claim, "ID"), self.verbose).to_owned(),
                    text(claim, "Namespace"),
                    text(claim, "JobID"),
                    output::id(&text(claim, "VolumeID"), self.verbose).to_owned(),
                    text(claim, "VolumeName"),
                ]);
            }
            output::line(&table.render());
            Ok(0)
        })
    }
}

/// Ends a group's hold on a volume.
#[derive(clap::Args)]
#[command(next_help_heading = "Delete Options")]
pub struct Delete {
    #[command(flatten)]
    engine: EngineArgs,
    /// Does not ask.
    #[arg(long = "y")]
    yes: bool,
    #[arg(hide = true)]
    claim: Vec<String>,
}

impl Invoke for Delete {
    fn invoke(self, context: &Context) -> Outcome {
        let [id] = self.claim.as_slice() else {
            return Err(context.usage("This command takes one argument: <claim_id>"));
        };
        let question = format!("Are you sure you want to delete task group host volume claim {id}?");
        if !self.yes && prompt::can_ask() && !prompt::confirm(&question)? {
            output::line("Cancelling task group host volume claim deletion");
            return Ok(0);
        }
        let client = self.engine.connect(context)?;
        context.block_on(async {
            client.delete_volume_claim(id).await.during("Error deleting task group host volume claim")?;
            output::line(&format!("Task group host volume claim {id} successfully deleted"));
            Ok(0)
        })
    }
}
