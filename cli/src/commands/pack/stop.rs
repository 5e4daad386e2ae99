//! `pack stop`: stops the jobs of a pack; what else it brought stays, and `pack run` starts it again.

use super::load;
use crate::context::Context;
use crate::engine::EngineArgs;
use crate::error::CliError;
use crate::output;
use crate::registry::{Invoke, Outcome};
use crate::stacks::VariableArgs;
use drover_packs::files;
use drover_sdk::Client;
use serde_json::Value as Json;
use std::path::Path;

/// Stops a pack.
#[derive(clap::Args)]
#[command(next_help_heading = "Stop Options")]
pub struct Stop {
    #[command(flatten)]
    engine: EngineArgs,
    #[command(flatten)]
    variables: VariableArgs,
    /// Name that it was deployed under; the pack's by default.
    #[arg(long, value_name = "name")]
    name: Option<String>,
    /// Forgets the jobs at once.
    #[arg(long)]
    purge: bool,
    #[arg(hide = true)]
    paths: Vec<String>,
}

/// A job of the engine.
struct Held {
    id: String,
    namespace: String,
}

impl Invoke for Stop {
    fn invoke(self, context: &Context) -> Outcome {
        let given = super::one_path(context, &self.paths)?;
        let is_pack = files::is_pack(Path::new(given));
        let (deployment, wanted) = if is_pack {
            let pack = load(given)?;
            let rendered = super::render(&pack, &self.variables, context, self.name.as_deref(), None)?.rendered;
            let name = self.name.clone().unwrap_or_else(|| pack.metadata.name.clone());
            (name, Some(rendered.all_jobs().iter().map(|job| job.id.clone()).collect::<Vec<_>>()))
        } else {
            (self.name.clone().unwrap_or_else(|| given.to_owned()), None)
        };
        let client = self.engine.connect(context)?;
        context.block_on(async {
            let held = held(&client, &deployment).await?;
            // Other values may have given the jobs other ids: all of the deployment are stopped, and missing ones are told.
            let mut missing: Vec<String> = wanted.unwrap_or_default();
            missing.retain(|id| held.iter().all(|job| job.id != *id));
            for job in &held {
                self.stop(&client, job).await?;
                output::line(&format!("Job {:?} of the deployment {deployment:?} is stopped.", job.id));
            }
            for id in &missing {
                output::error_line(&format!("There is no running job {id:?} of the deployment {deployment:?}."));
            }
            if held.is_empty() && missing.is_empty() {
                return Err(CliError::new(format!("nothing of the deployment {deployment:?} runs"))
                    .hint("`drover pack status` shows what the engine holds of a pack"));
            }
            Ok(u8::from(!missing.is_empty()))
        })
    }
}

impl Stop {
    async fn stop(&self, client: &Client, job: &Held) -> Result<(), CliError> {
        let path = format!("/v1/job/{}?namespace={}&purge={}", encoded(&job.id), encoded(&job.namespace), self.purge);
        ask(client, "DELETE", &path).await.map(|_| ())
    }
}

/// The jobs of a deployment that are not stopped yet, by the marks that Drover and nomad-pack write.
async fn held(client: &Client, deployment: &str) -> Result<Vec<Held>, CliError> {
    let jobs = ask(client, "GET", "/v1/jobs?meta=true&namespace=*").await?;
    let mark = |job: &Json, key: &str| job["Meta"][key].as_str() == Some(deployment);
    let found = jobs.as_array().into_iter().flatten().filter(|job| {
        job["Stop"].as_bool() != Some(true) && (mark(job, "pack.deployment_name") || mark(job, "drover.stack"))
    });
    let text = |value: &Json| value.as_str().unwrap_or_default().to_owned();
    Ok(found.map(|job| Held { id: text(&job["ID"]), namespace: text(&job["Namespace"]) }).collect())
}

async fn ask(client: &Client, method: &str, path: &str) -> Result<Json, CliError> {
    let (status, _, body) =
        client.raw(method, path, &[], None).await.map_err(|error| CliError::new(error.to_string()))?;
    if status >= 300 {
        return Err(CliError::new(format!("the engine refuses: {}", String::from_utf8_lossy(&body).trim())));
    }
    serde_json::from_slice(&body).map_err(|error| CliError::new(format!("the answer is no JSON: {error}")))
}

fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}
