//! `/v1/client/stats`, `metadata`, `gc`.

use crate::context::{Context, check_id};
use crate::error::{ApiError, Result};
use crate::reply::Reply;
use drover_model::NodeId;
use drover_node::NodeHandle;
use http::{Method, StatusCode};
use serde::Deserialize;
use std::collections::BTreeMap;

pub(super) fn stats(context: &Context) -> Result<Reply> {
    let node = own(context, context.text("node_id"), StatusCode::NOT_FOUND)?;
    context.json(&node.host_stats())
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct MetadataChange {
    #[serde(rename = "NodeID")]
    node_id: String,
    #[serde(rename = "Meta")]
    meta: Option<BTreeMap<String, Option<String>>>,
}

pub(super) fn metadata(context: &Context) -> Result<Reply> {
    let missing = StatusCode::INTERNAL_SERVER_ERROR;
    if context.is_read() {
        return context.json(&own(context, context.text("node_id"), missing)?.metadata());
    }
    if context.method != Method::POST {
        return Err(ApiError::method());
    }
    let change: MetadataChange = context.body()?;
    let in_body = Some(change.node_id.as_str()).filter(|id| !id.is_empty());
    let node = own(context, in_body.or(context.text("node_id")), missing)?;
    match change.meta {
        Some(meta) if !meta.is_empty() => context.json(&node.change_metadata(meta)?),
        _ => Err(ApiError::bad_request("missing required Meta object")),
    }
}

pub(super) async fn collect(context: &Context) -> Result<Reply> {
    let node = own(context, context.text("node_id"), StatusCode::INTERNAL_SERVER_ERROR)?;
    node.gc_all().await;
    Ok(Reply::empty())
}

/// This agent's node, which must be the one that is asked for; `missing` is the status for nodes that are not known.
pub(super) fn own(context: &Context, wanted: Option<&str>, missing: StatusCode) -> Result<NodeHandle> {
    let state = &context.state;
    let Some(id) = wanted else {
        let text = "this agent runs no node: name one with node_id";
        return state.node.clone().ok_or_else(|| ApiError::bad_request(text));
    };
    check_id("node", id)?;
    if let Some(node) = state.node.as_ref().filter(|node| *node.node_id() == *id) {
        return Ok(node.clone());
    }
    if state.store().snapshot().node(&NodeId::new(id)).is_none() {
        return Err(ApiError::new(missing, format!("Unknown node {id}")));
    }
    Err(ApiError::refused(format!("node {id} runs in another agent, which this one cannot reach")))
}
