//! What registering a job would do.

use super::admission::{Accepted, accept, is_placed};
use crate::answer::JobPlan;
use crate::error::{Result, ServerError};
use crate::evals;
use crate::server::Server;
use crate::spec::same_specification;
use drover_model::registry::{NodePool, SchedulerConfiguration};
use drover_model::{
    Allocation, ClusterView, Deployment, EvalTrigger, Evaluation, GovernanceView, Job, JobKey, Node, NodeId, UnixNanos,
    WireTime,
};
use drover_scheduler::{Context, Outcome, schedule};
use drover_state::Snapshot;
use drover_wire::{cron, job};
use std::sync::Arc;
use std::time::Instant;

impl Server {
    /// Tries a job: what the scheduler would do with it.
    ///
    /// # Errors
    /// The job is not valid.
    pub async fn plan_job(&self, submitted: job::Job) -> Result<JobPlan> {
        let snapshot = self.inner.store.snapshot();
        let Accepted { mut job, warnings } = accept(submitted, &self.inner.config, &snapshot)?;
        let now = UnixNanos::now();
        let current = snapshot.job(&job.key()).cloned();
        job.submit_time = now;
        settle_version(&mut job, current.as_deref(), &snapshot);
        let mut plan = JobPlan {
            job_modify_index: current.as_ref().map_or(0, |current| current.job_modify_index),
            next_periodic_launch: next_launch(&job, now),
            warnings: warnings.to_text(),
            index: if current.is_some() { snapshot.index() } else { 0 },
            ..JobPlan::default()
        };
        let job = Arc::new(job);
        plan.current = current;
        plan.planned = job.clone();
        let outcome = dry_run(snapshot, job, now).await?;
        plan.annotations = outcome.eval.plan_annotations.clone();
        plan.failed_tg_allocs = outcome.eval.failed_tg_allocs.clone();
        plan.created_evals = outcome.follow_ups.into_iter().chain(outcome.blocked).collect();
        Ok(plan)
    }
}

/// The indexes and the version that the job would get.
fn settle_version(job: &mut Job, current: Option<&Job>, snapshot: &Snapshot) {
    let Some(current) = current else {
        job.job_modify_index = snapshot.index() + 1;
        job.create_index = job.job_modify_index;
        return;
    };
    job.create_index = current.create_index;
    if same_specification(current, job) {
        job.version = current.version;
        job.job_modify_index = current.job_modify_index;
        job.modify_index = current.modify_index;
        job.submit_time = current.submit_time;
        job.stable = current.stable;
    } else {
        job.version = current.version + 1;
        job.job_modify_index = snapshot.index() + 1;
        job.modify_index = job.job_modify_index;
    }
}

fn next_launch(job: &Job, now: UnixNanos) -> WireTime {
    let periodic = job.periodic.as_ref().filter(|periodic| periodic.enabled);
    WireTime(periodic.and_then(|periodic| cron::next_launch(periodic, now).ok().flatten()))
}

async fn dry_run(snapshot: Snapshot, job: Arc<Job>, now: UnixNanos) -> Result<Outcome> {
    let eval = Evaluation { annotate_plan: true, ..evals::for_job(&job, EvalTrigger::JobRegister, now) };
    // Jobs that only make others are placed for the sake of the plan.
    let placed = if is_placed(&job) { job } else { Arc::new(as_placed(&job)) };
    let context = Context { seed: rand::random(), now };
    let work = tokio::task::spawn_blocking(move || {
        let start = Instant::now();
        schedule(&WithJob { snapshot, job: placed }, &eval, context).map(|outcome| outcome.taking(start.elapsed()))
    });
    let outcome = work.await.map_err(|error| ServerError::unavailable(format!("the scheduler stopped: {error}")))?;
    outcome.map_err(|error| ServerError::refused(error.to_string()))
}

fn as_placed(job: &Job) -> Job {
    Job { periodic: None, parameterized_job: None, ..job.clone() }
}

/// The cluster as it would be with the job registered.
struct WithJob {
    snapshot: Snapshot,
    job: Arc<Job>,
}

impl ClusterView for WithJob {
    fn index(&self) -> u64 {
        self.snapshot.index()
    }
    fn job(&self, key: &JobKey) -> Option<Arc<Job>> {
        if self.job.id == key.id && self.job.namespace == key.namespace {
            return Some(self.job.clone());
        }
        self.snapshot.job(key).cloned()
    }
    fn each_node(&self, visit: &mut dyn FnMut(&Arc<Node>)) {
        self.snapshot.each_node(visit);
    }
    fn node(&self, id: &NodeId) -> Option<Arc<Node>> {
        self.snapshot.node(id).cloned()
    }
    fn allocs_of_job(&self, key: &JobKey) -> Vec<Arc<Allocation>> {
        self.snapshot.allocs_of_job(key)
    }
    fn allocs_of_node(&self, id: &NodeId) -> Vec<Arc<Allocation>> {
        self.snapshot.allocs_of_node(id)
    }
    fn latest_deployment(&self, key: &JobKey) -> Option<Arc<Deployment>> {
        self.snapshot.latest_deployment(key)
    }
    fn scheduler_configuration(&self) -> Arc<SchedulerConfiguration> {
        self.snapshot.scheduler_configuration().clone()
    }
    fn node_pool(&self, name: &str) -> Option<Arc<NodePool>> {
        self.snapshot.node_pool(name).cloned()
    }
    fn governance(&self) -> Option<&dyn GovernanceView> {
        Some(&self.snapshot)
    }
}
