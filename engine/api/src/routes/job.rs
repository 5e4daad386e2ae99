//! `/v1/job/:id` and what is read below it.

use super::{allocations, deployments, evaluations, job_writes, jobs, services};
use crate::answers::{Answer, Stamp};
use crate::blocking::{read, read_shared};
use crate::context::{Context, ReadOptions, parse_bool};
use crate::error::{ApiError, Result};
use crate::reply::{Reply, to_json};
use drover_diff::JobDiff;
use drover_model::{Allocation, Deployment, Job, JobKey};
use drover_state::{Snapshot, Table, WatchKey};
use drover_wire::answers::{GroupScaleStatus, JobScaleStatus, JobVersionsAnswer};
use drover_wire::stubs::AllocFields;
use serde_json::{Value, json};
use std::sync::Arc;

pub(super) async fn route(context: &Context, path: &str) -> Result<Reply> {
    if let Some((id, name)) = tag_path(path) {
        return job_writes::tag(context, id, name).await;
    }
    if let Some(id) = path.strip_suffix("/dispatch/payload") {
        return job_writes::dispatch_raw(context, id).await;
    }
    if let Some(id) = path.strip_suffix("/periodic/force") {
        return job_writes::periodic_force(context, id).await;
    }
    let (id, action) = path.rsplit_once('/').unwrap_or((path, ""));
    match action {
        "evaluate" => job_writes::evaluate(context, id).await,
        "plan" => job_writes::plan(context, id).await,
        "dispatch" => job_writes::dispatch(context, id).await,
        "revert" => job_writes::revert(context, id).await,
        "stable" => job_writes::stable(context, id).await,
        "scale" if context.is_write() => job_writes::scale(context, id).await,
        "scale" => scale(context, id).await,
        "allocations" => allocs(context, id).await,
        "evaluations" => evals(context, id).await,
        "deployments" => job_deployments(context, id).await,
        "deployment" => latest_deployment(context, id).await,
        "summary" => summary(context, id).await,
        "versions" => versions(context, id).await,
        "submission" => submission(context, id).await,
        "services" => services::of_job(context, id).await,
        "actions" => actions(context, id).await,
        _ => object(context, path).await,
    }
}

/// `ID/versions/NAME/tag`.
fn tag_path(path: &str) -> Option<(&str, &str)> {
    let (id, name) = path.strip_suffix("/tag")?.rsplit_once("/versions/")?;
    (!name.contains('/')).then_some((id, name))
}

async fn object(context: &Context, id: &str) -> Result<Reply> {
    if context.is_write() {
        return jobs::register(context, Some(id)).await;
    }
    if context.is_delete() {
        return job_writes::deregister(context, id).await;
    }
    context.must_read()?;
    let options = context.read_options()?;
    let key = context.job_key(id);
    let index = |state: &Snapshot| match state.job(&key) {
        Some(job) => job.modify_index,
        None => state.table_index(Table::Jobs),
    };
    let job = |state: &Snapshot| state.job(&key).cloned().ok_or_else(|| ApiError::not_found("job not found"));
    read_shared(
        context,
        &options,
        || vec![WatchKey::Job(key.clone())],
        index,
        Some(context.question(&format!("job\0{id}"))),
        (|state| job(state).map(Stamp::Job), |state| Ok(Answer::new(to_json(&*job(state)?, context.layout())?, None))),
    )
    .await
}

/// Whether objects of earlier registrations under the same id are wanted, too. What is no boolean says no.
fn wants_former(context: &Context) -> bool {
    context.param("all").and_then(parse_bool).unwrap_or(false)
}

/// Objects of the present registration; all of them when there is none.
fn is_present(job: Option<&Arc<Job>>, create_index: u64) -> bool {
    job.is_none_or(|job| job.create_index == create_index)
}

async fn allocs(context: &Context, id: &str) -> Result<Reply> {
    context.must_read()?;
    let options = context.read_options()?;
    let key = context.job_key(id);
    let former = wants_former(context);
    let keys = || vec![WatchKey::JobAllocs(key.clone())];
    read(
        context,
        &options,
        keys,
        |state| state.table_index(Table::Allocs),
        |state| {
            let job = state.job(&key);
            let created = |alloc: &Allocation| alloc.job.as_ref().map_or(0, |job| job.create_index);
            let of_job = state.allocs_by_job(&key).filter(|alloc| former || is_present(job, created(alloc)));
            allocations::stubs(context, &options, of_job, AllocFields::default())
        },
    )
    .await
}

async fn evals(context: &Context, id: &str) -> Result<Reply> {
    context.must_read()?;
    let options = context.read_options()?;
    let key = context.job_key(id);
    let keys = || vec![WatchKey::JobEvals(key.clone())];
    read(
        context,
        &options,
        keys,
        |state| state.table_index(Table::Evals),
        |state| evaluations::documents(context, &options, state.evals_by_job(&key)),
    )
    .await
}

async fn job_deployments(context: &Context, id: &str) -> Result<Reply> {
    context.must_read()?;
    let options = context.read_options()?;
    let key = context.job_key(id);
    let former = wants_former(context);
    let keys = || vec![WatchKey::JobDeployments(key.clone())];
    read(
        context,
        &options,
        keys,
        |state| state.table_index(Table::Deployments),
        |state| {
            let job = state.job(&key);
            let of_job =
                state.deployments_by_job(&key).filter(|found| former || is_present(job, found.job_create_index));
            deployments::documents(context, &options, of_job)
        },
    )
    .await
}

async fn latest_deployment(context: &Context, id: &str) -> Result<Reply> {
    context.must_read()?;
    let options = context.read_options()?;
    let key = context.job_key(id);
    let keys = || vec![WatchKey::JobDeployments(key.clone())];
    read(
        context,
        &options,
        keys,
        |state| state.table_index(Table::Deployments),
        |state| {
            let of_job =
                state.deployments_by_job(&key).filter(|found| is_present(state.job(&key), found.job_create_index));
            let latest: Option<&Deployment> = of_job.max_by_key(|found| found.create_index).map(AsRef::as_ref);
            context.json(&latest)
        },
    )
    .await
}

async fn summary(context: &Context, id: &str) -> Result<Reply> {
    let options = context.read_options()?;
    let key = context.job_key(id);
    let index = |state: &Snapshot| match state.job_summary(&key) {
        Some(summary) => summary.modify_index,
        None => state.table_index(Table::JobSummaries),
    };
    read(
        context,
        &options,
        || vec![WatchKey::Job(key.clone())],
        index,
        |state| {
            let summary = state.job_summary(&key).ok_or_else(|| ApiError::not_found("job not found"))?;
            context.json(&**summary)
        },
    )
    .await
}

async fn versions(context: &Context, id: &str) -> Result<Reply> {
    let options = context.read_options()?;
    let key = context.job_key(id);
    let wants_diffs = context.flag("diffs")?.unwrap_or(false);
    let against = against(context)?;
    let index = |state: &Snapshot| match state.job_versions(&key).first() {
        Some(newest) => newest.modify_index,
        None => state.table_index(Table::JobVersions),
    };
    read(
        context,
        &options,
        || vec![WatchKey::Job(key.clone())],
        index,
        |state| {
            let versions = state.job_versions(&key).to_vec();
            if versions.is_empty() {
                return Err(ApiError::not_found("job versions not found"));
            }
            let diffs = if wants_diffs { Some(diffs(state, &key, &versions, &against)?) } else { None };
            context.json(&JobVersionsAnswer {
                diffs,
                index: index(state),
                known_leader: true,
                versions,
                ..JobVersionsAnswer::<JobDiff>::default()
            })
        },
    )
    .await
}

/// What versions are compared with.
enum Against {
    /// Each with the one before it.
    Previous,
    /// All with the one of this tag.
    Tag(String),
    /// All with this one.
    Version(u64),
}

fn against(context: &Context) -> Result<Against> {
    if let Some(tag) = context.text("diff_tag") {
        return Ok(Against::Tag(tag.to_owned()));
    }
    match context.text("diff_version") {
        Some(text) => text.parse().map(Against::Version).map_err(|_| {
            ApiError::bad_request(format!("Failed to parse value of \"diff_version\" ({text}) as a uint64"))
        }),
        None => Ok(Against::Previous),
    }
}

fn diffs(state: &Snapshot, key: &JobKey, versions: &[Arc<Job>], against: &Against) -> Result<Vec<JobDiff>> {
    let one = |old: &Job, new: &Job| drover_diff::job_diff(Some(old), Some(new), true);
    let base = match against {
        Against::Previous => return Ok(versions.windows(2).map(|pair| one(&pair[1], &pair[0])).collect()),
        Against::Tag(tag) => {
            state.job_version_tagged(key, tag).ok_or_else(|| ApiError::refused(format!("tag {tag:?} not found")))?
        }
        Against::Version(version) => {
            state.job_version(key, *version).ok_or_else(|| ApiError::refused(format!("version {version} not found")))?
        }
    };
    Ok(versions.iter().map(|version| one(base, version)).collect())
}

async fn submission(context: &Context, id: &str) -> Result<Reply> {
    let version: u64 = context
        .param("version")
        .and_then(|version| version.parse().ok())
        .ok_or_else(|| ApiError::bad_request("Unable to parse job submission version parameter"))?;
    let options = context.read_options()?;
    let key = context.job_key(id);
    let keys = || vec![WatchKey::Job(key.clone())];
    let index = |state: &Snapshot| match state.job_submission(&key, version) {
        Some(_) => state.table_index(Table::JobSubmissions),
        None => 0,
    };
    read(context, &options, keys, index, |state| {
        let found = state.job_submission(&key, version).ok_or_else(|| ApiError::not_found("job source not found"))?;
        context.json(&**found)
    })
    .await
}

async fn scale(context: &Context, id: &str) -> Result<Reply> {
    context.must_read()?;
    let options: ReadOptions = context.read_options()?;
    let key = context.job_key(id);
    let tables = [Table::Jobs, Table::Allocs, Table::ScalingEvents];
    let keys = || vec![WatchKey::Job(key.clone()), WatchKey::JobAllocs(key.clone())];
    read(
        context,
        &options,
        keys,
        |state| if state.job(&key).is_some() { state.tables_index(&tables) } else { state.index() },
        |state| {
            let job = state.job(&key).ok_or_else(|| ApiError::not_found("job not found"))?;
            context.json(&scale_status(state, job))
        },
    )
    .await
}

fn scale_status(state: &Snapshot, job: &Job) -> JobScaleStatus {
    let key = job.key();
    let events = state.scaling_events(&key);
    let mut status = JobScaleStatus {
        job_id: job.id.clone(),
        namespace: job.namespace.clone(),
        job_create_index: job.create_index,
        job_modify_index: job.modify_index,
        job_stopped: job.stop,
        ..JobScaleStatus::default()
    };
    for group in &job.task_groups {
        let events = events.and_then(|events| events.get(&group.name)).cloned();
        let group_status = GroupScaleStatus { desired: group.count, events, ..GroupScaleStatus::default() };
        status.task_groups.insert(group.name.clone(), group_status);
    }
    for alloc in state.allocs_by_job(&key).filter(|alloc| !alloc.is_terminal() && !alloc.is_canary()) {
        let Some(group) = status.task_groups.get_mut(&alloc.task_group) else { continue };
        group.placed += 1;
        group.running += u32::from(alloc.client_status == drover_model::AllocClientStatus::Running);
        group.healthy += u32::from(alloc.is_healthy());
        group.unhealthy += u32::from(alloc.is_unhealthy());
    }
    status
}

async fn actions(context: &Context, id: &str) -> Result<Reply> {
    context.must_read()?;
    let options = context.read_options()?;
    let key = context.job_key(id);
    if context.state.store().snapshot().job(&key).is_none() {
        return Err(ApiError::refused(format!("Unknown job {id:?}")));
    }
    let keys = || vec![WatchKey::Job(key.clone())];
    read(
        context,
        &options,
        keys,
        |state| state.table_index(Table::Jobs),
        |state| {
            let job = state.job(&key).ok_or_else(|| ApiError::not_found("job not found"))?;
            let tasks = job.task_groups.iter().flat_map(|group| group.tasks.iter().map(move |task| (group, task)));
            let actions = tasks.flat_map(|(group, task)| {
                task.actions.iter().map(|action| {
                    json!({
                        "Name": action.name,
                        "Command": action.command,
                        "Args": action.args,
                        "TaskName": task.name,
                        "TaskGroupName": group.name,
                    })
                })
            });
            context.json(&actions.collect::<Vec<Value>>())
        },
    )
    .await
}
