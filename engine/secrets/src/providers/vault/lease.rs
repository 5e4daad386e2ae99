//! Leases: what has to be renewed while it is used.

use std::time::Duration;

use tokio::time::Instant;

/// How long before the end of something that cannot be renewed it is left alone.
const RENEW_AT: f64 = 2.0 / 3.0;
/// How soon a renewal that failed is tried again, at least.
const MIN_PAUSE: Duration = Duration::from_secs(1);

/// When something ends and when it is renewed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Term {
    pub(super) lasts: Duration,
    ends: Instant,
    renew: Option<Instant>,
}

impl Term {
    /// From now on for `seconds`; renewed when two thirds of it are over.
    pub(super) fn new(seconds: u64, is_renewable: bool) -> Self {
        let now = Instant::now();
        let lasts = Duration::from_secs(seconds);
        let renew = (is_renewable && seconds > 0).then(|| now + lasts.mul_f64(RENEW_AT));
        Self { lasts, ends: now + lasts, renew }
    }

    pub(super) const fn renew_at(&self) -> Option<Instant> {
        self.renew
    }

    pub(super) fn is_due(&self) -> bool {
        self.renew.is_some_and(|at| at <= Instant::now())
    }

    /// A renewal failed: again after half of what is left, until it has ended.
    pub(super) fn failed(&mut self) {
        let now = Instant::now();
        let left = self.ends.saturating_duration_since(now);
        self.renew = (left > MIN_PAUSE).then(|| now + (left / 2).max(MIN_PAUSE));
    }
}

/// A lease on what was read at a path.
pub(super) struct Held {
    pub(super) path: String,
    pub(super) id: String,
    pub(super) is_renewable: bool,
    pub(super) term: Term,
    /// Something uses the value beyond this session.
    pub(super) is_kept: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn renewals_come_before_the_end_and_stop_with_it() {
        let mut term = Term::new(30, true);
        assert!(!term.is_due());
        tokio::time::advance(Duration::from_secs(20)).await;
        assert!(term.is_due());
        term.failed();
        assert_eq!(term.renew_at().unwrap() - Instant::now(), Duration::from_secs(5));
        tokio::time::advance(Duration::from_secs(10)).await;
        term.failed();
        assert!(term.renew_at().is_none(), "it has ended");
        assert!(Term::new(30, false).renew_at().is_none());
        assert!(Term::new(0, true).renew_at().is_none(), "what lasts for ever needs no renewal");
    }
}
