//! `/v1/jobs/statuses`: what overview pages show of jobs.

use crate::blocking::read;
use crate::context::Context;
use crate::error::{ApiError, Result};
use crate::paging::{PageKey, page};
use crate::reply::Reply;
use drover_acl::NamespaceCapability;
use drover_model::{Allocation, Deployment, Job, JobKey};
use drover_state::{Snapshot, Table, WatchKey};
use drover_wire::requests::JobStatusesRequest;
use http::Method;
use serde::Serialize;
use std::sync::Arc;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Status<'a> {
    #[serde(rename = "ID")]
    id: &'a str,
    namespace: &'a str,
    name: &'a str,
    #[serde(rename = "Type")]
    kind: &'a str,
    node_pool: &'a str,
    datacenters: &'a [String],
    priority: u8,
    version: u64,
    #[serde(rename = "ParentID")]
    parent_id: &'a str,
    submit_time: i64,
    modify_index: u64,
    status: &'a str,
    stop: bool,
    is_pack: bool,
    group_count_sum: u64,
    allocs: Vec<AllocStatus<'a>>,
    child_statuses: Option<Vec<&'a str>>,
    latest_deployment: Option<DeploymentStatus<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct AllocStatus<'a> {
    #[serde(rename = "ID")]
    id: &'a str,
    group: &'a str,
    client_status: &'a str,
    #[serde(rename = "NodeID")]
    node_id: &'a str,
    deployment_status: Health,
    job_version: u64,
    #[serde(rename = "FollowupEvalID")]
    followup_eval_id: &'a str,
    has_paused_task: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Health {
    canary: bool,
    healthy: Option<bool>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct DeploymentStatus<'a> {
    #[serde(rename = "ID")]
    id: &'a str,
    is_active: bool,
    job_version: u64,
    status: &'a str,
    status_description: &'a str,
    all_auto_promote: bool,
    requires_promotion: bool,
}

/// GET: all jobs; POST: the named ones.
pub(super) async fn statuses(context: &Context) -> Result<Reply> {
    let request: JobStatusesRequest = match context.method {
        Method::GET => JobStatusesRequest::default(),
        Method::POST => named(context)?,
        _ => return Err(ApiError::method()),
    };
    let children = request.include_children || context.flag("include_children")?.unwrap_or(false);
    let wanted: Option<Vec<JobKey>> = request.jobs.filter(|jobs| !jobs.is_empty()).map(|jobs| {
        jobs.into_iter()
            .map(|job| {
                let namespace = if job.namespace.is_empty() { context.namespace() } else { job.namespace.into() };
                JobKey { namespace, id: job.id.into() }
            })
            .collect()
    });
    let options = context.read_options()?;
    let acl = context.acl()?;
    let tables = [Table::Jobs, Table::Allocs, Table::Deployments];
    let keys = || tables.map(WatchKey::Table).to_vec();
    read(
        context,
        &options,
        keys,
        |state| state.tables_index(&tables),
        |state| {
            let jobs: Vec<&Arc<Job>> = match &wanted {
                Some(wanted) => {
                    let jobs = wanted.iter().filter_map(|key| state.job(key));
                    jobs.filter(|job| acl.allows(&job.namespace, NamespaceCapability::ReadJob)).collect()
                }
                None => state
                    .jobs()
                    .filter(|job| options.in_scope(&job.namespace) && (children || job.parent_id.is_empty()))
                    .filter(|job| job.id.starts_with(&options.prefix))
                    .collect(),
            };
            let key = |job: &Job| PageKey::Created(job.modify_index, job.id.to_string());
            let page = page(&options, jobs.into_iter(), key, &[])?;
            let list: Vec<_> = page.items.iter().map(|job| status(state, job)).collect();
            Ok(context.json(&list)?.with_next_token(page.next.as_deref()))
        },
    )
    .await
}

/// What a request with a body asks for, which must name jobs.
fn named(context: &Context) -> Result<JobStatusesRequest> {
    if context.body.is_empty() {
        return Ok(JobStatusesRequest::default());
    }
    let body = context.body::<JobStatusesRequest>();
    let request = body.map_err(|error| ApiError::bad_request(format!("error decoding request: {}", error.message)))?;
    match &request.jobs {
        Some(jobs) if !jobs.is_empty() => Ok(request),
        _ => Err(ApiError::bad_request("no jobs in request")),
    }
}

fn status<'a>(state: &'a Snapshot, job: &'a Job) -> Status<'a> {
    let key = job.key();
    let makes_children = job.periodic.is_some() || (job.parameterized_job.is_some() && !job.dispatched);
    Status {
        id: &job.id,
        namespace: &job.namespace,
        name: &job.name,
        kind: job.kind.as_str(),
        node_pool: &job.node_pool,
        datacenters: &job.datacenters,
        priority: job.priority,
        version: job.version,
        parent_id: &job.parent_id,
        submit_time: job.submit_time.0,
        modify_index: job.modify_index,
        status: job.status.as_str(),
        stop: job.stop,
        is_pack: job.meta.contains_key("pack.name"),
        group_count_sum: job.task_groups.iter().map(|group| u64::from(group.count)).sum(),
        allocs: state.allocs_by_job(&key).map(|alloc| alloc_status(alloc)).collect(),
        child_statuses: makes_children.then(|| state.children_of(&key).map(|child| child.status.as_str()).collect()),
        latest_deployment: state.latest_deployment_of(&key).map(|found| deployment_status(found)),
    }
}

fn alloc_status(alloc: &Allocation) -> AllocStatus<'_> {
    let status = alloc.deployment_status.as_ref();
    AllocStatus {
        id: &alloc.id,
        group: &alloc.task_group,
        client_status: alloc.client_status.as_str(),
        node_id: &alloc.node_id,
        deployment_status: Health {
            canary: status.is_some_and(|status| status.canary),
            healthy: status.and_then(|status| status.healthy),
        },
        job_version: alloc.job_version(),
        followup_eval_id: &alloc.followup_eval_id,
        has_paused_task: alloc.task_states.values().any(|state| !state.paused.is_empty()),
    }
}

fn deployment_status(deployment: &Deployment) -> DeploymentStatus<'_> {
    let canaries: Vec<_> = deployment.task_groups.values().filter(|state| state.desired_canaries > 0).collect();
    DeploymentStatus {
        id: &deployment.id,
        is_active: deployment.is_active(),
        job_version: deployment.job_version,
        status: deployment.status.as_str(),
        status_description: &deployment.status_description,
        all_auto_promote: !canaries.is_empty() && canaries.iter().all(|state| state.auto_promote),
        requires_promotion: deployment.requires_promotion(),
    }
}
