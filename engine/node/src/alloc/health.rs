//! Whether an allocation is healthy: its tasks have been up, and its checks passing, for long enough.

use super::core::{Role, Slot};
use drover_base::{Nanos, UnixNanos};
use drover_model::TaskStateKind;

/// Health is told a little after it is reached, as the reference's nodes do, which report in beats of this length:
/// whoever starts a deployment with short times still sees it run.
const SETTLE: Nanos = Nanos(200_000_000);

/// What decides about health.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthRules {
    /// Checks count, not only tasks.
    pub uses_checks: bool,
    /// For so long all must be well.
    pub min_healthy_time: Nanos,
    /// Within this time after the start.
    pub healthy_deadline: Nanos,
}

/// What is known after a look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    /// Look again at this time, or when something changes.
    Unknown {
        /// The next time at which something may be decided.
        look_at: UnixNanos,
    },
    /// It is healthy.
    Healthy,
    /// It is not, and per task there may be something to say.
    Unhealthy(Vec<(usize, String)>),
}

/// Watches one allocation until its health is known.
#[derive(Clone, Debug)]
pub struct HealthCore {
    rules: HealthRules,
    deadline: UnixNanos,
    good_since: Option<UnixNanos>,
}

impl HealthCore {
    /// Begins to watch at `now`.
    pub fn new(rules: HealthRules, now: UnixNanos) -> Self {
        let deadline = now.plus(rules.healthy_deadline);
        Self { rules, deadline, good_since: None }
    }

    /// Looks at the tasks, and whether all checks that count are passing.
    pub fn look(&mut self, slots: &[Slot], checks_pass: bool, now: UnixNanos) -> Health {
        if let Some(fault) = fatal(slots) {
            return Health::Unhealthy(vec![fault]);
        }
        let tasks_up_since = up_since(slots);
        let is_good = tasks_up_since.is_some() && (checks_pass || !self.rules.uses_checks);
        self.good_since = match (is_good, tasks_up_since) {
            (true, Some(since)) if !self.rules.uses_checks => Some(since),
            // A restart begins the time anew.
            (true, Some(since)) => Some(self.good_since.unwrap_or(now).max(since)),
            _ => None,
        };
        let good_at = self.good_since.map(|since| since.plus(self.rules.min_healthy_time));
        let deadline = self.deadline;
        let good_at = good_at.map(|at| if at > deadline { at } else { at.plus(SETTLE).min(deadline) });
        if good_at.is_some_and(|at| at <= now) {
            return Health::Healthy;
        }
        if now >= self.deadline {
            return Health::Unhealthy(self.faults(slots));
        }
        Health::Unknown { look_at: good_at.map_or(self.deadline, |at| at.min(self.deadline)) }
    }

    fn faults(&self, slots: &[Slot]) -> Vec<(usize, String)> {
        let HealthRules { min_healthy_time, healthy_deadline, .. } = self.rules;
        let mut faults = Vec::new();
        for (number, slot) in slots.iter().enumerate().filter(|(_, slot)| !is_passing_by(slot.role)) {
            let state = slot.core.state();
            let started = state.started_at.and_then(|time| time.nanos()).unwrap_or_default();
            let text = if state.state != TaskStateKind::Running {
                format!("Task not running by healthy_deadline of {healthy_deadline}")
            } else if started.plus(min_healthy_time) > self.deadline {
                format!(
                    "Task not running for min_healthy_time of {min_healthy_time} by healthy_deadline of {healthy_deadline}"
                )
            } else {
                format!("Services not healthy by healthy_deadline of {healthy_deadline}")
            };
            faults.push((number, text));
        }
        faults
    }
}

/// Tasks that are meant to end, or to run only afterwards.
fn is_passing_by(role: Role) -> bool {
    matches!(role, Role::Prestart | Role::Poststart | Role::Poststop)
}

fn fatal(slots: &[Slot]) -> Option<(usize, String)> {
    slots.iter().enumerate().find_map(|(number, slot)| {
        let state = slot.core.state();
        if state.failed {
            return Some((number, "Unhealthy because of failed task".to_owned()));
        }
        let is_gone = state.state == TaskStateKind::Dead && !is_passing_by(slot.role);
        is_gone.then(|| (number, "Unhealthy because of dead task".to_owned()))
    })
}

/// The last start, when all that should be up are.
fn up_since(slots: &[Slot]) -> Option<UnixNanos> {
    let mut latest = UnixNanos(0);
    for slot in slots.iter().filter(|slot| slot.role != Role::Poststop) {
        let state = slot.core.state();
        let is_done = state.state == TaskStateKind::Dead && is_passing_by(slot.role);
        if state.state != TaskStateKind::Running && !is_done {
            return None;
        }
        if !is_passing_by(slot.role) {
            latest = latest.max(state.started_at?.nanos()?);
        }
    }
    Some(latest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::core::{TaskCore, TaskInput, TaskRules};
    use crate::task::events::Exit;
    use drover_model::RestartPolicy;

    fn at(seconds: i64) -> UnixNanos {
        UnixNanos(1_000_000_000 * (1_000 + seconds))
    }

    fn running(since: i64) -> Slot {
        let restart = RestartPolicy { attempts: 3, interval: Nanos::from_mins(9), ..RestartPolicy::default() };
        let mut core = TaskCore::new(TaskRules { restart, ..TaskRules::default() }, at(since));
        core.handle(TaskInput::Begin, at(since), 0.0);
        core.handle(TaskInput::SetupDone(Ok(())), at(since), 0.0);
        core.handle(TaskInput::Started(Ok(())), at(since), 0.0);
        Slot { name: "t".into(), role: Role::Main, is_leader: false, core }
    }

    fn core(uses_checks: bool) -> HealthCore {
        let rules =
            HealthRules { uses_checks, min_healthy_time: Nanos::from_secs(10), healthy_deadline: Nanos::from_secs(60) };
        HealthCore::new(rules, at(0))
    }

    #[test]
    fn a_task_that_stays_up_makes_it_healthy() {
        let (mut core, slots) = (core(false), [running(5)]);
        assert_eq!(core.look(&slots, false, at(6)), Health::Unknown { look_at: at(15).plus(SETTLE) });
        assert_eq!(core.look(&slots, false, at(15).plus(SETTLE)), Health::Healthy);
    }

    #[test]
    fn checks_must_pass_for_the_whole_time() {
        let (mut core, slots) = (core(true), [running(5)]);
        assert_eq!(core.look(&slots, false, at(6)), Health::Unknown { look_at: at(60) });
        assert_eq!(core.look(&slots, true, at(20)), Health::Unknown { look_at: at(30).plus(SETTLE) });
        assert_eq!(core.look(&slots, false, at(25)), Health::Unknown { look_at: at(60) });
        assert_eq!(core.look(&slots, true, at(26)), Health::Unknown { look_at: at(36).plus(SETTLE) });
        assert_eq!(core.look(&slots, true, at(36).plus(SETTLE)), Health::Healthy);
    }

    #[test]
    fn a_restart_begins_the_time_anew() {
        let mut core = core(false);
        let mut slot = running(5);
        slot.core.handle(TaskInput::Exited(Exit { code: 1, ..Exit::default() }), at(7), 0.0);
        slot.core.handle(TaskInput::Started(Ok(())), at(12), 0.0);
        assert_eq!(core.look(&[slot], false, at(15)), Health::Unknown { look_at: at(22).plus(SETTLE) });
    }

    #[test]
    fn the_deadline_says_what_is_missing() {
        let (mut core, slots) = (core(false), [running(55)]);
        let text = "Task not running for min_healthy_time of 10s by healthy_deadline of 1m0s";
        assert_eq!(core.look(&slots, true, at(60)), Health::Unhealthy(vec![(0, text.into())]));
    }

    #[test]
    fn a_task_that_is_over_makes_it_unhealthy_at_once() {
        let mut slot = running(1);
        slot.core = TaskCore::new(TaskRules::default(), at(0));
        slot.core.handle(TaskInput::Kill(crate::task::core::Kill::default()), at(2), 0.0);
        let health = core(false).look(&[slot], true, at(3));
        assert!(matches!(health, Health::Unhealthy(faults) if faults[0].1.contains("dead task")));
    }
}
