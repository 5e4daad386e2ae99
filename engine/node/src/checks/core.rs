//! The state of one check: how many good and bad results in a row mean something.

use super::Grade;
use drover_base::UnixNanos;
use drover_model::{Check, CheckRestart};

/// What a check says after a result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Standing {
    /// Nothing yet.
    #[default]
    Pending,
    /// It passes.
    Success,
    /// It does not.
    Failure,
}

impl Standing {
    /// As the API has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Success => "success",
            Self::Failure => "failure",
        }
    }
}

/// The state of one check.
#[derive(Clone, Debug)]
pub struct CheckCore {
    success_before_passing: u32,
    failures_before_critical: u32,
    restart: Option<CheckRestart>,
    restart_grace_until: UnixNanos,
    successes: u32,
    failures: u32,
    bad_for_restart: u32,
    standing: Standing,
}

impl CheckCore {
    /// A check whose task started at `now`.
    pub fn new(check: &Check, now: UnixNanos) -> Self {
        let restart = check.check_restart.clone().filter(|restart| restart.limit > 0);
        let standing = match check.initial_status.as_str() {
            "passing" => Standing::Success,
            "critical" | "warning" => Standing::Failure,
            _ => Standing::Pending,
        };
        Self {
            success_before_passing: check.success_before_passing.max(1),
            failures_before_critical: check.failures_before_critical.max(1),
            restart_grace_until: restart.as_ref().map_or(now, |restart| now.plus(restart.grace)),
            restart,
            successes: 0,
            failures: 0,
            bad_for_restart: 0,
            standing,
        }
    }

    /// What it says now.
    pub fn standing(&self) -> Standing {
        self.standing
    }

    /// Takes a result; says whether the task is to be restarted for bad health.
    pub fn record(&mut self, grade: Grade, now: UnixNanos) -> bool {
        if grade == Grade::Good {
            self.successes += 1;
            self.failures = 0;
            if self.successes >= self.success_before_passing {
                self.standing = Standing::Success;
            }
        } else {
            self.failures += 1;
            self.successes = 0;
            if self.failures >= self.failures_before_critical {
                self.standing = Standing::Failure;
            }
        }
        self.wants_restart(grade, now)
    }

    fn wants_restart(&mut self, grade: Grade, now: UnixNanos) -> bool {
        let Some(restart) = &self.restart else { return false };
        let is_bad = match grade {
            Grade::Good => false,
            Grade::Warning => !restart.ignore_warnings,
            Grade::Bad => true,
        };
        if !is_bad || now < self.restart_grace_until {
            self.bad_for_restart = 0;
            return false;
        }
        self.bad_for_restart += 1;
        if self.bad_for_restart < restart.limit {
            return false;
        }
        self.bad_for_restart = 0;
        self.restart_grace_until = now.plus(restart.grace);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use drover_base::Nanos;

    fn at(seconds: i64) -> UnixNanos {
        UnixNanos(1_000_000_000 * seconds)
    }

    #[test]
    fn results_in_a_row_decide() {
        let check = Check { success_before_passing: 2, failures_before_critical: 2, ..Check::default() };
        let mut core = CheckCore::new(&check, at(0));
        assert_eq!(core.standing(), Standing::Pending);
        core.record(Grade::Good, at(1));
        assert_eq!(core.standing(), Standing::Pending);
        core.record(Grade::Good, at(2));
        assert_eq!(core.standing(), Standing::Success);
        core.record(Grade::Bad, at(3));
        assert_eq!(core.standing(), Standing::Success);
        core.record(Grade::Bad, at(4));
        assert_eq!(core.standing(), Standing::Failure);
    }

    #[test]
    fn restarts_wait_for_the_grace_and_the_limit() {
        let restart = CheckRestart { limit: 2, grace: Nanos::from_secs(5), ignore_warnings: true };
        let check = Check { check_restart: Some(restart), ..Check::default() };
        let mut core = CheckCore::new(&check, at(0));
        assert!(!core.record(Grade::Bad, at(1)));
        assert!(!core.record(Grade::Bad, at(2)));
        assert!(!core.record(Grade::Bad, at(6)));
        assert!(!core.record(Grade::Warning, at(7)));
        assert!(!core.record(Grade::Bad, at(8)));
        assert!(core.record(Grade::Bad, at(9)));
    }
}
