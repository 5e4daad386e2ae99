//! What the applier accepted of placement plans.

use super::{Done, Txn};
use crate::{Applied, ApplyPlacement};
use drover_model::{AllocClientStatus, AllocId, Allocation, Job};
use std::sync::Arc;

impl Txn {
    pub(super) fn apply_placement(&mut self, request: &ApplyPlacement) -> Done {
        let result = &request.result;
        if let Some(deployment) = &result.deployment {
            self.put_deployment(deployment.clone());
        }
        for update in &result.deployment_updates {
            // A deployment may be gone by now; there is nothing left to change then.
            let _gone = self.change_deployment_status(update, request.now);
        }
        for alloc in result.node_update.values().chain(result.node_preemptions.values()).flatten() {
            self.place(alloc, None, request);
        }
        for alloc in result.node_allocation.values().flatten() {
            self.place(alloc, request.job.as_ref(), request);
        }
        self.claim_sticky_volumes(request);
        self.put_evals(&request.preemption_evals);
        Ok(Applied::Done)
    }

    /// Stores one allocation of a plan. Without a job of its own or a given one it keeps the stored one's.
    fn place(&mut self, alloc: &Allocation, job: Option<&Arc<Job>>, request: &ApplyPlacement) {
        let stored = self.t.allocs.get(&alloc.id).cloned();
        let mut alloc = alloc.clone();
        alloc.modify_index = self.index;
        alloc.alloc_modify_index = self.index;
        alloc.modify_time = request.now;
        if let Some(status) = &mut alloc.deployment_status
            && stored.as_ref().is_none_or(|stored| stored.deployment_status.as_ref() != Some(status))
        {
            status.modify_index = self.index;
        }
        let Some(stored) = stored else {
            alloc.create_index = self.index;
            alloc.create_time = request.now;
            alloc.job = alloc.job.or_else(|| job.cloned());
            let (id, previous) = (alloc.id.clone(), alloc.previous_allocation.clone());
            self.put_alloc(alloc, None);
            self.link_previous(&previous, &id);
            return;
        };
        alloc.create_index = stored.create_index;
        alloc.create_time = stored.create_time;
        alloc.task_states.clone_from(&stored.task_states);
        let sets_status = matches!(alloc.client_status, AllocClientStatus::Lost | AllocClientStatus::Unknown);
        if !sets_status {
            alloc.client_status = stored.client_status;
            alloc.client_description.clone_from(&stored.client_description);
        }
        if alloc.job.is_none() {
            let keeps_job = alloc.client_status == AllocClientStatus::Unknown;
            alloc.job = job.filter(|_| !keeps_job).cloned().or_else(|| stored.job.clone());
        }
        if alloc.allocated_resources.is_none() {
            alloc.allocated_resources.clone_from(&stored.allocated_resources);
        }
        if alloc.metrics.is_none() {
            alloc.metrics.clone_from(&stored.metrics);
        }
        self.put_alloc(alloc, Some(&stored));
    }

    fn link_previous(&mut self, previous: &AllocId, next: &AllocId) {
        if previous.is_empty() {
            return;
        }
        if let Some(stored) = self.t.allocs.get(previous) {
            let mut alloc = (**stored).clone();
            alloc.next_allocation = next.clone();
            alloc.modify_index = self.index;
            self.store_alloc(Arc::new(alloc));
        }
    }
}
