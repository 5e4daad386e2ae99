//! `/v1/client/allocation/ID/…`.

use super::of_alloc;
use crate::context::Context;
use crate::error::{ApiError, Result};
use crate::reply::Reply;
use drover_acl::NamespaceCapability;
use drover_node::NodeError;
use futures::StreamExt;
use futures::stream::unfold;
use http::StatusCode;
use serde::Deserialize;
use serde_json::json;

pub(super) async fn route(context: &Context, id: &str, action: &str) -> Result<Reply> {
    match action {
        "stats" => stats(context, id).await,
        "checks" => checks(context, id),
        "restart" => restart(context, id),
        "signal" => signal(context, id).await,
        "gc" => collect(context, id).await,
        "pause" => pause(context, id),
        "snapshot" => snapshot(context, id),
        _ => Err(ApiError::no_resource()),
    }
}

async fn stats(context: &Context, id: &str) -> Result<Reply> {
    let (node, id) = of_alloc(context, id, &[NamespaceCapability::ReadJob])?;
    context.json(&node.alloc_stats(&id, context.text("task")).await?)
}

pub(crate) fn checks(context: &Context, id: &str) -> Result<Reply> {
    let (node, id) = of_alloc(context, id, &[NamespaceCapability::ReadJob])?;
    let checks = node.checks(&id)?;
    // Nothing is null here.
    if checks.is_empty() { context.json(&()) } else { context.json(&checks) }
}

/// What the allocation would hand to its successor, as a tar.
fn snapshot(context: &Context, id: &str) -> Result<Reply> {
    let found = of_alloc(context, id, &[NamespaceCapability::ReadFs]);
    // The reference answers what it does not find in its own way here.
    let (node, id) = found.map_err(|error| match error.status {
        StatusCode::NOT_FOUND => ApiError::refused("allocation not found"),
        _ => error,
    })?;
    let chunks = unfold(node.fs_archive(&id)?, |mut chunks| async move { Some((chunks.recv().await?, chunks)) });
    Ok(Reply::stream("application/octet-stream", chunks.boxed()))
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Restart {
    task_name: String,
    all_tasks: bool,
}

fn restart(context: &Context, id: &str) -> Result<Reply> {
    let request: Restart = context.optional_body().map_err(|error| ApiError::refused(error.message))?;
    let (node, id) = of_alloc(context, id, &[NamespaceCapability::AllocLifecycle])?;
    node.restart(&id, some(&request.task_name), request.all_tasks)?;
    context.json(&json!({ "Index": 0 }))
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Signal {
    task: String,
    signal: String,
}

async fn signal(context: &Context, id: &str) -> Result<Reply> {
    context.must_write()?;
    let request: Signal =
        context.body().map_err(|error| ApiError::bad_request(format!("Failed to decode body: {}", error.message)))?;
    let (node, id) = of_alloc(context, id, &[NamespaceCapability::AllocLifecycle])?;
    node.signal(&id, some(&request.task), &request.signal).await?;
    context.json(&json!({ "Index": 0 }))
}

async fn collect(context: &Context, id: &str) -> Result<Reply> {
    let (node, id) = of_alloc(context, id, &[NamespaceCapability::GcAllocation])?;
    match node.gc_alloc(&id).await {
        Err(NodeError::UnknownAlloc(_) | NodeError::StillRunning(_)) => {
            Err(ApiError::refused("No such allocation on client, or allocation not eligible for GC"))
        }
        other => {
            other?;
            Ok(Reply::empty())
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Pause {
    schedule_state: String,
}

/// Schedules of tasks are a matter of the enterprise edition.
fn pause(context: &Context, id: &str) -> Result<Reply> {
    if !context.is_read() {
        context.must_write()?;
        let request: Pause = context.optional_body().map_err(|error| ApiError::refused(error.message))?;
        if !matches!(request.schedule_state.as_str(), "run" | "pause") {
            return Err(ApiError::bad_request("Not a valid task schedule state"));
        }
    }
    let needed = if context.is_read() { NamespaceCapability::ReadJob } else { NamespaceCapability::PauseAllocation };
    of_alloc(context, id, &[needed])?;
    Err(ApiError::refused("Enterprise only"))
}

fn some(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}
