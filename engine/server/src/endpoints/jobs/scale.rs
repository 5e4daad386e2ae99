//! Changes the count of a group.

use crate::answer::EvalCreated;
use crate::error::{Result, ServerError};
use crate::evals;
use crate::request::ScaleRequest;
use crate::server::Server;
use drover_model::registry::ScalingEvent;
use drover_model::{EvalTrigger, Job, JobKey, TaskGroup, UnixNanos};
use drover_state::{AddScalingEvent, Applied, Command, RegisterJob};
use std::sync::Arc;

impl Server {
    /// Changes the count of a group, or leaves a message about it.
    ///
    /// # Errors
    /// The request does not hold together, the count is outside of the policy, or a deployment is under way.
    pub async fn scale_job(&self, key: &JobKey, request: ScaleRequest) -> Result<EvalCreated> {
        check_request(&request)?;
        let snapshot = self.inner.store.snapshot();
        let job = snapshot.job(key);
        let job = job.ok_or_else(|| ServerError::not_found(format!("job {:?} not found", &*key.id)))?;
        let group = job.group(&request.group).ok_or_else(|| {
            let text = format!("task group {:?} specified for scaling does not exist in job", request.group);
            ServerError::invalid(text)
        })?;
        let previous_count = i64::from(group.count);
        let now = UnixNanos::now();
        let mut event = ScalingEvent {
            time: now,
            count: request.count,
            previous_count,
            message: request.message,
            error: request.error,
            meta: request.meta,
            ..ScalingEvent::default()
        };
        let mut commands = Vec::new();
        let mut eval_id = None;
        if let Some(count) = request.count {
            check_bounds(group, count)?;
            if snapshot.latest_deployment_of(key).is_some_and(|deployment| deployment.is_active()) {
                return Err(ServerError::invalid("job scaling blocked due to active deployment"));
            }
            let scaled = Job { submit_time: now, ..with_count(job, &request.group, count)? };
            let eval = evals::for_job(&scaled, EvalTrigger::Scaling, now);
            event.eval_id = Some(eval.id.clone());
            eval_id.clone_from(&event.eval_id);
            commands.push(Command::RegisterJob(RegisterJob {
                job: Arc::new(scaled),
                submission: None,
                eval: Some(eval),
                enforce_index: request.enforce_index.then_some(request.job_modify_index),
                keep_versions: Some(self.inner.config.jobs.tracked_versions),
            }));
        }
        commands.push(Command::AddScalingEvent(AddScalingEvent { key: key.clone(), group: request.group, event }));
        let job_modify_index = job.job_modify_index;
        let committed = self.inner.propose(Command::Batch(commands)).await?;
        let registered = match &committed.applied {
            Applied::Batch(answers) => answers.iter().find_map(|answer| match answer {
                Applied::Job { job_modify_index, .. } => Some(*job_modify_index),
                _ => None,
            }),
            _ => None,
        };
        Ok(EvalCreated {
            eval_create_index: if eval_id.is_some() { committed.index } else { 0 },
            eval_id: eval_id.unwrap_or_default(),
            job_modify_index: registered.unwrap_or(job_modify_index),
            index: committed.index,
        })
    }
}

fn check_request(request: &ScaleRequest) -> Result<()> {
    let fault = if request.group.is_empty() {
        "missing task group name for scaling action"
    } else if request.error && request.count.is_some() {
        "scaling action should not contain count if error is true"
    } else if request.count.is_some_and(|count| count < 0) {
        "scaling action count can't be negative"
    } else {
        return Ok(());
    };
    Err(ServerError::invalid(fault))
}

fn check_bounds(group: &TaskGroup, count: i64) -> Result<()> {
    let Some(policy) = &group.scaling else { return Ok(()) };
    if count > policy.max {
        let text = format!("group count was greater than scaling policy maximum: {count} > {}", policy.max);
        return Err(ServerError::invalid(text));
    }
    if count < policy.min {
        let text = format!("group count was less than scaling policy minimum: {count} < {}", policy.min);
        return Err(ServerError::invalid(text));
    }
    Ok(())
}

fn with_count(job: &Job, group: &str, count: i64) -> Result<Job> {
    let mut job = job.clone();
    let count = u32::try_from(count).map_err(|_| ServerError::invalid(format!("count {count} is too large")))?;
    for found in job.task_groups.iter_mut().filter(|found| found.name == group) {
        found.count = count;
    }
    Ok(job)
}
