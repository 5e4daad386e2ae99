//! `/v1/acl/auth-methods`, `/v1/acl/auth-method`, `/v1/acl/auth-method/:name`.

use crate::blocking::read;
use crate::context::Context;
use crate::error::{ApiError, Result};
use crate::reply::Reply;
use crate::routes::acl::{check_enabled, hash_text};
use drover_model::acl::{AclAuthMethod, AuthMethodConfig};
use drover_server::login::{AuthMethodWrite, REDACTED};
use drover_state::{Table, WatchKey};
use serde::Serialize;
use serde_json::Value;

/// A method in a list.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Stub<'a> {
    name: &'a str,
    #[serde(rename = "Type")]
    kind: &'a str,
    default: bool,
    hash: Option<String>,
    create_index: u64,
    modify_index: u64,
}

impl<'a> From<&'a AclAuthMethod> for Stub<'a> {
    fn from(method: &'a AclAuthMethod) -> Self {
        Self {
            name: &method.name,
            kind: &method.kind,
            default: method.default,
            hash: hash_text(&method.hash),
            create_index: method.create_index,
            modify_index: method.modify_index,
        }
    }
}

/// A method as people may see it.
fn shown(method: &AclAuthMethod) -> AclAuthMethod {
    AclAuthMethod { config: method.config.as_ref().map(redacted), ..method.clone() }
}

fn redacted(config: &AuthMethodConfig) -> AuthMethodConfig {
    let mut config = config.clone();
    if !config.oidc_client_secret.is_empty() {
        REDACTED.clone_into(&mut config.oidc_client_secret);
    }
    if let Some(assertion) = &mut config.oidc_client_assertion {
        for path in ["/ClientSecret", "/PrivateKey/PemKey"] {
            if let Some(Value::String(secret)) = assertion.pointer_mut(path)
                && !secret.is_empty()
            {
                REDACTED.clone_into(secret);
            }
        }
    }
    config
}

/// Anybody may see how to log in.
pub(super) async fn list(context: &Context) -> Result<Reply> {
    context.must_read()?;
    check_enabled(context)?;
    let options = context.read_options()?;
    read(
        context,
        &options,
        || vec![WatchKey::Table(Table::AclAuthMethods)],
        |state| state.table_index(Table::AclAuthMethods).max(1),
        |state| {
            let stubs: Vec<Stub<'_>> = state.acl_auth_methods().map(|method| Stub::from(&**method)).collect();
            context.json(&stubs)
        },
    )
    .await
}

pub(super) async fn create(context: &Context) -> Result<Reply> {
    context.must_write()?;
    put(context, None).await
}

pub(super) async fn route(context: &Context, name: &str) -> Result<Reply> {
    if name.is_empty() {
        return Err(ApiError::bad_request("missing ACL auth-method name"));
    }
    if context.is_write() {
        return put(context, Some(name)).await;
    }
    if context.is_delete() {
        check_enabled(context)?;
        context.allow_management()?;
        let done = context.state.server.delete_acl_auth_method(name).await?;
        return Ok(Reply::empty().written_at(done.index));
    }
    context.must_read()?;
    check_enabled(context)?;
    context.allow_management()?;
    let options = context.read_options()?;
    read(
        context,
        &options,
        || vec![WatchKey::Table(Table::AclAuthMethods)],
        |state| state.table_index(Table::AclAuthMethods).max(1),
        |state| {
            let method = state.acl_auth_method(name);
            context.json(&shown(method.ok_or_else(|| ApiError::not_found("ACL auth-method not found"))?))
        },
    )
    .await
}

async fn put(context: &Context, name: Option<&str>) -> Result<Reply> {
    let write: AuthMethodWrite = context.body()?;
    if name.is_some_and(|name| write.method.name != name) {
        return Err(ApiError::bad_request("ACL auth-method name does not match request path"));
    }
    check_enabled(context)?;
    context.allow_management()?;
    let method = context.state.server.upsert_acl_auth_method(write).await?;
    Ok(context.json(&shown(&method))?.written_at(method.modify_index))
}
