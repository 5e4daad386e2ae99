//! `operator root keyring …`: the keys that variables are encrypted with; `operator gossip keyring generate`.

use crate::context::Context;
use crate::engine::ServerArgs;
use crate::error::{CliError, During};
use crate::output::{self, Table};
use crate::registry::{Invoke, Outcome};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use drover_base::UnixNanos;
use drover_sdk::{Client, Method, NO_BODY, Query};
use serde_json::Value;
use std::fs::File;
use std::io::Read;

/// Bytes of a gossip key.
const GOSSIP_KEY_BYTES: usize = 32;

/// Said when nobody says when the new key is to be used.
const ONE_OF: &str = r#"
One of "-now" or "-prepublish" must be used.

If a key has been leaked use "-now" to force immediate rotation.

Otherwise please use "-prepublish <duration>" to ensure the new key is not used
to sign workload identities before JWKS endpoints are updated.
"#;

/// Lists the keys.
#[derive(clap::Args)]
#[command(next_help_heading = "Keyring Options")]
pub struct List {
    #[command(flatten)]
    engine: ServerArgs,
    /// Shows whole ids.
    #[arg(long)]
    verbose: bool,
}

impl Invoke for List {
    fn invoke(self, context: &Context) -> Outcome {
        let client = self.engine.connect(context)?;
        context.block_on(async {
            let answer = client.get::<Vec<Value>>("/v1/operator/keyring/keys", &Query::new()).await;
            print_keys(&answer.during("Error listing keyring")?.value, self.verbose);
            Ok(0)
        })
    }
}

fn print_keys(keys: &[Value], verbose: bool) {
    let mut table = Table::new(&["Key", "State", "Create Time", "Publish Time"]);
    for key in keys {
        let time = |name: &str| output::stamp_or(UnixNanos(key[name].as_i64().unwrap_or(0)), "<none>");
        table.row([
            output::id(key["KeyID"].as_str().unwrap_or_default(), verbose).to_owned(),
            key["State"].as_str().unwrap_or_default().to_owned(),
            time("CreateTime"),
            time("PublishTime"),
        ]);
    }
    output::line(&table.render());
}

/// Makes a new key.
#[derive(clap::Args)]
#[command(next_help_heading = "Keyring Options")]
pub struct Rotate {
    #[command(flatten)]
    engine: ServerArgs,
    /// Encrypts everything anew with it.
    #[arg(long)]
    full: bool,
    /// Uses it at once.
    #[arg(long)]
    now: bool,
    /// Publishes it now and uses it after this time, as 1h.
    #[arg(long, value_name = "duration")]
    prepublish: Option<String>,
    /// Shows whole ids.
    #[arg(long)]
    verbose: bool,
}

impl Invoke for Rotate {
    fn invoke(self, context: &Context) -> Outcome {
        if self.now == self.prepublish.is_some() {
            return Err(CliError::new(ONE_OF));
        }
        let client = self.engine.connect(context)?;
        context.block_on(async {
            let mut query = Query::new();
            if self.full {
                query = query.param("full", "true");
            }
            if let Some(after) = &self.prepublish {
                let time = drover_base::Nanos::parse(after)
                    .map_err(|error| context.usage(format!("Invalid -prepublish value {after:?}: {error}")))?;
                query = query.param("publish_time", (output::now().0 + time.0).to_string());
            }
            let made: Value = client
                .send(Method::Put, "/v1/operator/keyring/rotate", &query, NO_BODY)
                .await
                .during("Error rotating keyring")?;
            print_keys(std::slice::from_ref(&made["Key"]), self.verbose);
            Ok(0)
        })
    }
}

/// Removes a key that nothing is encrypted with.
#[derive(clap::Args)]
pub struct Remove {
    #[command(flatten)]
    engine: ServerArgs,
    #[arg(hide = true)]
    key: Vec<String>,
}

impl Invoke for Remove {
    fn invoke(self, context: &Context) -> Outcome {
        let [key] = self.key.as_slice() else {
            return Err(context.usage("This command requires one argument: <key ID>"));
        };
        let client = self.engine.connect(context)?;
        context.block_on(remove(&client, key))
    }
}

async fn remove(client: &Client, typed: &str) -> Outcome {
    let found = client.get::<Vec<Value>>("/v1/operator/keyring/keys", &Query::new()).await;
    let keys = found.during("Error removing root key")?.value;
    let matching: Vec<&str> =
        keys.iter().filter_map(|key| key["KeyID"].as_str()).filter(|id| id.starts_with(typed)).collect();
    let key = match matching.as_slice() {
        [] => return Err(CliError::new(format!("No encryption key(s) with prefix or ID {typed:?} found"))),
        [one] => *one,
        several => {
            let text = format!("Prefix {typed:?} matches several keys: {}", several.join(", "));
            return Err(CliError::new(text));
        }
    };
    let path = format!("/v1/operator/keyring/key/{key}");
    client.send::<Value, _>(Method::Delete, &path, &Query::new(), NO_BODY).await.during("Error removing root key")?;
    output::line(&format!("Removed encryption key {key}"));
    Ok(0)
}

/// Makes a key for the traffic between servers.
#[derive(clap::Args)]
pub struct GenerateGossip {}

impl Invoke for GenerateGossip {
    fn invoke(self, _: &Context) -> Outcome {
        let mut key = [0; GOSSIP_KEY_BYTES];
        File::open("/dev/urandom")
            .and_then(|mut source| source.read_exact(&mut key))
            .map_err(|error| CliError::new(format!("Could not generate a key: {error}")))?;
        output::line(&STANDARD.encode(key));
        Ok(0)
    }
}
