//! The short forms that lists show. They borrow from what they show when written, and own it when read.

use drover_base::{EvalId, NodeId, UnixNanos};
use drover_model::node::{DrainMetadata, HostVolumeConfig};
use drover_model::registry::JobSummary;
use drover_model::resources::NodeReservedResources;
use drover_model::{
    AllocClientStatus, AllocDeploymentStatus, AllocDesiredStatus, AllocId, AllocatedResources, Allocation,
    DesiredTransition, DriverInfo, Job, JobId, JobStatus, JobType, Namespace, Node, NodeEligibility, NodeResources,
    NodeStatus, RescheduleTracker, TaskState, TextMap,
};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// A job in a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct JobStub<'a> {
    /// Its id.
    #[serde(rename = "ID")]
    pub id: JobId,
    /// The job that made it.
    #[serde(rename = "ParentID")]
    pub parent_id: JobId,
    /// For people.
    pub name: Cow<'a, str>,
    /// Its namespace.
    pub namespace: Namespace,
    /// Where it may run.
    pub datacenters: Option<Cow<'a, [String]>>,
    /// Its pool of nodes.
    pub node_pool: Cow<'a, str>,
    /// Always null in lists of one region.
    pub multiregion: Option<serde_json::Value>,
    /// Kind of work.
    #[serde(rename = "Type")]
    pub kind: JobType,
    /// 1 to 100.
    pub priority: u8,
    /// Whether the clock starts it.
    pub periodic: bool,
    /// Whether dispatches start it.
    pub parameterized_job: bool,
    /// Whether it is stopped.
    pub stop: bool,
    /// Where it stands.
    pub status: JobStatus,
    /// For people.
    pub status_description: Cow<'a, str>,
    /// Counts of its allocations.
    pub job_summary: Option<Cow<'a, JobSummary>>,
    /// Raft index of creation.
    pub create_index: u64,
    /// Raft index of the last change.
    pub modify_index: u64,
    /// Raft index of the last registration.
    pub job_modify_index: u64,
    /// When this version was submitted.
    pub submit_time: UnixNanos,
    /// Its meta, when asked for.
    pub meta: Option<Cow<'a, TextMap>>,
}

impl<'a> JobStub<'a> {
    /// The short form of a job.
    pub fn new(job: &'a Job, summary: Option<&'a JobSummary>, with_meta: bool) -> Self {
        Self {
            id: job.id.clone(),
            parent_id: job.parent_id.clone(),
            name: (&job.name).into(),
            namespace: job.namespace.clone(),
            datacenters: (!job.datacenters.is_empty()).then(|| Cow::from(&job.datacenters[..])),
            node_pool: (&job.node_pool).into(),
            multiregion: None,
            kind: job.kind,
            priority: job.priority,
            periodic: job.periodic.is_some(),
            parameterized_job: job.parameterized_job.is_some() && !job.dispatched,
            stop: job.stop,
            status: job.status,
            status_description: (&job.status_description).into(),
            job_summary: summary.map(Cow::Borrowed),
            create_index: job.create_index,
            modify_index: job.modify_index,
            job_modify_index: job.job_modify_index,
            submit_time: job.submit_time,
            meta: (with_meta && !job.meta.is_empty()).then_some(Cow::Borrowed(&job.meta)),
        }
    }
}

/// An allocation in a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct AllocStub<'a> {
    /// A UUID.
    #[serde(rename = "ID")]
    pub id: AllocId,
    /// The evaluation that made or last changed it.
    #[serde(rename = "EvalID")]
    pub eval_id: EvalId,
    /// `job.group[index]`.
    pub name: Cow<'a, str>,
    /// Its namespace.
    pub namespace: Namespace,
    /// Its node.
    #[serde(rename = "NodeID")]
    pub node_id: NodeId,
    /// The node's name.
    pub node_name: Cow<'a, str>,
    /// Its job.
    #[serde(rename = "JobID")]
    pub job_id: JobId,
    /// The job's kind.
    pub job_type: Cow<'a, str>,
    /// The job's version.
    pub job_version: u64,
    /// Its group.
    pub task_group: Cow<'a, str>,
    /// What it holds, when asked for.
    pub allocated_resources: Option<Cow<'a, AllocatedResources>>,
    /// What the servers want.
    pub desired_status: AllocDesiredStatus,
    /// Why.
    pub desired_description: Cow<'a, str>,
    /// What operators and the drainer want.
    pub desired_transition: Cow<'a, DesiredTransition>,
    /// What the node says.
    pub client_status: AllocClientStatus,
    /// For people.
    pub client_description: Cow<'a, str>,
    /// Per task, unless left out.
    pub task_states: Option<Cow<'a, BTreeMap<String, TaskState>>>,
    /// Its health.
    pub deployment_status: Option<Cow<'a, AllocDeploymentStatus>>,
    /// The evaluation that will replace it later.
    #[serde(rename = "FollowupEvalID")]
    pub followup_eval_id: EvalId,
    /// The one that replaces it.
    pub next_allocation: AllocId,
    /// Its replacements so far.
    pub reschedule_tracker: Option<Cow<'a, RescheduleTracker>>,
    /// What it pushed out.
    pub preempted_allocations: Option<Cow<'a, [AllocId]>>,
    /// What pushed it out.
    pub preempted_by_allocation: AllocId,
    /// Raft index of creation.
    pub create_index: u64,
    /// Raft index of the last change.
    pub modify_index: u64,
    /// When it was made.
    pub create_time: UnixNanos,
    /// When it last changed.
    pub modify_time: UnixNanos,
}

/// What a list of allocations shows beyond the minimum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AllocFields {
    /// What they hold.
    pub resources: bool,
    /// States of the tasks.
    pub task_states: bool,
}

impl Default for AllocFields {
    fn default() -> Self {
        Self { resources: false, task_states: true }
    }
}

impl<'a> AllocStub<'a> {
    /// The short form of an allocation.
    pub fn new(alloc: &'a Allocation, fields: AllocFields) -> Self {
        Self {
            id: alloc.id.clone(),
            eval_id: alloc.eval_id.clone(),
            name: (&alloc.name).into(),
            namespace: alloc.namespace.clone(),
            node_id: alloc.node_id.clone(),
            node_name: (&alloc.node_name).into(),
            job_id: alloc.job_id.clone(),
            job_type: alloc.job.as_ref().map_or("", |job| job.kind.as_str()).into(),
            job_version: alloc.job_version(),
            task_group: (&alloc.task_group).into(),
            allocated_resources: alloc.allocated_resources.as_deref().filter(|_| fields.resources).map(Cow::Borrowed),
            desired_status: alloc.desired_status,
            desired_description: (&alloc.desired_description).into(),
            desired_transition: Cow::Borrowed(&alloc.desired_transition),
            client_status: alloc.client_status,
            client_description: (&alloc.client_description).into(),
            task_states: (fields.task_states && !alloc.task_states.is_empty())
                .then_some(Cow::Borrowed(&alloc.task_states)),
            deployment_status: alloc.deployment_status.as_ref().map(Cow::Borrowed),
            followup_eval_id: alloc.followup_eval_id.clone(),
            next_allocation: alloc.next_allocation.clone(),
            reschedule_tracker: alloc.reschedule_tracker.as_ref().map(Cow::Borrowed),
            preempted_allocations: (!alloc.preempted_allocations.is_empty())
                .then(|| Cow::from(&alloc.preempted_allocations[..])),
            preempted_by_allocation: alloc.preempted_by_allocation.clone(),
            create_index: alloc.create_index,
            modify_index: alloc.modify_index,
            create_time: alloc.create_time,
            modify_time: alloc.modify_time,
        }
    }
}

/// A node in a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct NodeStub<'a> {
    /// Its address, without a port.
    pub address: Cow<'a, str>,
    /// A UUID.
    #[serde(rename = "ID")]
    pub id: NodeId,
    /// The operating system, when asked for.
    #[serde(default)]
    pub attributes: Option<TextMap>,
    /// Datacenter.
    pub datacenter: Cow<'a, str>,
    /// Name.
    pub name: Cow<'a, str>,
    /// Class.
    pub node_class: Cow<'a, str>,
    /// Pool.
    pub node_pool: Cow<'a, str>,
    /// Version of its agent.
    pub version: Cow<'a, str>,
    /// Whether it is being emptied.
    pub drain: bool,
    /// Whether new work may come.
    pub scheduling_eligibility: NodeEligibility,
    /// Where it stands.
    pub status: NodeStatus,
    /// For people.
    pub status_description: Cow<'a, str>,
    /// Its drivers.
    pub drivers: Cow<'a, BTreeMap<String, DriverInfo>>,
    /// Volumes of the host.
    pub host_volumes: Cow<'a, BTreeMap<String, HostVolumeConfig>>,
    /// What it has, when asked for.
    pub node_resources: Option<Cow<'a, NodeResources>>,
    /// What it keeps for itself, when asked for.
    pub reserved_resources: Option<Cow<'a, NodeReservedResources>>,
    /// The last emptying.
    pub last_drain: Option<Cow<'a, DrainMetadata>>,
    /// Raft index of creation.
    pub create_index: u64,
    /// Raft index of the last change.
    pub modify_index: u64,
}

/// What a list of nodes shows beyond the minimum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NodeFields {
    /// What they have.
    pub resources: bool,
    /// Name of the operating system.
    pub os: bool,
}

impl<'a> NodeStub<'a> {
    /// The short form of a node.
    pub fn new(node: &'a Node, fields: NodeFields) -> Self {
        let address = node.http_addr.rsplit_once(':').map_or(node.http_addr.as_str(), |(host, _)| host);
        let os =
            || TextMap::from([("os.name".to_owned(), node.attributes.get("os.name").cloned().unwrap_or_default())]);
        Self {
            address: address.into(),
            id: node.id.clone(),
            attributes: fields.os.then(os),
            datacenter: (&node.datacenter).into(),
            name: (&node.name).into(),
            node_class: (&node.node_class).into(),
            node_pool: (&node.node_pool).into(),
            version: node.attributes.get("nomad.version").map_or("", String::as_str).into(),
            drain: node.drain_strategy.is_some(),
            scheduling_eligibility: node.scheduling_eligibility,
            status: node.status,
            status_description: (&node.status_description).into(),
            drivers: Cow::Borrowed(&node.drivers),
            host_volumes: Cow::Borrowed(&node.host_volumes),
            node_resources: fields.resources.then_some(Cow::Borrowed(&node.node_resources)),
            reserved_resources: fields.resources.then_some(Cow::Borrowed(&node.reserved_resources)),
            last_drain: node.last_drain.as_ref().map(Cow::Borrowed),
            create_index: node.create_index,
            modify_index: node.modify_index,
        }
    }
}

/// A namespace's services in a list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct NamespaceServices {
    /// The namespace.
    pub namespace: Namespace,
    /// Its services.
    pub services: Vec<ServiceStub>,
}

/// A service in a list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ServiceStub {
    /// Its name.
    pub service_name: String,
    /// Tags of all its instances.
    pub tags: Vec<String>,
}
