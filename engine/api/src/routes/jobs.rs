//! `/v1/jobs`, `/v1/jobs/parse`, `/v1/validate/job`.

use crate::answers::{Answer, Stamp};
use crate::blocking::read_shared;
use crate::context::Context;
use crate::error::{ApiError, Result};
use crate::paging::{PageKey, page};
use crate::reply::{Reply, to_json};
use drover_acl::NamespaceCapability;
use drover_hcl::Source;
use drover_hcl::variables::Strictness;
use drover_model::registry::JobSubmission;
use drover_model::{Job, Namespace};
use drover_server::request::RegisterOptions;
use drover_state::{Snapshot, Table, WatchKey};
use drover_wire::answers::{JobRegisterAnswer, JobValidateAnswer};
use drover_wire::job::{self, Canonical as _};
use drover_wire::requests::{JobParseRequest, JobRegisterRequest, JobValidateRequest};
use drover_wire::stubs::JobStub;
use http::StatusCode;
use std::sync::Arc;

/// GET lists, PUT and POST register.
pub(super) async fn collection(context: &Context) -> Result<Reply> {
    if context.is_read() {
        list(context).await
    } else if context.is_write() {
        register(context, None).await
    } else {
        Err(ApiError::method())
    }
}

pub(super) fn key(job: &Job) -> PageKey {
    PageKey::Named(job.namespace.clone(), job.id.to_string())
}

async fn list(context: &Context) -> Result<Reply> {
    let options = context.read_options()?;
    let with_meta = context.flag("meta")?.unwrap_or(false);
    let tables = [Table::Jobs, Table::JobSummaries];
    let keys = || tables.map(WatchKey::Table).to_vec();
    let everywhere = &*options.namespace == "*";
    // A list of all namespaces shows what its caller may see.
    let is_shared = !everywhere || context.acl()?.is_management();
    let question = is_shared.then(|| context.question("jobs"));
    let generation = context.state.store().generation();
    let index = |state: &Snapshot| state.tables_index(&tables);
    read_shared(
        context,
        &options,
        keys,
        index,
        question,
        (
            |state| Ok(Stamp::Tables { generation, index: index(state) }),
            |state| {
                let jobs: Vec<&Arc<Job>> = if everywhere {
                    let jobs = state.jobs().filter(|job| job.id.starts_with(&options.prefix));
                    jobs.filter(|job| options.in_scope_for(&job.namespace, &[NamespaceCapability::ListJobs])).collect()
                } else {
                    state.jobs_in(&options.namespace, &options.prefix).collect()
                };
                let page = page(&options, jobs.into_iter(), key, &[])?;
                let stub = |job: &&'_ Arc<Job>| state.job_summary(&job.key()).map(AsRef::as_ref);
                let summaries: Vec<_> = page.items.iter().map(stub).collect();
                let stubs =
                    page.items.iter().zip(summaries).map(|(job, summary)| JobStub::new(job, summary, with_meta));
                Ok(Answer::new(to_json(&stubs.collect::<Vec<_>>(), context.layout())?, page.next))
            },
        ),
    )
    .await
}

/// Registers the job of the body, which must be `id` when that is given.
pub(super) async fn register(context: &Context, id: Option<&str>) -> Result<Reply> {
    let request: JobRegisterRequest = context.body()?;
    let mut job = job_of(context, request.job, &request.namespace, id.map(|id| (id, "Job ID does not match name")))?;
    context.allow_in(namespace_of(&job), NamespaceCapability::RegisterJob)?;
    must_be_open(context)?;
    job.nomad_token_id = context.access()?.token().map(|token| token.accessor_id.clone());
    let submission = request.submission.map(|submission| JobSubmission {
        source: submission.source,
        format: submission.format,
        variable_flags: submission.variable_flags.unwrap_or_default(),
        variables: submission.variables,
        ..JobSubmission::default()
    });
    let options = RegisterOptions {
        enforce_index: request.enforce_index,
        job_modify_index: request.job_modify_index,
        preserve_counts: request.preserve_counts,
        preserve_resources: request.preserve_resources,
        policy_override: request.policy_override,
        eval_priority: u8::try_from(request.eval_priority).ok().filter(|priority| *priority > 0),
        submission,
    };
    let done = context.state.server.register_job(job, options).await?;
    let answer = JobRegisterAnswer {
        eval_id: done.eval_id,
        eval_create_index: done.eval_create_index,
        job_modify_index: done.job_modify_index,
        warnings: done.warnings,
        index: done.index,
        ..JobRegisterAnswer::default()
    };
    Ok(context.json(&answer)?.written_at(done.index))
}

/// Refuses changes of jobs while the scheduler configuration says so; management may always.
pub(super) fn must_be_open(context: &Context) -> Result<()> {
    let is_closed = context.state.store().snapshot().scheduler_configuration().reject_job_registration;
    if !is_closed || context.acl()?.is_management() {
        return Ok(());
    }
    let text = "Job registration, dispatch, and scale are disabled by the scheduler configuration";
    Err(ApiError::new(StatusCode::FORBIDDEN, text))
}

/// The namespace that a job is meant for.
pub(super) fn namespace_of(job: &job::Job) -> &str {
    job.namespace.as_deref().filter(|namespace| !namespace.is_empty()).unwrap_or(Namespace::DEFAULT)
}

/// The job of a request, in the namespace that it is meant for: that of the query, of the body, or its own.
/// `wanted` is the id that it must have, and the refusal when it has another.
pub(super) fn job_of(
    context: &Context,
    job: Option<job::Job>,
    body_namespace: &str,
    wanted: Option<(&str, &str)>,
) -> Result<job::Job> {
    let mut job = job.ok_or_else(|| ApiError::bad_request("Job must be specified"))?;
    if job.id.is_none() {
        return Err(ApiError::bad_request("Job ID hasn't been provided"));
    }
    if let Some((id, refusal)) = wanted
        && job.id.as_deref() != Some(id)
    {
        return Err(ApiError::bad_request(refusal));
    }
    let given = context.text("namespace").or(Some(body_namespace).filter(|namespace| !namespace.is_empty()));
    if let Some(namespace) = given {
        job.namespace = Some(namespace.to_owned());
    }
    Ok(job)
}

/// `PUT /v1/jobs/parse`: text to a job.
pub(super) fn parse(context: &Context) -> Result<Reply> {
    context.must_write()?;
    let request: JobParseRequest = context.body()?;
    if request.job_hcl.is_empty() {
        return Err(ApiError::bad_request("Job spec is empty"));
    }
    if request.hcl_v1 {
        return Err(ApiError::bad_request("HCL1 is not supported; write the job in HCL2"));
    }
    let mut job = parse_text(&request)?;
    if request.canonicalize {
        job.canonicalize();
    }
    context.json(&job)
}

/// The name of both texts of a parse request in messages, as the reference has it.
const PARSED_NAME: &str = "input.hcl";

fn parse_text(request: &JobParseRequest) -> Result<job::Job> {
    let source = Source::new(PARSED_NAME, request.job_hcl.clone());
    // Callers send one text of values for many jobs: what a job does not declare is not for it.
    let mut options = drover_jobspec::Options { strictness: Strictness::Lenient, ..Default::default() };
    if !request.variables.is_empty() {
        options.var_files.push(Source::new(PARSED_NAME, request.variables.clone()));
    }
    drover_jobspec::parse(&source, &options).map_err(|faults| ApiError::bad_request(faults.to_string()))
}

/// `PUT /v1/validate/job`.
pub(super) fn validate(context: &Context) -> Result<Reply> {
    context.must_write()?;
    let request: JobValidateRequest = context.body()?;
    let mut job = request.job.ok_or_else(|| ApiError::bad_request("Job must be specified"))?;
    if let Some(namespace) = context.text("namespace") {
        job.namespace = Some(namespace.to_owned());
    }
    context.allow_in(namespace_of(&job), NamespaceCapability::ReadJob)?;
    let found = context.state.server.validate_job(job)?;
    context.json(&JobValidateAnswer {
        driver_config_validated: found.driver_config_validated,
        validation_errors: Some(found.validation_errors).filter(|errors| !errors.is_empty()),
        error: found.error,
        warnings: found.warnings,
    })
}
