//! `/v1/acl/roles`, `/v1/acl/role`, `/v1/acl/role/:id`, `/v1/acl/role/name/:name`.

use super::check_enabled;
use crate::blocking::read;
use crate::context::Context;
use crate::error::{ApiError, Result};
use crate::reply::Reply;
use drover_base::serde_null;
use drover_model::acl::{AclRole, RolePolicy};
use drover_state::{Snapshot, Table, WatchKey};
use serde::Deserialize;
use std::sync::Arc;

/// Whether the caller sees a role: everybody sees its own.
fn sees(context: &Context, id: &str) -> Result<bool> {
    let access = context.access()?;
    let has = || access.token().is_some_and(|token| token.roles.iter().any(|role| role.id == id));
    Ok(access.acl.is_management() || has())
}

pub(super) async fn list(context: &Context) -> Result<Reply> {
    context.must_read()?;
    check_enabled(context)?;
    context.access()?;
    let options = context.read_options()?;
    let keys = || vec![WatchKey::Table(Table::AclRoles)];
    read(
        context,
        &options,
        keys,
        |state| state.table_index(Table::AclRoles).max(1),
        |state| {
            // The reference neither filters nor pages this list.
            let mut found: Vec<&Arc<AclRole>> = Vec::new();
            for role in state.acl_roles(&options.prefix) {
                if sees(context, &role.id)? {
                    found.push(role);
                }
            }
            context.json(&found)
        },
    )
    .await
}

pub(super) async fn create(context: &Context) -> Result<Reply> {
    context.must_write()?;
    put(context, None).await
}

pub(super) async fn route(context: &Context, id: &str) -> Result<Reply> {
    if id.is_empty() {
        return Err(ApiError::bad_request("missing ACL role ID"));
    }
    if context.is_write() {
        return put(context, Some(id)).await;
    }
    if context.is_delete() {
        check_enabled(context)?;
        context.allow_management()?;
        let done = context.state.server.delete_acl_role(id).await?;
        return Ok(Reply::empty().written_at(done.index));
    }
    context.must_read()?;
    show(context, |state| state.acl_role(id)).await
}

/// A role by its name.
pub(super) async fn named(context: &Context, name: &str) -> Result<Reply> {
    context.must_read()?;
    if name.is_empty() {
        return Err(ApiError::bad_request("missing ACL role name"));
    }
    show(context, |state| state.acl_role_named(name)).await
}

async fn show(context: &Context, find: impl Fn(&Snapshot) -> Option<&Arc<AclRole>>) -> Result<Reply> {
    check_enabled(context)?;
    context.access()?;
    let options = context.read_options()?;
    let index = |state: &Snapshot| match find(state) {
        Some(role) => role.modify_index,
        None => state.table_index(Table::AclRoles),
    };
    let keys = || vec![WatchKey::Table(Table::AclRoles)];
    read(context, &options, keys, index, |state| {
        let found = find(state);
        if !sees(context, found.map_or("", |role| &role.id))? {
            return Err(ApiError::forbidden());
        }
        context.json(&**found.ok_or_else(|| ApiError::not_found("ACL role not found"))?)
    })
    .await
}

/// A role as it is written; what the server sets is ignored.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Request {
    #[serde(rename = "ID")]
    id: String,
    name: String,
    description: String,
    #[serde(with = "serde_null")]
    policies: Vec<RolePolicy>,
}

async fn put(context: &Context, id: Option<&str>) -> Result<Reply> {
    let request: Request = context.body()?;
    if id.is_some_and(|id| id != request.id) {
        return Err(ApiError::bad_request("ACL role ID does not match request path"));
    }
    check_enabled(context)?;
    context.allow_management()?;
    let role = AclRole {
        id: request.id,
        name: request.name,
        description: request.description,
        policies: request.policies,
        ..AclRole::default()
    };
    let done = context.state.server.upsert_acl_role(role).await?;
    Ok(context.json(&*done)?.written_at(done.modify_index))
}
