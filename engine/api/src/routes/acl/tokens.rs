//! `/v1/acl/tokens`, `/v1/acl/token`, `/v1/acl/token/:accessor`, `/v1/acl/token/self`.

use super::check_enabled;
use crate::blocking::read;
use crate::context::{Context, check_prefix};
use crate::error::{ApiError, Result};
use crate::paging::{PageKey, page};
use crate::reply::Reply;
use drover_base::{Nanos, WireTime, serde_null};
use drover_model::UnixNanos;
use drover_model::acl::{AclToken, TokenRole};
use drover_server::Identity;
use drover_server::request::TokenWrite;
use drover_state::{Snapshot, Table, WatchKey};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A token as lists show it: without its secret.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Stub<'a> {
    #[serde(rename = "AccessorID")]
    accessor_id: &'a str,
    name: &'a str,
    #[serde(rename = "Type")]
    kind: &'a str,
    policies: Option<&'a [String]>,
    roles: Option<&'a [TokenRole]>,
    global: bool,
    hash: Option<String>,
    create_time: WireTime,
    expiration_time: Option<WireTime>,
    create_index: u64,
    modify_index: u64,
}

impl<'a> From<&'a AclToken> for Stub<'a> {
    fn from(token: &'a AclToken) -> Self {
        Self {
            accessor_id: &token.accessor_id,
            name: &token.name,
            kind: token.kind.as_str(),
            policies: Some(token.policy_names()).filter(|names| !names.is_empty()),
            roles: Some(token.roles.as_slice()).filter(|roles| !roles.is_empty()),
            global: token.global,
            hash: super::hash_text(&token.hash),
            create_time: token.create_time,
            expiration_time: token.expiration_time,
            create_index: token.create_index,
            modify_index: token.modify_index,
        }
    }
}

/// A token as it is read: with the names that its roles have now, and without those that are gone.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Document<'a> {
    #[serde(rename = "ExpirationTTL")]
    expiration_ttl: String,
    #[serde(rename = "AccessorID")]
    accessor_id: &'a str,
    #[serde(rename = "SecretID")]
    secret_id: &'a str,
    name: &'a str,
    #[serde(rename = "Type")]
    kind: &'a str,
    policies: &'a Option<Vec<String>>,
    roles: Option<Vec<TokenRole>>,
    global: bool,
    hash: Option<String>,
    create_time: WireTime,
    expiration_time: Option<WireTime>,
    create_index: u64,
    modify_index: u64,
}

impl<'a> Document<'a> {
    fn new(state: &Snapshot, token: &'a AclToken) -> Self {
        let named = |role: &TokenRole| {
            let name = state.acl_role(&role.id)?.name.clone();
            Some(TokenRole { id: role.id.clone(), name })
        };
        let ttl = token.expiration_ttl;
        Self {
            expiration_ttl: if ttl.is_zero() { String::new() } else { ttl.to_string() },
            accessor_id: &token.accessor_id,
            secret_id: &token.secret_id,
            name: &token.name,
            kind: token.kind.as_str(),
            policies: &token.policies,
            roles: (!token.roles.is_empty()).then(|| token.roles.iter().filter_map(named).collect()),
            global: token.global,
            hash: super::hash_text(&token.hash),
            create_time: token.create_time,
            expiration_time: token.expiration_time,
            create_index: token.create_index,
            modify_index: token.modify_index,
        }
    }
}

/// The document of a token, also for answers that hold one.
pub(crate) fn document(state: &Snapshot, token: &AclToken) -> Result<serde_json::Value> {
    serde_json::to_value(Document::new(state, token)).map_err(|error| ApiError::refused(error.to_string()))
}

fn key(token: &AclToken) -> PageKey {
    PageKey::Created(token.create_index, token.accessor_id.clone())
}

pub(super) async fn list(context: &Context) -> Result<Reply> {
    context.must_read()?;
    check_enabled(context)?;
    context.allow_management()?;
    let options = context.read_options()?;
    check_prefix("acl token", &options.prefix)?;
    let keys = || vec![WatchKey::Table(Table::AclTokens)];
    read(
        context,
        &options,
        keys,
        |state| state.table_index(Table::AclTokens).max(1),
        |state| {
            // `global` is taken and changes nothing, as in the reference.
            let found = state.acl_tokens(&options.prefix);
            let page = page(&options, found, key, &[])?;
            let stubs: Vec<_> = page.items.iter().map(|token| Stub::from(&***token)).collect();
            Ok(context.json(&stubs)?.with_next_token(page.next.as_deref()))
        },
    )
    .await
}

/// The caller's own token.
pub(super) async fn of_caller(context: &Context) -> Result<Reply> {
    context.must_read()?;
    let own = match ended(context) {
        Some(refusal) => return Err(refusal),
        None => match &context.access()?.identity {
            Identity::Token(token) => token.clone(),
            Identity::Disabled => Arc::new(AclToken::disabled()),
            Identity::Anonymous => Arc::new(AclToken::anonymous()),
            Identity::Workload(_) | Identity::Node(_) => return Err(ApiError::not_found("ACL token not found")),
        },
    };
    let options = context.read_options()?;
    let index = |state: &Snapshot| state.acl_token(&own.accessor_id).map_or(0, |token| token.modify_index);
    let keys = || vec![WatchKey::Table(Table::AclTokens)];
    read(context, &options, keys, index, |state| {
        let token = state.acl_token(&own.accessor_id).unwrap_or(&own);
        context.json(&Document::new(state, token))
    })
    .await
}

/// The refusal of a token that has ended, where the reference says so.
fn ended(context: &Context) -> Option<ApiError> {
    if !context.state.server.acl_enabled() {
        return None;
    }
    let snapshot = context.state.store().snapshot();
    let token = snapshot.acl_token_by_secret(context.secret())?;
    token.is_expired(UnixNanos::now()).then(|| ApiError::refused("ACL token expired"))
}

pub(super) async fn create(context: &Context) -> Result<Reply> {
    context.must_write()?;
    put(context, None).await
}

pub(super) async fn route(context: &Context, accessor: &str) -> Result<Reply> {
    if accessor.is_empty() {
        return Err(ApiError::bad_request("Missing Token Accessor"));
    }
    if context.is_write() {
        return put(context, Some(accessor)).await;
    }
    if context.is_delete() {
        check_enabled(context)?;
        context.allow_management()?;
        let done = context.state.server.delete_acl_token(accessor).await?;
        return Ok(Reply::empty().written_at(done.index));
    }
    context.must_read()?;
    check_enabled(context)?;
    if let Some(refusal) = ended(context) {
        return Err(refusal);
    }
    let access = context.access()?;
    let is_own = access.token().is_some_and(|token| token.accessor_id == accessor);
    if !is_own && !access.acl.is_management() {
        return Err(ApiError::forbidden());
    }
    if accessor.len() != ACCESSOR_LEN {
        let text = format!("acl token lookup failed: index error: UUID must be {ACCESSOR_LEN} characters");
        return Err(ApiError::refused(text));
    }
    let options = context.read_options()?;
    let index = |state: &Snapshot| match state.acl_token(accessor) {
        Some(token) => token.modify_index,
        None => state.table_index(Table::AclTokens),
    };
    let keys = || vec![WatchKey::Table(Table::AclTokens)];
    read(context, &options, keys, index, |state| {
        let token = state.acl_token(accessor).ok_or_else(|| ApiError::not_found("ACL token not found"))?;
        context.json(&Document::new(state, token))
    })
    .await
}

/// Characters of an accessor, a UUID.
const ACCESSOR_LEN: usize = 36;

/// A token as it is written; what the server sets is ignored.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Request {
    #[serde(rename = "AccessorID")]
    accessor_id: String,
    #[serde(rename = "SecretID")]
    secret_id: String,
    name: String,
    #[serde(rename = "Type")]
    kind: String,
    policies: Option<Vec<String>>,
    #[serde(with = "serde_null")]
    roles: Vec<TokenRole>,
    global: bool,
    #[serde(rename = "ExpirationTTL")]
    expiration_ttl: Option<Duration>,
    expiration_time: Option<WireTime>,
}

/// A duration as text or in nanoseconds.
#[derive(Deserialize)]
#[serde(untagged)]
enum Duration {
    Nanos(i64),
    Text(String),
}

impl Duration {
    fn nanos(&self) -> Result<Nanos> {
        match self {
            Self::Nanos(nanos) => Ok(Nanos(*nanos)),
            Self::Text(text) if text.is_empty() => Ok(Nanos::ZERO),
            Self::Text(text) => {
                Nanos::parse(text).map_err(|_| ApiError::bad_request(format!("time: invalid duration {text:?}")))
            }
        }
    }
}

async fn put(context: &Context, accessor: Option<&str>) -> Result<Reply> {
    let request: Request = context.body()?;
    let expiration_ttl = request.expiration_ttl.as_ref().map_or(Ok(Nanos::ZERO), Duration::nanos)?;
    if accessor.is_some_and(|accessor| accessor != request.accessor_id) {
        return Err(ApiError::bad_request("ACL token accessor does not match request path"));
    }
    check_enabled(context)?;
    context.allow_management()?;
    let token = AclToken {
        accessor_id: request.accessor_id,
        secret_id: request.secret_id,
        name: request.name,
        policies: request.policies,
        roles: request.roles,
        global: request.global,
        expiration_ttl,
        expiration_time: request.expiration_time.filter(|time| !time.is_zero()),
        ..AclToken::default()
    };
    let write = TokenWrite { token, kind: request.kind };
    let done = context.state.server.upsert_acl_token(write).await?;
    let snapshot = context.state.store().snapshot();
    Ok(context.json(&Document::new(&snapshot, &done))?.written_at(done.modify_index))
}
