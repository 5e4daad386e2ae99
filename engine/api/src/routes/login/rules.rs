//! `/v1/acl/binding-rules`, `/v1/acl/binding-rule`, `/v1/acl/binding-rule/:id`.

use crate::blocking::read;
use crate::context::Context;
use crate::error::{ApiError, Result};
use crate::reply::Reply;
use crate::routes::acl::{check_enabled, hash_text};
use drover_model::acl::AclBindingRule;
use drover_server::login::BindingRuleWrite;
use drover_state::{Table, WatchKey};
use serde::Serialize;

/// A rule in a list.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Stub<'a> {
    #[serde(rename = "ID")]
    id: &'a str,
    description: &'a str,
    auth_method: &'a str,
    hash: Option<String>,
    create_index: u64,
    modify_index: u64,
}

impl<'a> From<&'a AclBindingRule> for Stub<'a> {
    fn from(rule: &'a AclBindingRule) -> Self {
        Self {
            id: &rule.id,
            description: &rule.description,
            auth_method: &rule.auth_method,
            hash: hash_text(&rule.hash),
            create_index: rule.create_index,
            modify_index: rule.modify_index,
        }
    }
}

pub(super) async fn list(context: &Context) -> Result<Reply> {
    context.must_read()?;
    check_enabled(context)?;
    context.allow_management()?;
    let options = context.read_options()?;
    read(
        context,
        &options,
        || vec![WatchKey::Table(Table::AclBindingRules)],
        |state| state.table_index(Table::AclBindingRules).max(1),
        |state| {
            let stubs: Vec<Stub<'_>> = state.acl_binding_rules().map(|rule| Stub::from(&**rule)).collect();
            context.json(&stubs)
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
        return Err(ApiError::bad_request("missing ACL binding rule ID"));
    }
    if context.is_write() {
        return put(context, Some(id)).await;
    }
    if context.is_delete() {
        check_enabled(context)?;
        context.allow_management()?;
        let done = context.state.server.delete_acl_binding_rule(id).await?;
        return Ok(Reply::empty().written_at(done.index));
    }
    context.must_read()?;
    check_enabled(context)?;
    context.allow_management()?;
    let options = context.read_options()?;
    read(
        context,
        &options,
        || vec![WatchKey::Table(Table::AclBindingRules)],
        |state| state.table_index(Table::AclBindingRules).max(1),
        |state| {
            let rule = state.acl_binding_rule(id);
            context.json(rule.ok_or_else(|| ApiError::not_found("ACL binding rule not found"))?)
        },
    )
    .await
}

async fn put(context: &Context, id: Option<&str>) -> Result<Reply> {
    let mut write: BindingRuleWrite = context.body()?;
    check_enabled(context)?;
    if let Some(id) = id {
        if write.id.is_empty() {
            id.clone_into(&mut write.id);
        }
        if write.id != id {
            return Err(ApiError::bad_request("ACL binding rule ID does not match request path"));
        }
    }
    context.allow_management()?;
    let rule = context.state.server.upsert_acl_binding_rule(write).await?;
    Ok(context.json(&*rule)?.written_at(rule.modify_index))
}
