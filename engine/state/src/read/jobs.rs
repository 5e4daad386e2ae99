//! Jobs and what hangs on them.

use crate::Snapshot;
use drover_model::registry::{JobSubmission, JobSummary, ScalingEvent};
use drover_model::{Job, JobId, JobKey, Namespace, UnixNanos};
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

impl Snapshot {
    /// A job.
    pub fn job(&self, key: &JobKey) -> Option<&Arc<Job>> {
        self.0.jobs.get(key)
    }

    /// Every job, by namespace and id.
    pub fn jobs(&self) -> impl Iterator<Item = &Arc<Job>> + '_ {
        self.0.jobs.values()
    }

    /// The jobs of a namespace whose id begins with `prefix`, by id.
    pub fn jobs_in<'a>(&'a self, namespace: &'a Namespace, prefix: &'a str) -> impl Iterator<Item = &'a Arc<Job>> + 'a {
        let start = JobKey { namespace: namespace.clone(), id: JobId::from(prefix) };
        self.0
            .jobs
            .range((Bound::Included(start), Bound::Unbounded))
            .take_while(move |(key, _)| key.namespace == *namespace && key.id.starts_with(prefix))
            .map(|(_, job)| job)
    }

    /// The jobs from `start` on, by namespace and id; for paging.
    pub fn jobs_from(&self, start: &JobKey) -> impl Iterator<Item = &Arc<Job>> + '_ {
        self.0.jobs.range((Bound::Included(start.clone()), Bound::Unbounded)).map(|(_, job)| job)
    }

    /// The jobs that a periodic or parameterized job made, by id.
    pub fn children_of<'a>(&'a self, parent: &JobKey) -> impl Iterator<Item = &'a Arc<Job>> + 'a {
        let namespace = parent.namespace.clone();
        self.0
            .children
            .of(parent)
            .filter_map(move |id| self.0.jobs.get(&JobKey { namespace: namespace.clone(), id: id.clone() }))
    }

    /// The kept versions of a job, newest first.
    pub fn job_versions(&self, key: &JobKey) -> &[Arc<Job>] {
        self.0.job_versions.get(key).map_or(&[], |versions| versions.as_slice())
    }

    /// One version of a job.
    pub fn job_version(&self, key: &JobKey, version: u64) -> Option<&Arc<Job>> {
        self.job_versions(key).iter().find(|job| job.version == version)
    }

    /// The version of a job that carries a tag.
    pub fn job_version_tagged(&self, key: &JobKey, tag: &str) -> Option<&Arc<Job>> {
        self.job_versions(key).iter().find(|job| job.version_tag.as_ref().is_some_and(|found| found.name == tag))
    }

    /// The newest stable version of a job.
    pub fn latest_stable_version(&self, key: &JobKey) -> Option<&Arc<Job>> {
        self.job_versions(key).iter().find(|job| job.stable)
    }

    /// What a version was made from.
    pub fn job_submission(&self, key: &JobKey, version: u64) -> Option<&Arc<JobSubmission>> {
        self.0.submissions.get(&(key.clone(), version))
    }

    /// Counts of a job's allocations.
    pub fn job_summary(&self, key: &JobKey) -> Option<&Arc<JobSummary>> {
        self.0.summaries.get(key)
    }

    /// The scaling events of a job by group, newest first.
    pub fn scaling_events(&self, key: &JobKey) -> Option<&BTreeMap<String, Vec<ScalingEvent>>> {
        self.0.scaling_events.get(key).map(Arc::as_ref)
    }

    /// When a periodic job was last launched.
    pub fn periodic_launch(&self, key: &JobKey) -> Option<UnixNanos> {
        self.0.periodic_launches.get(key).copied()
    }
}
