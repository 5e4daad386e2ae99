//! `/v1/deployments`, `/v1/deployment/:id` and what is done to deployments.

use super::allocations;
use super::guard::must_in;
use crate::blocking::read;
use crate::context::{Context, ReadOptions, check_id, check_prefix};
use crate::error::{ApiError, Result};
use crate::paging::{PageKey, page};
use crate::reply::Reply;
use drover_acl::NamespaceCapability;
use drover_model::{AllocId, Deployment, DeploymentId};
use drover_server::answer::DeploymentUpdated;
use drover_state::{Snapshot, Table, WatchKey};
use drover_wire::answers::DeploymentUpdateAnswer;
use drover_wire::requests::{DeploymentAllocHealthRequest, DeploymentPauseRequest, DeploymentPromoteRequest};
use drover_wire::stubs::AllocFields;
use std::sync::Arc;

fn created(deployment: &Deployment) -> PageKey {
    PageKey::Created(deployment.create_index, deployment.id.to_string())
}

fn named(deployment: &Deployment) -> PageKey {
    PageKey::Named(deployment.namespace.clone(), deployment.id.to_string())
}

/// A list of whole deployments in the order of creation.
pub(super) fn documents<'a>(
    context: &Context,
    options: &ReadOptions,
    deployments: impl Iterator<Item = &'a Arc<Deployment>>,
) -> Result<Reply> {
    let key = if options.prefix.is_empty() { created } else { named };
    let page = page(options, deployments, key, &[])?;
    Ok(context.json(&page.items)?.with_next_token(page.next.as_deref()))
}

pub(super) async fn list(context: &Context) -> Result<Reply> {
    context.must_read()?;
    let options = context.read_options()?;
    check_prefix("deployment", &options.prefix)?;
    let keys = || vec![WatchKey::Table(Table::Deployments)];
    read(
        context,
        &options,
        keys,
        |state| state.table_index(Table::Deployments),
        |state| {
            let found = state.deployments_by_prefix(&options.prefix).filter(|found| options.in_scope(&found.namespace));
            documents(context, &options, found)
        },
    )
    .await
}

pub(super) async fn route(context: &Context, path: &str) -> Result<Reply> {
    match path.split_once('/') {
        Some(("allocations", id)) => allocs(context, id).await,
        Some(("fail", id)) => fail(context, id).await,
        Some(("pause", id)) => pause(context, id).await,
        Some(("promote", id)) => promote(context, id).await,
        Some(("allocation-health", id)) => health(context, id).await,
        Some(("unblock", id)) => unblock(context, id),
        _ => object(context, path).await,
    }
}

async fn object(context: &Context, id: &str) -> Result<Reply> {
    context.must_read()?;
    let options = context.read_options()?;
    check_id("deployment", id)?;
    let id = DeploymentId::from(id);
    let index = |state: &Snapshot| match state.deployment(&id) {
        Some(deployment) => deployment.modify_index,
        None => state.table_index(Table::Deployments),
    };
    read(
        context,
        &options,
        || vec![WatchKey::Deployment(id.clone())],
        index,
        |state| {
            let acl = context.acl()?;
            let found = state.deployment(&id);
            let found = found.filter(|found| acl.allows(&found.namespace, NamespaceCapability::ReadJob));
            context.json(&**found.ok_or_else(|| ApiError::not_found("deployment not found"))?)
        },
    )
    .await
}

async fn allocs(context: &Context, id: &str) -> Result<Reply> {
    context.must_read()?;
    let options = context.read_options()?;
    let id = DeploymentId::from(id);
    let keys = || vec![WatchKey::Table(Table::Allocs)];
    read(
        context,
        &options,
        keys,
        |state| state.table_index(Table::Allocs),
        |state| {
            let acl = context.acl()?;
            let seen = state.allocs_by_deployment(&id);
            let seen = seen.filter(|alloc| acl.allows(&alloc.namespace, NamespaceCapability::ReadJob));
            allocations::stubs(context, &options, seen, AllocFields::default())
        },
    )
    .await
}

/// The deployment that is meant, which the caller may change; one that is not there is refused later.
fn checked(context: &Context, id: &str, capability: NamespaceCapability) -> Result<DeploymentId> {
    if id.is_empty() {
        return Err(ApiError::refused("missing deployment ID"));
    }
    let id = DeploymentId::from(id);
    if let Some(found) = context.state.store().snapshot().deployment(&id) {
        must_in(context, &found.namespace, capability)?;
    }
    Ok(id)
}

fn same(given: &str, id: &str) -> Result<()> {
    if given.is_empty() {
        return Err(ApiError::bad_request("DeploymentID must be specified"));
    }
    if given == id { Ok(()) } else { Err(ApiError::bad_request("Deployment ID does not match")) }
}

fn updated(context: &Context, done: DeploymentUpdated) -> Result<Reply> {
    let answer = DeploymentUpdateAnswer {
        eval_id: done.eval_id,
        eval_create_index: done.eval_create_index,
        deployment_modify_index: done.deployment_modify_index,
        reverted_job_version: done.reverted_job_version,
        index: done.index,
    };
    Ok(context.json(&answer)?.written_at(done.index))
}

async fn fail(context: &Context, id: &str) -> Result<Reply> {
    context.must_write()?;
    updated(
        context,
        context.state.server.fail_deployment(&checked(context, id, NamespaceCapability::FailDeployment)?).await?,
    )
}

async fn pause(context: &Context, id: &str) -> Result<Reply> {
    context.must_write()?;
    let request: DeploymentPauseRequest = context.body()?;
    same(&request.deployment_id, id)?;
    let id = checked(context, id, NamespaceCapability::PauseDeployment)?;
    updated(context, context.state.server.pause_deployment(&id, request.pause).await?)
}

async fn promote(context: &Context, id: &str) -> Result<Reply> {
    context.must_write()?;
    let request: DeploymentPromoteRequest = context.body()?;
    same(&request.deployment_id, id)?;
    let groups = if request.all { None } else { Some(request.groups.unwrap_or_default()) };
    let id = checked(context, id, NamespaceCapability::PromoteDeployment)?;
    updated(context, context.state.server.promote_deployment(&id, groups).await?)
}

async fn health(context: &Context, id: &str) -> Result<Reply> {
    context.must_write()?;
    let request: DeploymentAllocHealthRequest = context.body()?;
    same(&request.deployment_id, id)?;
    let ids = |list: Option<Vec<String>>| list.unwrap_or_default().into_iter().map(AllocId::from).collect();
    let (healthy, unhealthy) = (ids(request.healthy), ids(request.unhealthy));
    let id = checked(context, id, NamespaceCapability::SubmitJob)?;
    updated(context, context.state.server.set_alloc_health(&id, healthy, unhealthy).await?)
}

/// Only deployments of several regions are ever blocked.
fn unblock(context: &Context, id: &str) -> Result<Reply> {
    context.must_write()?;
    #[derive(Default, serde::Deserialize)]
    #[serde(default)]
    struct Request {
        #[serde(rename = "DeploymentID")]
        deployment_id: String,
    }
    let request: Request = context.body()?;
    same(&request.deployment_id, id)?;
    let id = checked(context, id, NamespaceCapability::UnblockDeployment)?;
    let state = context.state.store().snapshot();
    let deployment = state.deployment(&id).ok_or_else(|| ApiError::refused("deployment not found"))?;
    Err(ApiError::refused(if deployment.is_active() {
        "can't unblock deployment that is not blocked"
    } else {
        "can't unblock terminal deployment"
    }))
}
