//! Sleeping until a point in time or a signal, whichever comes first.

use drover_model::UnixNanos;
use std::future::Future;

/// Waits until `at` (for ever, if `None`) or until `signal` resolves.
pub(crate) async fn until(at: Option<UnixNanos>, signal: impl Future<Output = ()>) {
    match at {
        None => signal.await,
        Some(at) => {
            let wait = at.since(UnixNanos::now()).as_duration();
            // The wake-up of a timer is never early, but the two clocks may differ by a little.
            let wait = wait + std::time::Duration::from_millis(1);
            let _ = tokio::time::timeout(wait, signal).await;
        }
    }
}
