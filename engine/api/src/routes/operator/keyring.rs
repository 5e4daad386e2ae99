//! `/v1/operator/keyring/…`: the root keys.

use crate::blocking::read;
use crate::context::Context;
use crate::error::{ApiError, Result};
use crate::reply::Reply;
use drover_base::UnixNanos;
use drover_model::registry::RootKey;
use drover_server::keyring::RotateRequest;
use drover_state::{Table, WatchKey};
use serde::Serialize;
use serde_json::json;

pub(super) async fn route(context: &Context, tail: &str) -> Result<Reply> {
    let (head, rest) = tail.split_once('/').unwrap_or((tail, ""));
    match head {
        "keys" if context.is_read() => list(context).await,
        "rotate" if context.is_write() => rotate(context).await,
        "key" if context.is_delete() => remove(context, rest).await,
        _ => Err(ApiError::method()),
    }
}

/// A key as the wire has it.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Document<'a> {
    #[serde(rename = "KeyID")]
    key_id: &'a str,
    algorithm: &'a str,
    create_time: UnixNanos,
    create_index: u64,
    modify_index: u64,
    state: &'static str,
    publish_time: UnixNanos,
}

impl<'a> From<&'a RootKey> for Document<'a> {
    fn from(key: &'a RootKey) -> Self {
        Self {
            key_id: &key.key_id,
            algorithm: &key.algorithm,
            create_time: key.create_time,
            create_index: key.create_index,
            modify_index: key.modify_index,
            state: key.state.as_str(),
            publish_time: key.publish_time,
        }
    }
}

async fn list(context: &Context) -> Result<Reply> {
    let options = context.read_options()?;
    read(
        context,
        &options,
        || vec![WatchKey::Table(Table::RootKeys)],
        |state| state.table_index(Table::RootKeys),
        |state| {
            let keys: Vec<Document<'_>> = state.root_keys().map(|key| Document::from(&**key)).collect();
            context.json(&keys)
        },
    )
    .await
}

async fn rotate(context: &Context) -> Result<Reply> {
    context.check_region()?;
    let request = RotateRequest {
        full: context.flag("full")?.unwrap_or(false),
        publish_time: context.number("publish_time")?.filter(|time| *time != 0).map(UnixNanos),
    };
    let rotated = context.state.server.rotate_root_key(request).await?;
    let answer = json!({ "Key": Document::from(&rotated.key), "Index": rotated.index });
    Ok(context.json(&answer)?.written_at(rotated.index))
}

async fn remove(context: &Context, id: &str) -> Result<Reply> {
    context.check_region()?;
    let written = context.state.server.remove_root_key(id).await?;
    Ok(context.json(&json!({ "Index": written.index }))?.written_at(written.index))
}
