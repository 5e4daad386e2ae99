//! `/v1/operator/…`.

mod autopilot;
mod keyring;
mod raft;
mod scheduler;
mod snapshot;

use crate::context::Context;
use crate::error::{ApiError, Result};
use crate::reply::Reply;
use http::{Method, StatusCode};

pub(super) async fn route(context: &Context, tail: &str) -> Result<Reply> {
    let (head, rest) = tail.split_once('/').unwrap_or((tail, ""));
    match (head, rest) {
        ("scheduler", "configuration") => scheduler::configuration(context).await,
        ("keyring", rest) if tail.contains('/') => keyring::route(context, rest).await,
        ("keyring", _) => Ok(Reply::redirect("/v1/operator/keyring/")),
        ("raft", rest) => raft::route(context, rest),
        ("autopilot", rest) => autopilot::route(context, rest).await,
        ("snapshot", "") => snapshot::route(context).await,
        ("upgrade-check", rest) => upgrade_check(context, rest),
        ("utilization", "") if context.method == Method::POST => {
            Err(ApiError::new(StatusCode::NOT_IMPLEMENTED, "Nomad Enterprise only endpoint"))
        }
        ("utilization", "") => Err(ApiError::method()),
        _ => Err(ApiError::no_route()),
    }
}

/// Nothing here depends on what that upgrade of the reference changed.
fn upgrade_check(context: &Context, check: &str) -> Result<Reply> {
    if check != "vault-workload-identity" {
        let text = format!("Path /v1/operator/upgrade-check/{check} not found");
        return Err(ApiError::not_found(text));
    }
    context.must_read()?;
    let index = context.state.store().index();
    let answer = serde_json::json!({
        "JobsWithoutVaultIdentity": [],
        "OutdatedNodes": [],
        "VaultTokens": null,
        "Index": index,
        "LastContact": 0,
        "KnownLeader": true,
        "NextToken": "",
    });
    Ok(context.json(&answer)?.read_at(index))
}

/// The index that the present state must have.
fn cas(context: &Context) -> Result<Option<u64>> {
    let Some(text) = context.param("cas") else { return Ok(None) };
    text.parse().map(Some).map_err(|_| {
        ApiError::bad_request(format!("Error parsing cas value: strconv.ParseUint: parsing {text:?}: invalid syntax"))
    })
}
