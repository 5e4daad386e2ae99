//! What the scheduler may see of the replicated state.

use crate::csi::CsiVolume;
use crate::quota::{QuotaHeld, QuotaSpec};
use crate::registry::{NamespaceSpec, NodePool, SchedulerConfiguration};
use crate::volume::{HostVolume, VolumeClaim};
use crate::{Allocation, Deployment, Job, Node, NodeHold};
use drover_base::{AllocId, JobKey, Namespace, NodeId};
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
    /// An allocation on a node, whatever its status.
    fn alloc_of_node(&self, node: &NodeId, id: &AllocId) -> Option<Arc<Allocation>> {
        self.allocs_of_node(node).into_iter().find(|alloc| alloc.id == *id)
    }
    /// What the live allocations of a node hold together, where the view keeps count of it.
    fn node_hold(&self, _id: &NodeId) -> Option<NodeHold> {
        None
    }
    /// The newest deployment of a job by creation.
    fn latest_deployment(&self, key: &JobKey) -> Option<Arc<Deployment>>;
    /// How the cluster schedules.
    fn scheduler_configuration(&self) -> Arc<SchedulerConfiguration>;
    /// A pool of nodes.
    fn node_pool(&self, name: &str) -> Option<Arc<NodePool>>;
    /// Volumes, namespaces and quotas, where the view has any.
    fn governance(&self) -> Option<&dyn GovernanceView> {
        None
    }
}

/// What beside nodes and allocations decides on placements: volumes, namespaces, quotas.
pub trait GovernanceView {
    /// A dynamic host volume.
    fn host_volume(&self, id: &str) -> Option<Arc<HostVolume>>;
    /// The sticky volumes that a group of a job holds.
    fn volume_claims(&self, job: &JobKey, group: &str) -> Vec<Arc<VolumeClaim>>;
    /// A volume of an external storage provider.
    fn csi_volume(&self, namespace: &Namespace, id: &str) -> Option<Arc<CsiVolume>>;
    /// How many volumes of a CSI plugin a node holds.
    fn csi_volumes_on(&self, node: &NodeId, plugin: &str) -> usize;
    /// Whether a CSI plugin can attach volumes somewhere.
    fn is_csi_schedulable(&self, plugin: &str) -> bool;
    /// An allocation; `None` when it was collected.
    fn alloc(&self, id: &AllocId) -> Option<Arc<Allocation>>;
    /// A namespace.
    fn namespace(&self, name: &Namespace) -> Option<Arc<NamespaceSpec>>;
    /// A quota, and what the live allocations of its namespaces hold.
    fn quota(&self, name: &str) -> Option<(Arc<QuotaSpec>, QuotaHeld)>;
}
