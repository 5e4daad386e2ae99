//! Evaluations, allocations, deployments and services.

use super::by_prefix;
use crate::Snapshot;
use crate::rows::AsKey;
use drover_model::{
    AllocId, Allocation, Deployment, DeploymentId, EvalId, Evaluation, JobKey, Namespace, NodeId, ServiceRegistration,
};
use std::sync::Arc;

impl Snapshot {
    /// An evaluation.
    pub fn eval(&self, id: &EvalId) -> Option<&Arc<Evaluation>> {
        self.0.evals.get(id)
    }
    /// Every evaluation, by id.
    pub fn evals(&self) -> impl DoubleEndedIterator<Item = &Arc<Evaluation>> + '_ {
        self.0.evals.values()
    }
    /// The evaluations whose id begins with `prefix`, by id.
    pub fn evals_by_prefix<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = &'a Arc<Evaluation>> + 'a {
        by_prefix(&self.0.evals, prefix)
    }
    /// The evaluations of a job, by id.
    pub fn evals_by_job<'a>(&'a self, key: &JobKey) -> impl Iterator<Item = &'a Arc<Evaluation>> + 'a {
        self.0.evals_by_job.of(key).filter_map(|id| self.0.evals.get(id))
    }

    /// An allocation.
    pub fn alloc(&self, id: &AllocId) -> Option<&Arc<Allocation>> {
        self.0.allocs.get(id)
    }
    /// Every allocation, by id.
    pub fn allocs(&self) -> impl DoubleEndedIterator<Item = &Arc<Allocation>> + '_ {
        self.0.allocs.values()
    }
    /// The allocations from `start` on, by id; for paging.
    pub fn allocs_from(&self, start: &AllocId) -> impl Iterator<Item = &Arc<Allocation>> + '_ {
        self.0.allocs.starting_at(start)
    }
    /// The allocations whose id begins with `prefix`, by id.
    pub fn allocs_by_prefix<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = &'a Arc<Allocation>> + 'a {
        self.0.allocs.starting_at(prefix).take_while(move |alloc| alloc.id.starts_with(prefix))
    }
    /// The allocations of a job, by id.
    pub fn allocs_by_job<'a>(&'a self, key: &JobKey) -> impl Iterator<Item = &'a Arc<Allocation>> + 'a {
        self.0.allocs_by_job.of(key).filter_map(|id| self.0.allocs.get(id))
    }
    /// The allocations on a node, by id.
    pub fn allocs_by_node<'a>(&'a self, id: &NodeId) -> impl Iterator<Item = &'a Arc<Allocation>> + 'a {
        self.0.allocs_by_node.of(&id.as_key()).filter_map(|id| self.0.allocs.get(id))
    }
    /// The allocations that an evaluation made or last changed, by id.
    pub fn allocs_by_eval<'a>(&'a self, id: &EvalId) -> impl Iterator<Item = &'a Arc<Allocation>> + 'a {
        self.0.allocs_by_eval.of(&id.as_key()).filter_map(|id| self.0.allocs.get(id))
    }
    /// The allocations of a deployment, by id.
    pub fn allocs_by_deployment<'a>(&'a self, id: &DeploymentId) -> impl Iterator<Item = &'a Arc<Allocation>> + 'a {
        self.0.allocs_by_deployment.of(&id.as_key()).filter_map(|id| self.0.allocs.get(id))
    }

    /// A deployment.
    pub fn deployment(&self, id: &DeploymentId) -> Option<&Arc<Deployment>> {
        self.0.deployments.get(id)
    }
    /// Every deployment, by id.
    pub fn deployments(&self) -> impl DoubleEndedIterator<Item = &Arc<Deployment>> + '_ {
        self.0.deployments.values()
    }
    /// The deployments whose id begins with `prefix`, by id.
    pub fn deployments_by_prefix<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = &'a Arc<Deployment>> + 'a {
        by_prefix(&self.0.deployments, prefix)
    }
    /// The deployments of a job, by id.
    pub fn deployments_by_job<'a>(&'a self, key: &JobKey) -> impl Iterator<Item = &'a Arc<Deployment>> + 'a {
        self.0.deployments_by_job.of(key).filter_map(|id| self.0.deployments.get(id))
    }
    /// The newest deployment of a job by creation.
    pub fn latest_deployment_of(&self, key: &JobKey) -> Option<&Arc<Deployment>> {
        self.deployments_by_job(key).max_by_key(|deployment| deployment.create_index)
    }

    /// A registered service by id.
    pub fn service(&self, id: &str) -> Option<&Arc<ServiceRegistration>> {
        self.0.services.get(id)
    }
    /// Every registered service, by id.
    pub fn services(&self) -> impl Iterator<Item = &Arc<ServiceRegistration>> + '_ {
        self.0.services.values()
    }
    /// Namespaces and names of the registered services, in order.
    pub fn service_names(&self) -> impl Iterator<Item = (&Namespace, &str)> + '_ {
        self.0.services_by_name.keys().map(|(namespace, name)| (namespace, name.as_str()))
    }
    /// The instances of a service, by id.
    pub fn services_by_name<'a>(
        &'a self,
        namespace: &Namespace,
        name: &str,
    ) -> impl Iterator<Item = &'a Arc<ServiceRegistration>> + 'a {
        let key = (namespace.clone(), name.to_owned());
        let ids: Vec<&String> = self.0.services_by_name.of(&key).collect();
        ids.into_iter().filter_map(|id| self.0.services.get(id))
    }
    /// The services of an allocation, by id.
    pub fn services_by_alloc<'a>(&'a self, id: &AllocId) -> impl Iterator<Item = &'a Arc<ServiceRegistration>> + 'a {
        self.0.services_by_alloc.of(id).filter_map(|id| self.0.services.get(id))
    }
    /// The services on a node, by id.
    pub fn services_by_node<'a>(&'a self, id: &NodeId) -> impl Iterator<Item = &'a Arc<ServiceRegistration>> + 'a {
        self.0.services_by_node.of(id).filter_map(|id| self.0.services.get(id))
    }
}
