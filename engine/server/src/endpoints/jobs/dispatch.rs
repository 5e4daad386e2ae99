//! Runs parameterized jobs.

use crate::answer::JobDispatched;
use crate::error::{Result, ServerError};
use crate::evals;
use crate::request::{DispatchRequest, MAX_DISPATCH_PAYLOAD_BYTES};
use crate::server::Server;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use drover_base::uuid;
use drover_model::{EvalTrigger, Job, JobId, JobKey, JobStatus, ParameterizedJob, UnixNanos};
use drover_state::Snapshot;

impl Server {
    /// Runs a parameterized job with a payload and meta of its own.
    ///
    /// # Errors
    /// The job is not a parameterized one, or wants something else.
    pub async fn dispatch_job(&self, key: &JobKey, request: DispatchRequest) -> Result<JobDispatched> {
        let snapshot = self.inner.store.snapshot();
        let parent = snapshot.job(key).ok_or_else(|| ServerError::refused("parameterized job not found"))?;
        let Some(rules) = parent.parameterized_job.as_ref() else {
            return Err(ServerError::refused(format!("Specified job {:?} is not a parameterized job", &*key.id)));
        };
        if parent.stop {
            return Err(ServerError::refused(format!("Specified job {:?} is stopped", &*key.id)));
        }
        check(rules, &request)?;
        if let Some(known) = known_child(&snapshot, key, &request.idempotency_token) {
            return Ok(JobDispatched {
                dispatched_job_id: known.id.clone(),
                job_create_index: known.create_index,
                index: known.modify_index,
                ..JobDispatched::default()
            });
        }
        let now = UnixNanos::now();
        let child = child(parent, &request, now);
        let child_id = child.id.clone();
        let eval = child.periodic.is_none().then(|| evals::for_job(&child, EvalTrigger::JobRegister, now));
        let registered = self.store_job(child, None, eval, None).await?;
        Ok(JobDispatched {
            dispatched_job_id: child_id,
            eval_id: registered.eval_id,
            eval_create_index: registered.eval_create_index,
            job_create_index: registered.job_modify_index,
            index: registered.index,
        })
    }
}

/// The child that the same token made before, unless it was purged.
fn known_child(snapshot: &Snapshot, parent: &JobKey, token: &str) -> Option<std::sync::Arc<Job>> {
    if token.is_empty() {
        return None;
    }
    snapshot.children_of(parent).find(|child| child.dispatch_idempotency_token == token && child.dispatched).cloned()
}

fn check(rules: &ParameterizedJob, request: &DispatchRequest) -> Result<()> {
    let size = request.payload.len();
    match rules.payload.as_str() {
        "required" if size == 0 => {
            return Err(ServerError::refused("Payload is not provided but required by parameterized job"));
        }
        "forbidden" if size > 0 => {
            return Err(ServerError::refused("Payload provided but forbidden by parameterized job"));
        }
        _ => {}
    }
    if size > MAX_DISPATCH_PAYLOAD_BYTES {
        let text = format!("Payload exceeds maximum size; {size} > {MAX_DISPATCH_PAYLOAD_BYTES}");
        return Err(ServerError::refused(text));
    }
    let known = |key: &&String| !rules.meta_required.contains(key) && !rules.meta_optional.contains(key);
    let unpermitted: Vec<&str> = request.meta.keys().filter(known).map(String::as_str).collect();
    if !unpermitted.is_empty() {
        let text = format!("Dispatch request included unpermitted metadata keys: [{}]", unpermitted.join(" "));
        return Err(ServerError::refused(text));
    }
    let missing = rules.meta_required.iter().filter(|key| !request.meta.contains_key(*key));
    let missing: Vec<&str> = missing.map(String::as_str).collect();
    if !missing.is_empty() {
        let text = format!("Dispatch did not provide required meta keys: [{}]", missing.join(" "));
        return Err(ServerError::refused(text));
    }
    Ok(())
}

fn child(parent: &Job, request: &DispatchRequest, now: UnixNanos) -> Job {
    let mut child = parent.clone();
    let id = child_id(&parent.id, &request.id_prefix, now);
    child.parent_id = parent.id.clone();
    child.name = id.to_string();
    child.id = id;
    child.submit_time = now;
    child.dispatched = true;
    child.dispatch_idempotency_token.clone_from(&request.idempotency_token);
    child.status = JobStatus::Pending;
    child.status_description = String::new();
    child.payload = (!request.payload.is_empty()).then(|| STANDARD.encode(&request.payload));
    child.meta.extend(request.meta.clone());
    child.priority = request.priority.unwrap_or(parent.priority);
    child.version_tag = None;
    child
}

fn child_id(parent: &str, prefix: &str, now: UnixNanos) -> JobId {
    let seconds = now.0.div_euclid(1_000_000_000);
    let prefix = if prefix.is_empty() { String::new() } else { format!("{prefix}-") };
    let random = uuid::random();
    JobId::from(format!("{parent}/dispatch-{prefix}{seconds}-{}", drover_base::short_id(&random)))
}
