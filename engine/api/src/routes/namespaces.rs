//! `/v1/namespaces`, `/v1/namespace`, `/v1/namespace/:name`.

use crate::blocking::read;
use crate::context::Context;
use crate::error::{ApiError, Result};
use crate::reply::Reply;
use drover_model::registry::NamespaceSpec;
use drover_state::{Table, WatchKey};
use serde::Serialize;

/// A namespace as the wire has it.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Document<'a> {
    #[serde(flatten)]
    namespace: &'a NamespaceSpec,
    /// Tells versions apart.
    hash: String,
    required_extra_claims: (),
    optional_extra_claims: (),
}

impl<'a> Document<'a> {
    fn new(namespace: &'a NamespaceSpec) -> Self {
        Self { namespace, hash: crate::hash::of(namespace), required_extra_claims: (), optional_extra_claims: () }
    }
}

pub(super) async fn list(context: &Context) -> Result<Reply> {
    context.must_read()?;
    let options = context.read_options()?;
    let keys = || vec![WatchKey::Table(Table::Namespaces)];
    read(
        context,
        &options,
        keys,
        |state| state.table_index(Table::Namespaces),
        |state| {
            let acl = context.acl()?;
            let found = state.namespaces().filter(|namespace| namespace.name.starts_with(&options.prefix));
            let found = found.filter(|namespace| acl.allows_namespace(&namespace.name));
            // The reference neither filters nor pages this list.
            context.json(&found.map(|namespace| Document::new(namespace)).collect::<Vec<_>>())
        },
    )
    .await
}

pub(super) async fn route(context: &Context, name: &str) -> Result<Reply> {
    if context.is_write() {
        return put(context, name).await;
    }
    if name.is_empty() {
        return Err(ApiError::method());
    }
    if context.is_delete() {
        let done = context.state.server.delete_namespace(&name.into()).await?;
        return Ok(Reply::empty().written_at(done.index));
    }
    context.must_read()?;
    context.allow(|acl| acl.allows_namespace(name))?;
    let options = context.read_options()?;
    let keys = || vec![WatchKey::Table(Table::Namespaces)];
    read(
        context,
        &options,
        keys,
        |state| state.table_index(Table::Namespaces),
        |state| {
            let namespace = state.namespace(name).ok_or_else(|| ApiError::not_found("Namespace not found"))?;
            context.json(&Document::new(namespace))
        },
    )
    .await
}

async fn put(context: &Context, name: &str) -> Result<Reply> {
    let namespace: NamespaceSpec = context.body()?;
    if !name.is_empty() && *namespace.name != *name {
        return Err(ApiError::bad_request("Namespace name does not match request path"));
    }
    let done = context.state.server.upsert_namespace(namespace).await?;
    Ok(Reply::empty().written_at(done.index))
}
