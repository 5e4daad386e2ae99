//! Counts of a job's allocations and children.

use super::{Done, Txn};
use crate::{Applied, Table, WatchKey};
use drover_model::registry::{ChildrenSummary, GroupSummary, JobSummary};
use drover_model::{AllocClientStatus, Allocation, Evaluation, Job, JobKey, JobStatus};
use std::sync::Arc;

impl Txn {
    /// Makes sure that the job has a summary with all its groups.
    pub(super) fn update_summary_groups(&mut self, job: &Job) {
        let key = job.key();
        let index = self.index;
        let summary = self.t.summaries.entry(key).or_insert_with(|| {
            Arc::new(JobSummary {
                job_id: job.id.clone(),
                namespace: job.namespace.clone(),
                children: Some(ChildrenSummary::default()),
                create_index: index,
                ..JobSummary::default()
            })
        });
        let missing = job.task_groups.iter().filter(|group| !summary.summary.contains_key(&group.name));
        let missing: Vec<String> = missing.map(|group| group.name.clone()).collect();
        if !missing.is_empty() || summary.modify_index == 0 {
            let summary = Arc::make_mut(summary);
            summary.summary.extend(missing.into_iter().map(|name| (name, GroupSummary::default())));
            summary.modify_index = index;
            self.touch(Table::JobSummaries);
        }
    }

    /// Runs `change` on a job's summary; it says whether it changed something.
    fn change_summary(&mut self, key: &JobKey, change: impl FnOnce(&mut JobSummary) -> bool) {
        let index = self.index;
        if let Some(summary) = self.t.summaries.get_mut(key) {
            let summary = Arc::make_mut(summary);
            if change(summary) {
                summary.modify_index = index;
                self.touch_job(key);
                self.touch(Table::JobSummaries);
            }
        }
    }

    /// Follows an allocation from what it was to what it is.
    pub(super) fn count_alloc(&mut self, alloc: &Allocation, before: Option<&Allocation>) {
        if before.is_some_and(|before| before.client_status == alloc.client_status) {
            return;
        }
        self.change_summary(&alloc.job_key(), |summary| {
            let Some(group) = summary.summary.get_mut(&alloc.task_group) else { return false };
            if let Some(before) = before {
                let slot = bucket(group, before.client_status);
                *slot = slot.saturating_sub(1);
            } else if alloc.client_status == AllocClientStatus::Pending {
                group.queued = group.queued.saturating_sub(1);
            }
            *bucket(group, alloc.client_status) += 1;
            true
        });
    }

    /// Takes over how many allocations an evaluation left waiting.
    pub(super) fn count_queued(&mut self, eval: &Evaluation) {
        if eval.queued_allocations.is_empty() {
            return;
        }
        self.change_summary(&eval.job_key(), |summary| {
            let mut changed = false;
            for (name, queued) in &eval.queued_allocations {
                if let Some(group) = summary.summary.get_mut(name)
                    && group.queued != *queued
                {
                    group.queued = *queued;
                    changed = true;
                }
            }
            changed
        });
    }

    /// Follows a child from one status to another in its parent's summary.
    pub(super) fn count_child(&mut self, job: &Job, before: Option<JobStatus>) {
        if job.parent_id.is_empty() || before == Some(job.status) {
            return;
        }
        self.change_summary(&parent_of(job), |summary| {
            let children = summary.children.get_or_insert_default();
            if let Some(before) = before {
                *child_bucket(children, before) -= 1;
            }
            *child_bucket(children, job.status) += 1;
            true
        });
    }

    /// Takes a removed child out of its parent's summary.
    pub(super) fn uncount_child(&mut self, job: &Job) {
        if job.parent_id.is_empty() {
            return;
        }
        self.change_summary(&parent_of(job), |summary| {
            *child_bucket(summary.children.get_or_insert_default(), job.status) -= 1;
            true
        });
    }

    /// Counts all summaries anew from the allocations and jobs that are there.
    pub(super) fn reconcile_summaries(&mut self) -> Done {
        let jobs: Vec<Arc<Job>> = self.t.jobs.values().cloned().collect();
        for job in jobs {
            let key = job.key();
            let stored = self.t.summaries.get(&key).cloned();
            let mut summary = JobSummary {
                job_id: job.id.clone(),
                namespace: job.namespace.clone(),
                children: Some(self.children_summary(&key)),
                create_index: stored.as_ref().map_or(self.index, |stored| stored.create_index),
                modify_index: self.index,
                ..JobSummary::default()
            };
            for group in &job.task_groups {
                let queued = stored.as_ref().and_then(|stored| stored.summary.get(&group.name)).map_or(0, |s| s.queued);
                summary.summary.insert(group.name.clone(), GroupSummary { queued, ..GroupSummary::default() });
            }
            for alloc in self.t.allocs_by_job.of(&key).filter_map(|id| self.t.allocs.get(id)) {
                if let Some(group) = summary.summary.get_mut(&alloc.task_group) {
                    *bucket(group, alloc.client_status) += 1;
                }
            }
            self.t.summaries.insert(key.clone(), Arc::new(summary));
            self.touched.push(WatchKey::Job(key));
        }
        self.touch(Table::JobSummaries);
        Ok(Applied::Done)
    }

    fn children_summary(&self, key: &JobKey) -> ChildrenSummary {
        let mut children = ChildrenSummary::default();
        for id in self.t.children.of(key) {
            let child = JobKey { namespace: key.namespace.clone(), id: id.clone() };
            if let Some(job) = self.t.jobs.get(&child) {
                *child_bucket(&mut children, job.status) += 1;
            }
        }
        children
    }
}

fn parent_of(job: &Job) -> JobKey {
    JobKey { namespace: job.namespace.clone(), id: job.parent_id.clone() }
}

const fn bucket(group: &mut GroupSummary, status: AllocClientStatus) -> &mut u32 {
    match status {
        AllocClientStatus::Pending => &mut group.starting,
        AllocClientStatus::Running => &mut group.running,
        AllocClientStatus::Complete => &mut group.complete,
        AllocClientStatus::Failed => &mut group.failed,
        AllocClientStatus::Lost => &mut group.lost,
        AllocClientStatus::Unknown => &mut group.unknown,
    }
}

const fn child_bucket(children: &mut ChildrenSummary, status: JobStatus) -> &mut i64 {
    match status {
        JobStatus::Pending => &mut children.pending,
        JobStatus::Running => &mut children.running,
        JobStatus::Dead => &mut children.dead,
    }
}
