//! The shell of the watcher: it looks at deployments that were touched or ran out of time.

use super::core::{Decision, Observed, Watch, next_deadline};
use crate::error::Result;
use crate::evals;
use crate::server::Inner;
use crate::spec::same_specification;
use crate::timer;
use drover_model::placement::DeploymentUpdate;
use drover_model::{
    AllocId, Allocation, Deployment, DeploymentId, DeploymentStatus, DesiredTransition, EvalTrigger, Evaluation, Job,
    Nanos, UnixNanos,
};
use drover_state::{Command, DeploymentPromote, Snapshot, UpdateAllocDesiredTransition, UpdateDeploymentStatus};
use parking_lot::Mutex;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use tokio::sync::Notify;

/// Wait before a change that could not be written is tried again.
const RETRY_WAIT: Nanos = Nanos::from_secs(1);

/// Which deployments were touched.
#[derive(Debug, Default)]
pub struct Signals {
    touched: Mutex<BTreeSet<DeploymentId>>,
    notify: Notify,
}

impl Signals {
    /// A deployment or an allocation of it changed.
    pub fn mark(&self, id: &DeploymentId) {
        self.touched.lock().insert(id.clone());
        self.notify.notify_one();
    }
    /// Forgets all.
    pub fn clear(&self) {
        self.touched.lock().clear();
    }
}

/// Watches until the task is dropped.
pub(crate) async fn run(inner: Arc<Inner>) {
    let mut watches: HashMap<DeploymentId, (Watch, Option<UnixNanos>)> = HashMap::new();
    loop {
        let now = UnixNanos::now();
        let mut ids = std::mem::take(&mut *inner.deployments.touched.lock());
        ids.extend(watches.iter().filter(|(_, (_, at))| at.is_some_and(|at| at <= now)).map(|(id, _)| id.clone()));
        for id in ids {
            look(&inner, &id, &mut watches, now).await;
        }
        let wakeup = watches.values().filter_map(|(_, at)| *at).min();
        timer::until(wakeup, inner.deployments.notify.notified()).await;
    }
}

async fn look(
    inner: &Inner,
    id: &DeploymentId,
    watches: &mut HashMap<DeploymentId, (Watch, Option<UnixNanos>)>,
    now: UnixNanos,
) {
    let snapshot = inner.store.snapshot();
    let Some(deployment) = snapshot.deployment(id).filter(|deployment| deployment.is_active()) else {
        watches.remove(id);
        return;
    };
    let job = snapshot.job_version(&deployment.job_key(), deployment.job_version);
    let allocs: Vec<Arc<Allocation>> = snapshot.allocs_by_deployment(id).cloned().collect();
    let (watch, wakeup) = watches.entry(id.clone()).or_default();
    let before = watch.clone();
    let observed = Observed { deployment, job: job.map(|job| &**job), allocs: &allocs };
    let decision = watch.assess(observed, now);
    *wakeup = next_deadline(deployment);
    if let Err(error) = act(inner, &snapshot, deployment, decision, now).await {
        tracing::warn!(deployment = %id, %error, "deployment could not go on; it is tried again");
        *watch = before;
        *wakeup = Some(now.plus(RETRY_WAIT));
    }
}

async fn act(
    inner: &Inner,
    snapshot: &Snapshot,
    deployment: &Deployment,
    decision: Decision,
    now: UnixNanos,
) -> Result<()> {
    let command = match decision {
        Decision::Nothing => return Ok(()),
        Decision::Evaluate { replace } => Command::UpdateAllocDesiredTransition(UpdateAllocDesiredTransition {
            transitions: replace.into_iter().map(may_be_replaced).collect(),
            evals: evaluation(snapshot, deployment, now).into_iter().collect(),
            now,
        }),
        Decision::Promote => Command::DeploymentPromote(DeploymentPromote {
            id: deployment.id.clone(),
            groups: None,
            eval: evaluation(snapshot, deployment, now),
            now,
        }),
        Decision::Fail { reason, revert } => {
            let back = if revert { rollback(snapshot, deployment, reason, now) } else { Rollback::none(reason) };
            Command::UpdateDeploymentStatus(UpdateDeploymentStatus {
                update: DeploymentUpdate {
                    id: deployment.id.clone(),
                    status: DeploymentStatus::Failed,
                    description: back.description,
                },
                job: back.job,
                eval: evaluation(snapshot, deployment, now),
                now,
            })
        }
    };
    inner.propose(command).await?;
    Ok(())
}

fn may_be_replaced(id: AllocId) -> (AllocId, DesiredTransition) {
    (id, DesiredTransition { reschedule: Some(true), ..DesiredTransition::default() })
}

/// An evaluation of the deployment's job; `None` when the job is gone.
pub(crate) fn evaluation(snapshot: &Snapshot, deployment: &Deployment, now: UnixNanos) -> Option<Evaluation> {
    let job = snapshot.job(&deployment.job_key())?;
    let priority = if deployment.eval_priority > 0 { deployment.eval_priority } else { job.priority };
    Some(Evaluation {
        priority,
        deployment_id: deployment.id.clone(),
        job_modify_index: 0,
        ..evals::for_job(job, EvalTrigger::DeploymentWatcher, now)
    })
}

/// The way back after a failure.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Rollback {
    /// The job to register; `None` when there is nothing to go back to.
    pub job: Option<Arc<Job>>,
    /// The version that it was.
    pub version: Option<u64>,
    /// The status text of the deployment.
    pub description: String,
}

impl Rollback {
    /// No way back.
    pub(crate) fn none(reason: &str) -> Self {
        Self { job: None, version: None, description: reason.to_owned() }
    }
}

/// The last stable version before the deployment's, if it is another one.
pub(crate) fn rollback(snapshot: &Snapshot, deployment: &Deployment, reason: &str, now: UnixNanos) -> Rollback {
    let key = deployment.job_key();
    let stable = snapshot.job_versions(&key).iter().find(|job| job.stable && job.version != deployment.job_version);
    let Some(stable) = stable else {
        let description = format!("{reason} - no stable job version to auto revert to");
        return Rollback { description, ..Rollback::none(reason) };
    };
    let current = snapshot.job_version(&key, deployment.job_version);
    let version = stable.version;
    if current.is_some_and(|current| same_specification(current, stable)) {
        let description = format!(
            "{reason} - not rolling back to stable job version {version} as current job has same specification"
        );
        return Rollback { description, ..Rollback::none(reason) };
    }
    let job = Job { stable: true, submit_time: now, ..(**stable).clone() };
    Rollback {
        job: Some(Arc::new(job)),
        version: Some(version),
        description: format!("{reason} - rolling back to job version {version}"),
    }
}
