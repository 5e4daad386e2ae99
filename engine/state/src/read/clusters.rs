//! Nodes, pools, namespaces, variables, keys and configuration.

use crate::Snapshot;
use drover_model::registry::{
    AutopilotConfiguration, NamespaceSpec, NodePool, RootKey, SchedulerConfiguration, StoredVariable,
};
use drover_model::{Namespace, Node, NodeId};
use std::ops::Bound;
use std::sync::Arc;

impl Snapshot {
    /// A node.
    pub fn node(&self, id: &NodeId) -> Option<&Arc<Node>> {
        self.0.nodes.get(id)
    }
    /// Every node, by id.
    pub fn nodes(&self) -> impl DoubleEndedIterator<Item = &Arc<Node>> + '_ {
        self.0.nodes.values()
    }
    /// The nodes whose id begins with `prefix`, by id.
    pub fn nodes_by_prefix<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = &'a Arc<Node>> + 'a {
        self.0.nodes.starting_at(prefix).take_while(move |node| node.id.starts_with(prefix))
    }
    /// How many nodes there are.
    pub fn node_count(&self) -> usize {
        self.0.nodes.len()
    }

    /// A pool of nodes.
    pub fn node_pool(&self, name: &str) -> Option<&Arc<NodePool>> {
        self.0.node_pools.get(name)
    }
    /// Every pool, by name.
    pub fn node_pools(&self) -> impl Iterator<Item = &Arc<NodePool>> + '_ {
        self.0.node_pools.values()
    }

    /// A namespace.
    pub fn namespace(&self, name: &str) -> Option<&Arc<NamespaceSpec>> {
        self.0.namespaces.get(name)
    }
    /// Every namespace, by name.
    pub fn namespaces(&self) -> impl Iterator<Item = &Arc<NamespaceSpec>> + '_ {
        self.0.namespaces.values()
    }

    /// How servers that fail are dealt with.
    pub fn autopilot_configuration(&self) -> &Arc<AutopilotConfiguration> {
        &self.0.autopilot_configuration
    }
    /// How the cluster schedules.
    pub fn scheduler_configuration(&self) -> &Arc<SchedulerConfiguration> {
        &self.0.scheduler_configuration
    }

    /// A variable.
    pub fn variable(&self, namespace: &Namespace, path: &str) -> Option<&Arc<StoredVariable>> {
        self.0.variables.get(&(namespace.clone(), path.to_owned()))
    }
    /// Every variable, by namespace and path.
    pub fn variables(&self) -> impl Iterator<Item = &Arc<StoredVariable>> + '_ {
        self.0.variables.values()
    }
    /// The variables of a namespace whose path begins with `prefix`, by path.
    pub fn variables_in<'a>(
        &'a self,
        namespace: &'a Namespace,
        prefix: &'a str,
    ) -> impl Iterator<Item = &'a Arc<StoredVariable>> + 'a {
        self.0
            .variables
            .range((Bound::Included((namespace.clone(), prefix.to_owned())), Bound::Unbounded))
            .take_while(move |((found, path), _)| found == namespace && path.starts_with(prefix))
            .map(|(_, variable)| variable)
    }

    /// A key of the keyring.
    pub fn root_key(&self, id: &str) -> Option<&Arc<RootKey>> {
        self.0.root_keys.get(id)
    }
    /// Every key of the keyring, by id.
    pub fn root_keys(&self) -> impl Iterator<Item = &Arc<RootKey>> + '_ {
        self.0.root_keys.values()
    }
    /// A value of the servers themselves.
    pub fn meta(&self, key: &str) -> Option<&str> {
        self.0.meta.get(key).map(AsRef::as_ref)
    }
}
