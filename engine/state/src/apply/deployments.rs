//! Deployments: counters, status, promotion, health.

use super::{Done, Txn};
use crate::{Applied, DeploymentAllocHealth, DeploymentPromote, StateError, Table, UpdateDeploymentStatus, WatchKey};
use drover_model::deployment::description;
use drover_model::placement::DeploymentUpdate;
use drover_model::{
    AllocDeploymentStatus, AllocId, Allocation, Deployment, DeploymentId, DeploymentState, DeploymentStatus, UnixNanos,
    WireTime,
};
use std::collections::BTreeMap;
use std::sync::Arc;

impl Txn {
    pub(super) fn put_deployment(&mut self, mut deployment: Deployment) {
        let stored = self.t.deployments.get(&deployment.id);
        deployment.create_index = stored.map_or(self.index, |stored| stored.create_index);
        deployment.modify_index = self.index;
        let stable = deployment.status == DeploymentStatus::Successful;
        let (key, version) = (deployment.job_key(), deployment.job_version);
        self.dirty_deployments.insert(deployment.id.clone());
        self.t.insert_deployment(Arc::new(deployment));
        self.touch(Table::Deployments);
        if stable {
            self.set_stability(&key, version, true);
        }
    }

    pub(super) fn delete_deployment(&mut self, id: &DeploymentId) {
        if let Some(deployment) = self.t.remove_deployment(id) {
            self.touched.push(WatchKey::Deployment(id.clone()));
            self.touched.push(WatchKey::JobDeployments(deployment.job_key()));
            self.touch(Table::Deployments);
        }
    }

    pub(super) fn delete_deployments(&mut self, ids: &[DeploymentId]) -> Done {
        for id in ids {
            self.delete_deployment(id);
        }
        Ok(Applied::Done)
    }

    pub(super) fn change_deployment_status(
        &mut self,
        update: &DeploymentUpdate,
        now: UnixNanos,
    ) -> Result<(), StateError> {
        let mut deployment = (*self.deployment_to_change(&update.id)?).clone();
        deployment.status = update.status;
        deployment.status_description.clone_from(&update.description);
        deployment.modify_time = now;
        self.put_deployment(deployment);
        Ok(())
    }

    fn deployment_to_change(&self, id: &DeploymentId) -> Result<Arc<Deployment>, StateError> {
        let found = self.t.deployments.get(id).cloned();
        let deployment = found.ok_or_else(|| {
            StateError::NotFound(format!("Deployment ID {:?} couldn't be updated as it does not exist", &**id))
        })?;
        if !deployment.is_active() {
            let text = format!("Deployment {:?} has terminal status {:?}:", &**id, deployment.status.as_str());
            return Err(StateError::Refused(text));
        }
        Ok(deployment)
    }

    pub(super) fn update_deployment_status(&mut self, request: &UpdateDeploymentStatus) -> Done {
        self.change_deployment_status(&request.update, request.now)?;
        if let Some(job) = &request.job {
            self.upsert_job(job);
        }
        self.put_evals(request.eval.as_slice());
        Ok(Applied::Done)
    }

    pub(super) fn promote_deployment(&mut self, request: &DeploymentPromote) -> Done {
        let mut deployment = (*self.deployment_to_change(&request.id)?).clone();
        let wanted = |group: &str| request.groups.as_ref().is_none_or(|groups| groups.iter().any(|name| name == group));
        let canaries = self.wanted_canaries(&deployment, &wanted);
        check_canaries(&deployment, &canaries, &wanted)?;
        for (name, state) in &mut deployment.task_groups {
            if wanted(name) && state.desired_canaries > 0 {
                state.promoted = true;
            }
        }
        if !deployment.task_groups.values().any(|state| state.desired_canaries > 0 && !state.promoted) {
            description::RUNNING.clone_into(&mut deployment.status_description);
        }
        deployment.modify_time = request.now;
        self.put_deployment(deployment);
        for canary in canaries {
            let mut alloc = (*canary).clone();
            if let Some(status) = &mut alloc.deployment_status {
                status.canary = false;
                status.modify_index = self.index;
            }
            alloc.modify_index = self.index;
            alloc.alloc_modify_index = self.index;
            self.store_alloc(Arc::new(alloc));
        }
        self.put_evals(request.eval.as_slice());
        Ok(Applied::Done)
    }

    fn wanted_canaries(&self, deployment: &Deployment, wanted: &dyn Fn(&str) -> bool) -> Vec<Arc<Allocation>> {
        let groups = deployment.task_groups.iter().filter(|(name, _)| wanted(name));
        groups
            .flat_map(|(_, state)| &state.placed_canaries)
            .filter_map(|id| self.t.allocs.get(id))
            .filter(|alloc| !alloc.is_terminal() && alloc.is_canary())
            .cloned()
            .collect()
    }

    pub(super) fn set_alloc_health(&mut self, request: &DeploymentAllocHealth) -> Done {
        self.deployment_to_change(&request.id)?;
        for (ids, healthy) in [(&request.healthy, true), (&request.unhealthy, false)] {
            for id in ids {
                self.set_health(&request.id, id, healthy, request.now)?;
            }
        }
        if let Some(update) = &request.update {
            self.change_deployment_status(update, request.now)?;
        }
        if let Some(job) = &request.job {
            self.upsert_job(job);
        }
        self.put_evals(request.eval.as_slice());
        Ok(Applied::Done)
    }

    fn set_health(
        &mut self,
        deployment: &DeploymentId,
        id: &AllocId,
        healthy: bool,
        now: UnixNanos,
    ) -> Result<(), StateError> {
        let stored = self.t.allocs.get(id).cloned();
        let stored = stored.ok_or_else(|| StateError::NotFound(format!("unknown alloc {:?}", &**id)))?;
        if stored.deployment_id != *deployment {
            let text = format!("alloc {:?} is not part of deployment {:?}", &**id, &**deployment);
            return Err(StateError::Refused(text));
        }
        let mut alloc = (*stored).clone();
        let status = alloc.deployment_status.get_or_insert_with(AllocDeploymentStatus::default);
        status.healthy = Some(healthy);
        status.timestamp = now.into();
        status.modify_index = self.index;
        alloc.modify_index = self.index;
        alloc.modify_time = now;
        self.put_alloc(alloc, Some(&stored));
        Ok(())
    }

    /// Follows an allocation in the counters of its deployment.
    pub(super) fn follow_in_deployment(&mut self, alloc: &Allocation, before: Option<&Allocation>) {
        if alloc.deployment_id.is_empty() {
            return;
        }
        let health = |alloc: &Allocation| alloc.deployment_status.as_ref().and_then(|status| status.healthy);
        let is_new = before.is_none_or(|before| before.deployment_id != alloc.deployment_id);
        let (was, is) = (before.filter(|_| !is_new).and_then(health), health(alloc));
        if !is_new && (was == is || is.is_none()) {
            return;
        }
        let index = self.index;
        let Some(deployment) = self.t.deployments.get_mut(&alloc.deployment_id) else { return };
        let deployment = Arc::make_mut(deployment);
        let Some(state) = deployment.task_groups.get_mut(&alloc.task_group) else { return };
        if is_new {
            state.placed_allocs += 1;
        }
        match was {
            Some(true) => state.healthy_allocs = state.healthy_allocs.saturating_sub(1),
            Some(false) => state.unhealthy_allocs = state.unhealthy_allocs.saturating_sub(1),
            None => {}
        }
        match is {
            Some(true) => state.healthy_allocs += 1,
            Some(false) => state.unhealthy_allocs += 1,
            None => {}
        }
        if alloc.is_canary() && !state.placed_canaries.contains(&alloc.id) {
            state.placed_canaries.push(alloc.id.clone());
        }
        move_deadline(state, alloc, is_new, is == Some(true));
        deployment.modify_index = index;
        deployment.modify_time = alloc.modify_time;
        self.dirty_deployments.insert(alloc.deployment_id.clone());
        self.touch(Table::Deployments);
    }
}

/// The progress deadline begins with the first placement and moves with every healthy allocation.
fn move_deadline(state: &mut DeploymentState, alloc: &Allocation, placed: bool, healthy: bool) {
    if state.progress_deadline.is_zero() {
        return;
    }
    let current = state.require_progress_by.and_then(|time| time.nanos());
    if placed && current.is_none() {
        let deadline = alloc.modify_time.plus(state.progress_deadline);
        state.require_progress_by = Some(WireTime::from(deadline));
    } else if healthy {
        let since = alloc.deployment_status.as_ref().and_then(|status| status.timestamp.nanos());
        let deadline = since.unwrap_or(alloc.modify_time).plus(state.progress_deadline);
        if current.is_none_or(|current| deadline > current) {
            state.require_progress_by = Some(WireTime::from(deadline));
        }
    }
}

/// All wanted canaries must be placed and healthy.
fn check_canaries(
    deployment: &Deployment,
    canaries: &[Arc<Allocation>],
    wanted: &dyn Fn(&str) -> bool,
) -> Result<(), StateError> {
    let mut healthy: BTreeMap<&str, u32> = BTreeMap::new();
    for canary in canaries.iter().filter(|canary| canary.is_healthy()) {
        *healthy.entry(&canary.task_group).or_default() += 1;
    }
    let mut faults = Vec::new();
    for (name, state) in deployment.task_groups.iter().filter(|(name, _)| wanted(name)) {
        let healthy = healthy.get(name.as_str()).copied().unwrap_or(0);
        if state.desired_canaries > 0 && healthy < state.desired_canaries {
            faults.push(format!("Task group {name:?} has {healthy}/{} healthy allocations", state.desired_canaries));
        }
    }
    if !faults.is_empty() {
        let plural = if faults.len() == 1 { "error" } else { "errors" };
        let list: String = faults.iter().map(|fault| format!("\t* {fault}\n")).collect();
        return Err(StateError::Refused(format!("{} {plural} occurred:\n{list}\n", faults.len())));
    }
    if canaries.is_empty() {
        return Err(StateError::Refused("no canaries to promote".to_owned()));
    }
    Ok(())
}
