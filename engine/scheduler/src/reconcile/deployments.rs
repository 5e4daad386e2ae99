//! The job's deployment: which one counts, which ones are overtaken, when it is done.

use super::Input;
use super::computed::Reconciliation;
use crate::context::Ids;
use drover_base::{AllocId, UnixNanos};
use drover_model::deployment::description;
use drover_model::placement::DeploymentUpdate;
use drover_model::{Deployment, DeploymentState, DeploymentStatus, Evaluation, Job};

/// The job's deployments during one evaluation.
#[derive(Default)]
pub(crate) struct Deployments {
    /// Of the job's current version, still under way (or failed).
    pub(crate) current: Option<Deployment>,
    /// Of an older version, or done.
    old: Option<Deployment>,
    pub(crate) paused: bool,
    pub(crate) failed: bool,
    /// Made by this evaluation.
    is_new: bool,
}

impl Deployments {
    /// Takes the newest deployment, and cancels it when the job has moved on.
    pub(crate) fn new(input: &Input<'_>, out: &mut Reconciliation) -> Self {
        let mut this = Self::default();
        let Some(deployment) = &input.deployment else { return this };
        let cancel = |why: &str| DeploymentUpdate {
            id: deployment.id.clone(),
            status: DeploymentStatus::Cancelled,
            description: why.to_owned(),
        };
        let Some(job) = input.job.filter(|job| !job.stop) else {
            if deployment.is_active() {
                out.deployment_updates.push(cancel(description::STOPPED_JOB));
            }
            return this;
        };
        if deployment.job_create_index != job.create_index || deployment.job_version != job.version {
            if deployment.is_active() {
                out.deployment_updates.push(cancel(description::NEWER_JOB));
            }
            this.old = Some((**deployment).clone());
        } else if deployment.status == DeploymentStatus::Successful {
            this.old = Some((**deployment).clone());
        } else {
            this.paused = matches!(deployment.status, DeploymentStatus::Paused | DeploymentStatus::Pending);
            this.failed = deployment.status == DeploymentStatus::Failed;
            this.current = Some((**deployment).clone());
        }
        this
    }

    /// A group's state, and whether the deployment already had it.
    pub(crate) fn state_of(&self, group: &drover_model::TaskGroup) -> (DeploymentState, bool) {
        if let Some(state) = self.current.as_ref().and_then(|deployment| deployment.task_groups.get(&group.name)) {
            return (state.clone(), true);
        }
        let mut state = DeploymentState::default();
        if let Some(update) = group.update.as_ref().filter(|update| update.is_rolling()) {
            state.auto_revert = update.auto_revert;
            state.auto_promote = update.auto_promote;
            state.progress_deadline = update.progress_deadline;
        }
        (state, false)
    }

    /// Canaries that nobody waits for any more.
    pub(crate) fn stale_canaries(&self) -> Vec<AllocId> {
        let failed = self.current.as_ref().filter(|deployment| deployment.status == DeploymentStatus::Failed);
        let states = self.old.iter().chain(failed).flat_map(|deployment| deployment.task_groups.values());
        states.filter(|state| !state.promoted).flat_map(|state| state.placed_canaries.iter().cloned()).collect()
    }

    /// Canaries of the deployment under way.
    pub(crate) fn canaries(&self) -> Vec<AllocId> {
        let states = self.current.iter().flat_map(|deployment| deployment.task_groups.values());
        states.flat_map(|state| state.placed_canaries.iter().cloned()).collect()
    }

    /// Writes a group's state into a new deployment, which the first such group makes.
    pub(crate) fn attach(
        &mut self,
        eval: &Evaluation,
        now: UnixNanos,
        job: &Job,
        group: &str,
        state: DeploymentState,
        ids: &mut Ids,
    ) {
        if self.current.is_none() {
            let mut new = Deployment::new(ids.deployment(), job, eval.priority, now);
            new.modify_time = UnixNanos(0);
            self.current = Some(new);
            self.is_new = true;
        }
        if let Some(current) = self.current.as_mut().filter(|_| self.is_new) {
            current.task_groups.insert(group.to_owned(), state);
        }
    }

    /// Marks the deployment as done, or says what a new one waits for.
    pub(crate) fn finish(mut self, complete: bool, out: &mut Reconciliation) {
        if let Some(new) = self.current.as_mut().filter(|_| self.is_new) {
            if new.requires_promotion() {
                let auto = new.has_auto_promote();
                let text = if auto { description::AUTO_PROMOTION } else { description::NEEDS_PROMOTION };
                new.status_description = text.to_owned();
            }
            // Where no node is wanted there is nothing to wait for.
            if complete && new.task_groups.values().all(|state| state.desired_total == 0) {
                new.status = DeploymentStatus::Successful;
                description::SUCCESSFUL.clone_into(&mut new.status_description);
            }
            out.deployment = Some(new.clone());
        } else if complete
            && let Some(current) = &mut self.current
            && current.status == DeploymentStatus::Running
        {
            current.status = DeploymentStatus::Successful;
            out.deployment_updates.push(DeploymentUpdate {
                id: current.id.clone(),
                status: DeploymentStatus::Successful,
                description: description::SUCCESSFUL.to_owned(),
            });
        }
        out.active_deployment = self.current;
    }
}
