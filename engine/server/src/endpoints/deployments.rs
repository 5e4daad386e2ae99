//! Deployments, from operators.

use crate::answer::DeploymentUpdated;
use crate::deployments::{Rollback, evaluation, rollback};
use crate::error::{Result, ServerError};
use crate::server::Server;
use drover_model::deployment::description;
use drover_model::placement::DeploymentUpdate;
use drover_model::{AllocId, Deployment, DeploymentId, DeploymentStatus, Evaluation, UnixNanos};
use drover_state::{Command, DeploymentAllocHealth, DeploymentPromote, Snapshot, UpdateDeploymentStatus};
use std::sync::Arc;

impl Server {
    /// Promotes canaries; `None` means those of all groups.
    ///
    /// # Errors
    /// The deployment is unknown or over, or its canaries are not healthy.
    pub async fn promote_deployment(
        &self,
        id: &DeploymentId,
        groups: Option<Vec<String>>,
    ) -> Result<DeploymentUpdated> {
        let (snapshot, deployment) = self.active(id, "promote")?;
        let now = UnixNanos::now();
        let eval = evaluation(&snapshot, &deployment, now);
        let named = |groups: &Vec<String>| groups.iter().any(|group| deployment.task_groups.contains_key(group));
        if !groups.as_ref().is_none_or(named) {
            // Groups that are not there have nothing to promote: the job is only looked at again.
            let evals = eval.iter().cloned().collect();
            return self.update_deployment(Command::UpsertEvals(evals), eval.as_ref(), None).await;
        }
        let promote = DeploymentPromote { id: id.clone(), groups, eval: eval.clone(), now };
        self.update_deployment(Command::DeploymentPromote(promote), eval.as_ref(), None).await
    }

    /// Gives a deployment up.
    ///
    /// # Errors
    /// It is unknown or over.
    pub async fn fail_deployment(&self, id: &DeploymentId) -> Result<DeploymentUpdated> {
        let (snapshot, deployment) = self.active(id, "fail")?;
        let now = UnixNanos::now();
        let reverts = deployment.task_groups.values().any(|state| state.auto_revert);
        let back = back(&snapshot, &deployment, reverts, description::FAILED_BY_USER, now);
        let eval = evaluation(&snapshot, &deployment, now);
        let command = Command::UpdateDeploymentStatus(UpdateDeploymentStatus {
            update: status_update(id, DeploymentStatus::Failed, back.description),
            job: back.job,
            eval: eval.clone(),
            now,
        });
        self.update_deployment(command, eval.as_ref(), back.version).await
    }

    /// Holds a deployment, or lets it go on.
    ///
    /// # Errors
    /// It is unknown or over.
    pub async fn pause_deployment(&self, id: &DeploymentId, pause: bool) -> Result<DeploymentUpdated> {
        let verb = if pause { "pause" } else { "resume" };
        let (snapshot, deployment) = self.active(id, verb)?;
        let now = UnixNanos::now();
        let (status, text) = if pause {
            (DeploymentStatus::Paused, description::PAUSED)
        } else {
            (DeploymentStatus::Running, resumed(&deployment))
        };
        let eval = if pause { None } else { evaluation(&snapshot, &deployment, now) };
        let command = Command::UpdateDeploymentStatus(UpdateDeploymentStatus {
            update: status_update(id, status, text.to_owned()),
            job: None,
            eval: eval.clone(),
            now,
        });
        self.update_deployment(command, eval.as_ref(), None).await
    }

    /// Says which allocations of a deployment are healthy and which are not.
    ///
    /// # Errors
    /// The deployment is unknown or over, or an allocation is not one of its own.
    pub async fn set_alloc_health(
        &self,
        id: &DeploymentId,
        healthy: Vec<AllocId>,
        unhealthy: Vec<AllocId>,
    ) -> Result<DeploymentUpdated> {
        if healthy.is_empty() && unhealthy.is_empty() {
            return Err(ServerError::refused("must specify at least one healthy/unhealthy allocation ID"));
        }
        let (snapshot, deployment) = self.active(id, "set health of allocations for")?;
        let now = UnixNanos::now();
        let eval = evaluation(&snapshot, &deployment, now);
        let mut back = Rollback::none(description::FAILED_ALLOCATIONS);
        let mut update = None;
        if !unhealthy.is_empty() {
            let groups = unhealthy.iter().filter_map(|id| snapshot.alloc(id)).map(|alloc| alloc.task_group.as_str());
            let states: Vec<_> = groups.filter_map(|group| deployment.task_groups.get(group)).collect();
            let reverts = states.iter().any(|state| state.auto_revert);
            back = self::back(&snapshot, &deployment, reverts, description::FAILED_ALLOCATIONS, now);
            update = Some(status_update(id, DeploymentStatus::Failed, back.description));
        }
        let command = Command::DeploymentAllocHealth(DeploymentAllocHealth {
            id: id.clone(),
            healthy,
            unhealthy,
            update,
            job: back.job,
            eval: eval.clone(),
            now,
        });
        self.update_deployment(command, eval.as_ref(), back.version).await
    }

    /// Lets a deployment of several regions go on in this one. Deployments of one region never wait for others.
    ///
    /// # Errors
    /// Always: jobs of several regions are not taken.
    pub fn unblock_deployment(&self, id: &DeploymentId) -> Result<DeploymentUpdated> {
        self.active(id, "unblock")?;
        Err(ServerError::refused("can't unblock a deployment that is not blocked"))
    }

    fn active(&self, id: &DeploymentId, verb: &str) -> Result<(Snapshot, Arc<Deployment>)> {
        if id.is_empty() {
            return Err(ServerError::refused("missing deployment ID"));
        }
        let snapshot = self.inner.store.snapshot();
        let deployment = snapshot.deployment(id).ok_or_else(|| ServerError::refused("deployment not found"))?.clone();
        if !deployment.is_active() {
            return Err(ServerError::refused(format!("can't {verb} terminal deployment")));
        }
        Ok((snapshot, deployment))
    }

    async fn update_deployment(
        &self,
        command: Command,
        eval: Option<&Evaluation>,
        reverted_job_version: Option<u64>,
    ) -> Result<DeploymentUpdated> {
        let committed = self.inner.propose(command).await;
        // The reference answers every refusal about a deployment as a refused call.
        let index = committed.map_err(|error| ServerError::refused(error.message))?.index;
        Ok(DeploymentUpdated {
            eval_id: eval.map(|eval| eval.id.clone()).unwrap_or_default(),
            eval_create_index: if eval.is_some() { index } else { 0 },
            deployment_modify_index: index,
            reverted_job_version,
            index,
        })
    }
}

fn back(snapshot: &Snapshot, deployment: &Deployment, reverts: bool, reason: &str, now: UnixNanos) -> Rollback {
    if reverts { rollback(snapshot, deployment, reason, now) } else { Rollback::none(reason) }
}

fn status_update(id: &DeploymentId, status: DeploymentStatus, description: String) -> DeploymentUpdate {
    DeploymentUpdate { id: id.clone(), status, description }
}

/// What a deployment says once it goes on.
fn resumed(deployment: &Deployment) -> &'static str {
    let waits = deployment.task_groups.values().any(|state| state.desired_canaries > 0 && !state.promoted);
    match (waits, deployment.has_auto_promote()) {
        (false, _) => description::RUNNING,
        (true, true) => description::AUTO_PROMOTION,
        (true, false) => description::NEEDS_PROMOTION,
    }
}
