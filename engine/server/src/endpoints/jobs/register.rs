//! Registers jobs, and validates them without registering.

use super::admission::{Accepted, accept, check_region, is_placed};
use crate::answer::{JobRegistered, JobValidation};
use crate::error::Result;
use crate::evals;
use crate::request::RegisterOptions;
use crate::server::Server;
use drover_model::registry::JobSubmission;
use drover_model::{EvalTrigger, Evaluation, Job, UnixNanos};
use drover_state::{Applied, Command, RegisterJob};
use drover_wire::problems::Warnings;
use drover_wire::{admission, job};
use std::sync::Arc;

impl Server {
    /// Registers a job, or a new version of it.
    ///
    /// # Errors
    /// The job is not valid, or the stored one is not what the caller thinks.
    pub async fn register_job(&self, submitted: job::Job, mut options: RegisterOptions) -> Result<JobRegistered> {
        let snapshot = self.inner.store.snapshot();
        let config = &self.inner.config;
        let Accepted { mut job, mut warnings } = accept(submitted, config, &snapshot)?;
        let submission = fitting(options.submission.take(), config.jobs.max_source_bytes, &mut warnings);
        if let Some(current) = snapshot.job(&job.key()) {
            keep(current, &mut job, &options);
        }
        let now = UnixNanos::now();
        job.submit_time = now;
        let eval = is_placed(&job).then(|| Evaluation {
            priority: options.eval_priority.unwrap_or(job.priority),
            ..evals::for_job(&job, EvalTrigger::JobRegister, now)
        });
        let enforce_index = options.enforce_index.then_some(options.job_modify_index);
        let registered = self.store_job(job, submission, eval, enforce_index).await?;
        Ok(JobRegistered { warnings: warnings.to_text(), ..registered })
    }

    /// Stores a job that is known to be valid.
    pub(super) async fn store_job(
        &self,
        job: Job,
        submission: Option<JobSubmission>,
        eval: Option<Evaluation>,
        enforce_index: Option<u64>,
    ) -> Result<JobRegistered> {
        let eval_id = eval.as_ref().map(|eval| eval.id.clone()).unwrap_or_default();
        let keep_versions = Some(self.inner.config.jobs.tracked_versions);
        let registered = RegisterJob { job: Arc::new(job), submission, eval, enforce_index, keep_versions };
        let command = Command::RegisterJob(registered);
        let committed = self.inner.propose(command).await?;
        let job_modify_index = match committed.applied {
            Applied::Job { job_modify_index, .. } => job_modify_index,
            _ => committed.index,
        };
        Ok(JobRegistered {
            eval_create_index: if eval_id.is_empty() { 0 } else { committed.index },
            eval_id,
            job_modify_index,
            warnings: String::new(),
            index: committed.index,
        })
    }

    /// Says what is wrong with a job.
    ///
    /// # Errors
    /// The job belongs to another region.
    pub fn validate_job(&self, submitted: job::Job) -> Result<JobValidation> {
        check_region(&submitted, &self.inner.config.region)?;
        let mut validation = JobValidation { driver_config_validated: true, ..JobValidation::default() };
        let found = admission::review(submitted);
        validation.warnings = found.warnings.to_text();
        if !found.problems.is_empty() {
            validation.error = found.problems.to_text();
            validation.validation_errors = found.problems.into_list();
        }
        Ok(validation)
    }
}

/// The source of a job, unless it is longer than what is kept; a warning says so.
fn fitting(submission: Option<JobSubmission>, max_bytes: u64, warnings: &mut Warnings) -> Option<JobSubmission> {
    let submission = submission?;
    let bytes = submission.source.len() as u64;
    if bytes <= max_bytes {
        return Some(submission);
    }
    let (size, limit) = (people_bytes(bytes), people_bytes(max_bytes));
    warnings.add(format!("job source size of {size} exceeds maximum of {limit} and will be discarded"));
    None
}

/// Bytes for people, in steps of a thousand: `409 B`, `1.0 MB`, `25 kB`.
fn people_bytes(bytes: u64) -> String {
    let units = ["B", "kB", "MB", "GB", "TB"];
    #[expect(clippy::cast_precision_loss, reason = "one digit is shown")]
    let mut amount = bytes as f64;
    let mut unit = 0;
    while amount >= 1000.0 && unit + 1 < units.len() {
        amount /= 1000.0;
        unit += 1;
    }
    match unit {
        0 => format!("{bytes} B"),
        _ if amount < 10.0 => format!("{amount:.1} {}", units[unit]),
        _ => format!("{amount:.0} {}", units[unit]),
    }
}

/// What an operator wants kept of the stored job.
fn keep(current: &Job, job: &mut Job, options: &RegisterOptions) {
    for group in &mut job.task_groups {
        let Some(stored) = current.group(&group.name) else { continue };
        if options.preserve_counts {
            group.count = stored.count;
        }
        if options.preserve_resources {
            for task in &mut group.tasks {
                if let Some(stored) = stored.task(&task.name) {
                    task.resources = stored.resources.clone();
                }
            }
        }
    }
}
