//! `/v1/client/fs/logs`: what tasks wrote.

use super::frames::{self, Form, chunks, flag, number};
use super::of_fs;
use crate::context::Context;
use crate::error::{ApiError, Result};
use crate::reply::Reply;
use drover_acl::NamespaceCapability;
use drover_node::logs::LogKind;

pub(super) async fn logs(context: &Context, id: &str) -> Result<Reply> {
    if id.is_empty() {
        return Err(ApiError::bad_request("must provide a valid alloc id"));
    }
    let task = context.text("task").ok_or_else(|| ApiError::bad_request("must provide task name"))?;
    let follows = flag(context, "follow").map_err(ApiError::bad_request)?.unwrap_or(false);
    let is_plain = flag(context, "plain").map_err(ApiError::bad_request)?.unwrap_or(false);
    let kind = match context.text("type") {
        Some("stdout") => LogKind::Stdout,
        Some("stderr") => LogKind::Stderr,
        _ => return Err(ApiError::bad_request("must provide log type (stdout/stderr)")),
    };
    let offset = number("offset", context.text("offset").unwrap_or("0")).map_err(ApiError::bad_request)?;
    let origin = frames::origin(context)?;
    let (node, id) = of_fs(context, id, &[NamespaceCapability::ReadLogs])?;
    let offset = u64::try_from(offset).unwrap_or(0);
    let frames = node.logs(&id, task, kind, origin, offset, follows).await?;
    let (form, content_type) = if is_plain { (Form::Plain, "text/plain") } else { (Form::Framed, "application/json") };
    Ok(Reply::stream(content_type, chunks(context.state.clone(), frames, form)))
}
