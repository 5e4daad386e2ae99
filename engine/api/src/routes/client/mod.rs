//! `/v1/client/…`: what is asked of a node itself.

pub(crate) mod action;
pub(super) mod allocation;
pub(crate) mod exec;
mod exec_messages;
mod frames;
mod fs;
mod identity;
mod logs;
mod node;

use crate::context::{Context, check_id};
use crate::error::{ApiError, Result};
use crate::reply::Reply;
use crate::state::ApiState;
use drover_acl::NamespaceCapability;
use drover_model::AllocId;
use drover_node::{NodeError, NodeHandle};
use drover_server::Access;
use http::StatusCode;

pub(super) async fn route(context: &Context, tail: &str) -> Result<Reply> {
    let (head, rest) = tail.split_once('/').map_or((tail, None), |(head, rest)| (head, Some(rest)));
    match (head, rest) {
        ("fs", None) => Ok(Reply::redirect("/v1/client/fs/")),
        ("fs", Some(rest)) => fs_route(context, rest).await,
        ("allocation", Some(rest)) => match rest.rsplit_once('/') {
            Some((id, action)) => allocation::route(context, id, action).await,
            None => Err(ApiError::no_resource()),
        },
        ("stats", None) => node::stats(context),
        ("identity", None) => identity::show(context),
        ("identity", Some("renew")) => identity::renew(context),
        ("metadata", None) => node::metadata(context),
        ("gc", None) => node::collect(context).await,
        _ => Err(ApiError::no_route()),
    }
}

async fn fs_route(context: &Context, tail: &str) -> Result<Reply> {
    let (action, id) = tail.split_once('/').unwrap_or((tail, ""));
    match action {
        "ls" => fs::list(context, id),
        "stat" => fs::stat(context, id),
        // The reference answers 200 to these whatever happens.
        "cat" => Ok(fs::cat(context, id).await.unwrap_or_else(told_as_text)),
        "readat" => Ok(fs::read_at(context, id).await.unwrap_or_else(told_as_text)),
        "stream" => fs::stream(context, id).await,
        "logs" => logs::logs(context, id).await,
        _ => Err(ApiError::not_found("Invalid method")),
    }
}

fn told_as_text(error: ApiError) -> Reply {
    Reply::text("text/plain; charset=utf-8", error.message)
}

/// The node that runs an allocation, which must be this agent's; for callers that may do one of several things in the
/// allocation's namespace.
fn of_alloc(context: &Context, id: &str, needed: &[NamespaceCapability]) -> Result<(NodeHandle, AllocId)> {
    on_node(&context.state, context.access()?, id, needed)
}

fn on_node(
    state: &ApiState,
    access: &Access,
    id: &str,
    needed: &[NamespaceCapability],
) -> Result<(NodeHandle, AllocId)> {
    check_id("alloc", id)?;
    let unknown = || ApiError::not_found(format!("Unknown allocation {id:?}"));
    let id = AllocId::new(id);
    let snapshot = state.store().snapshot();
    let alloc = snapshot.alloc(&id).ok_or_else(unknown)?;
    if !access.acl.allows_any_of(&alloc.namespace, needed) {
        return Err(ApiError::forbidden());
    }
    let node = state.node.as_ref().filter(|node| node.node_id() == alloc.node_id);
    let Some(node) = node else {
        let text = format!("the allocation runs on node {}, which this agent cannot reach", alloc.node_id);
        return Err(ApiError::refused(text));
    };
    Ok((node.clone(), id))
}

/// As [`of_alloc`], for routes that name the allocation in their path and may forget it.
fn of_fs(context: &Context, id: &str, needed: &[NamespaceCapability]) -> Result<(NodeHandle, AllocId)> {
    if id.is_empty() {
        return Err(ApiError::bad_request("must provide a valid alloc id"));
    }
    of_alloc(context, id, needed)
}

impl From<NodeError> for ApiError {
    fn from(error: NodeError) -> Self {
        let status = match &error {
            NodeError::UnknownAlloc(_) => StatusCode::NOT_FOUND,
            NodeError::UnknownTask(_) | NodeError::InvalidMetaKey(_) => StatusCode::BAD_REQUEST,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self::new(status, error.to_string())
    }
}
