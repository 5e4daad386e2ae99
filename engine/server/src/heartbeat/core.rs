//! Which nodes have been silent for too long. Pure: time and jitter come in.

use crate::config::HeartbeatConfig;
use drover_model::{Nanos, NodeId, UnixNanos};
use std::collections::{BTreeSet, HashMap};

/// Deadlines of all live nodes.
#[derive(Debug)]
pub struct Heartbeats {
    config: HeartbeatConfig,
    by_node: HashMap<NodeId, UnixNanos>,
    by_time: BTreeSet<(UnixNanos, NodeId)>,
}

impl Heartbeats {
    /// No nodes yet.
    pub fn new(config: HeartbeatConfig) -> Self {
        Self { config, by_node: HashMap::new(), by_time: BTreeSet::new() }
    }

    /// A node was heard of: how long until it must be heard of again. `jitter` is in `0.0..1.0`.
    pub fn beat(&mut self, node: &NodeId, now: UnixNanos, jitter: f64) -> Nanos {
        let ttl = self.ttl(jitter);
        self.set_deadline(node, now.plus(ttl).plus(self.config.grace));
        ttl
    }

    /// A node that was alive when this server became leader gets a generous time.
    pub fn restore(&mut self, node: &NodeId, now: UnixNanos) {
        self.set_deadline(node, now.plus(self.config.failover_ttl));
    }

    /// A node is gone, or known to be down.
    pub fn forget(&mut self, node: &NodeId) {
        if let Some(at) = self.by_node.remove(node) {
            self.by_time.remove(&(at, node.clone()));
        }
    }

    /// Nodes whose time is over; they are forgotten until they are heard of again.
    pub fn expired(&mut self, now: UnixNanos) -> Vec<NodeId> {
        let mut expired = Vec::new();
        while let Some((at, node)) = self.by_time.first().cloned() {
            if at > now {
                break;
            }
            self.forget(&node);
            expired.push(node);
        }
        expired
    }

    /// When the next node's time is over.
    pub fn next_deadline(&self) -> Option<UnixNanos> {
        self.by_time.first().map(|(at, _)| *at)
    }

    /// Forgets all, when leadership is lost.
    pub fn clear(&mut self) {
        self.by_node.clear();
        self.by_time.clear();
    }

    fn set_deadline(&mut self, node: &NodeId, at: UnixNanos) {
        self.forget(node);
        self.by_node.insert(node.clone(), at);
        self.by_time.insert((at, node.clone()));
    }

    /// The minimum, or more when many nodes share the allowed rate; spread by up to as much again.
    fn ttl(&self, jitter: f64) -> Nanos {
        let nodes = i64::try_from(self.by_node.len()).unwrap_or(i64::MAX);
        let rate = i64::from(self.config.max_per_second.max(1));
        let shared = Nanos::from_secs(1).0.saturating_mul(nodes) / rate;
        let base = self.config.min_ttl.0.max(shared);
        #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "jitter needs no precision")]
        let spread = (base as f64 * jitter.clamp(0.0, 1.0)) as i64;
        Nanos(base.saturating_add(spread))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixNanos = UnixNanos(1_000_000_000_000);

    #[test]
    fn silent_nodes_expire_after_ttl_and_grace_and_only_once() {
        let mut beats = Heartbeats::new(HeartbeatConfig::default());
        let ttl = beats.beat(&"a".into(), NOW, 0.0);
        assert_eq!(ttl, Nanos::from_secs(10));
        assert!(beats.expired(NOW.plus(ttl)).is_empty(), "grace");
        assert_eq!(beats.expired(NOW.plus(Nanos::from_secs(20))), [NodeId::from("a")]);
        assert!(beats.expired(NOW.plus(Nanos::from_secs(90))).is_empty());
    }

    #[test]
    fn a_beat_moves_the_deadline() {
        let mut beats = Heartbeats::new(HeartbeatConfig::default());
        beats.restore(&"a".into(), NOW);
        assert_eq!(beats.next_deadline(), Some(NOW.plus(Nanos::from_mins(5))));
        beats.beat(&"a".into(), NOW, 0.5);
        assert_eq!(beats.next_deadline(), Some(NOW.plus(Nanos::from_secs(25))));
        beats.forget(&"a".into());
        assert_eq!(beats.next_deadline(), None);
    }

    #[test]
    fn many_nodes_beat_less_often() {
        let mut beats = Heartbeats::new(HeartbeatConfig::default());
        for n in 0..2000 {
            beats.beat(&format!("n{n}").into(), NOW, 0.0);
        }
        assert_eq!(beats.beat(&"n0".into(), NOW, 0.0), Nanos::from_secs(40));
    }
}
