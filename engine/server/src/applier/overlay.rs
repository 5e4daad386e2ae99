//! The newest state together with placements that are on their way into it.

use drover_model::registry::{NodePool, SchedulerConfiguration};
use drover_model::{
    AllocId, Allocation, ClusterView, Deployment, GovernanceView, Job, JobKey, Node, NodeHold, NodeId, PlacementResult,
};
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

/// Placements that were checked but may not be committed yet, by plan.
#[derive(Debug, Default)]
pub struct Pending {
    plans: BTreeMap<u64, Arc<PlacementResult>>,
    next: u64,
}

impl Pending {
    /// Adds what was accepted of a plan; the number takes it out again.
    pub fn add(&mut self, result: Arc<PlacementResult>) -> u64 {
        self.next += 1;
        self.plans.insert(self.next, result);
        self.next
    }

    /// A plan is committed, or failed.
    pub fn remove(&mut self, number: u64) {
        self.plans.remove(&number);
    }

    /// Everything that is on its way.
    pub fn allocs(&self) -> impl Iterator<Item = &Allocation> {
        self.plans.values().flat_map(|plan| plan.node_allocation.values().flatten())
    }

    fn on_node(&self, node: &NodeId) -> impl Iterator<Item = &Allocation> {
        self.plans.values().filter_map(|plan| plan.node_allocation.get(node)).flatten()
    }
}

/// A view of the state in which pending placements hold their resources already.
pub struct Overlay<'a, V> {
    /// The newest state.
    pub view: &'a V,
    /// What is on its way.
    pub pending: &'a Pending,
}

impl<V: ClusterView> ClusterView for Overlay<'_, V> {
    fn index(&self) -> u64 {
        self.view.index()
    }
    fn job(&self, key: &JobKey) -> Option<Arc<Job>> {
        self.view.job(key)
    }
    fn each_node(&self, visit: &mut dyn FnMut(&Arc<Node>)) {
        self.view.each_node(visit);
    }
    fn node(&self, id: &NodeId) -> Option<Arc<Node>> {
        self.view.node(id)
    }
    fn allocs_of_job(&self, key: &JobKey) -> Vec<Arc<Allocation>> {
        self.view.allocs_of_job(key)
    }
    fn allocs_of_node(&self, id: &NodeId) -> Vec<Arc<Allocation>> {
        let mut allocs = self.view.allocs_of_node(id);
        let known: HashSet<AllocId> = allocs.iter().map(|alloc| alloc.id.clone()).collect();
        let pending = self.pending.on_node(id).filter(|alloc| !known.contains(&alloc.id));
        allocs.extend(pending.cloned().map(Arc::new));
        allocs
    }
    fn alloc_of_node(&self, node: &NodeId, id: &AllocId) -> Option<Arc<Allocation>> {
        let pending = || self.pending.on_node(node).find(|alloc| alloc.id == *id);
        self.view.alloc_of_node(node, id).or_else(|| pending().cloned().map(Arc::new))
    }
    fn node_hold(&self, id: &NodeId) -> Option<NodeHold> {
        let mut hold = self.view.node_hold(id)?;
        let pending = self.pending.on_node(id).filter(|alloc| self.view.alloc_of_node(id, &alloc.id).is_none());
        pending.filter_map(|alloc| alloc.allocated_resources.as_ref()).for_each(|resources| hold.add(resources));
        Some(hold)
    }
    fn latest_deployment(&self, key: &JobKey) -> Option<Arc<Deployment>> {
        self.view.latest_deployment(key)
    }
    fn scheduler_configuration(&self) -> Arc<SchedulerConfiguration> {
        self.view.scheduler_configuration()
    }
    fn governance(&self) -> Option<&dyn GovernanceView> {
        self.view.governance()
    }
    fn node_pool(&self, name: &str) -> Option<Arc<NodePool>> {
        self.view.node_pool(name)
    }
}
