//! What is done to a job.

use super::jobs::{job_of, must_be_open, namespace_of};
use crate::context::Context;
use crate::error::{ApiError, Result};
use crate::reply::Reply;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use drover_acl::NamespaceCapability;
use drover_model::JobKey;
use drover_model::job::VersionTag;
use drover_server::answer::EvalCreated;
use drover_server::request::{DeregisterOptions, DispatchRequest, RevertRequest, ScaleRequest};
use drover_wire::answers::{JobDeregisterAnswer, JobDispatchAnswer, JobPlanAnswer, JobRegisterAnswer};
use drover_wire::requests::{
    JobDispatchRequest, JobEvaluateRequest, JobPlanRequest, JobRevertRequest, JobStabilityRequest, ScalingRequest,
    TagVersionRequest,
};
use http::header::HeaderName;
use serde::Serialize;

pub(super) async fn deregister(context: &Context, id: &str) -> Result<Reply> {
    // Several regions are a matter of the caller; the flag is only checked.
    context.flag("global")?;
    let options = DeregisterOptions {
        purge: context.flag("purge")?.unwrap_or(false),
        // 0 is what clients send who want none.
        eval_priority: context
            .number("eval_priority")?
            .and_then(|priority| u8::try_from(priority).ok())
            .filter(|priority| *priority > 0),
        no_shutdown_delay: context.flag("no_shutdown_delay")?.unwrap_or(false),
    };
    let done = context.state.server.deregister_job(&context.job_key(id), options).await?;
    let answer = JobDeregisterAnswer {
        eval_id: done.eval_id,
        eval_create_index: done.eval_create_index,
        job_modify_index: done.job_modify_index,
        index: done.index,
        ..JobDeregisterAnswer::default()
    };
    Ok(context.json(&answer)?.written_at(done.index))
}

pub(super) async fn plan(context: &Context, id: &str) -> Result<Reply> {
    context.must_write()?;
    let request: JobPlanRequest = context.body()?;
    let job = job_of(context, request.job, &request.namespace, Some((id, "Job ID does not match")))?;
    context.allow_in(namespace_of(&job), NamespaceCapability::PlanJob)?;
    let plan = context.state.server.plan_job(job).await?;
    let diff = request.diff.then(|| {
        let mut diff = drover_diff::job_diff(plan.current.as_deref(), Some(&plan.planned), true);
        drover_diff::annotate(&mut diff, plan.annotations.as_ref());
        diff
    });
    let answer = JobPlanAnswer {
        annotations: plan.annotations,
        failed_tg_allocs: Some(plan.failed_tg_allocs).filter(|failed| !failed.is_empty()),
        job_modify_index: plan.job_modify_index,
        created_evals: Some(plan.created_evals).filter(|evals| !evals.is_empty()),
        diff,
        next_periodic_launch: Some(plan.next_periodic_launch).filter(|time| !time.is_zero()),
        warnings: plan.warnings,
        index: plan.index,
    };
    Ok(context.json(&answer)?.written_at(plan.index))
}

fn evaluated(context: &Context, done: EvalCreated, known_leader: bool) -> Result<Reply> {
    let answer = JobRegisterAnswer {
        eval_id: done.eval_id,
        eval_create_index: done.eval_create_index,
        job_modify_index: done.job_modify_index,
        index: done.index,
        known_leader,
        ..JobRegisterAnswer::default()
    };
    Ok(context.json(&answer)?.written_at(done.index))
}

pub(super) async fn evaluate(context: &Context, id: &str) -> Result<Reply> {
    context.must_write()?;
    let request: JobEvaluateRequest = context.optional_body()?;
    if !context.body.is_empty() {
        if request.job_id.is_empty() {
            return Err(ApiError::bad_request("Job ID must be specified"));
        }
        if request.job_id != id {
            return Err(ApiError::bad_request("JobID not same as job name"));
        }
    }
    let force = request.eval_options.force_reschedule;
    let done = context.state.server.evaluate_job(&context.job_key(id), force).await?;
    evaluated(context, done, false)
}

pub(super) async fn dispatch(context: &Context, id: &str) -> Result<Reply> {
    context.must_write()?;
    let request: JobDispatchRequest = context.body()?;
    if !request.job_id.is_empty() && request.job_id != id {
        return Err(ApiError::bad_request("Job ID does not match"));
    }
    let payload = request.payload.unwrap_or_default();
    let payload =
        STANDARD.decode(payload).map_err(|error| ApiError::bad_request(format!("illegal base64 data: {error}")))?;
    let request = DispatchRequest {
        payload,
        meta: request.meta.unwrap_or_default(),
        idempotency_token: context.text("idempotency_token").unwrap_or("").to_owned(),
        id_prefix: request.id_prefix_template,
        priority: u8::try_from(request.priority).ok().filter(|priority| *priority > 0),
    };
    dispatched(context, id, request).await
}

/// The body is the payload.
pub(super) async fn dispatch_raw(context: &Context, id: &str) -> Result<Reply> {
    context.must_write()?;
    let request = DispatchRequest {
        payload: context.body.to_vec(),
        idempotency_token: context.text("idempotency_token").unwrap_or("").to_owned(),
        ..DispatchRequest::default()
    };
    dispatched(context, id, request).await
}

async fn dispatched(context: &Context, id: &str, request: DispatchRequest) -> Result<Reply> {
    must_be_open(context)?;
    let done = context.state.server.dispatch_job(&context.job_key(id), request).await?;
    let answer = JobDispatchAnswer {
        dispatched_job_id: done.dispatched_job_id,
        eval_id: done.eval_id,
        eval_create_index: done.eval_create_index,
        job_create_index: done.job_create_index,
        index: done.index,
    };
    Ok(context.json(&answer)?.written_at(done.index))
}

fn check_job_id(given: &str, id: &str) -> Result<()> {
    if given.is_empty() {
        return Err(ApiError::bad_request("JobID must be specified"));
    }
    if given == id { Ok(()) } else { Err(ApiError::bad_request("Job ID does not match")) }
}

pub(super) async fn revert(context: &Context, id: &str) -> Result<Reply> {
    context.must_write()?;
    let request: JobRevertRequest = context.body()?;
    check_job_id(&request.job_id, id)?;
    let options = RevertRequest { version: request.job_version, enforce_prior_version: request.enforce_prior_version };
    let done = context.state.server.revert_job(&context.job_key(id), options).await?;
    let answer = JobRegisterAnswer {
        eval_id: done.eval_id,
        eval_create_index: done.eval_create_index,
        job_modify_index: done.job_modify_index,
        warnings: done.warnings,
        index: done.index,
        ..JobRegisterAnswer::default()
    };
    // The reference answers this write as if it were a read without a leader.
    Ok(context
        .json(&answer)?
        .written_at(done.index)
        .with_header(HeaderName::from_static("x-nomad-knownleader"), "false")
        .with_header(HeaderName::from_static("x-nomad-lastcontact"), "0"))
}

pub(super) async fn stable(context: &Context, id: &str) -> Result<Reply> {
    context.must_write()?;
    let request: JobStabilityRequest = context.body()?;
    check_job_id(&request.job_id, id)?;
    let done = context.state.server.set_job_stable(&context.job_key(id), request.job_version, request.stable).await?;
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Answer {
        index: u64,
    }
    Ok(context.json(&Answer { index: done.index })?.written_at(done.index))
}

pub(super) async fn scale(context: &Context, id: &str) -> Result<Reply> {
    let mut request: ScalingRequest = context.body()?;
    let named = request.target.remove("Job").filter(|job| !job.is_empty());
    if named.is_some_and(|job| job != id) {
        return Err(ApiError::bad_request("job ID does not match"));
    }
    let request = ScaleRequest {
        group: request.target.remove("Group").unwrap_or_default(),
        count: request.count,
        message: request.message,
        error: request.error,
        meta: request.meta.unwrap_or_default(),
        enforce_index: request.enforce_index,
        job_modify_index: request.job_modify_index,
    };
    must_be_open(context)?;
    let done = context.state.server.scale_job(&context.job_key(id), request).await?;
    evaluated(context, done, true)
}

pub(super) async fn periodic_force(context: &Context, id: &str) -> Result<Reply> {
    context.must_write()?;
    let done = context.state.server.periodic_force(&context.job_key(id)).await?;
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Answer<'a> {
        #[serde(rename = "EvalID")]
        eval_id: &'a str,
        eval_create_index: u64,
        index: u64,
    }
    let answer = Answer { eval_id: &done.eval_id, eval_create_index: done.eval_create_index, index: done.index };
    Ok(context.json(&answer)?.written_at(done.index))
}

/// Names a version (PUT) or takes the name away (DELETE).
pub(super) async fn tag(context: &Context, id: &str, name: &str) -> Result<Reply> {
    let key: JobKey = context.job_key(id);
    let server = &context.state.server;
    let (index, tag) = if context.is_write() {
        let request: TagVersionRequest = context.body()?;
        if server.state().snapshot().job(&key).is_none() {
            let version = request.version.unwrap_or_default();
            return Err(ApiError::refused(format!("job {id:?} version {version} not found")));
        }
        let done = server.tag_job_version(&key, request.version, name, &request.description).await?;
        let snapshot = server.state().snapshot();
        let tag = snapshot.job_version_tagged(&key, name).and_then(|job| job.version_tag.clone());
        (done.index, tag.unwrap_or_default())
    } else if context.is_delete() {
        (server.untag_job_version(&key, name).await?.index, VersionTag::default())
    } else {
        return Err(ApiError::method());
    };
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Answer {
        #[serde(flatten)]
        tag: VersionTag,
        index: u64,
        last_contact: u64,
        known_leader: bool,
        next_token: &'static str,
    }
    context.json(&Answer { tag, index, last_contact: 0, known_leader: false, next_token: "" })
}
