//! `/v1/scaling/…`: the policies that jobs have for an autoscaler.

use crate::blocking::read;
use crate::context::{Context, ReadOptions};
use crate::error::{ApiError, Result};
use crate::reply::Reply;
use drover_acl::NamespaceCapability;
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
    let in_scope = |job: &Job| options.in_scope_for(&job.namespace, &[NamespaceCapability::ListScalingPolicies]);
    let wanted = |job: &Job| in_scope(job) && job_id.is_none_or(|id| *job.id == *id);
    at(context, &options, |state| {
        let jobs = state.jobs().filter(|job| wanted(job));
        let mut policies: Vec<(&Job, &ScalingPolicy)> = jobs
            .flat_map(|job| policies(job).map(move |policy| (&**job, policy)))
            .filter(|(_, policy)| kind.is_none_or(|kind| policy.kind == kind))
            .filter(|(_, policy)| policy.id.starts_with(&options.prefix))
            .collect();
        policies.sort_by(|(_, one), (_, other)| one.id.cmp(&other.id));
        context.json(&policies.into_iter().map(|(job, policy)| stub(job, policy)).collect::<Vec<_>>())
    })
    .await
}

async fn one(context: &Context, id: &str) -> Result<Reply> {
    context.must_read()?;
    let options = ReadOptions { namespace: Namespace::ALL.into(), ..context.read_options()? };
    at(context, &options, |state| {
        let mut all = state.jobs().flat_map(|job| policies(job).map(move |policy| (job, policy)));
        let found = all.find(|(_, policy)| policy.id == id);
        let (job, policy) = found.ok_or_else(|| ApiError::not_found("policy not found"))?;
        context.json(&ScalingPolicy { enabled: is_enabled(job, policy), ..policy.clone() })
    })
    .await
}

async fn at(
    context: &Context,
    options: &ReadOptions,
    render: impl FnOnce(&Snapshot) -> Result<Reply>,
) -> Result<Reply> {
    let keys = || vec![WatchKey::Table(Table::ScalingPolicies)];
    read(context, options, keys, |state| state.table_index(Table::ScalingPolicies).max(1), render).await
}

fn policies(job: &Job) -> impl Iterator<Item = &ScalingPolicy> {
    let of_groups = job.task_groups.iter().filter_map(|group| group.scaling.as_ref());
    let tasks = job.task_groups.iter().flat_map(|group| &group.tasks);
    of_groups.chain(tasks.flat_map(|task| &task.scaling_policies))
}

/// The policies of a stopped job stay, without effect.
const fn is_enabled(job: &Job, policy: &ScalingPolicy) -> bool {
    policy.enabled && !job.stop
}

fn stub<'a>(job: &Job, policy: &'a ScalingPolicy) -> Stub<'a> {
    Stub {
        id: &policy.id,
        enabled: is_enabled(job, policy),
        kind: &policy.kind,
        target: &policy.target,
        create_index: policy.create_index,
        modify_index: policy.modify_index,
    }
}
