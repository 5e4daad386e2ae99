//! When failed allocations are replaced.

use drover_base::{Nanos, UnixNanos};
use drover_model::{
    AllocClientStatus, AllocDesiredStatus, Allocation, RescheduleEvent, ReschedulePolicy, RescheduleTracker,
};

/// The last replacement found a node.
const LAST_OK: &str = "ok";
/// The last replacement found no node; it may be tried again.
pub(crate) const LAST_FAILED: &str = "no placement";
/// Replacements at most this far ahead are made now.
const WINDOW: Nanos = Nanos::from_secs(1);
/// With unlimited attempts only the newest events are kept.
const MAX_PAST_EVENTS: usize = 5;

fn policy(alloc: &Allocation) -> Option<&ReschedulePolicy> {
    alloc.group()?.reschedule_policy.as_ref()
}

/// Whether the last attempt to replace it found no node.
pub(crate) fn last_failed(alloc: &Allocation) -> bool {
    alloc.reschedule_tracker.as_ref().is_some_and(|tracker| tracker.last_reschedule == LAST_FAILED)
}

/// When it ended, as far as is known.
pub(crate) fn last_event_time(alloc: &Allocation) -> UnixNanos {
    let finished = alloc.task_states.values().filter_map(|state| state.finished_at?.nanos());
    finished.max().unwrap_or(alloc.modify_time)
}

/// The wait before the next replacement.
pub(crate) fn next_delay(alloc: &Allocation) -> Nanos {
    let Some(policy) = policy(alloc) else { return Nanos::ZERO };
    let events = alloc.reschedule_tracker.as_ref().map_or(&[][..], |tracker| &tracker.events);
    let Some(last) = events.last() else { return policy.delay };
    let delay = match policy.delay_function.as_str() {
        "exponential" => Nanos(last.delay.0.saturating_mul(2)),
        "fibonacci" => match events.len().checked_sub(2).map(|at| events[at].delay) {
            // A series that went down from the ceiling begins anew.
            Some(before) if before == policy.max_delay && last.delay == policy.delay => last.delay,
            Some(before) => Nanos(last.delay.0.saturating_add(before.0)),
            None => policy.delay,
        },
        _ => return policy.delay,
    };
    if policy.max_delay <= Nanos::ZERO || delay <= policy.max_delay {
        return delay;
    }
    // It ran for longer than the ceiling: things are calm again.
    let ran = last_event_time(alloc).since(last.reschedule_time);
    if ran > policy.max_delay { policy.delay } else { policy.max_delay }
}

/// When it may be replaced; `None` when it may not.
pub(crate) fn next_time(alloc: &Allocation) -> Option<UnixNanos> {
    let policy = policy(alloc)?;
    let failed_at = last_event_time(alloc);
    let is_wanted = alloc.desired_status != AllocDesiredStatus::Stop || last_failed(alloc);
    let is_over = matches!(alloc.client_status, AllocClientStatus::Failed | AllocClientStatus::Lost);
    if !is_wanted || !is_over || failed_at.is_zero() {
        return None;
    }
    let delay = next_delay(alloc);
    let eligible = policy.unlimited || has_attempts_left(alloc, policy, failed_at, delay);
    eligible.then(|| failed_at.plus(delay))
}

fn has_attempts_left(alloc: &Allocation, policy: &ReschedulePolicy, failed_at: UnixNanos, delay: Nanos) -> bool {
    if policy.attempts == 0 {
        return false;
    }
    let Some(tracker) = &alloc.reschedule_tracker else { return true };
    let recent = tracker.events.iter().filter(|event| failed_at.since(event.reschedule_time) < policy.interval);
    recent.count() < policy.attempts as usize && (tracker.events.is_empty() || delay < policy.interval)
}

/// What is to be done with a failed allocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    Now,
    Later(UnixNanos),
    Never,
}

/// Whether to replace it in this evaluation.
pub(crate) fn when(alloc: &Allocation, eval: &str, in_active_deployment: bool, now: UnixNanos) -> When {
    let wish = &alloc.desired_transition;
    // The deployment decides about its own allocations.
    if in_active_deployment && wish.reschedule != Some(true) {
        return When::Never;
    }
    if wish.force_reschedule == Some(true) {
        return When::Now;
    }
    let Some(at) = next_time(alloc) else { return When::Never };
    if alloc.followup_eval_id == *eval || at.since(now) <= WINDOW {
        return When::Now;
    }
    if alloc.followup_eval_id.is_empty() { When::Later(at) } else { When::Never }
}

/// The tracker of the allocation that replaces `previous`.
pub(crate) fn next_tracker(previous: &Allocation, now: UnixNanos) -> RescheduleTracker {
    let old = previous.reschedule_tracker.as_ref().map_or(&[][..], |tracker| &tracker.events);
    let mut events: Vec<RescheduleEvent> = match policy(previous) {
        Some(policy) if policy.attempts > 0 => old
            .iter()
            .filter(|event| policy.interval > Nanos::ZERO && now.since(event.reschedule_time) <= policy.interval)
            .cloned()
            .collect(),
        _ => old[old.len().saturating_sub(MAX_PAST_EVENTS)..].to_vec(),
    };
    events.push(RescheduleEvent {
        reschedule_time: now,
        prev_alloc_id: previous.id.clone(),
        prev_node_id: previous.node_id.clone(),
        delay: next_delay(previous),
    });
    RescheduleTracker { events, last_reschedule: LAST_OK.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use drover_model::{Job, TaskGroup};
    use std::sync::Arc;

    fn failed(policy: ReschedulePolicy, delays: &[i64]) -> Allocation {
        let group = TaskGroup { name: "g".into(), reschedule_policy: Some(policy), ..TaskGroup::default() };
        let events = delays.iter().enumerate().map(|(i, secs)| RescheduleEvent {
            reschedule_time: UnixNanos(i64::try_from(i).unwrap() * 1_000_000_000),
            delay: Nanos::from_secs(*secs),
            ..RescheduleEvent::default()
        });
        Allocation {
            task_group: "g".into(),
            client_status: AllocClientStatus::Failed,
            modify_time: UnixNanos(10_000_000_000),
            job: Some(Arc::new(Job { task_groups: vec![group], ..Job::default() })),
            reschedule_tracker: (!delays.is_empty())
                .then(|| RescheduleTracker { events: events.collect(), last_reschedule: LAST_OK.into() }),
            ..Allocation::default()
        }
    }

    fn policy(function: &str, attempts: u32) -> ReschedulePolicy {
        ReschedulePolicy {
            attempts,
            interval: Nanos::from_hours(1),
            delay: Nanos::from_secs(5),
            delay_function: function.into(),
            max_delay: Nanos::from_secs(60),
            unlimited: attempts == 0,
        }
    }

    #[test]
    fn delays_grow_up_to_their_ceiling() {
        for (function, delays, want) in [
            ("constant", &[5, 5][..], 5),
            ("exponential", &[], 5),
            ("exponential", &[5, 10], 20),
            ("exponential", &[20, 40], 60),
            ("fibonacci", &[5], 5),
            ("fibonacci", &[5, 5], 10),
            ("fibonacci", &[5, 10], 15),
            ("fibonacci", &[60, 5], 5),
        ] {
            assert_eq!(
                next_delay(&failed(policy(function, 0), delays)),
                Nanos::from_secs(want),
                "{function} {delays:?}"
            );
        }
    }

    #[test]
    fn attempts_are_counted_within_the_interval() {
        assert!(next_time(&failed(policy("constant", 2), &[5])).is_some());
        assert!(next_time(&failed(policy("constant", 2), &[5, 5])).is_none());
        let mut later = failed(policy("constant", 2), &[5, 5]);
        later.modify_time = UnixNanos(2 * 3_600_000_000_000);
        assert!(next_time(&later).is_some());
    }

    #[test]
    fn a_follow_up_evaluation_replaces_what_it_was_made_for() {
        let mut alloc = failed(policy("constant", 0), &[]);
        let now = alloc.modify_time;
        assert_eq!(when(&alloc, "e2", false, now), When::Later(now.plus(Nanos::from_secs(5))));
        alloc.followup_eval_id = "e2".into();
        assert_eq!(when(&alloc, "e1", false, now), When::Never);
        assert_eq!(when(&alloc, "e2", false, now), When::Now);
        assert_eq!(when(&alloc, "e2", true, now), When::Never);
    }
}
