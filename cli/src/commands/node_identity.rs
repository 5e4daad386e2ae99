//! `node identity get`, `node identity renew`, `node intro create`: what nodes show to prove who they are.

use crate::context::Context;
use crate::engine::ServerArgs;
use crate::error::During;
use crate::output::{self, Table};
use crate::registry::{Invoke, Outcome};
use drover_base::UnixNanos;
use drover_sdk::{Method, Query};
use serde_json::{Map, Value, json};

/// Claims that every identity has come first.
const COMMON: [&str; 7] = ["aud", "exp", "iat", "iss", "jti", "nbf", "sub"];
const TIMES: [&str; 3] = ["exp", "iat", "nbf"];
const NANOS_PER_SECOND: f64 = 1e9;

/// Shows a node's identity.
#[derive(clap::Args)]
#[command(next_help_heading = "Get Options")]
pub struct Get {
    #[command(flatten)]
    engine: ServerArgs,
    #[command(flatten)]
    format: output::Format,
    #[arg(hide = true)]
    node: Vec<String>,
}

impl Invoke for Get {
    fn invoke(self, context: &Context) -> Outcome {
        let [node] = self.node.as_slice() else {
            return Err(context.usage("This command takes one argument: <node_id>"));
        };
        let client = self.engine.connect(context)?;
        context.block_on(async {
            let query = Query::new().param("node_id", node);
            let found = client.get::<Value>("/v1/client/identity", &query).await;
            let answer = found.during("Error requesting node identity")?.value;
            let claims = answer["Claims"].as_object().cloned().unwrap_or_default();
            if self.format.is_set() {
                self.format.print(&claims)?;
            } else {
                output::line(&table(&claims));
            }
            Ok(0)
        })
    }
}

fn table(claims: &Map<String, Value>) -> String {
    let mut others: Vec<&str> = claims.keys().map(String::as_str).filter(|name| !COMMON.contains(name)).collect();
    others.sort_unstable();
    let mut table = Table::new(&["Claim Key", "Claim Value"]);
    for name in COMMON.into_iter().chain(others) {
        if let Some(value) = claims.get(name) {
            table.row([name.to_owned(), shown(name, value)]);
        }
    }
    table.render()
}

fn shown(name: &str, value: &Value) -> String {
    match value {
        #[expect(clippy::cast_possible_truncation, reason = "times are far below the limit")]
        Value::Number(number) if TIMES.contains(&name) => {
            output::stamp(UnixNanos((number.as_f64().unwrap_or_default() * NANOS_PER_SECOND) as i64))
        }
        Value::String(text) => text.clone(),
        Value::Array(list) => list.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}

/// Has a node get a new identity.
#[derive(clap::Args)]
pub struct Renew {
    #[command(flatten)]
    engine: ServerArgs,
    #[arg(hide = true)]
    node: Vec<String>,
}

impl Invoke for Renew {
    fn invoke(self, context: &Context) -> Outcome {
        let [node] = self.node.as_slice() else {
            return Err(context.usage("This command takes one argument: <node_id>"));
        };
        let client = self.engine.connect(context)?;
        context.block_on(async {
            let body = json!({ "NodeID": node });
            let sent: Result<Value, _> =
                client.send(Method::Post, "/v1/client/identity/renew", &Query::new(), Some(&body)).await;
            sent.during("Error requesting node identity renewal")?;
            Ok(0)
        })
    }
}

/// Makes a token with which a new node may join.
#[derive(clap::Args)]
#[command(next_help_heading = "Create Options")]
pub struct CreateIntro {
    #[command(flatten)]
    engine: ServerArgs,
    /// The name that the node must have; any unless given.
    #[arg(long = "node-name", value_name = "name")]
    node_name: Option<String>,
    /// The pool that the node must be in; "default" unless given.
    #[arg(long = "node-pool", value_name = "pool")]
    node_pool: Option<String>,
    /// How long it is good for, as 10m.
    #[arg(long, value_name = "duration")]
    ttl: Option<String>,
    #[command(flatten)]
    format: output::Format,
}

impl Invoke for CreateIntro {
    fn invoke(self, context: &Context) -> Outcome {
        let client = self.engine.connect(context)?;
        context.block_on(async {
            let body = json!({ "NodeName": self.node_name, "NodePool": self.node_pool, "TTL": self.ttl });
            let path = "/v1/acl/identity/client-introduction-token";
            let made: Result<Value, _> = client.send(Method::Put, path, &Query::new(), Some(&body)).await;
            let made = made.during("Error generating client introduction token")?;
            if self.format.is_set() {
                self.format.print(&made)?;
                return Ok(0);
            }
            let token = made["JWT"].as_str().unwrap_or_default();
            output::line(&format!("Successfully generated client introduction token:\n\n{token}"));
            Ok(0)
        })
    }
}
