//! `operator autopilot …`: how servers that fail are dealt with.

use crate::context::Context;
use crate::engine::ServerArgs;
use crate::error::{CliError, During};
use crate::output::{self, Table};
use crate::registry::{Invoke, Outcome};
use drover_sdk::{Method, Query};
use serde_json::Value;

const PATH: &str = "/v1/operator/autopilot/configuration";

/// Names of the configuration's fields, in the order in which they are shown.
const FIELDS: [&str; 8] = [
    "CleanupDeadServers",
    "LastContactThreshold",
    "MaxTrailingLogs",
    "MinQuorum",
    "ServerStabilizationTime",
    "EnableRedundancyZones",
    "DisableUpgradeMigration",
    "EnableCustomUpgrades",
];

/// Text as it is, everything else as JSON.
fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Shows the configuration.
#[derive(clap::Args)]
pub struct GetConfig {
    #[command(flatten)]
    engine: ServerArgs,
}

impl Invoke for GetConfig {
    fn invoke(self, context: &Context) -> Outcome {
        let client = self.engine.connect(context)?;
        context.block_on(async {
            let answer = client.get::<Value>(PATH, &Query::new()).await;
            let config = answer.during("Error querying Autopilot configuration")?.value;
            let lines: Vec<String> = FIELDS.iter().map(|name| format!("{name} = {}", shown(&config[*name]))).collect();
            output::line(&lines.join("\n"));
            Ok(0)
        })
    }
}

/// Changes the configuration; what is not said stays.
#[derive(clap::Args)]
#[command(next_help_heading = "Set Config Options")]
pub struct SetConfig {
    #[command(flatten)]
    engine: ServerArgs,
    /// Removes servers that failed when new ones come.
    #[arg(long = "cleanup-dead-servers", value_name = "true|false")]
    cleanup_dead_servers: Option<bool>,
    /// A server that was not heard of for so long is unhealthy.
    #[arg(long = "last-contact-threshold", value_name = "duration")]
    last_contact_threshold: Option<String>,
    /// A server that is so many entries behind is unhealthy.
    #[arg(long = "max-trailing-logs", value_name = "count")]
    max_trailing_logs: Option<u64>,
    /// Never fewer servers than these.
    #[arg(long = "min-quorum", value_name = "count")]
    min_quorum: Option<u64>,
    /// A new server must be healthy for so long before it votes.
    #[arg(long = "server-stabilization-time", value_name = "duration")]
    server_stabilization_time: Option<String>,
}

impl Invoke for SetConfig {
    fn invoke(self, context: &Context) -> Outcome {
        let client = self.engine.connect(context)?;
        context.block_on(async {
            let answer = client.get::<Value>(PATH, &Query::new()).await;
            let mut config = answer.during("Error querying Autopilot configuration")?.value;
            let changes: [(&str, Option<Value>); 5] = [
                ("CleanupDeadServers", self.cleanup_dead_servers.map(Value::from)),
                ("LastContactThreshold", self.last_contact_threshold.map(Value::from)),
                ("MaxTrailingLogs", self.max_trailing_logs.map(Value::from)),
                ("MinQuorum", self.min_quorum.map(Value::from)),
                ("ServerStabilizationTime", self.server_stabilization_time.map(Value::from)),
            ];
            for (name, value) in changes {
                if let Some(value) = value {
                    config[name] = value;
                }
            }
            let query = Query::new().param("cas", config["ModifyIndex"].to_string());
            let done: Value = client
                .send(Method::Put, PATH, &query, Some(&config))
                .await
                .during("Error setting Autopilot configuration")?;
            if done == Value::Bool(false) {
                return Err(CliError::new("The configuration was changed by somebody else meanwhile; try again"));
            }
            output::line("Configuration updated!");
            Ok(0)
        })
    }
}

/// Shows how the servers are.
#[derive(clap::Args)]
#[command(next_help_heading = "Health Options")]
pub struct Health {
    #[command(flatten)]
    engine: ServerArgs,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

impl Invoke for Health {
    fn invoke(self, context: &Context) -> Outcome {
        let client = self.engine.connect(context)?;
        context.block_on(async {
            let answer = client.get::<Value>("/v1/operator/autopilot/health", &Query::new()).await;
            let health = answer.during("Error querying Autopilot health")?.value;
            if self.json {
                output::line(&output::json(&health));
                return Ok(0);
            }
            let voters: Vec<String> =
                health["Voters"].as_array().into_iter().flatten().map(|voter| format!("\t{}", shown(voter))).collect();
            let columns = [
                "ID",
                "Name",
                "Address",
                "SerfStatus",
                "Version",
                "Leader",
                "Voter",
                "Healthy",
                "LastContact",
                "LastTerm",
                "LastIndex",
                "StableSince",
            ];
            let mut table = Table::new(&columns);
            for server in health["Servers"].as_array().into_iter().flatten() {
                table.push(columns.iter().map(|column| shown(&server[*column])).collect());
            }
            output::line(&format!(
                "Healthy: {}\nFailureTolerance: {}\nLeader: {}\nVoters:\n{}\nServers:\n{}",
                shown(&health["Healthy"]),
                shown(&health["FailureTolerance"]),
                shown(&health["Leader"]),
                voters.join("\n"),
                table.render()
            ));
            Ok(0)
        })
    }
}
