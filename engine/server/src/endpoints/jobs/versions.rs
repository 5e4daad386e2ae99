//! Versions of jobs: back to an older one, stability, tags.

use super::admission::is_placed;
use crate::answer::{JobRegistered, Written};
use crate::error::{Result, ServerError};
use crate::evals;
use crate::request::RevertRequest;
use crate::server::Server;
use drover_model::{EvalTrigger, Job, JobKey, UnixNanos};
use drover_state::{Command, JobVersionTag, TagAction, UpdateJobStability};

impl Server {
    /// Registers an older version of a job as its newest.
    ///
    /// # Errors
    /// The job or the version is unknown, or is the current one.
    pub async fn revert_job(&self, key: &JobKey, request: RevertRequest) -> Result<JobRegistered> {
        let snapshot = self.inner.store.snapshot();
        let current = snapshot.job(key).ok_or_else(|| ServerError::refused(format!("job {:?} not found", &*key.id)))?;
        if request.version == current.version {
            return Err(ServerError::refused("can't revert to current version"));
        }
        if let Some(prior) = request.enforce_prior_version.filter(|prior| *prior != current.version) {
            let text = format!("Current job has version {}; enforcing version {prior}", current.version);
            return Err(ServerError::refused(text));
        }
        let wanted = snapshot.job_version(key, request.version).ok_or_else(|| no_version(key, request.version))?;
        let now = UnixNanos::now();
        let submission = snapshot.job_submission(key, request.version).map(|submission| (**submission).clone());
        let job = Job { stop: false, submit_time: now, version_tag: None, ..(**wanted).clone() };
        let eval = is_placed(&job).then(|| evals::for_job(&job, EvalTrigger::JobRegister, now));
        let enforce_index = request.enforce_prior_version.map(|_| current.job_modify_index);
        self.store_job(job, submission, eval, enforce_index).await
    }

    /// Says whether a version of a job is stable: what a failed deployment goes back to.
    ///
    /// # Errors
    /// The job or the version is unknown.
    pub async fn set_job_stable(&self, key: &JobKey, version: u64, stable: bool) -> Result<Written> {
        let snapshot = self.inner.store.snapshot();
        if snapshot.job_version(key, version).is_none() {
            return Err(no_version(key, version));
        }
        let command = Command::UpdateJobStability(UpdateJobStability { key: key.clone(), version, stable });
        Ok(Written { index: self.inner.propose(command).await?.index })
    }

    /// Gives a name to a version of a job; `None` is the current one.
    ///
    /// # Errors
    /// The job or the version is unknown, or the name is another version's.
    pub async fn tag_job_version(
        &self,
        key: &JobKey,
        version: Option<u64>,
        name: &str,
        description: &str,
    ) -> Result<Written> {
        self.change_tag(key, name, TagAction::Set { version, description: description.to_owned() }).await
    }

    /// Takes a name from a version of a job.
    ///
    /// # Errors
    /// There is no such name.
    pub async fn untag_job_version(&self, key: &JobKey, name: &str) -> Result<Written> {
        self.change_tag(key, name, TagAction::Remove).await
    }

    async fn change_tag(&self, key: &JobKey, name: &str, action: TagAction) -> Result<Written> {
        let tag = JobVersionTag { key: key.clone(), name: name.to_owned(), action, now: UnixNanos::now() };
        let committed = self.inner.propose(Command::JobVersionTag(tag)).await;
        // The reference answers every refusal of a tag as a refused call.
        let committed = committed.map_err(|error| ServerError::refused(error.message))?;
        Ok(Written { index: committed.index })
    }
}

fn no_version(key: &JobKey, version: u64) -> ServerError {
    ServerError::refused(format!(
        "job {:?} in namespace {:?} at version {version} not found",
        &*key.id, &*key.namespace
    ))
}
