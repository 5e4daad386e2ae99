//! `/v1/agent/self`.

use super::members::member;
use crate::context::Context;
use crate::error::Result;
use crate::reply::Reply;
use crate::state::ApiState;
use serde_json::{Map, Value, json};

pub(super) fn route(context: &Context) -> Result<Reply> {
    context.must_read()?;
    let state = &context.state;
    context.json(&json!({
        "config": state.agent.config,
        "member": member(&state.agent),
        "stats": stats(state),
    }))
}

/// All numbers are text here.
fn stats(state: &ApiState) -> Map<String, Value> {
    let agent = &state.agent;
    let mut stats = Map::new();
    if agent.is_server {
        let index = state.store().index().to_string();
        let server = json!({
            "server": "true",
            "leader": "true",
            "leader_addr": agent.rpc_addr.to_string(),
            "bootstrap": "true",
            "known_regions": "1",
        });
        let voters = format!("[{{Suffrage:Voter ID:{} Address:{}}}]", agent.server_id, agent.rpc_addr);
        let raft = json!({
            "state": "Leader",
            "num_peers": "0",
            "last_contact": "0",
            "applied_index": index,
            "commit_index": index,
            "last_log_index": index,
            "latest_configuration": voters,
            "protocol_version": "3",
        });
        let serf = json!({ "members": "1", "failed": "0", "left": "0", "encrypted": "false" });
        stats.insert("nomad".into(), server);
        stats.insert("raft".into(), raft);
        stats.insert("serf".into(), serf);
    }
    if let Some(node) = &state.node {
        let snapshot = state.store().snapshot();
        let id = node.node_id();
        let live = snapshot.allocs_by_node(&id).filter(|alloc| !alloc.client_status.is_terminal()).count();
        let client = json!({
            "node_id": id.to_string(),
            "known_servers": agent.rpc_addr.to_string(),
            "num_allocations": live.to_string(),
        });
        stats.insert("client".into(), client);
    }
    let processors = std::thread::available_parallelism().map_or(1, usize::from).to_string();
    let runtime = json!({
        "kernel.name": std::env::consts::OS,
        "arch": go_arch(),
        "version": concat!("drover ", env!("CARGO_PKG_VERSION")),
        "cpu_count": processors,
        "max_procs": processors,
    });
    stats.insert("runtime".into(), runtime);
    stats
}

/// As the reference calls this processor.
fn go_arch() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}
