//! Whether a job that was written is done: pure, from what the engine says about it.

use drover_base::Nanos;
use serde::Serialize;

use crate::desired::Wait;
use crate::scheduling::PlacementFailure;

/// How long allocations may wait for room that is about to be freed before that counts as a placement failure.
pub const PLACEMENT_GRACE: Nanos = Nanos(5_000_000_000);

/// What the engine says about one version of a job.
#[derive(Clone, Debug, Default)]
pub struct Observation {
    /// `service`, `batch`, `system` or `sysbatch`.
    pub job_type: String,
    /// Whether the job only runs when it is time or when it is dispatched.
    pub runs_later: bool,
    /// Whether the evaluation of the write is finished.
    pub evaluated: bool,
    /// What the evaluation could not place.
    pub failures: Vec<PlacementFailure>,
    /// Allocations that wait for a place.
    pub queued: u64,
    /// How many allocations the job's groups ask for; 0 when the engine decides (system jobs).
    pub wanted: u64,
    /// The deployment of this version.
    pub deployment: Option<Deployment>,
    /// The allocations of this version that should run.
    pub allocations: Vec<Allocation>,
    /// Since the write.
    pub elapsed: Nanos,
}

/// A deployment.
#[derive(Clone, Debug, Default)]
pub struct Deployment {
    /// Its id.
    pub id: String,
    /// The engine's word.
    pub status: String,
    /// The engine's sentence.
    pub description: String,
    /// Whether it waits for a person to promote its healthy canaries.
    pub needs_promotion: bool,
    /// Allocations wanted, placed, healthy and unhealthy, over all groups.
    pub desired: u64,
    /// See `desired`.
    pub placed: u64,
    /// See `desired`.
    pub healthy: u64,
    /// See `desired`.
    pub unhealthy: u64,
}

/// An allocation.
#[derive(Clone, Debug, Default)]
pub struct Allocation {
    /// Its id.
    pub id: String,
    /// `pending`, `running`, `complete`, `failed`, `lost` or `unknown`.
    pub client_status: String,
    /// Whether another one was placed in its stead, or will be.
    pub is_followed: bool,
    /// What happened last in one of its tasks, when that was bad.
    pub trouble: Option<String>,
}

/// How far a job is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Progress {
    /// Allocations that have a place.
    pub placed: u64,
    /// Allocations that are healthy, run, or are complete, whatever is waited for.
    pub ready: u64,
    /// Allocations wanted.
    pub total: u64,
}

/// The judgement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Not yet.
    Waiting(Progress),
    /// Done; the note says if something is left for a person.
    Ready {
        /// How far it is.
        progress: Progress,
        /// Such as "waits for promotion".
        note: Option<String>,
    },
    /// Allocations cannot be placed.
    NotPlaced(Vec<PlacementFailure>),
    /// It will not become healthy.
    Unhealthy {
        /// Why, one reason each.
        reasons: Vec<String>,
        /// Allocations whose logs tell more.
        look_at: Vec<String>,
    },
}

/// Judges an observation.
pub fn judge(wait: Wait, seen: &Observation) -> Verdict {
    let progress = progress(wait, seen);
    if wait == Wait::None || seen.runs_later {
        return Verdict::Ready {
            progress,
            note: seen.runs_later.then(|| "runs when it is due or dispatched".to_owned()),
        };
    }
    if !seen.failures.is_empty() && seen.queued > 0 && seen.elapsed >= PLACEMENT_GRACE {
        return Verdict::NotPlaced(seen.failures.clone());
    }
    if let Some(deployment) = &seen.deployment
        && wait == Wait::Healthy
    {
        return judge_deployment(deployment, seen, progress);
    }
    let failed: Vec<&Allocation> = seen
        .allocations
        .iter()
        .filter(|allocation| matches!(allocation.client_status.as_str(), "failed" | "lost") && !allocation.is_followed)
        .collect();
    if !failed.is_empty() {
        return unhealthy("an allocation failed", &failed);
    }
    let is_ready =
        seen.evaluated && progress.placed >= progress.total && progress.ready >= progress.total && progress.placed > 0;
    let asks_for_nothing = seen.evaluated
        && seen.wanted == 0
        && seen.allocations.is_empty()
        && seen.queued == 0
        && seen.job_type != "system";
    if is_ready || asks_for_nothing {
        return Verdict::Ready { progress, note: None };
    }
    Verdict::Waiting(progress)
}

fn judge_deployment(deployment: &Deployment, seen: &Observation, progress: Progress) -> Verdict {
    match deployment.status.as_str() {
        "successful" => Verdict::Ready { progress, note: None },
        "failed" | "cancelled" => {
            let troubled: Vec<&Allocation> =
                seen.allocations.iter().filter(|allocation| allocation.trouble.is_some()).collect();
            let what = if deployment.description.is_empty() { &deployment.status } else { &deployment.description };
            unhealthy(&format!("deployment {}: {what}", short(&deployment.id)), &troubled)
        }
        "paused" => Verdict::Ready { progress, note: Some(format!("deployment {} is paused", short(&deployment.id))) },
        _ if deployment.needs_promotion => Verdict::Ready {
            progress,
            note: Some(format!("canaries are healthy; deployment {} waits for promotion", short(&deployment.id))),
        },
        _ => Verdict::Waiting(progress),
    }
}

/// The judgement when the time is over.
pub fn timed_out(wait: Wait, seen: &Observation, timeout: Nanos) -> Verdict {
    if !seen.failures.is_empty() && seen.queued > 0 {
        return Verdict::NotPlaced(seen.failures.clone());
    }
    let Progress { placed, ready, total } = progress(wait, seen);
    let word = if wait == Wait::Healthy && seen.deployment.is_some() { "healthy" } else { "running" };
    let word = if wait == Wait::Complete { "complete" } else { word };
    let troubled: Vec<&Allocation> =
        seen.allocations.iter().filter(|allocation| allocation.trouble.is_some()).collect();
    unhealthy(&format!("not {word} within {timeout}: {placed} placed, {ready} {word}, {total} wanted"), &troubled)
}

fn unhealthy(what: &str, allocations: &[&Allocation]) -> Verdict {
    let mut reasons = vec![what.to_owned()];
    for allocation in allocations.iter().take(3) {
        if let Some(trouble) = &allocation.trouble {
            reasons.push(format!("allocation {}: {trouble}", short(&allocation.id)));
        }
    }
    Verdict::Unhealthy {
        reasons,
        look_at: allocations.iter().take(3).map(|allocation| allocation.id.clone()).collect(),
    }
}

fn progress(wait: Wait, seen: &Observation) -> Progress {
    if let Some(deployment) = &seen.deployment
        && wait == Wait::Healthy
    {
        return Progress { placed: deployment.placed, ready: deployment.healthy, total: deployment.desired };
    }
    let counts = |allocation: &&Allocation| match wait {
        Wait::Complete => allocation.client_status == "complete",
        _ => matches!(allocation.client_status.as_str(), "running" | "complete"),
    };
    let live = seen.allocations.iter().filter(|allocation| !allocation.is_followed);
    let placed = live.clone().count() as u64;
    let total = if seen.wanted == 0 { placed + seen.queued } else { seen.wanted };
    Progress { placed, ready: live.filter(counts).count() as u64, total }
}

/// The first eight characters of an id, as people know it.
pub fn short(id: &str) -> &str {
    id.get(..8).unwrap_or(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allocation(status: &str) -> Allocation {
        Allocation { id: "0123456789".into(), client_status: status.into(), ..Allocation::default() }
    }

    fn service(status: &str) -> Observation {
        let deployment = Deployment {
            id: "d1".into(),
            status: status.into(),
            desired: 2,
            placed: 2,
            healthy: 1,
            ..Deployment::default()
        };
        Observation {
            job_type: "service".into(),
            evaluated: true,
            wanted: 2,
            deployment: Some(deployment),
            ..Observation::default()
        }
    }

    fn is_ready(verdict: &Verdict) -> bool {
        matches!(verdict, Verdict::Ready { .. })
    }

    #[test]
    fn a_service_is_as_healthy_as_its_deployment() {
        assert_eq!(
            judge(Wait::Healthy, &service("running")),
            Verdict::Waiting(Progress { placed: 2, ready: 1, total: 2 })
        );
        assert!(is_ready(&judge(Wait::Healthy, &service("successful"))));
        let mut failed = service("failed");
        failed.allocations = vec![Allocation { trouble: Some("exit 1".into()), ..allocation("failed") }];
        let Verdict::Unhealthy { reasons, look_at } = judge(Wait::Healthy, &failed) else { panic!("unhealthy") };
        assert!(reasons[1].contains("allocation 01234567: exit 1"), "{reasons:?}");
        assert_eq!(look_at, ["0123456789"]);
    }

    #[test]
    fn a_batch_job_is_done_when_it_runs_or_is_complete() {
        let mut seen = Observation { job_type: "batch".into(), evaluated: true, wanted: 1, ..Observation::default() };
        assert!(matches!(judge(Wait::Healthy, &seen), Verdict::Waiting(_)));
        seen.allocations = vec![allocation("running")];
        assert!(is_ready(&judge(Wait::Healthy, &seen)));
        assert!(matches!(judge(Wait::Complete, &seen), Verdict::Waiting(_)));
        seen.allocations = vec![allocation("complete")];
        assert!(is_ready(&judge(Wait::Complete, &seen)));
        seen.allocations = vec![allocation("failed")];
        assert!(matches!(judge(Wait::Healthy, &seen), Verdict::Unhealthy { .. }));
        seen.allocations[0].is_followed = true;
        assert!(matches!(judge(Wait::Healthy, &seen), Verdict::Waiting(_)), "a rescheduled one is not the end");
    }

    #[test]
    fn what_cannot_be_placed_gets_a_moment_and_then_fails() {
        let failures = vec![PlacementFailure { group: "g".into(), count: 1, reasons: vec!["memory".into()] }];
        let mut seen =
            Observation { evaluated: true, wanted: 1, queued: 1, failures: failures.clone(), ..Observation::default() };
        assert!(matches!(judge(Wait::Healthy, &seen), Verdict::Waiting(_)));
        seen.elapsed = PLACEMENT_GRACE;
        assert_eq!(judge(Wait::Healthy, &seen), Verdict::NotPlaced(failures));
    }

    #[test]
    fn a_periodic_job_and_wait_none_are_done_at_once() {
        assert!(is_ready(&judge(Wait::None, &Observation::default())));
        assert!(is_ready(&judge(Wait::Healthy, &Observation { runs_later: true, ..Observation::default() })));
    }
}
