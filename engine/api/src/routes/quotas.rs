//! `/v1/quotas`, `/v1/quota…`, `/v1/quota-usages`.
//!
//! The open reference has none of it: reads of a cluster without any quota answer as it does.

use crate::blocking::read;
use crate::context::Context;
use crate::error::{ApiError, Result};
use crate::paging::{PageKey, page};
use crate::reply::Reply;
use drover_model::quota::{QuotaSpec, QuotaUsage};
use drover_state::{Snapshot, Table, WatchKey};
use http::StatusCode;
use std::sync::Arc;

/// `head` is the first part of the path.
pub(super) async fn route(context: &Context, head: &str, tail: Option<&str>) -> Result<Reply> {
    match (head, tail) {
        ("quotas", None) => list(context).await,
        ("quota-usages", None) => usages(context).await,
        ("quota", tail) => match tail.unwrap_or_default() {
            "" => put(context, "").await,
            tail => match tail.strip_prefix("usage/") {
                Some(name) => usage(context, name).await,
                None => one(context, tail).await,
            },
        },
        _ => Err(ApiError::no_route()),
    }
}

/// As the open reference, while there is no quota.
fn must_have_any(state: &Snapshot) -> Result<()> {
    if state.quotas().next().is_some() {
        return Ok(());
    }
    Err(ApiError::new(StatusCode::NOT_IMPLEMENTED, "Nomad Enterprise only endpoint"))
}

fn keys() -> Vec<WatchKey> {
    vec![WatchKey::Table(Table::Quotas), WatchKey::Table(Table::Allocs)]
}

fn index(state: &Snapshot) -> u64 {
    state.table_index(Table::Quotas)
}

async fn list(context: &Context) -> Result<Reply> {
    context.must_read()?;
    let options = context.read_options()?;
    read(context, &options, keys, index, |state| {
        must_have_any(state)?;
        let found = state.quotas().filter(|quota| quota.name.starts_with(&options.prefix));
        let page = page(&options, found, |quota: &QuotaSpec| PageKey::Name(quota.name.clone()), &[])?;
        Ok(context.json(&page.items)?.with_next_token(page.next.as_deref()))
    })
    .await
}

async fn usages(context: &Context) -> Result<Reply> {
    context.must_read()?;
    let options = context.read_options()?;
    let index = |state: &Snapshot| state.tables_index(&[Table::Quotas, Table::Allocs]);
    read(context, &options, keys, index, |state| {
        must_have_any(state)?;
        let names = state.quotas().map(|quota| quota.name.as_str()).filter(|name| name.starts_with(&options.prefix));
        let usage = |name| context.state.server.quota_usage(state, name).map(Arc::new);
        let found: Vec<Arc<QuotaUsage>> = names.filter_map(usage).collect();
        let page = page(&options, found.iter(), |usage: &QuotaUsage| PageKey::Name(usage.name.clone()), &[])?;
        Ok(context.json(&page.items)?.with_next_token(page.next.as_deref()))
    })
    .await
}

async fn usage(context: &Context, name: &str) -> Result<Reply> {
    context.must_read()?;
    let options = context.read_options()?;
    let index = |state: &Snapshot| state.tables_index(&[Table::Quotas, Table::Allocs]);
    read(context, &options, keys, index, |state| {
        must_have_any(state)?;
        let usage = context.state.server.quota_usage(state, name);
        context.json(&usage.ok_or_else(|| ApiError::not_found("Quota not found"))?)
    })
    .await
}

async fn one(context: &Context, name: &str) -> Result<Reply> {
    if context.is_write() {
        return put(context, name).await;
    }
    if context.is_delete() {
        must_have_any(&context.state.store().snapshot())?;
        let done = context.state.server.delete_quota(name).await?;
        return Ok(Reply::empty().written_at(done.index));
    }
    context.must_read()?;
    let options = context.read_options()?;
    read(context, &options, keys, index, |state| {
        must_have_any(state)?;
        context.json(state.quota(name).ok_or_else(|| ApiError::not_found("Quota not found"))?)
    })
    .await
}

async fn put(context: &Context, name: &str) -> Result<Reply> {
    context.must_write()?;
    let mut quota: QuotaSpec = context.body()?;
    if quota.name.is_empty() {
        name.clone_into(&mut quota.name);
    }
    if !name.is_empty() && quota.name != name {
        return Err(ApiError::bad_request("Quota name does not match request path"));
    }
    let done = context.state.server.upsert_quota(quota).await?;
    Ok(Reply::empty().written_at(done.index))
}
