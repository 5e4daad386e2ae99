//! `/v1/acl/policies`, `/v1/acl/policy/:name`, `/v1/acl/policy/self`.

use super::check_enabled;
use crate::blocking::read;
use crate::context::Context;
use crate::error::{ApiError, Result};
use crate::reply::Reply;
use drover_acl::Policy;
use drover_model::acl::{ANONYMOUS_POLICY, AclPolicy, JobAcl};
use drover_server::Identity;
use drover_server::access::{policies_of, policies_of_workload};
use drover_state::{Snapshot, Table, WatchKey};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::sync::Arc;

/// A policy as it is read: also with its rules as they were understood.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Document<'a> {
    name: &'a str,
    description: &'a str,
    rules: &'a str,
    #[serde(rename = "RulesJSON")]
    rules_json: Option<Policy>,
    #[serde(rename = "JobACL")]
    job_acl: Option<&'a JobAcl>,
    hash: Option<String>,
    create_index: u64,
    modify_index: u64,
}

impl<'a> Document<'a> {
    pub(crate) fn new(policy: &'a AclPolicy) -> Self {
        Self {
            name: &policy.name,
            description: &policy.description,
            rules: &policy.rules,
            rules_json: Policy::parse(&policy.rules).ok(),
            job_acl: policy.job_acl.as_ref(),
            hash: super::hash_text(&policy.hash),
            create_index: policy.create_index,
            modify_index: policy.modify_index,
        }
    }
}

/// A policy as lists show it.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Stub<'a> {
    name: &'a str,
    description: &'a str,
    #[serde(rename = "JobACL")]
    job_acl: Option<&'a JobAcl>,
    hash: Option<String>,
    create_index: u64,
    modify_index: u64,
}

impl<'a> From<&'a Arc<AclPolicy>> for Stub<'a> {
    fn from(policy: &'a Arc<AclPolicy>) -> Self {
        Self {
            name: &policy.name,
            description: &policy.description,
            job_acl: policy.job_acl.as_ref(),
            hash: super::hash_text(&policy.hash),
            create_index: policy.create_index,
            modify_index: policy.modify_index,
        }
    }
}

/// The policies that a caller has; `None`: it sees all of them.
fn own(context: &Context, state: &Snapshot) -> Result<Option<Vec<Arc<AclPolicy>>>> {
    let access = context.access()?;
    Ok(match &access.identity {
        _ if access.acl.is_management() => None,
        Identity::Token(token) => Some(policies_of(state, token)),
        Identity::Workload(claims) => Some(policies_of_workload(state, claims)),
        _ => Some(state.acl_policy(ANONYMOUS_POLICY).cloned().into_iter().collect()),
    })
}

pub(super) async fn list(context: &Context) -> Result<Reply> {
    context.must_read()?;
    check_enabled(context)?;
    context.access()?;
    let options = context.read_options()?;
    let keys = || vec![WatchKey::Table(Table::AclPolicies)];
    read(
        context,
        &options,
        keys,
        |state| state.table_index(Table::AclPolicies).max(1),
        |state| {
            // The reference neither filters nor pages this list.
            let names: Option<BTreeSet<String>> =
                own(context, state)?.map(|own| own.iter().map(|policy| policy.name.clone()).collect());
            let found = state.acl_policies(&options.prefix);
            let found = found.filter(|policy| names.as_ref().is_none_or(|names| names.contains(&policy.name)));
            context.json(&found.map(Stub::from).collect::<Vec<_>>())
        },
    )
    .await
}

/// The policies of the caller itself.
pub(super) async fn of_caller(context: &Context) -> Result<Reply> {
    context.must_read()?;
    check_enabled(context).map_err(|_off| ApiError::forbidden())?;
    if matches!(context.access()?.identity, Identity::Anonymous) {
        return Err(ApiError::forbidden());
    }
    let options = context.read_options()?;
    let keys = || [Table::AclPolicies, Table::AclTokens, Table::AclRoles].map(WatchKey::Table).to_vec();
    read(
        context,
        &options,
        keys,
        |state| state.table_index(Table::AclPolicies).max(1),
        |state| {
            let own = own(context, state)?.unwrap_or_else(|| state.acl_policies("").cloned().collect());
            // None at all is null here.
            let stubs = Some(own.iter().map(Stub::from).collect::<Vec<_>>()).filter(|stubs| !stubs.is_empty());
            context.json(&stubs)
        },
    )
    .await
}

pub(super) async fn route(context: &Context, name: &str) -> Result<Reply> {
    if name.is_empty() {
        return Err(ApiError::bad_request("Missing Policy Name"));
    }
    if context.is_write() {
        return put(context, name).await;
    }
    if context.is_delete() {
        check_enabled(context)?;
        context.allow_management()?;
        let done = context.state.server.delete_acl_policy(name).await?;
        return Ok(Reply::empty().written_at(done.index));
    }
    context.must_read()?;
    check_enabled(context)?;
    context.access()?;
    let options = context.read_options()?;
    let index = |state: &Snapshot| match state.acl_policy(name) {
        Some(policy) => policy.modify_index,
        None => state.table_index(Table::AclPolicies),
    };
    let keys = || vec![WatchKey::Table(Table::AclPolicies)];
    read(context, &options, keys, index, |state| {
        if !may_read(context, state, name)? {
            return Err(ApiError::forbidden());
        }
        let policy = state.acl_policy(name).ok_or_else(|| ApiError::not_found("ACL policy not found"))?;
        context.json(&Document::new(policy))
    })
    .await
}

/// A caller may read the policies that it has, or would have if they were there.
fn may_read(context: &Context, state: &Snapshot, name: &str) -> Result<bool> {
    let access = context.access()?;
    let named = access.token().is_some_and(|token| token.policy_names().iter().any(|own| own == name));
    let has =
        || -> Result<bool> { Ok(own(context, state)?.is_none_or(|own| own.iter().any(|policy| policy.name == name))) };
    Ok(named || name == ANONYMOUS_POLICY || has()?)
}

/// A policy as it is written; what the server sets is ignored.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Request {
    name: String,
    description: String,
    rules: String,
    #[serde(rename = "JobACL")]
    job_acl: Option<JobAcl>,
}

async fn put(context: &Context, name: &str) -> Result<Reply> {
    let request: Request = context.body()?;
    if request.name != name {
        return Err(ApiError::bad_request("ACL policy name does not match request path"));
    }
    check_enabled(context)?;
    context.allow_management()?;
    let policy = AclPolicy {
        name: request.name,
        description: request.description,
        rules: request.rules,
        job_acl: request.job_acl,
        ..AclPolicy::default()
    };
    let done = context.state.server.upsert_acl_policy(policy).await?;
    Ok(Reply::empty().written_at(done.index))
}
