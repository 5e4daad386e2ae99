//! Waiting for a condition with a limit, instead of sleeping.

use std::time::{Duration, Instant};

/// How long [`eventually`] waits.
const LIMIT: Duration = Duration::from_secs(40);
const POLL: Duration = Duration::from_millis(15);

/// Waits until `condition` holds.
///
/// # Panics
/// When it does not within the limit; `what` says what was awaited.
#[track_caller]
pub fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    wait_for(what, || condition().then_some(()));
}

/// Waits until `get` gives something, and returns it.
///
/// # Panics
/// When it does not within the limit; `what` says what was awaited.
#[track_caller]
pub fn wait_for<T>(what: &str, mut get: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = get() {
            return found;
        }
        assert!(began.elapsed() < LIMIT, "not within {LIMIT:?}: {what}");
        std::thread::sleep(POLL);
    }
}
