//! `/v1/volumes`, `/v1/volume/…`, `/v1/plugins`, `/v1/plugin/…`: there are no storage plugins and no volumes
//! beyond those of the nodes' configuration, so that lists are empty and nothing is found.

use crate::blocking::read;
use crate::context::Context;
use crate::error::{ApiError, Result};
use crate::reply::Reply;
use http::StatusCode;

/// The index that lists of host volumes, which are never written, are read at.
const HOST_VOLUMES_INDEX: u64 = 1;

/// `head` is the first part of the path.
pub(super) async fn route(context: &Context, head: &str, tail: Option<&str>) -> Result<Reply> {
    match (head, tail) {
        ("volumes", None) => volumes(context).await,
        ("volumes", Some("claims")) => {
            context.must_read()?;
            empty_list(context, HOST_VOLUMES_INDEX).await
        }
        ("volumes", Some("external" | "snapshot")) => external(context),
        ("volume", Some(tail)) => volume(context, tail).await,
        ("plugins", None) => plugins(context).await,
        ("plugin", Some(tail)) => match tail.strip_prefix("csi/") {
            Some(_) => {
                context.must_read()?;
                nothing(context, "plugin not found", 0).await
            }
            None => Err(ApiError::no_route()),
        },
        _ => Err(ApiError::no_route()),
    }
}

async fn volumes(context: &Context) -> Result<Reply> {
    if context.is_write() {
        return Err(later("writing volumes"));
    }
    context.must_read()?;
    match context.param("type") {
        None | Some("") => context.json::<[(); 0]>(&[]),
        Some("csi") => empty_list(context, 0).await,
        Some("host") => empty_list(context, HOST_VOLUMES_INDEX).await,
        Some(_) => Err(ApiError::no_resource()),
    }
}

async fn volume(context: &Context, tail: &str) -> Result<Reply> {
    let Some((kind, id)) = tail.split_once('/') else { return Err(ApiError::no_route()) };
    let index = match kind {
        "csi" => 0,
        "host" => HOST_VOLUMES_INDEX,
        _ => return Err(ApiError::no_resource()),
    };
    if context.is_read() {
        match (kind, id) {
            ("csi", "") => return Err(ApiError::refused("missing volume ID")),
            (_, "") => return Err(ApiError::no_resource()),
            (_, id) if id.contains('/') => return Err(ApiError::method()),
            _ => {}
        }
        return nothing(context, "volume not found", index).await;
    }
    if context.is_write() || context.is_delete() {
        return Err(later("writing volumes"));
    }
    Err(ApiError::method())
}

async fn plugins(context: &Context) -> Result<Reply> {
    context.must_read()?;
    match context.param("type") {
        None | Some("") => context.json::<[(); 0]>(&[]),
        Some("csi") => empty_list(context, HOST_VOLUMES_INDEX).await,
        // The reference answers nothing at all.
        Some(_) => Ok(Reply::empty()),
    }
}

fn external(context: &Context) -> Result<Reply> {
    if context.is_read() || context.is_write() || context.is_delete() {
        return Err(ApiError::refused("no such plugin"));
    }
    Err(ApiError::method())
}

async fn empty_list(context: &Context, index: u64) -> Result<Reply> {
    let options = context.read_options()?;
    read(context, &options, Vec::new, |_| index, |_| context.json::<[(); 0]>(&[])).await
}

async fn nothing(context: &Context, text: &'static str, index: u64) -> Result<Reply> {
    let options = context.read_options()?;
    read(context, &options, Vec::new, |_| index, |_| Err(ApiError::not_found(text))).await
}

fn later(what: &str) -> ApiError {
    let text = format!("{what} is not implemented in this version of Drover");
    ApiError::new(StatusCode::NOT_IMPLEMENTED, text)
}
