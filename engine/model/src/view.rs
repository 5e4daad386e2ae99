//! What the scheduler may see of the replicated state.

use crate::registry::{NodePool, SchedulerConfiguration};
use crate::{Allocation, Deployment, Job, Node};
use drover_base::{JobKey, NodeId};
use std::sync::Arc;

/// A consistent, immutable view of the cluster at one index. The state's snapshots are one, the
/// in-memory clusters of tests and the simulator are others.
pub trait ClusterView {
    /// Raft index of the view.
    fn index(&self) -> u64;
    /// The current version of a job.
    fn job(&self, key: &JobKey) -> Option<Arc<Job>>;
    /// Calls `visit` for every node, in the order of their ids.
    fn each_node(&self, visit: &mut dyn FnMut(&Arc<Node>));
    /// One node.
    fn node(&self, id: &NodeId) -> Option<Arc<Node>>;
    /// All allocations of a job, whatever their status and version.
    fn allocs_of_job(&self, key: &JobKey) -> Vec<Arc<Allocation>>;
    /// All allocations on a node, whatever their status.
    fn allocs_of_node(&self, id: &NodeId) -> Vec<Arc<Allocation>>;
    /// The newest deployment of a job by creation.
    fn latest_deployment(&self, key: &JobKey) -> Option<Arc<Deployment>>;
    /// How the cluster schedules.
    fn scheduler_configuration(&self) -> Arc<SchedulerConfiguration>;
    /// A pool of nodes.
    fn node_pool(&self, name: &str) -> Option<Arc<NodePool>>;
}
