//! The tables themselves: persistent maps of shared rows.

use crate::index::{IdIndex, Index, Tally};
use crate::rows::{AsKey, Key, Rows};
use drover_model::acl::{AclAuthMethod, AclBindingRule, AclPolicy, AclRole, AclToken, OneTimeToken};
use drover_model::csi::{CsiPlugin, CsiVolume};
use drover_model::quota::QuotaSpec;
use drover_model::registry::{
    ALL_NODE_POOL, AutopilotConfiguration, DEFAULT_NODE_POOL, JobSubmission, JobSummary, NamespaceSpec, NodePool,
    RootKey, ScalingEvent, SchedulerConfiguration, ServiceRegistration, StoredVariable,
};
use drover_model::volume::{HostVolume, VolumeClaim};
use drover_model::{
    AllocId, Allocation, Deployment, DeploymentId, EvalId, Evaluation, Job, JobId, JobKey, Namespace, Nanos, Node,
    NodeHold, NodeId, UnixNanos,
};
use imbl::OrdMap;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A table with an index of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Table {
    /// Jobs.
    Jobs,
    /// Versions of jobs.
    JobVersions,
    /// Submissions.
    JobSubmissions,
    /// Summaries.
    JobSummaries,
    /// Nodes.
    Nodes,
    /// Evaluations.
    Evals,
    /// Allocations.
    Allocs,
    /// Deployments.
    Deployments,
    /// Services.
    Services,
    /// Namespaces.
    Namespaces,
    /// Pools of nodes.
    NodePools,
    /// The scheduler configuration.
    SchedulerConfiguration,
    /// Variables.
    Variables,
    /// Scaling policies (kept in jobs).
    ScalingPolicies,
    /// Scaling events.
    ScalingEvents,
    /// Last launches of periodic jobs.
    PeriodicLaunches,
    /// The keyring.
    RootKeys,
    /// Values of the servers themselves.
    Meta,
    /// Policies of access control.
    AclPolicies,
    /// Tokens.
    AclTokens,
    /// Roles.
    AclRoles,
    /// Ways to log in.
    AclAuthMethods,
    /// What those who log in get.
    AclBindingRules,
    /// One-time tokens.
    OneTimeTokens,
    /// Dynamic host volumes.
    HostVolumes,
    /// Claims of sticky volumes.
    VolumeClaims,
    /// CSI volumes.
    CsiVolumes,
    /// CSI plugins.
    CsiPlugins,
    /// Quotas.
    Quotas,
}

impl Table {
    /// How many there are.
    pub const COUNT: usize = Self::Quotas as usize + 1;
}

/// How long identities of a pool's nodes are valid, unless the pool says otherwise.
pub(crate) const NODE_IDENTITY_TTL: Nanos = Nanos::from_hours(24);

/// The scaling events of a job by group, newest first.
pub(crate) type GroupScalingEvents = BTreeMap<String, Vec<ScalingEvent>>;

/// Volumes and what they hang on.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Storage {
    pub host_volumes: OrdMap<String, Arc<HostVolume>>,
    pub claims: OrdMap<String, Arc<VolumeClaim>>,
    pub csi_volumes: OrdMap<(Namespace, String), Arc<CsiVolume>>,
    pub csi_plugins: OrdMap<String, Arc<CsiPlugin>>,
}

/// All tables at one index. Cloning costs one reference count per table.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tables {
    pub index: u64,
    pub table_index: [u64; Table::COUNT],
    pub jobs: OrdMap<JobKey, Arc<Job>>,
    pub children: Index<JobKey, JobId>,
    /// Newest first.
    pub job_versions: OrdMap<JobKey, Arc<Vec<Arc<Job>>>>,
    pub submissions: OrdMap<(JobKey, u64), Arc<JobSubmission>>,
    pub summaries: OrdMap<JobKey, Arc<JobSummary>>,
    pub nodes: Rows<NodeId, Node>,
    pub evals: OrdMap<EvalId, Arc<Evaluation>>,
    pub evals_by_job: Index<JobKey, EvalId>,
    /// Evaluations that are not over, by job.
    pub open_evals: Tally<JobKey>,
    pub allocs: Rows<AllocId, Allocation>,
    pub allocs_by_job: IdIndex<JobKey>,
    pub allocs_by_node: IdIndex<Key>,
    pub allocs_by_eval: IdIndex<Key>,
    pub allocs_by_deployment: IdIndex<Key>,
    /// What the live allocations of each node hold together.
    pub node_holds: OrdMap<Key, NodeHold>,
    /// Allocations that are not over, by job.
    pub live_allocs: Tally<JobKey>,
    pub deployments: OrdMap<DeploymentId, Arc<Deployment>>,
    pub deployments_by_job: Index<JobKey, DeploymentId>,
    pub services: OrdMap<String, Arc<ServiceRegistration>>,
    pub services_by_name: Index<(Namespace, String), String>,
    pub services_by_alloc: Index<AllocId, String>,
    pub services_by_node: Index<NodeId, String>,
    pub namespaces: OrdMap<Namespace, Arc<NamespaceSpec>>,
    pub node_pools: OrdMap<String, Arc<NodePool>>,
    pub scheduler_configuration: Arc<SchedulerConfiguration>,
    pub autopilot_configuration: Arc<AutopilotConfiguration>,
    pub variables: OrdMap<(Namespace, String), Arc<StoredVariable>>,
    pub scaling_events: OrdMap<JobKey, Arc<GroupScalingEvents>>,
    pub periodic_launches: OrdMap<JobKey, UnixNanos>,
    pub root_keys: OrdMap<String, Arc<RootKey>>,
    pub meta: OrdMap<String, Arc<str>>,
    pub storage: Storage,
    pub quotas: OrdMap<String, Arc<QuotaSpec>>,
    pub acl_policies: OrdMap<String, Arc<AclPolicy>>,
    /// By accessor.
    pub acl_tokens: OrdMap<String, Arc<AclToken>>,
    /// Secrets to accessors.
    pub acl_tokens_by_secret: OrdMap<String, String>,
    /// By id.
    pub acl_roles: OrdMap<String, Arc<AclRole>>,
    pub acl_auth_methods: OrdMap<String, Arc<AclAuthMethod>>,
    pub acl_binding_rules: OrdMap<String, Arc<AclBindingRule>>,
    /// By secret.
    pub one_time_tokens: OrdMap<String, Arc<OneTimeToken>>,
    /// Index of the last bootstrap of access control; 0: never.
    pub acl_bootstrap_index: u64,
}

impl Default for Tables {
    /// The state of a new cluster: the default namespace and the two built-in pools.
    fn default() -> Self {
        let mut tables = Self::empty();
        let namespace = NamespaceSpec {
            name: Namespace::from(Namespace::DEFAULT),
            description: "Default shared namespace".to_owned(),
            create_index: 1,
            modify_index: 1,
            ..NamespaceSpec::default()
        };
        tables.namespaces.insert(namespace.name.clone(), Arc::new(namespace));
        for (name, description) in
            [(DEFAULT_NODE_POOL, "Default node pool."), (ALL_NODE_POOL, "Node pool with all nodes in the cluster.")]
        {
            let pool = NodePool {
                name: name.to_owned(),
                description: description.to_owned(),
                node_identity_ttl: NODE_IDENTITY_TTL,
                create_index: 1,
                modify_index: 1,
                ..NodePool::default()
            };
            tables.node_pools.insert(name.to_owned(), Arc::new(pool));
        }
        let configuration = SchedulerConfiguration { create_index: 1, modify_index: 1, ..Default::default() };
        tables.scheduler_configuration = Arc::new(configuration);
        for table in [
            Table::Namespaces,
            Table::NodePools,
            Table::SchedulerConfiguration,
            Table::Services,
            Table::Variables,
            Table::HostVolumes,
            Table::VolumeClaims,
        ] {
            tables.table_index[table as usize] = 1;
        }
        tables
    }
}

impl Tables {
    /// Tables without any row.
    pub(crate) fn empty() -> Self {
        Self {
            index: 0,
            table_index: [0; Table::COUNT],
            jobs: OrdMap::new(),
            children: Index::default(),
            job_versions: OrdMap::new(),
            submissions: OrdMap::new(),
            summaries: OrdMap::new(),
            nodes: Rows::default(),
            evals: OrdMap::new(),
            evals_by_job: Index::default(),
            open_evals: Tally::default(),
            allocs: Rows::default(),
            allocs_by_job: IdIndex::default(),
            allocs_by_node: IdIndex::default(),
            allocs_by_eval: IdIndex::default(),
            allocs_by_deployment: IdIndex::default(),
            node_holds: OrdMap::new(),
            live_allocs: Tally::default(),
            deployments: OrdMap::new(),
            deployments_by_job: Index::default(),
            services: OrdMap::new(),
            services_by_name: Index::default(),
            services_by_alloc: Index::default(),
            services_by_node: Index::default(),
            namespaces: OrdMap::new(),
            node_pools: OrdMap::new(),
            scheduler_configuration: Arc::default(),
            autopilot_configuration: Arc::default(),
            variables: OrdMap::new(),
            scaling_events: OrdMap::new(),
            periodic_launches: OrdMap::new(),
            root_keys: OrdMap::new(),
            meta: OrdMap::new(),
            storage: Storage::default(),
            quotas: OrdMap::new(),
            acl_policies: OrdMap::new(),
            acl_tokens: OrdMap::new(),
            acl_tokens_by_secret: OrdMap::new(),
            acl_roles: OrdMap::new(),
            acl_auth_methods: OrdMap::new(),
            acl_binding_rules: OrdMap::new(),
            one_time_tokens: OrdMap::new(),
            acl_bootstrap_index: 0,
        }
    }

    pub(crate) fn insert_alloc(&mut self, alloc: &Arc<Allocation>) -> Option<Arc<Allocation>> {
        let id = alloc.id.as_key();
        let old = self.allocs.insert(&id, alloc.clone());
        match old.as_deref() {
            None => {
                self.hold(alloc);
                self.link_alloc(alloc, &id);
            }
            Some(old) => {
                if !holds_the_same(old, alloc) {
                    self.release(old);
                    self.hold(alloc);
                }
                self.move_alloc(old, alloc, &id);
            }
        }
        old
    }

    pub(crate) fn remove_alloc(&mut self, id: &AllocId) -> Option<Arc<Allocation>> {
        let id = id.as_key();
        let old = self.allocs.remove(&id)?;
        self.release(&old);
        self.unlink_alloc(&old, &id);
        Some(old)
    }

    fn link_alloc(&mut self, alloc: &Allocation, id: &Key) {
        self.allocs_by_job.add(alloc.job_key(), id);
        self.allocs_by_node.add(alloc.node_id.as_key(), id);
        self.allocs_by_eval.add(alloc.eval_id.as_key(), id);
        if !alloc.deployment_id.is_empty() {
            self.allocs_by_deployment.add(alloc.deployment_id.as_key(), id);
        }
    }

    /// Only the indexes in which it stands elsewhere now are touched.
    fn move_alloc(&mut self, old: &Allocation, new: &Allocation, id: &Key) {
        if old.job_id != new.job_id || old.namespace != new.namespace {
            self.allocs_by_job.remove(&old.job_key(), id);
            self.allocs_by_job.add(new.job_key(), id);
        }
        if old.node_id != new.node_id {
            self.allocs_by_node.remove(&old.node_id.as_key(), id);
            self.allocs_by_node.add(new.node_id.as_key(), id);
        }
        if old.eval_id != new.eval_id {
            self.allocs_by_eval.remove(&old.eval_id.as_key(), id);
            self.allocs_by_eval.add(new.eval_id.as_key(), id);
        }
        if old.deployment_id != new.deployment_id {
            if !old.deployment_id.is_empty() {
                self.allocs_by_deployment.remove(&old.deployment_id.as_key(), id);
            }
            if !new.deployment_id.is_empty() {
                self.allocs_by_deployment.add(new.deployment_id.as_key(), id);
            }
        }
    }

    fn unlink_alloc(&mut self, old: &Allocation, id: &Key) {
        self.allocs_by_job.remove(&old.job_key(), id);
        self.allocs_by_node.remove(&old.node_id.as_key(), id);
        self.allocs_by_eval.remove(&old.eval_id.as_key(), id);
        if !old.deployment_id.is_empty() {
            self.allocs_by_deployment.remove(&old.deployment_id.as_key(), id);
        }
    }

    /// A live allocation takes its part of its node.
    fn hold(&mut self, alloc: &Allocation) {
        if alloc.is_terminal() {
            return;
        }
        self.live_allocs.add(alloc.job_key());
        if let Some(resources) = &alloc.allocated_resources {
            let node = alloc.node_id.as_key();
            if let Some(hold) = self.node_holds.get_mut(&node) {
                hold.add(resources);
            } else {
                let mut hold = NodeHold::default();
                hold.add(resources);
                self.node_holds.insert(node, hold);
            }
        }
    }

    /// Gives it back.
    fn release(&mut self, old: &Allocation) {
        if old.is_terminal() {
            return;
        }
        self.live_allocs.remove(&old.job_key());
        let node = old.node_id.as_key();
        if let (Some(resources), Some(hold)) = (&old.allocated_resources, self.node_holds.get_mut(&node)) {
            hold.remove(resources);
            if hold.is_empty() {
                self.node_holds.remove(&node);
            }
        }
    }

    pub(crate) fn insert_eval(&mut self, eval: Arc<Evaluation>) {
        let (key, id) = (eval.job_key(), eval.id.clone());
        if !eval.status.is_terminal() {
            self.open_evals.add(key.clone());
        }
        if let Some(old) = self.evals.insert(id.clone(), eval) {
            let old_key = old.job_key();
            if !old.status.is_terminal() {
                self.open_evals.remove(&old_key);
            }
            if old_key != key {
                self.evals_by_job.remove(&old_key, &id);
            }
        }
        self.evals_by_job.add(key, id);
    }

    pub(crate) fn remove_eval(&mut self, id: &EvalId) -> Option<Arc<Evaluation>> {
        let old = self.evals.remove(id)?;
        let key = old.job_key();
        self.evals_by_job.remove(&key, id);
        if !old.status.is_terminal() {
            self.open_evals.remove(&key);
        }
        Some(old)
    }

    pub(crate) fn insert_deployment(&mut self, deployment: Arc<Deployment>) {
        let (key, id) = (deployment.job_key(), deployment.id.clone());
        if let Some(old) = self.deployments.insert(id.clone(), deployment).filter(|old| old.job_key() != key) {
            self.deployments_by_job.remove(&old.job_key(), &id);
        }
        self.deployments_by_job.add(key, id);
    }

    pub(crate) fn remove_deployment(&mut self, id: &DeploymentId) -> Option<Arc<Deployment>> {
        let old = self.deployments.remove(id)?;
        self.deployments_by_job.remove(&old.job_key(), id);
        Some(old)
    }

    pub(crate) fn insert_job(&mut self, job: Arc<Job>) {
        let (id, parent) = (job.id.clone(), parent_of(&job));
        if let Some(old) = self.jobs.insert(job.key(), job) {
            let old_parent = parent_of(&old);
            if old_parent != parent {
                self.children.remove(&old_parent, &id);
            }
        }
        if !parent.id.is_empty() {
            self.children.add(parent, id);
        }
    }

    pub(crate) fn remove_job(&mut self, key: &JobKey) -> Option<Arc<Job>> {
        let old = self.jobs.remove(key)?;
        self.children.remove(&parent_of(&old), &old.id);
        Some(old)
    }

    pub(crate) fn insert_acl_token(&mut self, token: Arc<AclToken>) {
        let secret = token.secret_id.clone();
        self.acl_tokens_by_secret.insert(secret.clone(), token.accessor_id.clone());
        if let Some(old) = self.acl_tokens.insert(token.accessor_id.clone(), token)
            && old.secret_id != secret
        {
            self.acl_tokens_by_secret.remove(&old.secret_id);
        }
    }

    pub(crate) fn remove_acl_token(&mut self, accessor: &str) -> Option<Arc<AclToken>> {
        let old = self.acl_tokens.remove(accessor)?;
        self.acl_tokens_by_secret.remove(&old.secret_id);
        Some(old)
    }

    pub(crate) fn insert_service(&mut self, service: Arc<ServiceRegistration>) {
        let id = service.id.clone();
        if let Some(old) = self.services.get(&id).cloned() {
            self.unlink_service(&old);
        }
        self.services_by_name.add((service.namespace.clone(), service.service_name.clone()), id.clone());
        self.services_by_alloc.add(service.alloc_id.clone(), id.clone());
        self.services_by_node.add(service.node_id.clone(), id.clone());
        self.services.insert(id, service);
    }

    pub(crate) fn remove_service(&mut self, id: &str) -> Option<Arc<ServiceRegistration>> {
        let old = self.services.remove(id)?;
        self.unlink_service(&old);
        Some(old)
    }

    fn unlink_service(&mut self, old: &ServiceRegistration) {
        self.services_by_name.remove(&(old.namespace.clone(), old.service_name.clone()), &old.id);
        self.services_by_alloc.remove(&old.alloc_id, &old.id);
        self.services_by_node.remove(&old.node_id, &old.id);
    }
}

/// Whether both take the same part of the same node for the same job.
fn holds_the_same(old: &Allocation, new: &Allocation) -> bool {
    let same_resources = match (&old.allocated_resources, &new.allocated_resources) {
        (Some(old), Some(new)) => Arc::ptr_eq(old, new) || old == new,
        (old, new) => old.is_none() && new.is_none(),
    };
    old.is_terminal() == new.is_terminal()
        && same_resources
        && old.node_id == new.node_id
        && old.job_id == new.job_id
        && old.namespace == new.namespace
}

fn parent_of(job: &Job) -> JobKey {
    JobKey { namespace: job.namespace.clone(), id: job.parent_id.clone() }
}
