//! `job history`: the versions of a job.

use crate::context::Context;
use crate::engine::EngineArgs;
use crate::error::{CliError, During};
use crate::output::fields;
use crate::registry::{Invoke, Outcome};
use crate::{output, resolve};
use drover_sdk::Query;

/// Shows versions.
#[derive(clap::Args)]
#[command(next_help_heading = "History Options")]
pub struct JobHistory {
    #[command(flatten)]
    engine: EngineArgs,
    /// The differences between them.
    #[arg(long = "p")]
    patch: bool,
    /// Only this one.
    #[arg(long, value_name = "version")]
    version: Option<u64>,
    #[command(flatten)]
    format: output::Format,
    /// Shows whole ids.
    #[arg(long)]
    verbose: bool,
    #[arg(hide = true)]
    job: Vec<String>,
}

impl Invoke for JobHistory {
    fn invoke(self, context: &Context) -> Outcome {
        let [job] = self.job.as_slice() else {
            return Err(context.usage("This command takes one argument: <job>"));
        };
        let client = self.engine.connect(context)?;
        context.block_on(async {
            let stub = resolve::job(&client, job).await?;
            let client = client.in_namespace(&stub.namespace);
            let history = client
                .job_versions(&stub.id, self.patch, &Query::new())
                .await
                .during("Error retrieving job versions")?
                .value;
            if self.format.is_set() {
                self.format.print(&history.versions)?;
                return Ok(0);
            }
            let mut blocks = Vec::new();
            for (place, version) in history.versions.iter().enumerate() {
                if self.version.is_some_and(|wanted| wanted != version.version) {
                    continue;
                }
                let mut pairs = vec![
                    ("Version", version.version.to_string()),
                    ("Stable", version.stable.to_string()),
                    ("Submit Date", output::stamp(version.submit_time)),
                ];
                if let Some(tag) = &version.version_tag {
                    pairs.push(("Tag Name", tag.name.clone()));
                    if !tag.description.is_empty() {
                        pairs.push(("Tag Description", tag.description.clone()));
                    }
                }
                let text = if let Some(diff) = history.diffs.get(place).filter(|_| self.patch) {
                    pairs.push(("Diff", format!("\n{}", output::diff::job(diff, self.verbose))));
                    fields(&pairs)
                } else {
                    fields(&pairs)
                };
                blocks.push(text);
            }
            if blocks.is_empty() {
                return Err(CliError::new(format!("Job \"{}\" has no such version", stub.id)));
            }
            output::line(&blocks.join("\n\n"));
            Ok(0)
        })
    }
}
