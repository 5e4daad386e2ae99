//! `job inspect`: a job as JSON, or the text it was made of.

use crate::context::Context;
use crate::engine::EngineArgs;
use crate::error::{CliError, During};
use crate::registry::{Invoke, Outcome};
use crate::{output, resolve};
use drover_sdk::Query;
use drover_sdk::types::Submission;
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
        if self.with_vars && !self.hcl {
            return Err(context.usage("can only use -with-vars with -hcl"));
        }
        if self.job.is_empty() && self.format.is_set() {
            return context.block_on(async {
                let jobs: serde_json::Value =
                    client.get("/v1/jobs", &Query::new()).await.during("Error querying jobs")?.value;
                self.format.print(&jobs)?;
                Ok(0)
            });
        }
        if self.hcl && self.format.is_set() {
            return Err(context.usage("can only use one of -hcl or -json"));
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
                output::line(&submission.source);
                if self.with_vars {
                    output::error_line(&rerun(context, &stub.namespace, &stub.id, &submission));
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
            if self.format.is_set() {
                self.format.print(&job)?;
            } else {
                output::line(&output::json(&json!({"Job": job})));
            }
            Ok(0)
        })
    }
}

/// How to run a job as it was submitted. What came from files is shown as a file.
fn rerun(context: &Context, namespace: &str, id: &str, submission: &Submission) -> String {
    let program = context.program.name();
    let place = format!("-namespace {namespace}");
    let mut flags: String = submission
        .variable_flags
        .iter()
        .map(|(name, value)| format!(" -var {}", quoted(&format!("{name}={value}"))))
        .collect();
    let mut file = String::new();
    if !submission.variables.trim().is_empty() {
        flags.push_str(" -var-file vars.hcl");
        file = format!("\n\nwith the file vars.hcl:\n\n{}", submission.variables.trim_end());
    }
    format!(
        "To run this job as it was submitted:\n\n$ {program} job inspect {place} -hcl {id} |\n    {program} job run {place}{flags} -{file}"
    )
}

/// A word of a shell's command line.
fn quoted(text: &str) -> String {
    let is_plain = text.chars().all(|c| c.is_ascii_alphanumeric() || "_-.,:/=@%+".contains(c));
    if is_plain { text.to_owned() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn words_of_a_shell_stay_one_word() {
        assert_eq!(quoted("q=2"), "q=2");
        assert_eq!(quoted("q=it's $HOME"), r"'q=it'\''s $HOME'");
    }
}
