//! An immutable view of the state.

use crate::Table;
use crate::rows::AsKey;
use crate::tables::Tables;
use drover_model::csi::CsiVolume;
use drover_model::quota::{QuotaHeld, QuotaSpec};
use drover_model::registry::{NamespaceSpec, NodePool, SchedulerConfiguration};
use drover_model::volume::{HostVolume, VolumeClaim};
use drover_model::{
    AllocId, Allocation, ClusterView, Deployment, GovernanceView, Job, JobKey, Namespace, Node, NodeHold, NodeId,
};
use std::sync::Arc;

/// The state at one index. Cloning costs a reference count; it never changes and never blocks
/// writers. The reads by table are in the `read` module.
#[derive(Clone, Debug)]
pub struct Snapshot(pub(crate) Arc<Tables>);

impl Snapshot {
    /// The index of the last command in it.
    pub fn index(&self) -> u64 {
        self.0.index
    }

    /// The index of the last command that changed a table; 0 when none did.
    pub fn table_index(&self, table: Table) -> u64 {
        self.0.table_index[table as usize]
    }

    /// Whether both hold the same rows, indexes and secondary indexes.
    pub fn same_as(&self, other: &Self) -> bool {
        self.0 == other.0
    }

    /// The highest of the tables' indexes.
    pub fn tables_index(&self, tables: &[Table]) -> u64 {
        tables.iter().map(|table| self.table_index(*table)).max().unwrap_or(0)
    }
}

impl ClusterView for Snapshot {
    fn index(&self) -> u64 {
        self.0.index
    }
    fn job(&self, key: &JobKey) -> Option<Arc<Job>> {
        self.0.jobs.get(key).cloned()
    }
    fn each_node(&self, visit: &mut dyn FnMut(&Arc<Node>)) {
        self.0.nodes.values().for_each(visit);
    }
    fn node(&self, id: &NodeId) -> Option<Arc<Node>> {
        self.0.nodes.get(id).cloned()
    }
    fn allocs_of_job(&self, key: &JobKey) -> Vec<Arc<Allocation>> {
        self.allocs_by_job(key).cloned().collect()
    }
    fn allocs_of_node(&self, id: &NodeId) -> Vec<Arc<Allocation>> {
        self.allocs_by_node(id).cloned().collect()
    }
    fn alloc_of_node(&self, node: &NodeId, id: &AllocId) -> Option<Arc<Allocation>> {
        self.0.allocs.get(id).filter(|alloc| alloc.node_id == *node).cloned()
    }
    fn node_hold(&self, id: &NodeId) -> Option<NodeHold> {
        Some(self.0.node_holds.get(&id.as_key()).copied().unwrap_or_default())
    }
    fn latest_deployment(&self, key: &JobKey) -> Option<Arc<Deployment>> {
        self.latest_deployment_of(key).cloned()
    }
    fn scheduler_configuration(&self) -> Arc<SchedulerConfiguration> {
        self.0.scheduler_configuration.clone()
    }
    fn node_pool(&self, name: &str) -> Option<Arc<NodePool>> {
        self.0.node_pools.get(name).cloned()
    }
    fn governance(&self) -> Option<&dyn GovernanceView> {
        Some(self)
    }
}

impl GovernanceView for Snapshot {
    fn host_volume(&self, id: &str) -> Option<Arc<HostVolume>> {
        self.0.storage.host_volumes.get(id).cloned()
    }
    fn volume_claims(&self, job: &JobKey, group: &str) -> Vec<Arc<VolumeClaim>> {
        self.volume_claims_of(job, group).cloned().collect()
    }
    fn csi_volume(&self, namespace: &Namespace, id: &str) -> Option<Arc<CsiVolume>> {
        self.csi_volume(namespace, id).cloned()
    }
    fn csi_volumes_on(&self, node: &NodeId, plugin: &str) -> usize {
        self.csi_volumes_on(node, plugin)
    }
    fn is_csi_schedulable(&self, plugin: &str) -> bool {
        self.0.storage.csi_plugins.get(plugin).is_some_and(|plugin| plugin.is_schedulable())
    }
    fn alloc(&self, id: &AllocId) -> Option<Arc<Allocation>> {
        self.0.allocs.get(id).cloned()
    }
    fn namespace(&self, name: &Namespace) -> Option<Arc<NamespaceSpec>> {
        self.0.namespaces.get(name).cloned()
    }
    fn quota(&self, name: &str) -> Option<(Arc<QuotaSpec>, QuotaHeld)> {
        let quota = self.0.quotas.get(name)?;
        Some((quota.clone(), self.quota_held(name)))
    }
}
