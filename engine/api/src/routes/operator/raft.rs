//! `/v1/operator/raft/…`: this server is the only voter.

use crate::context::Context;
use crate::error::{ApiError, Result};
use crate::reply::Reply;
use http::StatusCode;
use serde_json::json;

pub(super) fn route(context: &Context, tail: &str) -> Result<Reply> {
    match tail {
        "configuration" => configuration(context),
        "peer" => peer(context),
        "transfer-leadership" => transfer(context),
        _ => Err(ApiError::not_found("Invalid method")),
    }
}

/// 405 without a text, as the reference has it here.
fn only(allowed: bool) -> Result<()> {
    if allowed { Ok(()) } else { Err(ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "")) }
}

fn configuration(context: &Context) -> Result<Reply> {
    only(context.is_read())?;
    context.check_region()?;
    let agent = &context.state.agent;
    context.json(&json!({
        "Servers": [{
            "ID": agent.server_id,
            "Node": format!("{}.{}", agent.name, agent.region),
            "Address": agent.rpc_addr.to_string(),
            "Leader": true,
            "Voter": true,
            "RaftProtocol": "3",
        }],
        "Index": 0,
    }))
}

fn peer(context: &Context) -> Result<Reply> {
    if !context.is_delete() {
        return Err(ApiError::not_found("Invalid method"));
    }
    if context.param("address").is_some() {
        let text = "Removing a peer by address is not supported in the current raft protocol version";
        return Err(ApiError::bad_request(text));
    }
    match context.param("id") {
        None => Err(ApiError::bad_request("Must specify the peer's ID to remove")),
        Some(id) if id == context.state.agent.server_id => {
            Err(ApiError::refused("this is the only server: it cannot be removed"))
        }
        Some(id) => Err(ApiError::refused(format!("id {id:?} was not found in the Raft configuration"))),
    }
}

fn transfer(context: &Context) -> Result<Reply> {
    context.must_write()?;
    let agent = &context.state.agent;
    let own = agent.rpc_addr.to_string();
    let unknown = |by: &str, value: &str| {
        ApiError::bad_request(format!("{by} {value:?} was not found in the Raft configuration"))
    };
    match (context.text("id"), context.text("address")) {
        (Some(_), Some(_)) => return Err(ApiError::bad_request("must specify either id or address")),
        (None, None) => return Err(ApiError::bad_request("must specify id or address")),
        (Some(id), None) if id.len() != 36 => {
            return Err(ApiError::bad_request("id must be a uuid: uuid string is wrong length"));
        }
        (Some(id), None) if id != agent.server_id => return Err(unknown("id", id)),
        (None, Some(address)) if address != own => return Err(unknown("address", address)),
        _ => {}
    }
    // The only server leads already.
    let this = json!({ "Address": own, "ID": agent.server_id });
    context.json(&json!({ "From": this, "To": this, "Noop": true, "Err": null }))
}
