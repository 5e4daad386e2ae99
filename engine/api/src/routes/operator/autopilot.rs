//! `/v1/operator/autopilot/…`: with a single server there is nothing that a pilot could do, so that its
//! configuration can be read but not changed.

use crate::context::Context;
use crate::error::{ApiError, Result};
use crate::reply::Reply;
use http::StatusCode;
use serde_json::json;

pub(super) fn route(context: &Context, tail: &str) -> Result<Reply> {
    match tail {
        "configuration" if context.is_read() => configuration(context),
        "configuration" if context.is_write() => Err(ApiError::new(
            StatusCode::NOT_IMPLEMENTED,
            "changing the autopilot configuration is not implemented in this version of Drover",
        )),
        "health" if context.is_read() => health(context),
        _ => Err(ApiError::not_found("Invalid method")),
    }
}

fn configuration(context: &Context) -> Result<Reply> {
    context.check_region()?;
    context.json(&json!({
        "LastContactThreshold": "200ms",
        "ServerStabilizationTime": "10s",
        "CleanupDeadServers": true,
        "MaxTrailingLogs": 250,
        "MinQuorum": 0,
        "EnableRedundancyZones": false,
        "DisableUpgradeMigration": false,
        "EnableCustomUpgrades": false,
        "CreateIndex": 1,
        "ModifyIndex": 1,
    }))
}

fn health(context: &Context) -> Result<Reply> {
    context.check_region()?;
    let state = &context.state;
    let agent = &state.agent;
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
            "LastTerm": 1,
            "LastIndex": state.store().index(),
            "Healthy": true,
            "Voter": true,
            "StableSince": state.started.timestamp().to_string(),
        }],
        "Voters": [agent.server_id],
    }))
}
