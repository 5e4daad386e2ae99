//! `/v1/operator/autopilot/…`: how servers that fail are dealt with. There is one, which is healthy or does not answer.

use super::cas;
use crate::context::Context;
use crate::error::{ApiError, Result};
use crate::reply::Reply;
use drover_base::Nanos;
use drover_model::registry::AutopilotConfiguration;
use http::Method;
use serde::{Deserialize, Deserializer};
use serde_json::json;

pub(super) async fn route(context: &Context, tail: &str) -> Result<Reply> {
    match tail {
        "configuration" if context.method == Method::PUT => change(context).await,
        "configuration" if context.is_read() => configuration(context),
        "health" if context.is_read() => health(context),
        "configuration" | "health" => Err(ApiError::not_found("Invalid method")),
        _ => Err(ApiError::no_route()),
    }
}

fn configuration(context: &Context) -> Result<Reply> {
    context.check_region()?;
    context.json(&**context.state.store().snapshot().autopilot_configuration())
}

/// The configuration as it is written: what is left out is off.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Wanted {
    #[serde(deserialize_with = "duration")]
    last_contact_threshold: Nanos,
    #[serde(deserialize_with = "duration")]
    server_stabilization_time: Nanos,
    cleanup_dead_servers: bool,
    max_trailing_logs: u64,
    min_quorum: u64,
    enable_redundancy_zones: bool,
    disable_upgrade_migration: bool,
    enable_custom_upgrades: bool,
}

fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Nanos, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.is_empty() {
        return Ok(Nanos::ZERO);
    }
    Nanos::parse(&text).map_err(|_| serde::de::Error::custom(format!("time: invalid duration {text:?}")))
}

async fn change(context: &Context) -> Result<Reply> {
    context.check_region()?;
    let wanted: Wanted = context
        .body()
        .map_err(|error| ApiError::bad_request(format!("Error parsing autopilot config: {}", error.message)))?;
    let configuration = AutopilotConfiguration {
        last_contact_threshold: wanted.last_contact_threshold,
        server_stabilization_time: wanted.server_stabilization_time,
        cleanup_dead_servers: wanted.cleanup_dead_servers,
        max_trailing_logs: wanted.max_trailing_logs,
        min_quorum: wanted.min_quorum,
        enable_redundancy_zones: wanted.enable_redundancy_zones,
        disable_upgrade_migration: wanted.disable_upgrade_migration,
        enable_custom_upgrades: wanted.enable_custom_upgrades,
        create_index: 0,
        modify_index: 0,
    };
    let changed = context.state.server.set_autopilot_configuration(configuration, cas(context)?).await?;
    context.json(&changed)
}

fn health(context: &Context) -> Result<Reply> {
    context.check_region()?;
    let state = &context.state;
    let agent = &state.agent;
    let log = state.server.log_status();
    context.json(&json!({
        "FailureTolerance": 0,
        "Healthy": true,
        "Leader": agent.server_id,
        "Servers": [{
            "LastContact": "0s",
            "ID": agent.server_id,
            "Name": format!("{}.{}", agent.name, agent.region),
            "Address": agent.rpc_addr.to_string(),
            "SerfStatus": "alive",
            "Version": agent.version,
            "Leader": true,
            "LastTerm": log.term,
            "LastIndex": log.last_index,
            "Healthy": true,
            "Voter": true,
            "StableSince": state.started.timestamp().to_string(),
        }],
        "Voters": [agent.server_id],
    }))
}
