//! What becomes of root keys with time. Pure: it sees the keys, what uses them, and the time.

use crate::config::KeyringConfig;
use drover_model::UnixNanos;
use drover_model::registry::{RootKey, RootKeyState};
use std::sync::Arc;

/// What the leader should do now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Make the first key.
    Initialize,
    /// Make a key that becomes active at this time.
    Prepublish(UnixNanos),
    /// Make this key the active one: its time has come.
    Promote(String),
    /// Remove this key: nothing uses it any more.
    Remove(String),
}

/// What should be done at `now`. `is_used` tells whether something was sealed or signed with a key that is still there.
pub fn steps(
    keys: &[Arc<RootKey>],
    config: &KeyringConfig,
    now: UnixNanos,
    is_used: impl Fn(&RootKey) -> bool,
) -> Vec<Step> {
    let with_state = |state: RootKeyState| keys.iter().filter(move |key| key.state == state);
    let Some(active) = with_state(RootKeyState::Active).next() else { return vec![Step::Initialize] };
    let mut steps = Vec::new();
    let next = with_state(RootKeyState::Prepublished).min_by_key(|key| (key.publish_time, key.key_id.clone()));
    match next {
        Some(next) if next.publish_time <= now => steps.push(Step::Promote(next.key_id.clone())),
        Some(_) => {}
        None => {
            let half = drover_model::Nanos(config.rotation_threshold.0 / 2);
            if active.create_time.plus(half) <= now {
                // Whoever checks identities has the other half of its life to learn of the new key.
                steps.push(Step::Prepublish(active.create_time.plus(config.rotation_threshold).max(now)));
            }
        }
    }
    let unused = keys.iter().filter(|key| {
        matches!(key.state, RootKeyState::Inactive | RootKeyState::Deprecated)
            && key.create_time.plus(config.gc_threshold) <= now
            && !is_used(key)
    });
    steps.extend(unused.map(|key| Step::Remove(key.key_id.clone())));
    steps
}

#[cfg(test)]
mod tests {
    use super::*;
    use drover_model::Nanos;

    fn key(id: &str, state: RootKeyState, hours: i64, publish_hours: i64) -> Arc<RootKey> {
        let at = |hours: i64| UnixNanos(Nanos::from_hours(hours).0);
        Arc::new(RootKey {
            key_id: id.to_owned(),
            state,
            create_time: at(hours),
            publish_time: at(publish_hours),
            ..RootKey::default()
        })
    }

    #[track_caller]
    fn check(keys: &[Arc<RootKey>], hours: i64, expected: &[Step]) {
        let now = UnixNanos(Nanos::from_hours(hours).0);
        let is_used = |key: &RootKey| key.key_id.starts_with("used");
        assert_eq!(steps(keys, &KeyringConfig::default(), now, is_used), expected);
    }

    #[test]
    fn keys_are_made_published_promoted_and_removed_in_time() {
        use RootKeyState::{Active, Inactive, Prepublished, Rekeying};
        let at = |hours: i64| UnixNanos(Nanos::from_hours(hours).0);
        check(&[], 0, &[Step::Initialize]);
        check(&[key("a", Active, 0, 0)], 359, &[]);
        check(&[key("a", Active, 0, 0)], 360, &[Step::Prepublish(at(720))]);
        check(&[key("a", Active, 0, 0)], 900, &[Step::Prepublish(at(900))]);
        let keys = [key("a", Active, 0, 0), key("c", Prepublished, 360, 721), key("b", Prepublished, 360, 720)];
        check(&keys, 719, &[]);
        check(&keys, 720, &[Step::Promote("b".to_owned())]);
        let keys = [
            key("a", Active, 10, 0),
            key("b", Inactive, 0, 0),
            key("used", Inactive, 0, 0),
            key("r", Rekeying, 0, 0),
            key("young", Inactive, 11, 0),
        ];
        check(&keys, 11, &[Step::Remove("b".to_owned())]);
    }
}
