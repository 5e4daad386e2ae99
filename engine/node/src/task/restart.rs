//! The restart policy: whether and when a task that ended is started again.

use drover_base::{Nanos, UnixNanos};
use drover_model::RestartPolicy;
use drover_model::policy::RestartMode;
use serde::{Deserialize, Serialize};

/// Said of an ordinary restart.
pub const WITHIN_POLICY: &str = "Restart within policy";
/// Said when the attempts of an interval are used up and the mode is `delay`.
const DELAYED: &str = "Exceeded allowed attempts, applying a delay";
/// Said when the policy has no attempts.
const NO_RESTARTS: &str = "Policy allows no restarts";
/// Said when trying again cannot help.
const UNRECOVERABLE: &str = "Error was unrecoverable";

/// Delays grow by up to this share, so that tasks that failed together do not start together.
const JITTER_SHARE: f64 = 0.25;

/// What is to happen to a task that ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is started again after the delay.
    Restart {
        /// Why, for people.
        reason: &'static str,
        /// Until then.
        delay: Nanos,
    },
    /// It has failed.
    Fail {
        /// Why, for people.
        reason: String,
    },
    /// It has done its work.
    Done,
}

/// Why a verdict is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// It ended with code 0.
    Success,
    /// It ended otherwise, or is unhealthy, or could not be started this time.
    Failure,
    /// It can never be started.
    Unrecoverable,
}

/// Counts the restarts of one task.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestartTracker {
    count: u32,
    interval_start: UnixNanos,
}

impl RestartTracker {
    /// Judges an end of the task at `now`. `restarts_on_success` holds for services; `jitter` is from 0 to 1.
    pub fn judge(
        &mut self,
        policy: &RestartPolicy,
        cause: Cause,
        restarts_on_success: bool,
        now: UnixNanos,
        jitter: f64,
    ) -> Verdict {
        if cause == Cause::Success && !restarts_on_success {
            return Verdict::Done;
        }
        if cause == Cause::Unrecoverable {
            return Verdict::Fail { reason: UNRECOVERABLE.to_owned() };
        }
        if policy.attempts == 0 && policy.mode == RestartMode::Fail {
            return Verdict::Fail { reason: NO_RESTARTS.to_owned() };
        }
        if self.interval_start.is_zero() || now > self.interval_start.plus(policy.interval) {
            self.count = 0;
            self.interval_start = now;
        }
        self.count += 1;
        if self.count <= policy.attempts {
            return Verdict::Restart { reason: WITHIN_POLICY, delay: jittered(policy.delay, jitter) };
        }
        match policy.mode {
            RestartMode::Fail => Verdict::Fail {
                reason: format!(
                    "Exceeded allowed attempts {} in interval {} and mode is \"fail\"",
                    policy.attempts, policy.interval
                ),
            },
            RestartMode::Delay => {
                let rest = self.interval_start.plus(policy.interval).since(now).0.max(0);
                Verdict::Restart { reason: DELAYED, delay: Nanos(rest) }
            }
        }
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "a jitter need not be exact")]
fn jittered(delay: Nanos, jitter: f64) -> Nanos {
    Nanos(delay.0 + (delay.0 as f64 * JITTER_SHARE * jitter.clamp(0.0, 1.0)) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000_000;

    fn policy(attempts: u32, mode: RestartMode) -> RestartPolicy {
        RestartPolicy {
            attempts,
            interval: Nanos::from_secs(10),
            delay: Nanos::from_secs(1),
            mode,
            ..RestartPolicy::default()
        }
    }

    fn at(seconds: i64) -> UnixNanos {
        UnixNanos((1_000 + seconds) * SECOND)
    }

    /// Judges failures at the given seconds; `None` is a final failure, otherwise the delay in seconds.
    fn check(policy: &RestartPolicy, ends: &[i64], expected: &[Option<i64>]) {
        let mut tracker = RestartTracker::default();
        let delays: Vec<_> = ends
            .iter()
            .map(|end| match tracker.judge(policy, Cause::Failure, true, at(*end), 0.0) {
                Verdict::Restart { delay, .. } => Some(delay.0 / SECOND),
                _ => None,
            })
            .collect();
        assert_eq!(delays, expected);
    }

    #[test]
    fn attempts_are_counted_per_interval() {
        check(&policy(2, RestartMode::Fail), &[0, 1, 2], &[Some(1), Some(1), None]);
        check(&policy(2, RestartMode::Fail), &[0, 11, 22, 33], &[Some(1), Some(1), Some(1), Some(1)]);
        check(&policy(0, RestartMode::Fail), &[0], &[None]);
    }

    #[test]
    fn delay_mode_waits_for_the_interval_to_end() {
        check(&policy(1, RestartMode::Delay), &[0, 2, 11], &[Some(1), Some(8), Some(1)]);
    }

    #[test]
    fn a_batch_task_that_succeeds_is_done() {
        let mut tracker = RestartTracker::default();
        let policy = policy(3, RestartMode::Fail);
        assert_eq!(tracker.judge(&policy, Cause::Success, false, at(0), 0.0), Verdict::Done);
        assert!(matches!(tracker.judge(&policy, Cause::Success, true, at(0), 0.0), Verdict::Restart { .. }));
        assert!(matches!(tracker.judge(&policy, Cause::Unrecoverable, true, at(0), 0.0), Verdict::Fail { .. }));
    }

    #[test]
    fn jitter_adds_at_most_a_quarter() {
        assert_eq!(jittered(Nanos::from_secs(4), 0.0), Nanos::from_secs(4));
        assert_eq!(jittered(Nanos::from_secs(4), 1.0), Nanos::from_secs(5));
    }
}
