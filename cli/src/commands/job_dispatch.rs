//! `job dispatch`: starts an instance of a parameterized job.

use crate::context::Context;
use crate::engine::EngineArgs;
use crate::error::{CliError, During};
use crate::jobfile::reason;
use crate::registry::{Invoke, Outcome};
use crate::{monitor, output, resolve};
use base64::Engine as _;
use serde_json::Map;
use std::io::Read;

/// Dispatches a job.
#[derive(clap::Args)]
#[command(next_help_heading = "Dispatch Options")]
pub struct JobDispatch {
    #[command(flatten)]
    engine: EngineArgs,
    /// Meta of the instance; may be given several times.
    #[arg(long, value_name = "key=value")]
    meta: Vec<String>,
    /// Begins the instance's id with this.
    #[arg(long = "id-prefix-template", value_name = "template", default_value = "")]
    id_prefix_template: String,
    /// Makes only one instance per token.
    #[arg(long = "idempotency-token", value_name = "token", default_value = "")]
    idempotency_token: String,
    /// Does not wait.
    #[arg(long)]
    detach: bool,
    /// Shows whole ids.
    #[arg(long)]
    verbose: bool,
    #[arg(hide = true)]
    arguments: Vec<String>,
}

impl Invoke for JobDispatch {
    fn invoke(self, context: &Context) -> Outcome {
        let (job, input) = match self.arguments.as_slice() {
            [job] => (job, None),
            [job, input] => (job, Some(input)),
            _ => {
                return Err(context.usage("This command takes one or two argument: <parameterized job> [input source]"));
            }
        };
        let payload = match input.map(String::as_str) {
            None => Vec::new(),
            Some("-") => {
                let mut bytes = Vec::new();
                std::io::stdin()
                    .lock()
                    .read_to_end(&mut bytes)
                    .map_err(|error| CliError::new(format!("Error reading input data: {error}")))?;
                bytes
            }
            Some(path) => std::fs::read(path)
                .map_err(|error| CliError::new(format!("Error reading input data: open {path}: {}", reason(&error))))?,
        };
        let mut meta = Map::new();
        for given in &self.meta {
            let Some((key, value)) = given.split_once('=') else {
                return Err(CliError::new(format!("Error parsing meta value: {given}")));
            };
            meta.insert(key.to_owned(), value.into());
        }
        let client = self.engine.connect(context)?;
        context.block_on(async {
            let stub = resolve::job_where(&client, job, "parameterized job", |job| job.parameterized_job).await?;
            let client = client.in_namespace(&stub.namespace);
            let payload = base64::engine::general_purpose::STANDARD.encode(&payload);
            let made = client
                .dispatch_job(&stub.id, &meta, &payload, &self.id_prefix_template, &self.idempotency_token)
                .await
                .during("Failed to dispatch job")?;
            let mut pairs = vec![("Dispatched Job ID", made.dispatched_job_id.clone())];
            if !made.eval_id.is_empty() {
                pairs.push(("Evaluation ID", output::id(&made.eval_id, self.verbose).to_owned()));
            }
            output::line(&output::fields(&pairs));
            if self.detach || made.eval_id.is_empty() {
                return Ok(0);
            }
            output::line("");
            monitor::watch(&client, &made.eval_id, self.verbose).await
        })
    }
}
