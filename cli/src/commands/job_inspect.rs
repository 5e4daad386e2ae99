//! `job inspect`: a job as JSON, or the text it was made of.

use crate::context::Context;
use crate::engine::EngineArgs;
use crate::error::{CliError, During};
use crate::registry::{Invoke, Outcome};
use crate::{output, resolve};
use drover_sdk::Query;
use serde_json::json;

/// Shows a job.
#[derive(clap::Args)]
#[command(next_help_heading = "Inspect Options")]
pub struct JobInspect {
    #[command(flatten)]
    engine: EngineArgs,
    /// This version instead of the newest.
    #[arg(long, value_name = "version")]
    version: Option<u64>,
    #[command(flatten)]
    format: output::Format,
    /// The text that the job was made of.
    #[arg(long)]
    hcl: bool,
    /// With `-hcl`: the variables too.
    #[arg(long = "with-vars")]
    with_vars: bool,
    #[arg(hide = true)]
    job: Vec<String>,
}

impl Invoke for JobInspect {
    fn invoke(self, context: &Context) -> Outcome {
        let client = self.engine.connect(context)?;
        if self.job.is_empty() {
            return context.block_on(async {
                let jobs: serde_json::Value =
                    client.get("/v1/jobs", &Query::new()).await.during("Error querying jobs")?.value;
                self.format.print(&jobs)?;
                Ok(0)
            });
        }
        if self.hcl && self.format.is_set() {
            return Err(context.usage("-hcl cannot be given together with -json or -t"));
        }
        let [typed] = self.job.as_slice() else {
            return Err(context.usage("This command takes one argument: <job>"));
        };
        context.block_on(async {
            let stub = resolve::job(&client, typed).await?;
            let query = Query::new().namespace(&stub.namespace);
            if self.hcl {
                let version = match self.version {
                    Some(version) => version,
                    None => client.job(&stub.id, &query).await.during("Error querying job")?.value.version,
                };
                let submission = client
                    .job_submission(&stub.id, version, &query)
                    .await
                    .during("Error fetching job submission")?
                    .value;
                output::line(submission.source.trim_end());
                if self.with_vars {
                    let flags: Vec<String> =
                        submission.variable_flags.iter().map(|(name, value)| format!("{name} = {value:?}")).collect();
                    output::line(&format!("\nVariables:\n{}\n{}", flags.join("\n"), submission.variables));
                }
                return Ok(0);
            }
            let job = match self.version {
                None => client.job_json(&stub.id, &query).await.during("Error inspecting job")?.value,
                Some(wanted) => {
                    let path = format!("/v1/job/{}/versions", stub.id.replace('/', "%2F"));
                    let versions: serde_json::Value =
                        client.get(&path, &query).await.during("Error retrieving job versions")?.value;
                    let found =
                        versions["Versions"].as_array().and_then(|all| all.iter().find(|job| job["Version"] == wanted));
                    found.cloned().ok_or_else(|| {
                        CliError::new(format!("job \"{}\" with version {wanted} couldn't be found", stub.id))
                    })?
                }
            };
            // Through the submission form, which has every field.
            let job: drover_wire::job::Job =
                serde_json::from_value(job).map_err(|error| CliError::new(format!("Error converting job: {error}")))?;
            if self.format.template.is_some() {
                self.format.print(&job)?;
            } else {
                output::line(&output::json(&json!({"Job": job})));
            }
            Ok(0)
        })
    }
}
