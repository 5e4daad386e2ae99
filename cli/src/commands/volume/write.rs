//! `volume create`, `volume register`.

use super::spec::{self, Spec};
use super::{find_one, text};
use crate::context::Context;
use crate::engine::EngineArgs;
use crate::error::{CliError, During};
use crate::output;
use crate::registry::{Invoke, Outcome};
use drover_sdk::Client;
use serde_json::Value;
use std::time::Duration;

/// Between two looks at a volume that is being made.
const POLL: Duration = Duration::from_millis(250);
/// The longest wait for a volume, as the reference's.
const PATIENCE: Duration = Duration::from_secs(30);

/// Has a volume made.
#[derive(clap::Args)]
#[command(next_help_heading = "Create Options")]
pub struct Create {
    #[command(flatten)]
    engine: EngineArgs,
    /// Does not wait until the node reports a host volume.
    #[arg(long)]
    detach: bool,
    /// Changes the host volume whose ID begins so.
    #[arg(long, value_name = "id")]
    id: Option<String>,
    /// Shows whole ids.
    #[arg(long)]
    verbose: bool,
    /// Accepted for the sake of scripts; there are no such policies here.
    #[arg(long = "policy-override")]
    policy_override: bool,
    #[arg(hide = true)]
    input: Vec<String>,
}

impl Invoke for Create {
    fn invoke(self, context: &Context) -> Outcome {
        let mut spec = spec::read(only(context, &self.input)?)?;
        let client = self.engine.connect(context)?;
        context.block_on(async {
            settle_namespace(&mut spec, &self.engine);
            match spec.kind.as_str() {
                "host" => {
                    let id = written(&client, "create", spec, self.id.as_deref(), "Error creating volume").await?;
                    output::line(&format!("==> Created host volume {} with ID {}", id.name, id.id));
                    if self.detach { Ok(0) } else { follow(&client, &id, self.verbose).await }
                }
                "csi" => {
                    let id = spec.text("ID").to_owned();
                    let body = Value::Object(spec.volume);
                    let made = client.write_csi_volume(&id, true, &body).await.during("Error creating volume")?;
                    for volume in made["Volumes"].as_array().into_iter().flatten() {
                        let (external, id) = (text(volume, "ExternalID"), text(volume, "ID"));
                        output::line(&format!("Created external volume {external} with ID {id}"));
                    }
                    Ok(0)
                }
                other => Err(unknown_kind(other)),
            }
        })
    }
}

/// Takes a volume up that is there.
#[derive(clap::Args)]
#[command(next_help_heading = "Register Options")]
pub struct Register {
    #[command(flatten)]
    engine: EngineArgs,
    /// Changes the host volume whose ID begins so.
    #[arg(long, value_name = "id")]
    id: Option<String>,
    /// Accepted for the sake of scripts; there are no such policies here.
    #[arg(long = "policy-override")]
    policy_override: bool,
    #[arg(hide = true)]
    input: Vec<String>,
}

impl Invoke for Register {
    fn invoke(self, context: &Context) -> Outcome {
        let mut spec = spec::read(only(context, &self.input)?)?;
        let client = self.engine.connect(context)?;
        context.block_on(async {
            settle_namespace(&mut spec, &self.engine);
            match spec.kind.as_str() {
                "host" => {
                    let id = written(&client, "register", spec, self.id.as_deref(), "Error registering volume").await?;
                    output::line(&format!("Volume \"{}\" registered with ID {}", id.name, id.id));
                }
                "csi" => {
                    let id = spec.text("ID").to_owned();
                    let body = Value::Object(spec.volume);
                    client.write_csi_volume(&id, false, &body).await.during("Error registering volume")?;
                    output::line(&format!("Volume \"{id}\" registered"));
                }
                other => return Err(unknown_kind(other)),
            }
            Ok(0)
        })
    }
}

fn only<'a>(context: &Context, input: &'a [String]) -> Result<&'a str, CliError> {
    match input {
        [only] => Ok(only),
        _ => Err(context.usage("This command takes one argument: <input>")),
    }
}

fn unknown_kind(kind: &str) -> CliError {
    CliError::new(format!("Error unknown volume type: {kind}"))
}

/// The flag stands where the file says nothing.
fn settle_namespace(spec: &mut Spec, engine: &EngineArgs) {
    if let (Some(namespace), "") = (&engine.namespace, spec.text("Namespace")) {
        spec.volume.insert("Namespace".to_owned(), namespace.as_str().into());
    }
}

/// A volume that was written.
struct Written {
    id: String,
    name: String,
    namespace: String,
}

async fn written(
    client: &Client,
    what: &str,
    mut spec: Spec,
    id: Option<&str>,
    failed: &str,
) -> Result<Written, CliError> {
    if let Some(prefix) = id {
        let known = find_one(client, "host", prefix, "Could not find existing host volume to update").await?;
        spec.volume.insert("ID".to_owned(), known["ID"].clone());
    }
    let answer = client.write_host_volume(what, &Value::Object(spec.volume)).await.during(failed)?;
    let warnings = text(&answer, "Warnings");
    if !warnings.is_empty() {
        output::line(&format!("Volume Warnings:\n{warnings}\n"));
    }
    let volume = &answer["Volume"];
    Ok(Written { id: text(volume, "ID"), name: text(volume, "Name"), namespace: text(volume, "Namespace") })
}

/// Waits until the node reports the volume.
async fn follow(client: &Client, volume: &Written, verbose: bool) -> Outcome {
    let stamp = || output::stamp_or(output::now(), "");
    let id = output::id(&volume.id, verbose);
    output::line(&format!("==> {}: Monitoring volume \"{id}\"...", stamp()));
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        let found = client.volume("host", &volume.namespace, &volume.id).await.during("Error fetching volume")?;
        match found["State"].as_str() {
            Some("ready") => {
                output::line(&format!("==> {}: Volume \"{}\" ready", stamp(), volume.name));
                return Ok(0);
            }
            Some("unavailable") => {
                let text = format!("Volume \"{}\" is unavailable: its node is down or does not report it", volume.name);
                return Err(CliError::new(text));
            }
            _ if tokio::time::Instant::now() >= deadline => {
                return Err(CliError::new(format!("Volume \"{}\" is not ready after {PATIENCE:?}", volume.name)));
            }
            _ => tokio::time::sleep(POLL).await,
        }
    }
}
