//! Jobs: registration, versions, status, stability, tags.

use super::{Done, Txn};
use crate::{
    AddScalingEvent, Applied, DeregisterJob, EventPayload, JobVersionTag, PeriodicLaunch, RegisterJob, StateError,
    Table, TagAction, UpdateJobStability, WatchKey,
};
use drover_model::job::VersionTag;
use drover_model::registry::MAX_SCALING_EVENTS;
use drover_model::{AllocId, DesiredTransition, EvalId, Evaluation, Job, JobKey, JobStatus, JobType};
use std::sync::Arc;

/// The untagged versions kept per job, unless a registration says otherwise.
pub(crate) const MAX_JOB_VERSIONS: usize = 6;

impl Txn {
    pub(super) fn register_job(&mut self, request: &RegisterJob) -> Done {
        let key = request.job.key();
        self.keep_versions = Some(request.keep_versions.map_or(MAX_JOB_VERSIONS, |kept| kept as usize).max(1));
        let existing = self.t.jobs.get(&key).cloned();
        enforce(request.enforce_index, existing.as_deref())?;
        let changed = existing.as_deref().is_none_or(|stored| spec_changed(stored, &request.job));
        if changed {
            self.upsert_job(&request.job);
        }
        let stored = self.t.jobs.get(&key).cloned().expect("the job was stored just now or before");
        if let (true, Some(submission)) = (changed, &request.submission) {
            let mut submission = submission.clone();
            submission.namespace = key.namespace.clone();
            submission.job_id = key.id.clone();
            submission.version = stored.version;
            submission.job_modify_index = stored.job_modify_index;
            self.t.submissions.insert((key.clone(), stored.version), Arc::new(submission));
            self.touch(Table::JobSubmissions);
        }
        self.put_job_eval(request.eval.as_ref(), &stored);
        Ok(Applied::Job { job_modify_index: stored.job_modify_index, version: stored.version, changed })
    }

    pub(super) fn put_job_eval(&mut self, eval: Option<&Evaluation>, job: &Job) {
        if let Some(eval) = eval {
            self.put_eval(Evaluation { job_modify_index: job.job_modify_index, ..eval.clone() });
        }
    }

    pub(super) fn deregister_jobs(&mut self, requests: &[DeregisterJob]) -> Done {
        let mut found = false;
        for request in requests {
            found |= self.deregister_job(request);
        }
        Ok(Applied::Found(found))
    }

    fn deregister_job(&mut self, request: &DeregisterJob) -> bool {
        let Some(current) = self.t.jobs.get(&request.key).cloned() else {
            if let Some(eval) = &request.eval {
                self.put_eval(eval.clone());
            }
            return false;
        };
        if request.no_shutdown_delay {
            let transition = DesiredTransition { no_shutdown_delay: Some(true), ..DesiredTransition::default() };
            for id in self.alloc_ids_of(&request.key) {
                self.merge_transition(&id, &transition);
            }
        }
        if request.purge {
            self.delete_job(&request.key);
        } else {
            self.upsert_job(&Job { stop: true, submit_time: request.now, ..(*current).clone() });
        }
        self.t.periodic_launches.remove(&request.key);
        if let Some(eval) = &request.eval {
            self.put_eval(Evaluation { job_modify_index: self.index, ..eval.clone() });
        }
        true
    }

    /// Stores a job as a new version.
    pub(super) fn upsert_job(&mut self, job: &Job) {
        let key = job.key();
        let existing = self.t.jobs.get(&key).cloned();
        let mut job = job.clone();
        job.modify_index = self.index;
        job.job_modify_index = self.index;
        job.create_index = existing.as_ref().map_or(self.index, |stored| stored.create_index);
        job.version = existing.as_ref().map_or(0, |stored| stored.version + 1);
        job.version_tag = None;
        self.settle_scaling(&mut job, existing.as_deref());
        job.status = self.job_status(&job, false);
        job.status_description = String::new();
        let job = Arc::new(job);
        self.update_summary_groups(&job);
        self.count_child(&job, existing.as_ref().map(|stored| stored.status));
        self.keep_version(&key, &job);
        self.put_job(job);
    }

    fn put_job(&mut self, job: Arc<Job>) {
        self.emit(EventPayload::Job(job.clone()));
        self.t.insert_job(job);
        self.touch(Table::Jobs);
    }

    /// Policies of a known group keep their id; indexes are set.
    fn settle_scaling(&mut self, job: &mut Job, existing: Option<&Job>) {
        for group in &mut job.task_groups {
            let Some(policy) = &mut group.scaling else { continue };
            let stored = existing.and_then(|job| job.group(&group.name)?.scaling.as_ref());
            policy.create_index = self.index;
            policy.modify_index = self.index;
            if let Some(stored) = stored {
                policy.id.clone_from(&stored.id);
                policy.create_index = stored.create_index;
                let mut same = policy.clone();
                same.modify_index = stored.modify_index;
                let was_stopped = existing.is_some_and(|job| job.stop);
                if same == *stored && job.stop == was_stopped {
                    policy.modify_index = stored.modify_index;
                    continue;
                }
            }
            self.touched_tables.insert(Table::ScalingPolicies);
        }
    }

    /// Puts a version among the kept ones and drops the oldest beyond the limit. Tagged versions
    /// do not count, and the newest stable one is always kept.
    fn keep_version(&mut self, key: &JobKey, job: &Arc<Job>) {
        let mut versions: Vec<Arc<Job>> = self.t.job_versions.get(key).map_or_else(Vec::new, |kept| (**kept).clone());
        let kept_before = versions.iter().filter(|kept| kept.version_tag.is_none()).count();
        let limit = self.keep_versions.unwrap_or_else(|| kept_before.max(MAX_JOB_VERSIONS));
        versions.retain(|kept| kept.version != job.version);
        let at = versions.partition_point(|kept| kept.version > job.version);
        versions.insert(at, job.clone());
        loop {
            let untagged: Vec<u64> =
                versions.iter().filter(|kept| kept.version_tag.is_none()).map(|kept| kept.version).collect();
            if untagged.len() <= limit {
                break;
            }
            let stable = versions.iter().find(|kept| kept.stable).map(|kept| kept.version);
            let mut oldest = untagged.iter().rev().copied().filter(|version| stable != Some(*version));
            // The newest is what runs.
            let Some(drop) = oldest.next().filter(|version| *version != job.version) else { break };
            versions.retain(|kept| kept.version != drop);
            self.t.submissions.remove(&(key.clone(), drop));
        }
        self.t.job_versions.insert(key.clone(), Arc::new(versions));
        self.touch(Table::JobVersions);
    }

    /// Forgets a job with its versions, submissions, summary, allocations and deployments.
    pub(super) fn delete_job(&mut self, key: &JobKey) {
        let Some(job) = self.t.remove_job(key) else { return };
        self.uncount_child(&job);
        self.emit(EventPayload::Job(job));
        for version in self.t.job_versions.remove(key).iter().flat_map(|versions| versions.iter()) {
            self.t.submissions.remove(&(key.clone(), version.version));
        }
        self.t.summaries.remove(key);
        self.t.scaling_events.remove(key);
        self.t.periodic_launches.remove(key);
        self.drop_claims_of(key);
        for id in self.alloc_ids_of(key) {
            self.delete_alloc(&id);
        }
        for id in self.t.deployments_by_job.of(key).cloned().collect::<Vec<_>>() {
            self.delete_deployment(&id);
        }
        for table in
            [Table::Jobs, Table::JobVersions, Table::JobSubmissions, Table::JobSummaries, Table::ScalingPolicies]
        {
            self.touch(table);
        }
    }

    pub(super) fn mark_job_dirty(&mut self, key: JobKey) {
        self.dirty_jobs.entry(key).or_insert(false);
    }

    fn alloc_ids_of(&self, key: &JobKey) -> Vec<AllocId> {
        let allocs = self.t.allocs_by_job.of(key).filter_map(|id| self.t.allocs.get(id));
        allocs.map(|alloc| alloc.id.clone()).collect()
    }

    pub(super) fn settle_job_status(&mut self, key: &JobKey, removed: bool) {
        let Some(job) = self.t.jobs.get(key).cloned() else { return };
        let status = self.job_status(&job, removed);
        if status == job.status {
            return;
        }
        let updated = Arc::new(Job { status, modify_index: self.index, ..(*job).clone() });
        self.count_child(&updated, Some(job.status));
        self.replace_version(key, &updated);
        self.t.insert_job(updated);
        self.touched.push(WatchKey::Job(key.clone()));
        self.touch(Table::Jobs);
    }

    /// Where a job stands: running while something of it is wanted, pending while an evaluation is
    /// under way, dead once all is over.
    fn job_status(&self, job: &Job, removed: bool) -> JobStatus {
        let launches_others = job.periodic.is_some() || (job.parameterized_job.is_some() && !job.dispatched);
        if job.kind == JobType::System || launches_others {
            return if job.stop { JobStatus::Dead } else { JobStatus::Running };
        }
        let key = job.key();
        if self.t.live_allocs.has(&key) {
            return JobStatus::Running;
        }
        if self.t.open_evals.has(&key) {
            return JobStatus::Pending;
        }
        let has_history = self.t.allocs_by_job.count(&key) + self.t.evals_by_job.count(&key) > 0;
        if removed || has_history { JobStatus::Dead } else { JobStatus::Pending }
    }

    /// Replaces the kept version that `job` is.
    fn replace_version(&mut self, key: &JobKey, job: &Arc<Job>) {
        if let Some(versions) = self.t.job_versions.get_mut(key)
            && let Some(slot) = Arc::make_mut(versions).iter_mut().find(|kept| kept.version == job.version)
        {
            *slot = job.clone();
            self.touch(Table::JobVersions);
        }
    }

    pub(super) fn update_job_stability(&mut self, request: &UpdateJobStability) -> Done {
        self.set_stability(&request.key, request.version, request.stable);
        Ok(Applied::Done)
    }

    pub(super) fn set_stability(&mut self, key: &JobKey, version: u64, stable: bool) {
        self.change_version(key, version, |job| job.stable = stable);
    }

    /// Changes a version, and the job itself when that is its current version.
    fn change_version(&mut self, key: &JobKey, version: u64, change: impl FnOnce(&mut Job)) {
        let kept = self.t.job_versions.get(key).and_then(|kept| kept.iter().find(|job| job.version == version));
        let Some(kept) = kept.cloned() else { return };
        let mut job = (*kept).clone();
        change(&mut job);
        if job == *kept {
            return;
        }
        job.modify_index = self.index;
        let job = Arc::new(job);
        self.replace_version(key, &job);
        if self.t.jobs.get(key).is_some_and(|current| current.version == version) {
            self.put_job(job);
        }
        self.touched.push(WatchKey::Job(key.clone()));
    }

    pub(super) fn tag_job_version(&mut self, request: &JobVersionTag) -> Done {
        let key = &request.key;
        let name = &request.name;
        let versions = self.t.job_versions.get(key).cloned().unwrap_or_default();
        let tagged = versions.iter().find(|job| job.version_tag.as_ref().is_some_and(|tag| tag.name == *name));
        match &request.action {
            TagAction::Remove => {
                let tagged = tagged
                    .ok_or_else(|| StateError::NotFound(format!("tag {name:?} not found on job {:?}", &*key.id)))?;
                self.change_version(key, tagged.version, |job| job.version_tag = None);
            }
            TagAction::Set { version, description } => {
                let current = self.t.jobs.get(key);
                let current =
                    current.ok_or_else(|| StateError::NotFound(format!("job {:?} not found", &*key.id)))?.version;
                let version = version.unwrap_or(current);
                if let Some(other) = tagged.filter(|job| job.version != version) {
                    let text = format!("tag {name:?} already exists on a different version of job {:?}", &*other.id);
                    return Err(StateError::Refused(text));
                }
                if !versions.iter().any(|job| job.version == version) {
                    let text = format!("job {:?} version {version} not found", &*key.id);
                    return Err(StateError::NotFound(text));
                }
                let tag = VersionTag { name: name.clone(), description: description.clone(), tagged_time: request.now };
                self.change_version(key, version, |job| job.version_tag = Some(tag));
            }
        }
        Ok(Applied::Done)
    }

    pub(super) fn add_scaling_event(&mut self, request: &AddScalingEvent) -> Done {
        let events = self.t.scaling_events.entry(request.key.clone()).or_default();
        let group = Arc::make_mut(events).entry(request.group.clone()).or_default();
        let mut event = request.event.clone();
        event.create_index = self.index;
        if event.eval_id.as_ref().is_some_and(EvalId::is_empty) {
            event.eval_id = None;
        }
        group.insert(0, event);
        group.truncate(MAX_SCALING_EVENTS);
        self.touched.push(WatchKey::Job(request.key.clone()));
        self.touch(Table::ScalingEvents);
        Ok(Applied::Done)
    }

    pub(super) fn upsert_periodic_launch(&mut self, launch: &PeriodicLaunch) -> Done {
        self.t.periodic_launches.insert(launch.key.clone(), launch.launched);
        self.touch(Table::PeriodicLaunches);
        Ok(Applied::Done)
    }
}

fn enforce(wanted: Option<u64>, existing: Option<&Job>) -> Result<(), StateError> {
    match (wanted, existing) {
        (None, _) | (Some(0), None) => Ok(()),
        (Some(0), Some(_)) => Err(StateError::JobExists),
        (Some(wanted), None) => Err(StateError::JobMissing { wanted }),
        (Some(wanted), Some(job)) if job.job_modify_index == wanted => Ok(()),
        (Some(wanted), Some(job)) => Err(StateError::JobConflict { wanted, found: job.job_modify_index }),
    }
}

/// Whether `new` asks for something else than `stored`: all fields but those that the servers set.
fn spec_changed(stored: &Job, new: &Job) -> bool {
    let mut new = new.clone();
    new.status = stored.status;
    new.status_description.clone_from(&stored.status_description);
    new.stable = stored.stable;
    new.version = stored.version;
    new.submit_time = stored.submit_time;
    new.create_index = stored.create_index;
    new.modify_index = stored.modify_index;
    new.job_modify_index = stored.job_modify_index;
    new.nomad_token_id.clone_from(&stored.nomad_token_id);
    new.version_tag.clone_from(&stored.version_tag);
    for group in &mut new.task_groups {
        let stored = stored.group(&group.name).and_then(|group| group.scaling.as_ref());
        if let (Some(policy), Some(stored)) = (&mut group.scaling, stored) {
            policy.id.clone_from(&stored.id);
            policy.create_index = stored.create_index;
            policy.modify_index = stored.modify_index;
        }
    }
    new != *stored
}
