//! `/v1/client/fs/ls`, `stat`, `cat`, `readat`, `stream`: files of an allocation.

use super::frames::{self, Form, chunks, number};
use super::of_fs;
use crate::context::Context;
use crate::error::{ApiError, Result};
use crate::reply::Reply;
use bytes::Bytes;
use drover_acl::NamespaceCapability;
use drover_model::AllocId;
use drover_node::NodeHandle;
use drover_node::fs::FsError;
use futures::StreamExt;
use futures::stream::unfold;
use http::StatusCode;

/// Bytes that tell what a file is.
const SNIFF_BYTES: usize = 512;

pub(super) fn list(context: &Context, id: &str) -> Result<Reply> {
    let (node, id) = of_fs(context, id, &[NamespaceCapability::ReadFs])?;
    let path = context.text("path").unwrap_or("/");
    context.json(&node.fs_list(&id, path)?)
}

pub(super) fn stat(context: &Context, id: &str) -> Result<Reply> {
    let (path, (node, id)) = target(context, id)?;
    context.json(&node.fs_stat(&id, path)?)
}

pub(super) async fn cat(context: &Context, id: &str) -> Result<Reply> {
    let (path, (node, id)) = target(context, id)?;
    content(&node, &id, path, 0, None).await
}

pub(super) async fn read_at(context: &Context, id: &str) -> Result<Reply> {
    let (path, (node, id)) = target(context, id)?;
    let offset = number("offset", context.param("offset").unwrap_or("")).map_err(ApiError::bad_request)?;
    let limit = match context.text("limit") {
        Some(text) => number("limit", text).map_err(ApiError::bad_request)?,
        None => 0,
    };
    let offset = u64::try_from(offset)
        .map_err(|_| ApiError::bad_request(format!("can't seek to offset {offset}: invalid argument")))?;
    content(&node, &id, path, offset, u64::try_from(limit).ok().filter(|limit| *limit > 0)).await
}

pub(super) async fn stream(context: &Context, id: &str) -> Result<Reply> {
    let (path, (node, id)) = target(context, id)?;
    let offset = number("offset", context.text("offset").unwrap_or("0")).map_err(ApiError::refused)?;
    let origin = frames::origin(context)?;
    let follows = frames::flag(context, "follow").map_err(ApiError::refused)?.unwrap_or(true);
    let offset = u64::try_from(offset).unwrap_or(0);
    let opened = node.fs_stream(&id, path, origin, offset, follows).await;
    let frames = opened.map_err(|error| ApiError { status: StatusCode::BAD_REQUEST, ..error.into() })?;
    let chunks = chunks(context.state.clone(), frames, Form::Framed);
    Ok(Reply::stream("text/plain; charset=utf-8", chunks))
}

/// The file that is meant. The allocation's id is missed first.
fn target<'a>(context: &'a Context, id: &str) -> Result<(&'a str, (NodeHandle, AllocId))> {
    if id.is_empty() {
        return Err(ApiError::bad_request("must provide a valid alloc id"));
    }
    let path = context.text("path").ok_or_else(|| ApiError::bad_request("must provide a file name"))?;
    Ok((path, of_fs(context, id, &[NamespaceCapability::ReadFs])?))
}

/// A file's bytes, typed by their beginning.
async fn content(node: &NodeHandle, id: &AllocId, path: &str, offset: u64, limit: Option<u64>) -> Result<Reply> {
    let mut rest = node.fs_read(id, path, offset, limit).await?;
    let first = match rest.recv().await {
        Some(first) => first.map_err(|error| ApiError::refused(error.to_string()))?,
        None => Bytes::new(),
    };
    let content_type = sniff(&first);
    let first = Some(Ok(first)).filter(|first| first.as_ref().is_ok_and(|bytes| !bytes.is_empty()));
    let rest = unfold(rest, |mut rest| async move { Some((rest.recv().await?, rest)) });
    Ok(Reply::stream(content_type, futures::stream::iter(first).chain(rest).boxed()))
}

/// What browsers may take a file for: never for a page.
fn sniff(beginning: &[u8]) -> &'static str {
    let beginning = &beginning[..beginning.len().min(SNIFF_BYTES)];
    let is_binary = |byte: &u8| matches!(byte, 0..=0x08 | 0x0b | 0x0e..=0x1a | 0x1c..=0x1f);
    if beginning.iter().any(is_binary) {
        return "application/octet-stream";
    }
    let text = beginning.trim_ascii_start().to_ascii_lowercase();
    let pages: [&[u8]; 6] = [b"<!doctype html", b"<html", b"<head", b"<body", b"<script", b"<?xml"];
    let is_page = pages.iter().any(|page| text.starts_with(page))
        || (text.first() == Some(&b'<') && text.get(1).is_some_and(|byte| byte.is_ascii_alphabetic() || *byte == b'!'));
    if is_page { "text/plain" } else { "text/plain; charset=utf-8" }
}

impl From<FsError> for ApiError {
    fn from(error: FsError) -> Self {
        match error {
            FsError::NotFound(text) => Self::not_found(text),
            FsError::BadRequest(text) => Self::bad_request(text),
            FsError::Other(text) => Self::refused(text),
            FsError::Node(error) => error.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_no_pages() {
        assert_eq!(sniff(b"abc\n"), "text/plain; charset=utf-8");
        assert_eq!(sniff(b""), "text/plain; charset=utf-8");
        assert_eq!(sniff(b" <b>hi</b>"), "text/plain");
        assert_eq!(sniff(b"<!DOCTYPE HTML>"), "text/plain");
        assert_eq!(sniff(b"\x7fELF\x02\x01\x01\x00"), "application/octet-stream");
    }
}
