//! Update, restart, reschedule, migrate and disconnect policies of a group.

use super::{nanos, text};
use crate::job::{MigrateStrategy, ReschedulePolicy, RestartPolicy, TaskGroup, UpdateStrategy};
use crate::problems::Problems;
use drover_base::Nanos;

const MIN_RESTART_INTERVAL: Nanos = Nanos::from_secs(5);
const MIN_RESCHEDULE_DELAY: Nanos = Nanos::from_secs(5);
const MIN_RESCHEDULE_INTERVAL: Nanos = Nanos::from_secs(15);
/// Attempts after which a delay has come to its ceiling, or to the largest one there is.
const MAX_GROWING_ATTEMPTS: i64 = 128;

pub(super) fn update(update: &UpdateStrategy, problems: &mut Problems) {
    let max_parallel = update.max_parallel.unwrap_or_default();
    let check = text(&update.health_check);
    if !matches!(check, "checks" | "task_states" | "manual") {
        problems.add(format!("Invalid health check given: {check:?}"));
    }
    if max_parallel < 0 {
        problems.add(format!("Max parallel can not be less than zero: {max_parallel} < 0"));
    }
    let canary = update.canary.unwrap_or_default();
    if canary < 0 {
        problems.add(format!("Canary count can not be less than zero: {canary} < 0"));
    }
    if canary == 0 && update.auto_promote == Some(true) {
        problems.add("Auto Promote requires a Canary count greater than zero");
    }
    let (healthy, deadline) = (nanos(update.min_healthy_time), nanos(update.healthy_deadline));
    let progress = nanos(update.progress_deadline);
    if healthy < Nanos::ZERO {
        problems.add(format!("Minimum healthy time may not be less than zero: {healthy}"));
    }
    if deadline <= Nanos::ZERO {
        problems.add(format!("Healthy deadline must be greater than zero: {deadline}"));
    }
    if progress < Nanos::ZERO {
        problems.add(format!("Progress deadline must be zero or greater: {progress}"));
    }
    if healthy >= deadline {
        problems.add(format!("Minimum healthy time must be less than healthy deadline: {healthy} > {deadline}"));
    }
    if !progress.is_zero() && deadline >= progress {
        problems.add(format!("Healthy deadline must be less than progress deadline: {deadline} > {progress}"));
    }
    let stagger = nanos(update.stagger);
    if stagger <= Nanos::ZERO {
        problems.add(format!("Stagger must be greater than zero: {stagger}"));
    }
}

pub(super) fn restart(policy: &RestartPolicy, problems: &mut Problems) {
    let mode = text(&policy.mode);
    if !matches!(mode, "delay" | "fail") {
        problems.add(format!("Unsupported restart mode: {mode:?}"));
        if mode.is_empty() {
            return;
        }
    }
    let attempts = policy.attempts.unwrap_or_default();
    if attempts < 0 {
        problems.add(format!("Restart attempts can not be less than zero: {attempts} < 0"));
    }
    if attempts == 0 && mode != "fail" {
        problems.add(format!("Restart policy {mode:?} with 0 attempts is ambiguous"));
    }
    let (interval, delay) = (nanos(policy.interval), nanos(policy.delay));
    if interval < MIN_RESTART_INTERVAL {
        problems.add(format!("Interval can not be less than {MIN_RESTART_INTERVAL} (got {interval})"));
    }
    if attempts.saturating_mul(delay.0) > interval.0 {
        problems.add(format!(
            "Nomad can't restart the TaskGroup {attempts} times in an interval of {interval} with a delay of {delay}"
        ));
    }
}

/// The policy of a task. The reference takes any; one that cannot be followed is refused here.
pub(super) fn task_restart(policy: &RestartPolicy, problems: &mut Problems) {
    let mode = text(&policy.mode);
    if !matches!(mode, "delay" | "fail") {
        problems.add(format!("Unsupported restart mode: {mode:?}"));
    }
    let attempts = policy.attempts.unwrap_or_default();
    if attempts < 0 {
        problems.add(format!("Restart attempts can not be less than zero: {attempts} < 0"));
    }
}

pub(super) fn reschedule(policy: &ReschedulePolicy, problems: &mut Problems) {
    let attempts = policy.attempts.unwrap_or_default();
    let unlimited = policy.unlimited == Some(true);
    if attempts <= 0 && !unlimited {
        return;
    }
    let (interval, delay) = (nanos(policy.interval), nanos(policy.delay));
    if attempts > 0 {
        problems.add_if(interval <= Nanos::ZERO, "Interval must be a non zero value if Attempts > 0");
        if unlimited {
            problems.add(format!(
                "Reschedule Policy with Attempts = {attempts}, Interval = {interval}, and Unlimited = true is ambiguous"
            ));
            problems.add("If Attempts >0, Unlimited cannot also be set to true");
        }
    }
    let mut is_countable = true;
    if delay < MIN_RESCHEDULE_DELAY {
        problems.add(format!("Delay cannot be less than {MIN_RESCHEDULE_DELAY} (got {delay})"));
        is_countable = false;
    }
    let function = text(&policy.delay_function);
    if !matches!(function, "constant" | "exponential" | "fibonacci") {
        problems.add(format!(
            "Invalid delay function {function:?}, must be one of [\"constant\" \"exponential\" \"fibonacci\"]"
        ));
        is_countable = false;
    }
    let max_delay = nanos(policy.max_delay);
    if function != "constant" {
        if max_delay < MIN_RESCHEDULE_DELAY {
            // The reference shows the delay here, not the largest one.
            problems.add(format!("Max Delay cannot be less than {MIN_RESCHEDULE_DELAY} (got {delay})"));
            is_countable = false;
        }
        if max_delay < delay {
            problems.add(format!("Max Delay cannot be less than Delay {delay} (got {max_delay})"));
            is_countable = false;
        }
    }
    if unlimited {
        return;
    }
    if interval < MIN_RESCHEDULE_INTERVAL {
        problems.add(format!("Interval cannot be less than {MIN_RESCHEDULE_INTERVAL} (got {interval})"));
    }
    if is_countable {
        attempts_fit(attempts, interval, delay, function, max_delay, problems);
    }
}

/// Whether the attempts with their delays fit into the interval.
fn attempts_fit(
    attempts: i64,
    interval: Nanos,
    delay: Nanos,
    function: &str,
    max_delay: Nanos,
    problems: &mut Problems,
) {
    let (mut total, mut possible) = (Nanos::ZERO, None);
    let (mut current, mut previous) = (delay, Nanos::ZERO);
    for attempt in 0..attempts {
        if attempt > MAX_GROWING_ATTEMPTS {
            // From here on all delays are the same.
            if possible.is_none() && current.0 > 0 {
                let more = interval.0.saturating_sub(total.0) / current.0;
                possible = Some(attempt + more).filter(|possible| *possible < attempts);
            }
            total = Nanos(total.0.saturating_add(current.0.saturating_mul(attempts - attempt)));
            break;
        }
        let next = Nanos(total.0.saturating_add(current.0));
        if next > interval && possible.is_none() {
            possible = Some(attempt);
        }
        total = next;
        let following = match function {
            "exponential" => Nanos(current.0.saturating_mul(2)),
            "fibonacci" if previous.is_zero() => current,
            "fibonacci" => Nanos(current.0.saturating_add(previous.0)),
            _ => current,
        };
        previous = current;
        current = if function == "constant" { following } else { following.min(max_delay) };
    }
    if total <= interval {
        return;
    }
    let possible = possible.unwrap_or_default();
    let ceiling = if function == "constant" {
        format!(" and delay function {function:?}")
    } else {
        format!(", delay function {function:?}, and delay ceiling {max_delay}")
    };
    problems.add(format!("Nomad can only make {possible} attempts in {interval} with initial delay {delay}{ceiling}"));
    problems.add(format!("Set the interval to at least {total} to accommodate {attempts} attempts"));
}

pub(super) fn migrate(migrate: &MigrateStrategy, problems: &mut Problems) {
    let max_parallel = migrate.max_parallel.unwrap_or_default();
    if max_parallel < 0 {
        problems.add(format!("MaxParallel must be >= 0 but found {max_parallel}"));
    }
    match text(&migrate.health_check) {
        "checks" | "task_states" => {}
        "" => problems.add("Missing HealthCheck"),
        other => problems.add(format!("Invalid HealthCheck: {other:?}")),
    }
    let (healthy, deadline) = (nanos(migrate.min_healthy_time), nanos(migrate.healthy_deadline));
    if healthy < Nanos::ZERO {
        problems.add(format!("MinHealthyTime is {healthy} and must be >= 0"));
    }
    if deadline < Nanos::ZERO {
        problems.add(format!("HealthyDeadline is {deadline} and must be >= 0"));
    }
    if healthy > deadline {
        problems.add("MinHealthyTime must be less than HealthyDeadline");
    }
}

pub(super) fn disconnect(group: &TaskGroup, kind: &str, problems: &mut Problems) {
    let Some(disconnect) = &group.disconnect else {
        problems.add_if(
            group.max_client_disconnect.is_some_and(|wait| wait < 0),
            "max_client_disconnect cannot be negative",
        );
        return;
    };
    let lost_after = disconnect.lost_after.unwrap_or_default();
    problems.add_if(lost_after < 0, "lost_after cannot be a negative duration");
    if let Some(stop_after) = disconnect.stop_on_client_after {
        problems.add_if(stop_after < 0, "stop_after cannot be a negative duration");
        problems.add_if(
            !matches!(kind, "service" | "batch"),
            "stop_after can only be used with service or batch job types",
        );
        problems.add_if(lost_after != 0, "Disconnect cannot be configured with both lost_after and stop_after");
    }
    let reconcile = text(&disconnect.reconcile);
    if !matches!(reconcile, "" | "best_score" | "keep_original" | "keep_replacement" | "longest_running") {
        problems.add(format!("reconcile option is invalid: {reconcile}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_are_counted_as_the_reference_does() {
        let policy = |function: &str, max_delay| ReschedulePolicy {
            attempts: Some(10),
            interval: Some(Nanos::from_secs(100).0),
            delay: Some(Nanos::from_secs(20).0),
            delay_function: Some(function.to_owned()),
            max_delay: Some(Nanos::from_secs(max_delay).0),
            unlimited: Some(false),
        };
        let check = |policy: &ReschedulePolicy| {
            let mut problems = Problems::default();
            reschedule(policy, &mut problems);
            problems.into_list()
        };
        assert_eq!(
            check(&policy("constant", 0)),
            [
                "Nomad can only make 5 attempts in 1m40s with initial delay 20s and delay function \"constant\"",
                "Set the interval to at least 3m20s to accommodate 10 attempts",
            ]
        );
        assert_eq!(
            check(&policy("exponential", 30)),
            [
                "Nomad can only make 3 attempts in 1m40s with initial delay 20s, delay function \"exponential\", and delay ceiling 30s",
                "Set the interval to at least 4m50s to accommodate 10 attempts",
            ]
        );
    }
}
