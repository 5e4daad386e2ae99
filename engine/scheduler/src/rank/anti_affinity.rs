//! Allocations of one group rather go to different nodes.

/// `None` while no other allocation of the group is on the node.
pub(crate) fn collision_score(on_node: u32, count: u32) -> Option<f64> {
    (on_node > 0).then(|| -f64::from(on_node + 1) / f64::from(count.max(1)))
}
