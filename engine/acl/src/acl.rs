//! What several policies allow together.

use crate::capability::{
    Capability, CapabilitySet, HostVolumeCapability, NamespaceCapability, NodePoolCapability, OperatorCapability,
    VariableCapability,
};
use crate::pattern::{Scope, glob_matches};
use crate::policy::{CoarseRule, Policy};

/// The name that stands for every namespace in requests.
const ALL_NAMESPACES: &str = "*";

/// A coarse permission.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// No rule says anything.
    #[default]
    None,
    /// Lists only.
    List,
    /// Reads.
    Read,
    /// Reads and writes.
    Write,
    /// Denied, whatever else is said.
    Deny,
}

impl Level {
    fn of(rule: &CoarseRule) -> Self {
        match rule.policy.as_str() {
            "deny" => Self::Deny,
            "write" => Self::Write,
            "read" => Self::Read,
            "list" => Self::List,
            _ => Self::None,
        }
    }

    fn merge(&mut self, rule: Option<&CoarseRule>) {
        if let Some(rule) = rule {
            *self = (*self).max(Self::of(rule));
        }
    }

    const fn can_read(self) -> bool {
        matches!(self, Self::Read | Self::Write)
    }

    const fn can_write(self) -> bool {
        matches!(self, Self::Write)
    }
}

/// What a caller may do.
#[derive(Clone, Debug, Default)]
pub struct Acl {
    is_management: bool,
    namespaces: Scope<String, CapabilitySet>,
    node_pools: Scope<String, CapabilitySet>,
    host_volumes: Scope<String, CapabilitySet>,
    variables: Scope<(String, String), CapabilitySet>,
    operator_capabilities: CapabilitySet,
    agent: Level,
    node: Level,
    operator: Level,
    quota: Level,
    plugin: Level,
}

impl Acl {
    /// May do everything.
    pub fn management() -> Self {
        Self { is_management: true, ..Self::default() }
    }

    /// What `policies` allow together; their order does not matter.
    pub fn new<'a>(policies: impl IntoIterator<Item = &'a Policy>) -> Self {
        let mut acl = Self::default();
        for policy in policies {
            acl.add(policy);
        }
        acl.namespaces.seal();
        acl.node_pools.seal();
        acl.host_volumes.seal();
        acl.variables.seal();
        acl
    }

    fn add(&mut self, policy: &Policy) {
        for rule in policy.namespaces.iter().flatten() {
            let names = rule.capabilities.as_deref().unwrap_or_default();
            let set = self.namespaces.entry(rule.name.clone());
            set.add_all::<NamespaceCapability>(names);
            for implied in IMPLIED.iter().filter(|(name, _)| names.iter().any(|found| found == name.as_str())) {
                set.add(bits(implied.1));
            }
            for path in rule.variables.iter().flat_map(|variables| &variables.paths) {
                let key = (rule.name.clone(), path.path_spec.clone());
                let names = path.capabilities.as_deref().unwrap_or_default();
                self.variables.entry(key).add_all::<VariableCapability>(names);
            }
        }
        for rule in policy.node_pools.iter().flatten() {
            let names = rule.capabilities.as_deref().unwrap_or_default();
            self.node_pools.entry(rule.name.clone()).add_all::<NodePoolCapability>(names);
        }
        for rule in policy.host_volumes.iter().flatten() {
            let names = rule.capabilities.as_deref().unwrap_or_default();
            self.host_volumes.entry(rule.name.clone()).add_all::<HostVolumeCapability>(names);
        }
        if let Some(rule) = &policy.operator {
            let names = rule.capabilities.as_deref().unwrap_or_default();
            self.operator_capabilities.add_all::<OperatorCapability>(names);
            self.operator.merge(Some(&CoarseRule { policy: rule.policy.clone() }));
        }
        self.agent.merge(policy.agent.as_ref());
        self.node.merge(policy.node.as_ref());
        self.quota.merge(policy.quota.as_ref());
        self.plugin.merge(policy.plugin.as_ref());
    }

    /// Whether everything is allowed.
    pub const fn is_management(&self) -> bool {
        self.is_management
    }

    /// Whether something is allowed in a namespace; with `*`: whether it is in any.
    pub fn allows(&self, namespace: &str, capability: NamespaceCapability) -> bool {
        self.allows_any_of(namespace, &[capability])
    }

    /// Whether one of several things is allowed in a namespace; with `*`: whether it is in any.
    pub fn allows_any_of(&self, namespace: &str, capabilities: &[NamespaceCapability]) -> bool {
        if self.is_management {
            return true;
        }
        let wanted = bits(capabilities);
        if namespace == ALL_NAMESPACES && self.namespaces.values().any(|set| set.allows(wanted)) {
            return true;
        }
        self.namespaces.get(namespace).is_some_and(|set| set.allows(wanted))
    }

    /// Whether something is allowed in every namespace by one rule, also in those that come later.
    pub fn allows_everywhere(&self, capability: NamespaceCapability) -> bool {
        self.is_management || self.namespaces.get(ALL_NAMESPACES).is_some_and(|set| set.allows(capability.bit()))
    }

    /// Whether anything at all is allowed in a namespace; with `*`: in any.
    pub fn allows_namespace(&self, namespace: &str) -> bool {
        if self.is_management {
            return true;
        }
        if namespace == ALL_NAMESPACES && self.namespaces.values().any(|set| set.allows_anything()) {
            return true;
        }
        self.namespaces.get(namespace).is_some_and(|set| set.allows_anything())
    }

    /// Whether something is allowed on a pool of nodes.
    pub fn allows_node_pool(&self, name: &str, capability: NodePoolCapability) -> bool {
        self.is_management || self.node_pools.get(name).is_some_and(|set| set.allows(capability.bit()))
    }

    /// Whether something is allowed on any pool of nodes.
    pub fn allows_some_node_pool(&self) -> bool {
        self.is_management || self.node_pools.values().any(|set| set.allows_anything())
    }

    /// Whether a volume of a node's configuration may be mounted.
    pub fn allows_host_volume(&self, name: &str, capability: HostVolumeCapability) -> bool {
        self.is_management || self.host_volumes.get(name).is_some_and(|set| set.allows(capability.bit()))
    }

    /// Whether anything is allowed on a volume of a node's configuration.
    pub fn allows_some_of_host_volume(&self, name: &str) -> bool {
        self.is_management || self.host_volumes.get(name).is_some_and(|set| set.allows_anything())
    }

    /// Whether something is allowed on a variable.
    pub fn allows_variable(&self, namespace: &str, path: &str, capability: VariableCapability) -> bool {
        self.is_management || self.variables.get_path(namespace, path).is_some_and(|set| set.allows(capability.bit()))
    }

    /// Whether there are variables in a namespace that may be listed; with `*`: in any.
    pub fn allows_variable_search(&self, namespace: &str) -> bool {
        if self.is_management || namespace == ALL_NAMESPACES {
            return self.is_management || self.variables.values().next().is_some();
        }
        self.variables.iter().any(|((of, _), _)| glob_matches(of, namespace))
    }

    /// Whether agents may be read.
    pub const fn can_read_agent(&self) -> bool {
        self.is_management || self.agent.can_read()
    }
    /// Whether agents may be changed.
    pub const fn can_write_agent(&self) -> bool {
        self.is_management || self.agent.can_write()
    }
    /// Whether nodes may be read.
    pub const fn can_read_node(&self) -> bool {
        self.is_management || self.node.can_read()
    }
    /// Whether nodes may be changed.
    pub const fn can_write_node(&self) -> bool {
        self.is_management || self.node.can_write()
    }
    /// Whether what operators see may be read.
    pub const fn can_read_operator(&self) -> bool {
        self.is_management || self.operator.can_read()
    }
    /// Whether what operators change may be changed.
    pub const fn can_write_operator(&self) -> bool {
        self.is_management || self.operator.can_write()
    }
    /// Whether one thing of operators is allowed.
    pub fn allows_operator(&self, capability: OperatorCapability) -> bool {
        self.is_management || self.operator_capabilities.allows(capability.bit())
    }
    /// Whether quotas may be read.
    pub const fn can_read_quota(&self) -> bool {
        self.is_management || self.quota.can_read()
    }
    /// Whether quotas may be changed.
    pub const fn can_write_quota(&self) -> bool {
        self.is_management || self.quota.can_write()
    }
    /// Whether plugins may be read.
    pub const fn can_read_plugin(&self) -> bool {
        self.is_management || self.plugin.can_read()
    }
    /// Whether plugins may be listed.
    pub const fn can_list_plugin(&self) -> bool {
        self.is_management || self.plugin.can_read() || matches!(self.plugin, Level::List)
    }
}

fn bits<C: Capability>(capabilities: &[C]) -> u64 {
    capabilities.iter().fold(0, |bits, capability| bits | capability.bit())
}

/// Capabilities that bring others along.
const IMPLIED: &[(NamespaceCapability, &[NamespaceCapability])] = {
    use NamespaceCapability as C;
    &[
        (
            C::SubmitJob,
            &[
                C::ParseJob,
                C::RegisterJob,
                C::PlanJob,
                C::DeregisterJob,
                C::PurgeJob,
                C::RevertJob,
                C::StableJob,
                C::TagJobVersion,
                C::EvaluateJob,
                C::ForcePeriodicJob,
                C::ScaleJob,
                C::FailDeployment,
                C::PauseDeployment,
                C::PromoteDeployment,
                C::UnblockDeployment,
                C::CancelDeployment,
                C::PauseAllocation,
                C::GcAllocation,
                C::DeleteServiceRegistration,
            ],
        ),
        (C::PurgeJob, &[C::DeregisterJob]),
        (C::DispatchJob, &[C::ForcePeriodicJob]),
        (C::ReadFs, &[C::ReadLogs]),
        (C::HostVolumeRegister, &[C::HostVolumeCreate, C::HostVolumeRead]),
        (C::HostVolumeCreate, &[C::HostVolumeRead]),
        (C::HostVolumeWrite, &[C::HostVolumeRegister, C::HostVolumeCreate, C::HostVolumeDelete, C::HostVolumeRead]),
    ]
};
