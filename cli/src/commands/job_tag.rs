//! `job tag apply`, `job tag unset`: names of a job's versions.

use crate::context::Context;
use crate::engine::EngineArgs;
use crate::error::During;
use crate::output;
use crate::registry::{Invoke, Outcome};
use drover_sdk::Query;

/// Names a version.
#[derive(clap::Args)]
#[command(next_help_heading = "Tag Apply Options")]
pub struct Apply {
    #[command(flatten)]
    engine: EngineArgs,
    /// The name.
    #[arg(long, value_name = "version-name")]
    name: Option<String>,
    /// Says what is special about it.
    #[arg(long, value_name = "description", default_value = "")]
    description: String,
    /// The version; the newest unless said otherwise.
    #[arg(long, value_name = "version")]
    version: Option<u64>,
    #[arg(hide = true)]
    job: Vec<String>,
}

impl Invoke for Apply {
    fn invoke(self, context: &Context) -> Outcome {
        let [job] = self.job.as_slice() else {
            return Err(context.usage("This command takes one argument: <job>"));
        };
        let Some(name) = &self.name else {
            return Err(context.usage("A version tag name is required"));
        };
        let client = self.engine.connect(context)?;
        context.block_on(async {
            let version = match self.version {
                Some(version) => version,
                None => client.job(job, &Query::new()).await.during("Error retrieving job versions")?.value.version,
            };
            let done = client.tag_job_version(job, Some(version), name, &self.description).await;
            done.during("Error tagging job version")?;
            output::line(&format!("Job version {version} tagged with name \"{name}\""));
            Ok(0)
        })
    }
}

/// Takes a name away.
#[derive(clap::Args)]
#[command(next_help_heading = "Tag Unset Options")]
pub struct Unset {
    #[command(flatten)]
    engine: EngineArgs,
    /// The name.
    #[arg(long, value_name = "tag")]
    name: Option<String>,
    #[arg(hide = true)]
    job: Vec<String>,
}

impl Invoke for Unset {
    fn invoke(self, context: &Context) -> Outcome {
        let [job] = self.job.as_slice() else {
            return Err(context.usage("This command takes one argument: <job>"));
        };
        let Some(name) = &self.name else {
            return Err(context.usage("A version tag name is required"));
        };
        let client = self.engine.connect(context)?;
        context.block_on(async {
            client.untag_job_version(job, name).await.during("Error tagging job version")?;
            output::line(&format!("Tag \"{name}\" removed from job \"{job}\""));
            Ok(0)
        })
    }
}
