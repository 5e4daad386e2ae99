//! Allocations: what nodes and operators say of them.

use super::{Done, Txn};
use crate::{
    Applied, ClientAllocUpdate, EventPayload, Table, UpdateAllocDesiredTransition, UpdateAllocsFromClient, WatchKey,
};
use drover_model::{AllocId, Allocation, DesiredTransition, UnixNanos};
use std::sync::Arc;

impl Txn {
    /// Stores an allocation and follows it in summary, deployment and job.
    pub(super) fn put_alloc(&mut self, alloc: Allocation, before: Option<&Allocation>) {
        self.follow_in_deployment(&alloc, before);
        self.count_alloc(&alloc, before);
        self.mark_job_dirty(alloc.job_key());
        self.store_alloc(Arc::new(alloc));
    }

    pub(super) fn store_alloc(&mut self, alloc: Arc<Allocation>) {
        self.t.insert_alloc(&alloc);
        self.emit(EventPayload::Allocation(alloc));
        self.touch(Table::Allocs);
    }

    pub(super) fn delete_alloc(&mut self, id: &AllocId) {
        if let Some(alloc) = self.t.remove_alloc(id) {
            self.touched.push(WatchKey::Alloc(id.clone()));
            self.touched.push(WatchKey::NodeAllocs(alloc.node_id.clone()));
            self.touched.push(WatchKey::JobAllocs(alloc.job_key()));
            self.dirty_jobs.insert(alloc.job_key(), true);
            self.touch(Table::Allocs);
        }
    }

    pub(super) fn update_allocs_from_client(&mut self, request: &UpdateAllocsFromClient) -> Done {
        for update in &request.updates {
            self.update_from_client(update, request.now);
        }
        self.put_evals(&request.evals);
        Ok(Applied::Done)
    }

    /// Allocations that are gone meanwhile are left out.
    fn update_from_client(&mut self, update: &ClientAllocUpdate, now: UnixNanos) {
        let Some(stored) = self.t.allocs.get(&update.id).cloned() else { return };
        let mut alloc = (*stored).clone();
        alloc.client_status = update.client_status;
        alloc.client_description.clone_from(&update.client_description);
        alloc.task_states.clone_from(&update.task_states);
        if update.network_status.is_some() {
            alloc.network_status.clone_from(&update.network_status);
        }
        if let Some(reported) = &update.deployment_status {
            match &mut alloc.deployment_status {
                // The node may set health and its time, nothing else.
                Some(status) if reported.healthy.is_some() && reported.healthy != status.healthy => {
                    status.healthy = reported.healthy;
                    status.timestamp = reported.timestamp;
                    status.modify_index = self.index;
                }
                Some(_) => {}
                none => {
                    let mut first = reported.clone();
                    first.modify_index = self.index;
                    *none = Some(first);
                }
            }
        }
        alloc.modify_index = self.index;
        alloc.modify_time = now;
        if let Some(node) = self.t.nodes.get_mut(&alloc.node_id)
            && node.last_alloc_update_index != self.index
        {
            Arc::make_mut(node).last_alloc_update_index = self.index;
        }
        self.put_alloc(alloc, Some(&stored));
    }

    pub(super) fn update_desired_transition(&mut self, request: &UpdateAllocDesiredTransition) -> Done {
        for (id, transition) in &request.transitions {
            self.merge_transition(id, transition);
        }
        self.put_evals(&request.evals);
        Ok(Applied::Done)
    }

    pub(super) fn merge_transition(&mut self, id: &AllocId, transition: &DesiredTransition) {
        let Some(stored) = self.t.allocs.get(id) else { return };
        let mut alloc = (**stored).clone();
        let merged = &mut alloc.desired_transition;
        merged.migrate = transition.migrate.or(merged.migrate);
        merged.migrate_disable_placement = transition.migrate_disable_placement.or(merged.migrate_disable_placement);
        merged.reschedule = transition.reschedule.or(merged.reschedule);
        merged.force_reschedule = transition.force_reschedule.or(merged.force_reschedule);
        merged.no_shutdown_delay = transition.no_shutdown_delay.or(merged.no_shutdown_delay);
        alloc.modify_index = self.index;
        alloc.alloc_modify_index = self.index;
        self.store_alloc(Arc::new(alloc));
    }
}
