//! What changed, for streams and for the servers' own reactions.

use drover_model::acl::{AclAuthMethod, AclBindingRule, AclPolicy, AclRole, AclToken};
use drover_model::csi::{CsiPlugin, CsiVolume};
use drover_model::registry::{NodePool, ServiceRegistration};
use drover_model::volume::HostVolume;
use drover_model::{Allocation, Deployment, Evaluation, Job, Namespace, Node};
use std::collections::HashSet;
use std::sync::Arc;

/// The batches of events that a store keeps for late readers.
pub const MAX_EVENT_BATCHES: usize = 256;

/// What an event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Topic {
    /// A deployment.
    Deployment,
    /// An evaluation.
    Evaluation,
    /// An allocation.
    Allocation,
    /// A job.
    Job,
    /// A node.
    Node,
    /// A pool of nodes.
    NodePool,
    /// A registered service.
    Service,
    /// A dynamic host volume.
    HostVolume,
    /// A CSI volume.
    CsiVolume,
    /// A CSI plugin.
    CsiPlugin,
    /// A token.
    AclToken,
    /// A policy.
    AclPolicy,
    /// A role.
    AclRole,
    /// A way to log in.
    AclAuthMethod,
    /// What those who log in get.
    AclBindingRule,
}

impl Topic {
    /// The topic as the wire has it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Deployment => "Deployment",
            Self::Evaluation => "Evaluation",
            Self::Allocation => "Allocation",
            Self::Job => "Job",
            Self::Node => "Node",
            Self::NodePool => "NodePool",
            Self::Service => "Service",
            Self::HostVolume => "HostVolume",
            Self::CsiVolume => "CSIVolume",
            Self::CsiPlugin => "CSIPlugin",
            Self::AclToken => "ACLToken",
            Self::AclPolicy => "ACLPolicy",
            Self::AclRole => "ACLRole",
            Self::AclAuthMethod => "ACLAuthMethod",
            Self::AclBindingRule => "ACLBindingRule",
        }
    }
}

/// The object as it was after the change (before it, when it was removed).
#[derive(Clone, Debug)]
pub enum EventPayload {
    /// A job.
    Job(Arc<Job>),
    /// An evaluation.
    Evaluation(Arc<Evaluation>),
    /// An allocation.
    Allocation(Arc<Allocation>),
    /// A deployment.
    Deployment(Arc<Deployment>),
    /// A node.
    Node(Arc<Node>),
    /// A pool of nodes.
    NodePool(Arc<NodePool>),
    /// A registered service.
    Service(Arc<ServiceRegistration>),
    /// A dynamic host volume.
    HostVolume(Arc<HostVolume>),
    /// A CSI volume.
    CsiVolume(Arc<CsiVolume>),
    /// A CSI plugin.
    CsiPlugin(Arc<CsiPlugin>),
    /// A token; readers of events never see its secret.
    AclToken(Arc<AclToken>),
    /// A policy.
    AclPolicy(Arc<AclPolicy>),
    /// A role.
    AclRole(Arc<AclRole>),
    /// A way to log in.
    AclAuthMethod(Arc<AclAuthMethod>),
    /// What those who log in get.
    AclBindingRule(Arc<AclBindingRule>),
}

/// One object that one command changed.
#[derive(Clone, Debug)]
pub struct Event {
    /// What the command was: `JobRegistered`, `PlanResult`, …
    pub kind: &'static str,
    /// The object.
    pub payload: EventPayload,
}

/// All events of one index.
#[derive(Clone, Debug)]
pub struct EventBatch {
    /// The raft index.
    pub index: u64,
    /// Never empty.
    pub events: Vec<Event>,
}

impl Event {
    /// What it is about.
    pub const fn topic(&self) -> Topic {
        match &self.payload {
            EventPayload::Job(_) => Topic::Job,
            EventPayload::Evaluation(_) => Topic::Evaluation,
            EventPayload::Allocation(_) => Topic::Allocation,
            EventPayload::Deployment(_) => Topic::Deployment,
            EventPayload::Node(_) => Topic::Node,
            EventPayload::NodePool(_) => Topic::NodePool,
            EventPayload::Service(_) => Topic::Service,
            EventPayload::HostVolume(_) => Topic::HostVolume,
            EventPayload::CsiVolume(_) => Topic::CsiVolume,
            EventPayload::CsiPlugin(_) => Topic::CsiPlugin,
            EventPayload::AclToken(_) => Topic::AclToken,
            EventPayload::AclPolicy(_) => Topic::AclPolicy,
            EventPayload::AclRole(_) => Topic::AclRole,
            EventPayload::AclAuthMethod(_) => Topic::AclAuthMethod,
            EventPayload::AclBindingRule(_) => Topic::AclBindingRule,
        }
    }

    /// The object's id.
    pub fn key(&self) -> &str {
        match &self.payload {
            EventPayload::Job(job) => &job.id,
            EventPayload::Evaluation(eval) => &eval.id,
            EventPayload::Allocation(alloc) => &alloc.id,
            EventPayload::Deployment(deployment) => &deployment.id,
            EventPayload::Node(node) => &node.id,
            EventPayload::NodePool(pool) => &pool.name,
            EventPayload::Service(service) => &service.id,
            EventPayload::HostVolume(volume) => &volume.id,
            EventPayload::CsiVolume(volume) => &volume.id,
            EventPayload::CsiPlugin(plugin) => &plugin.id,
            EventPayload::AclToken(token) => &token.accessor_id,
            EventPayload::AclPolicy(policy) => &policy.name,
            EventPayload::AclRole(role) => &role.id,
            EventPayload::AclAuthMethod(method) => &method.name,
            EventPayload::AclBindingRule(rule) => &rule.id,
        }
    }

    /// The object's namespace; `None` for objects outside of namespaces.
    pub fn namespace(&self) -> Option<&Namespace> {
        match &self.payload {
            EventPayload::Job(job) => Some(&job.namespace),
            EventPayload::Evaluation(eval) => Some(&eval.namespace),
            EventPayload::Allocation(alloc) => Some(&alloc.namespace),
            EventPayload::Deployment(deployment) => Some(&deployment.namespace),
            EventPayload::Service(service) => Some(&service.namespace),
            EventPayload::HostVolume(volume) => Some(&volume.namespace),
            EventPayload::CsiVolume(volume) => Some(&volume.namespace),
            EventPayload::Node(_)
            | EventPayload::CsiPlugin(_)
            | EventPayload::NodePool(_)
            | EventPayload::AclToken(_)
            | EventPayload::AclPolicy(_)
            | EventPayload::AclRole(_)
            | EventPayload::AclAuthMethod(_)
            | EventPayload::AclBindingRule(_) => None,
        }
    }

    /// Ids of related objects that a reader may filter by.
    pub fn filter_keys(&self) -> Vec<&str> {
        let keys: [&str; 3] = match &self.payload {
            EventPayload::Evaluation(eval) => [&eval.job_id, &eval.deployment_id, ""],
            EventPayload::Allocation(alloc) => [&alloc.job_id, &alloc.deployment_id, &alloc.node_id],
            EventPayload::Deployment(deployment) => [&deployment.job_id, "", ""],
            EventPayload::Service(service) => [&service.job_id, &service.service_name, &service.alloc_id],
            EventPayload::AclRole(role) => [&role.name, "", ""],
            EventPayload::AclBindingRule(rule) => [&rule.auth_method, "", ""],
            EventPayload::HostVolume(volume) => [&volume.id, &volume.name, &volume.plugin_id],
            EventPayload::CsiVolume(volume) => [&volume.id, &volume.name, &volume.plugin_id],
            EventPayload::CsiPlugin(plugin) => [&plugin.id, "", ""],
            _ => ["", "", ""],
        };
        keys.into_iter().filter(|key| !key.is_empty()).collect()
    }
}

/// Keeps the last event of each object, in order.
pub(crate) fn newest_of_each(events: Vec<Event>) -> Vec<Event> {
    if events.len() < 2 {
        return events;
    }
    let mut keep = vec![false; events.len()];
    let mut seen: HashSet<(Topic, Option<&Namespace>, &str)> = HashSet::with_capacity(events.len());
    for (slot, event) in keep.iter_mut().zip(&events).rev() {
        *slot = seen.insert((event.topic(), event.namespace(), event.key()));
    }
    drop(seen);
    events.into_iter().zip(keep).filter_map(|(event, keep)| keep.then_some(event)).collect()
}
