//! `/v1/agent/members`, `servers`, `join`, `force-leave`: this agent's server is the only one.

use crate::context::Context;
use crate::error::{ApiError, Result};
use crate::reply::Reply;
use crate::state::AgentInfo;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long an address to join may take to answer.
const JOIN_TIMEOUT: Duration = Duration::from_secs(10);

/// The agent as a member of the cluster.
pub(super) fn member(agent: &AgentInfo) -> Value {
    json!({
        "Name": format!("{}.{}", agent.name, agent.region),
        "Addr": agent.serf_addr.ip().to_string(),
        "Port": agent.serf_addr.port(),
        "Tags": {
            "bootstrap": "1",
            "build": agent.version,
            "dc": agent.datacenter,
            "expect": "1",
            "id": agent.server_id,
            "port": agent.rpc_addr.port().to_string(),
            "raft_vsn": "3",
            "region": agent.region,
            "revision": "",
            "role": "nomad",
            "rpc_addr": agent.rpc_addr.ip().to_string(),
            "vsn": "1",
        },
        "Status": "alive",
        "ProtocolMin": 1,
        "ProtocolMax": 5,
        "ProtocolCur": 2,
        "DelegateMin": 2,
        "DelegateMax": 5,
        "DelegateCur": 4,
    })
}

pub(super) fn list(context: &Context) -> Result<Reply> {
    context.must_read()?;
    let agent = &context.state.agent;
    context.json(&json!({
        "ServerName": agent.name,
        "ServerRegion": agent.region,
        "ServerDC": agent.datacenter,
        "Members": [member(agent)],
    }))
}

/// The servers that the node talks to.
pub(super) fn servers(context: &Context) -> Result<Reply> {
    let own = context.state.agent.rpc_addr.to_string();
    if context.is_read() {
        return context.json(&[own]);
    }
    context.must_write()?;
    let mut wanted = context.params("address").peekable();
    if wanted.peek().is_none() {
        return Err(ApiError::bad_request("missing server address"));
    }
    match wanted.find(|address| **address != own) {
        None => Ok(Reply::empty()),
        Some(other) => {
            let text = format!("cannot use server {other}: this agent's node belongs to its own server, {own}");
            Err(ApiError::bad_request(text))
        }
    }
}

pub(super) async fn join(context: &Context) -> Result<Reply> {
    context.must_write()?;
    let own = context.state.agent.serf_addr.to_string();
    let mut joined = 0;
    let mut faults = Vec::new();
    for address in context.params("address") {
        if address == own {
            joined += 1;
        } else {
            faults.push(format!("failed to join {address}: {}", why_not(address).await));
        }
    }
    if joined == 0 && faults.is_empty() {
        return Err(ApiError::bad_request("missing address to join"));
    }
    let error = match faults.as_slice() {
        [] => String::new(),
        [fault] => format!("1 error occurred:\n\t* {fault}\n\n"),
        faults => format!("{} errors occurred:\n\t* {}\n\n", faults.len(), faults.join("\n\t* ")),
    };
    context.json(&json!({ "error": error, "num_joined": joined, "warning": "" }))
}

/// Whether somebody is there is worth knowing first.
async fn why_not(address: &str) -> String {
    match timeout(JOIN_TIMEOUT, TcpStream::connect(address)).await {
        Ok(Ok(_connection)) => "clusters of several servers are not implemented in this version of Drover".to_owned(),
        Ok(Err(error)) => format!("dial tcp {address}: connect: {error}"),
        Err(_elapsed) => format!("dial tcp {address}: i/o timeout"),
    }
}

/// The reference does not mind strangers either.
pub(super) fn force_leave(context: &Context) -> Result<Reply> {
    context.must_write()?;
    let agent = &context.state.agent;
    match context.text("node") {
        None => Err(ApiError::bad_request("missing node to force leave")),
        Some(node) if node == agent.name || node == format!("{}.{}", agent.name, agent.region) => {
            Err(ApiError::refused("this is the only server: it cannot be made to leave"))
        }
        Some(_) => Ok(Reply::empty()),
    }
}
