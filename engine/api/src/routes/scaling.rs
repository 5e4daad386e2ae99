//! `/v1/scaling/…`: the policies that jobs have for an autoscaler.

use crate::blocking::read;
use crate::context::{Context, ReadOptions};
use crate::error::{ApiError, Result};
use crate::reply::Reply;
use drover_model::{Job, Namespace, ScalingPolicy};
use drover_state::{Snapshot, Table, WatchKey};
use serde::Serialize;

pub(super) async fn route(context: &Context, tail: &str) -> Result<Reply> {
    match tail.split_once('/') {
        None if tail == "policies" => list(context).await,
        Some(("policy", id)) => one(context, id).await,
        _ => Err(ApiError::no_route()),
    }
}

/// A policy as lists show it.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Stub<'a> {
    #[serde(rename = "ID")]
    id: &'a str,
    enabled: bool,
    #[serde(rename = "Type")]
    kind: &'a str,
    target: &'a drover_model::TextMap,
    create_index: u64,
    modify_index: u64,
}

async fn list(context: &Context) -> Result<Reply> {
    context.must_read()?;
    let options = context.read_options()?;
    let job_id = context.text("job");
    let kind = context.text("type");
    let wanted = |job: &Job| options.in_scope(&job.namespace) && job_id.is_none_or(|id| *job.id == *id);
    at(context, &options, |state| {
        let jobs = state.jobs().filter(|job| !job.stop && wanted(job));
        let mut policies: Vec<&ScalingPolicy> = jobs
            .flat_map(|job| policies(job))
            .filter(|policy| kind.is_none_or(|kind| policy.kind == kind))
            .filter(|policy| policy.id.starts_with(&options.prefix))
            .collect();
        policies.sort_by(|one, other| one.id.cmp(&other.id));
        context.json(&policies.into_iter().map(stub).collect::<Vec<_>>())
    })
    .await
}

async fn one(context: &Context, id: &str) -> Result<Reply> {
    context.must_read()?;
    let options = ReadOptions { namespace: Namespace::ALL.into(), ..context.read_options()? };
    at(context, &options, |state| {
        let mut all = state.jobs().filter(|job| !job.stop).flat_map(|job| policies(job));
        let found = all.find(|policy| policy.id == id);
        context.json(found.ok_or_else(|| ApiError::not_found("policy not found"))?)
    })
    .await
}

async fn at(
    context: &Context,
    options: &ReadOptions,
    render: impl FnOnce(&Snapshot) -> Result<Reply>,
) -> Result<Reply> {
    let keys = || vec![WatchKey::Table(Table::Jobs)];
    read(context, options, keys, |state| state.table_index(Table::Jobs), render).await
}

fn policies(job: &Job) -> impl Iterator<Item = &ScalingPolicy> {
    let of_groups = job.task_groups.iter().filter_map(|group| group.scaling.as_ref());
    let tasks = job.task_groups.iter().flat_map(|group| &group.tasks);
    of_groups.chain(tasks.flat_map(|task| &task.scaling_policies))
}

fn stub(policy: &ScalingPolicy) -> Stub<'_> {
    Stub {
        id: &policy.id,
        enabled: policy.enabled,
        kind: &policy.kind,
        target: &policy.target,
        create_index: policy.create_index,
        modify_index: policy.modify_index,
    }
}
