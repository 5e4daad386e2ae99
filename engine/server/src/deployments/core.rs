//! What a deployment needs next. Pure: it sees one deployment and its allocations, and the time.

use drover_model::deployment::description;
use drover_model::{
    AllocId, Allocation, Deployment, DeploymentState, DeploymentStatus, Job, ReschedulePolicy, UnixNanos,
};
use std::sync::Arc;

/// What is known of a deployment at one index.
#[derive(Clone, Copy, Debug)]
pub struct Observed<'a> {
    /// The deployment.
    pub deployment: &'a Deployment,
    /// The version of the job that it deploys.
    pub job: Option<&'a Job>,
    /// Its allocations.
    pub allocs: &'a [Arc<Allocation>],
}

/// What to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Nothing has changed.
    Nothing,
    /// The scheduler should look again: the next batch, replacements, or the end.
    Evaluate {
        /// Unhealthy ones that may be replaced before the deployment is over.
        replace: Vec<AllocId>,
    },
    /// All canaries are healthy, and every group promotes by itself.
    Promote,
    /// It is given up.
    Fail {
        /// Why, in the words of its status.
        reason: &'static str,
        /// Whether a group that failed wants the last stable version back.
        revert: bool,
    },
}

/// What was seen of a deployment before.
#[derive(Clone, Debug, Default)]
pub struct Watch {
    /// Health results already acted on: (healthy, unhealthy, promoted groups).
    seen: (u32, u32, usize),
}

impl Watch {
    /// Looks at a deployment; what is decided counts as done.
    pub fn assess(&mut self, observed: Observed<'_>, now: UnixNanos) -> Decision {
        let deployment = observed.deployment;
        if deployment.status != DeploymentStatus::Running {
            return Decision::Nothing;
        }
        if let Some(failure) = failure(observed, now) {
            return failure;
        }
        if deployment.requires_promotion() && deployment.has_auto_promote() && canaries_are_healthy(observed) {
            return Decision::Promote;
        }
        let results = results(deployment);
        if results == self.seen {
            return Decision::Nothing;
        }
        self.seen = results;
        Decision::Evaluate { replace: replaceable(observed) }
    }
}

/// When the next group runs out of time without progress.
pub fn next_deadline(deployment: &Deployment) -> Option<UnixNanos> {
    if deployment.status != DeploymentStatus::Running {
        return None;
    }
    deployment.task_groups.values().filter(|state| !is_waiting_or_done(state)).filter_map(deadline).min()
}

fn deadline(state: &DeploymentState) -> Option<UnixNanos> {
    if state.progress_deadline.is_zero() {
        return None;
    }
    state.require_progress_by.as_ref()?.nanos()
}

fn failure(observed: Observed<'_>, now: UnixNanos) -> Option<Decision> {
    let deployment = observed.deployment;
    let mut failed = None;
    for alloc in observed.allocs.iter().filter(|alloc| alloc.is_unhealthy()) {
        let Some(state) = deployment.task_groups.get(&alloc.task_group) else { continue };
        if state.progress_deadline.is_zero() || !may_be_replaced(observed, alloc) {
            failed = Some(failed.unwrap_or(false) || state.auto_revert);
        }
    }
    if let Some(revert) = failed {
        return Some(Decision::Fail { reason: description::FAILED_ALLOCATIONS, revert });
    }
    let mut late = None;
    for state in deployment.task_groups.values() {
        if !is_waiting_or_done(state) && deadline(state).is_some_and(|by| by <= now) {
            late = Some(late.unwrap_or(false) || state.auto_revert);
        }
    }
    late.map(|revert| Decision::Fail { reason: description::PROGRESS_DEADLINE, revert })
}

/// Whether a group needs no more progress by itself: all healthy, or its canaries wait for a person.
fn is_waiting_or_done(state: &DeploymentState) -> bool {
    if state.desired_canaries > 0 && !state.promoted {
        return state.healthy_allocs >= state.desired_canaries
            && state.placed_canaries.len() >= state.desired_canaries as usize;
    }
    state.healthy_allocs >= state.desired_total
}

fn may_be_replaced(observed: Observed<'_>, alloc: &Allocation) -> bool {
    let group = observed.job.and_then(|job| job.group(&alloc.task_group)).or_else(|| alloc.group());
    let Some(policy) = group.and_then(|group| group.reschedule_policy.as_ref()) else { return false };
    policy.unlimited || attempts_left(policy, alloc)
}

fn attempts_left(policy: &ReschedulePolicy, alloc: &Allocation) -> bool {
    let used = alloc.reschedule_tracker.as_ref().map_or(0, |tracker| {
        let newest = tracker.events.iter().map(|event| event.reschedule_time).max().unwrap_or_default();
        let recent = |event: &&drover_model::RescheduleEvent| newest.since(event.reschedule_time) <= policy.interval;
        tracker.events.iter().filter(recent).count()
    });
    used < policy.attempts as usize
}

fn canaries_are_healthy(observed: Observed<'_>) -> bool {
    let healthy = |id: &AllocId| observed.allocs.iter().any(|alloc| alloc.id == *id && alloc.is_healthy());
    observed
        .deployment
        .task_groups
        .values()
        .filter(|state| state.desired_canaries > 0 && !state.promoted)
        .all(|state| state.placed_canaries.iter().filter(|id| healthy(id)).count() >= state.desired_canaries as usize)
}

/// Healthy canaries change nothing until they are promoted.
fn results(deployment: &Deployment) -> (u32, u32, usize) {
    let groups = deployment.task_groups.values();
    let goes_on = |state: &&DeploymentState| state.desired_canaries == 0 || state.promoted;
    (
        groups.clone().filter(goes_on).map(|state| state.healthy_allocs).sum(),
        groups.clone().map(|state| state.unhealthy_allocs).sum(),
        groups.filter(|state| state.promoted).count(),
    )
}

fn replaceable(observed: Observed<'_>) -> Vec<AllocId> {
    observed
        .allocs
        .iter()
        .filter(|alloc| alloc.is_unhealthy() && alloc.desired_transition.reschedule != Some(true))
        .map(|alloc| alloc.id.clone())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use drover_model::{AllocDeploymentStatus, Nanos, TaskGroup, WireTime};
    use proptest::prelude::*;

    const NOW: UnixNanos = UnixNanos(1_000_000_000_000);

    struct Case {
        job: Job,
        deployment: Deployment,
        allocs: Vec<Arc<Allocation>>,
    }

    impl Case {
        fn new(total: u32, canaries: u32) -> Self {
            let group = TaskGroup {
                name: "g".to_owned(),
                reschedule_policy: Some(ReschedulePolicy { unlimited: true, ..ReschedulePolicy::default() }),
                ..TaskGroup::default()
            };
            let job = Job { task_groups: vec![group], ..Job::default() };
            let mut deployment = Deployment::new("d".into(), &job, 50, NOW);
            let state = DeploymentState {
                desired_total: total,
                desired_canaries: canaries,
                progress_deadline: Nanos::from_secs(60),
                require_progress_by: Some(WireTime::from(NOW.plus(Nanos::from_secs(60)))),
                ..DeploymentState::default()
            };
            deployment.task_groups.insert("g".to_owned(), state);
            Self { job, deployment, allocs: Vec::new() }
        }
        fn state(&mut self) -> &mut DeploymentState {
            self.deployment.task_groups.get_mut("g").unwrap()
        }
        fn alloc(&mut self, id: &str, healthy: Option<bool>, canary: bool) {
            match healthy {
                Some(true) => self.state().healthy_allocs += 1,
                Some(false) => self.state().unhealthy_allocs += 1,
                None => {}
            }
            if canary {
                self.state().placed_canaries.push(id.into());
            }
            self.allocs.push(Arc::new(Allocation {
                id: id.into(),
                task_group: "g".to_owned(),
                deployment_status: Some(AllocDeploymentStatus { healthy, canary, ..Default::default() }),
                ..Allocation::default()
            }));
        }
        fn assess(&self, watch: &mut Watch, now: UnixNanos) -> Decision {
            let observed = Observed { deployment: &self.deployment, job: Some(&self.job), allocs: &self.allocs };
            watch.assess(observed, now)
        }
    }

    #[test]
    fn each_health_result_is_acted_on_once() {
        let mut case = Case::new(2, 0);
        let mut watch = Watch::default();
        case.alloc("a", None, false);
        assert_eq!(case.assess(&mut watch, NOW), Decision::Nothing);
        case.alloc("b", Some(true), false);
        assert_eq!(case.assess(&mut watch, NOW), Decision::Evaluate { replace: vec![] });
        assert_eq!(case.assess(&mut watch, NOW), Decision::Nothing);
        case.alloc("c", Some(true), false);
        assert_eq!(case.assess(&mut watch, NOW), Decision::Evaluate { replace: vec![] });
    }

    #[test]
    fn unhealthy_ones_are_replaced_until_the_deadline_then_it_fails() {
        let mut case = Case::new(1, 0);
        case.state().auto_revert = true;
        let mut watch = Watch::default();
        case.alloc("a", Some(false), false);
        assert_eq!(case.assess(&mut watch, NOW), Decision::Evaluate { replace: vec!["a".into()] });
        let late = next_deadline(&case.deployment).unwrap();
        let fail = Decision::Fail { reason: description::PROGRESS_DEADLINE, revert: true };
        assert_eq!(case.assess(&mut watch, late), fail);
    }

    #[test]
    fn without_replacement_the_first_unhealthy_one_fails_it() {
        for no_deadline in [true, false] {
            let mut case = Case::new(1, 0);
            if no_deadline {
                case.state().progress_deadline = Nanos::ZERO;
            } else {
                case.job.task_groups[0].reschedule_policy = Some(ReschedulePolicy::default());
            }
            case.alloc("a", Some(false), false);
            let fail = Decision::Fail { reason: description::FAILED_ALLOCATIONS, revert: false };
            assert_eq!(case.assess(&mut Watch::default(), NOW), fail, "no_deadline: {no_deadline}");
        }
    }

    #[test]
    fn canaries_promote_by_themselves_only_when_all_are_healthy() {
        let mut case = Case::new(3, 2);
        case.state().auto_promote = true;
        let mut watch = Watch::default();
        case.alloc("a", Some(true), true);
        case.alloc("b", None, true);
        assert_eq!(case.assess(&mut watch, NOW), Decision::Nothing);
        case.allocs.pop();
        case.state().placed_canaries.pop();
        case.alloc("b", Some(true), true);
        assert_eq!(case.assess(&mut watch, NOW), Decision::Promote);
    }

    #[test]
    fn healthy_canaries_wait_for_a_person_without_a_deadline() {
        let mut case = Case::new(3, 1);
        case.alloc("a", Some(true), true);
        assert_eq!(next_deadline(&case.deployment), None);
        let much_later = NOW.plus(Nanos::from_hours(5));
        assert_eq!(case.assess(&mut Watch::default(), much_later), Decision::Nothing);
        case.state().promoted = true;
        assert!(matches!(case.assess(&mut Watch::default(), much_later), Decision::Fail { .. }));
    }

    #[test]
    fn paused_deployments_are_left_alone() {
        let mut case = Case::new(1, 0);
        case.alloc("a", Some(false), false);
        case.deployment.status = DeploymentStatus::Paused;
        assert_eq!(case.assess(&mut Watch::default(), NOW.plus(Nanos::from_hours(1))), Decision::Nothing);
        assert_eq!(next_deadline(&case.deployment), None);
    }

    #[derive(Clone, Copy, Debug)]
    enum Step {
        Place,
        Report(u8, bool),
        Promote,
        Wait(u8),
        Pause(bool),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            Just(Step::Place),
            (any::<u8>(), any::<bool>()).prop_map(|(which, healthy)| Step::Report(which, healthy)),
            Just(Step::Promote),
            (1..90_u8).prop_map(Step::Wait),
            any::<bool>().prop_map(Step::Pause),
        ];
        proptest::collection::vec(step, 1..60)
    }

    proptest! {
        /// A model of a deployment: it fails only when late or beyond replacement, every result leads to
        /// exactly one evaluation, and nothing happens while it is paused.
        #[test]
        fn decisions_follow_the_model(total in 1..5_u32, canaries in 0..3_u32, replaceable: bool, steps in steps()) {
            let mut case = Case::new(total, canaries);
            if !replaceable {
                case.job.task_groups[0].reschedule_policy = None;
            }
            let mut watch = Watch::default();
            let mut now = NOW;
            let mut acted_on = (0, 0, 0);
            for step in steps {
                match step {
                    Step::Place => {
                        let id = format!("a{}", case.allocs.len());
                        let is_canary = (case.allocs.len() as u32) < canaries;
                        case.alloc(&id, None, is_canary);
                    }
                    Step::Report(which, healthy) if !case.allocs.is_empty() => {
                        let at = usize::from(which) % case.allocs.len();
                        let alloc = (*case.allocs[at]).clone();
                        let mut status = alloc.deployment_status.clone().unwrap();
                        if status.healthy.is_some() {
                            continue;
                        }
                        status.healthy = Some(healthy);
                        case.allocs[at] = Arc::new(Allocation { deployment_status: Some(status), ..alloc });
                        if healthy {
                            case.state().healthy_allocs += 1;
                            let by = now.plus(Nanos::from_secs(60));
                            case.state().require_progress_by = Some(WireTime::from(by));
                        } else {
                            case.state().unhealthy_allocs += 1;
                        }
                    }
                    Step::Promote if canaries > 0 => case.state().promoted = true,
                    Step::Wait(secs) => now = now.plus(Nanos::from_secs(i64::from(secs))),
                    Step::Pause(pause) => {
                        case.deployment.status = if pause { DeploymentStatus::Paused } else { DeploymentStatus::Running };
                    }
                    _ => {}
                }
                let paused = case.deployment.status == DeploymentStatus::Paused;
                let unhealthy = case.allocs.iter().any(|alloc| alloc.is_unhealthy());
                let late = next_deadline(&case.deployment).is_some_and(|at| at <= now);
                match case.assess(&mut watch, now) {
                    decision if paused => prop_assert_eq!(decision, Decision::Nothing),
                    Decision::Fail { reason, .. } => {
                        let hopeless = unhealthy && !replaceable;
                        prop_assert!(hopeless || late, "failed too early");
                        prop_assert_eq!(reason == description::FAILED_ALLOCATIONS, hopeless);
                        return Ok(());
                    }
                    Decision::Nothing => {
                        let hopeless = unhealthy && !replaceable;
                        prop_assert!(!late && !hopeless, "should have failed");
                        prop_assert_eq!(results(&case.deployment), acted_on, "a result was not acted on");
                    }
                    Decision::Evaluate { .. } => {
                        prop_assert_ne!(results(&case.deployment), acted_on, "evaluated for nothing");
                        acted_on = results(&case.deployment);
                    }
                    Decision::Promote => prop_assert!(false, "nothing promotes by itself here"),
                }
            }
        }
    }
}
