//! Replacements of failed allocations rather go elsewhere.

use drover_base::NodeId;

/// `None` unless an earlier attempt failed on the node.
pub(crate) fn reschedule_penalty(node: &NodeId, failed_on: &[NodeId]) -> Option<f64> {
    failed_on.contains(node).then_some(-1.0)
}
