//! The commands: everything that may happen to the replicated state, with all its ids and times.

use drover_model::acl::{AclAuthMethod, AclBindingRule, AclPolicy, AclRole, AclToken, OneTimeToken};
use drover_model::csi::{CsiClaim, CsiVolume};
use drover_model::placement::DeploymentUpdate;
use drover_model::quota::QuotaSpec;
use drover_model::registry::{
    AutopilotConfiguration, NamespaceSpec, NodePool, RootKey, ScalingEvent, SchedulerConfiguration, StoredVariable,
};
use drover_model::volume::HostVolume;
use drover_model::{
    AllocClientStatus, AllocDeploymentStatus, AllocId, DeploymentId, DesiredTransition, EvalId, Evaluation, Job,
    JobKey, Namespace, NetworkStatus, Node, NodeEligibility, NodeEvent, NodeId, NodeStatus, PlacementResult,
    ServiceRegistration, TaskState, TextMap, UnixNanos, node::DrainStrategy, registry::JobSubmission,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// One change of the replicated state.
///
/// Indexes inside of the carried objects (`create_index`, `modify_index`, …), job versions and
/// derived statuses are set by `apply`; whatever the command holds there is ignored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Command {
    /// Changes nothing; its index marks a point in the log.
    Noop,
    /// Registers a job, or a new version of it.
    RegisterJob(RegisterJob),
    /// Stops or purges a job.
    DeregisterJob(DeregisterJob),
    /// Stops or purges several jobs.
    DeregisterJobs(Vec<DeregisterJob>),
    /// Adds or replaces evaluations.
    UpsertEvals(Vec<Evaluation>),
    /// Removes evaluations and allocations.
    DeleteEvals(DeleteEvals),
    /// Registers a node.
    UpsertNode(UpsertNode),
    /// A node's status changed.
    UpdateNodeStatus(UpdateNodeStatus),
    /// A node's eligibility changed.
    UpdateNodeEligibility(UpdateNodeEligibility),
    /// A node's drain began, changed or ended.
    UpdateNodeDrain(UpdateNodeDrain),
    /// Something happened to nodes.
    AddNodeEvents(BTreeMap<NodeId, Vec<NodeEvent>>),
    /// Removes nodes.
    DeregisterNode(DeregisterNode),
    /// What the applier accepted of a placement plan.
    ApplyPlacement(ApplyPlacement),
    /// What a node says of its allocations.
    UpdateAllocsFromClient(UpdateAllocsFromClient),
    /// What operators and the drainer want done with allocations.
    UpdateAllocDesiredTransition(UpdateAllocDesiredTransition),
    /// A deployment changed its status.
    UpdateDeploymentStatus(UpdateDeploymentStatus),
    /// Canaries were promoted.
    DeploymentPromote(DeploymentPromote),
    /// The health of a deployment's allocations was set.
    DeploymentAllocHealth(DeploymentAllocHealth),
    /// Removes deployments.
    DeleteDeployments(Vec<DeploymentId>),
    /// A version of a job was found to be stable, or not.
    UpdateJobStability(UpdateJobStability),
    /// Names a version of a job, or takes the name away.
    JobVersionTag(JobVersionTag),
    /// Records a change of a group's count.
    AddScalingEvent(AddScalingEvent),
    /// When a periodic job was last launched.
    UpsertPeriodicLaunch(PeriodicLaunch),
    /// Adds or changes registered services.
    UpsertServices(Vec<ServiceRegistration>),
    /// Removes registered services.
    DeleteServices(DeleteServices),
    /// Adds or changes namespaces.
    UpsertNamespaces(Vec<NamespaceSpec>),
    /// Removes namespaces.
    DeleteNamespaces(Vec<Namespace>),
    /// Adds or changes pools of nodes.
    UpsertNodePools(Vec<NodePool>),
    /// Removes pools of nodes.
    DeleteNodePools(Vec<String>),
    /// Changes how the cluster schedules.
    SetSchedulerConfiguration(SetSchedulerConfiguration),
    /// Adds or changes a variable.
    UpsertVariable(UpsertVariable),
    /// Removes a variable.
    DeleteVariable(DeleteVariable),
    /// Adds or changes a key of the keyring.
    UpsertRootKey(RootKey),
    /// Removes a key of the keyring.
    DeleteRootKey(String),
    /// The key that signed a node's identity.
    SetNodeSigningKey(SetNodeSigningKey),
    /// Replaces the seals of variables; their contents and indexes stay.
    RekeyVariables(Vec<RekeyVariable>),
    /// Takes, keeps or ends the hold on a variable.
    LockVariable(LockVariable),
    /// Changes how servers that fail are dealt with.
    SetAutopilotConfiguration(SetAutopilotConfiguration),
    /// Replaces the whole state by an archived one, as [`crate::codec::encode_state`] writes it, compressed by gzip.
    RestoreState(RestoreState),
    /// Keeps a value for the servers themselves: the cluster's id and the like.
    PutMeta(PutMeta),
    /// Removes what the collector found to be over.
    Reap(Reap),
    /// Counts all summaries anew.
    ReconcileSummaries,
    /// Host volumes, their claims, CSI volumes.
    Storage(StorageCommand),
    /// Adds or changes quotas.
    UpsertQuotas(Vec<QuotaSpec>),
    /// Removes quotas.
    DeleteQuotas(Vec<String>),
    /// Several commands, all or none.
    Batch(Vec<Command>),
    /// Makes the first token of access control.
    BootstrapAcl(BootstrapAcl),
    /// Adds or changes policies.
    UpsertAclPolicies(Vec<AclPolicy>),
    /// Removes policies, by name.
    DeleteAclPolicies(Vec<String>),
    /// Adds or changes tokens.
    UpsertAclTokens(Vec<AclToken>),
    /// Removes tokens, by accessor.
    DeleteAclTokens(Vec<String>),
    /// Adds or changes roles.
    UpsertAclRoles(Vec<AclRole>),
    /// Removes roles, by id.
    DeleteAclRoles(Vec<String>),
    /// Adds or changes ways to log in.
    UpsertAclAuthMethods(Vec<AclAuthMethod>),
    /// Removes ways to log in, by name.
    DeleteAclAuthMethods(Vec<String>),
    /// Adds or changes what those who log in get.
    UpsertAclBindingRules(Vec<AclBindingRule>),
    /// Removes binding rules, by id.
    DeleteAclBindingRules(Vec<String>),
    /// Adds a one-time token.
    UpsertOneTimeToken(OneTimeToken),
    /// Removes one-time tokens, by secret; refused when one is not there, so that each is used once.
    DeleteOneTimeTokens(Vec<String>),
    /// Removes the one-time tokens that have ended by then.
    ExpireOneTimeTokens(UnixNanos),
}

/// Changes of volumes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum StorageCommand {
    /// Adds or changes dynamic host volumes.
    UpsertHostVolumes(Vec<HostVolume>),
    /// Removes one.
    DeleteHostVolume {
        /// Its namespace.
        namespace: Namespace,
        /// Its id.
        id: String,
    },
    /// Ends a group's hold on a sticky volume.
    DeleteVolumeClaim {
        /// Namespace of the job.
        namespace: Namespace,
        /// The claim.
        id: String,
    },
    /// Registers CSI volumes, or changes what may change of them.
    UpsertCsiVolumes {
        /// The volumes.
        volumes: Vec<CsiVolume>,
        /// When.
        now: UnixNanos,
    },
    /// Forgets a CSI volume.
    DeregisterCsiVolume {
        /// Its namespace.
        namespace: Namespace,
        /// Its id.
        id: String,
        /// Also when allocations that are over still hold it.
        force: bool,
    },
    /// An allocation takes a CSI volume, or lets go of it step by step.
    ClaimCsiVolume {
        /// The volume's namespace.
        namespace: Namespace,
        /// Its id.
        id: String,
        /// The claim.
        claim: CsiClaim,
        /// When.
        now: UnixNanos,
    },
}

/// Registers a job, or a new version of it. A job whose specification equals the stored one makes
/// no new version; its evaluation is made all the same.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RegisterJob {
    /// The canonical job. Its scaling policies carry fresh ids; those of the stored job win.
    pub job: Arc<Job>,
    /// What it was made from.
    pub submission: Option<JobSubmission>,
    /// The evaluation to make; its `job_modify_index` is set by apply.
    pub eval: Option<Evaluation>,
    /// Compare-and-set on `job_modify_index`; 0: the job must not exist.
    pub enforce_index: Option<u64>,
    /// How many untagged versions are kept; 6 when it does not say.
    #[serde(default)]
    pub keep_versions: Option<u32>,
}

/// Stops or purges a job. An unknown job is no error.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeregisterJob {
    /// The job.
    pub key: JobKey,
    /// Forget it altogether.
    pub purge: bool,
    /// Stop its allocations without their shutdown delay.
    pub no_shutdown_delay: bool,
    /// The evaluation to make.
    pub eval: Option<Evaluation>,
    /// Submission time of the stopped version.
    pub now: UnixNanos,
}

/// Removes evaluations and allocations.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DeleteEvals {
    /// Evaluations.
    pub evals: Vec<EvalId>,
    /// Allocations.
    pub allocs: Vec<AllocId>,
}

/// Registers a node. Creation index, events, drain and eligibility of a known one stay.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UpsertNode {
    /// The node as it describes itself.
    pub node: Arc<Node>,
    /// When; also the time of the event.
    pub now: UnixNanos,
    /// Evaluations to make.
    pub evals: Vec<Evaluation>,
}

/// A node's status changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UpdateNodeStatus {
    /// The node.
    pub node_id: NodeId,
    /// The new status.
    pub status: NodeStatus,
    /// For people.
    pub description: String,
    /// What is shown among the node's events.
    pub event: Option<NodeEvent>,
    /// When.
    pub now: UnixNanos,
    /// Evaluations to make.
    pub evals: Vec<Evaluation>,
}

/// A node's eligibility changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UpdateNodeEligibility {
    /// The node.
    pub node_id: NodeId,
    /// The new value.
    pub eligibility: NodeEligibility,
    /// What is shown among the node's events.
    pub event: Option<NodeEvent>,
    /// When.
    pub now: UnixNanos,
    /// Evaluations to make.
    pub evals: Vec<Evaluation>,
}

/// How a drain goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DrainOutcome {
    /// It is under way (a strategy is given) or was cancelled (none is).
    Ongoing,
    /// Nothing is left on the node.
    Complete,
}

/// A node's drain began, changed or ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UpdateNodeDrain {
    /// The node.
    pub node_id: NodeId,
    /// The drain; `None` ends it.
    pub strategy: Option<DrainStrategy>,
    /// Take new work again when it ends.
    pub mark_eligible: bool,
    /// Why it ended, when it did.
    pub outcome: DrainOutcome,
    /// Kept with the drain's record.
    pub meta: TextMap,
    /// Accessor of the token that asked.
    pub accessor_id: String,
    /// What is shown among the node's events.
    pub event: Option<NodeEvent>,
    /// When.
    pub now: UnixNanos,
    /// Evaluations to make.
    pub evals: Vec<Evaluation>,
}

/// Removes nodes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeregisterNode {
    /// The nodes.
    pub node_ids: Vec<NodeId>,
    /// Evaluations to make.
    pub evals: Vec<Evaluation>,
}

/// What the applier accepted of a placement plan. Allocations carry no job: new and updated ones
/// get `job` at apply, stopped ones keep theirs; one that carries a job of its own keeps that.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ApplyPlacement {
    /// The evaluation that the plan came from.
    pub eval_id: EvalId,
    /// The job that placed allocations belong to.
    pub job: Option<Arc<Job>>,
    /// What was accepted.
    pub result: Arc<PlacementResult>,
    /// Evaluations of the jobs whose allocations were pushed out.
    pub preemption_evals: Vec<Evaluation>,
    /// When; times of the allocations.
    pub now: UnixNanos,
}

/// What a node says of one allocation.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ClientAllocUpdate {
    /// The allocation.
    pub id: AllocId,
    /// Its status.
    pub client_status: AllocClientStatus,
    /// For people.
    pub client_description: String,
    /// Per task.
    pub task_states: BTreeMap<String, TaskState>,
    /// Its health, once known.
    pub deployment_status: Option<AllocDeploymentStatus>,
    /// Its addresses.
    pub network_status: Option<Box<NetworkStatus>>,
}

/// What a node says of its allocations.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UpdateAllocsFromClient {
    /// The changes.
    pub updates: Vec<ClientAllocUpdate>,
    /// Evaluations to make.
    pub evals: Vec<Evaluation>,
    /// When.
    pub now: UnixNanos,
}

/// What operators and the drainer want done with allocations.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UpdateAllocDesiredTransition {
    /// Merged into what is there.
    pub transitions: BTreeMap<AllocId, DesiredTransition>,
    /// Evaluations to make.
    pub evals: Vec<Evaluation>,
    /// When.
    pub now: UnixNanos,
}

/// A deployment changed its status.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UpdateDeploymentStatus {
    /// The change; `successful` marks the job's version stable.
    pub update: DeploymentUpdate,
    /// The job to go back to, registered as a new version.
    pub job: Option<Arc<Job>>,
    /// The evaluation to make.
    pub eval: Option<Evaluation>,
    /// When.
    pub now: UnixNanos,
}

/// Canaries were promoted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeploymentPromote {
    /// The deployment.
    pub id: DeploymentId,
    /// Only these groups; `None`: all of them.
    pub groups: Option<Vec<String>>,
    /// The evaluation to make.
    pub eval: Option<Evaluation>,
    /// When.
    pub now: UnixNanos,
}

/// The health of a deployment's allocations was set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeploymentAllocHealth {
    /// The deployment.
    pub id: DeploymentId,
    /// Healthy ones.
    pub healthy: Vec<AllocId>,
    /// Unhealthy ones.
    pub unhealthy: Vec<AllocId>,
    /// A change of its status that comes with it.
    pub update: Option<DeploymentUpdate>,
    /// The job to go back to.
    pub job: Option<Arc<Job>>,
    /// The evaluation to make.
    pub eval: Option<Evaluation>,
    /// When.
    pub now: UnixNanos,
}

/// A version of a job was found to be stable, or not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UpdateJobStability {
    /// The job.
    pub key: JobKey,
    /// Its version.
    pub version: u64,
    /// Whether it is.
    pub stable: bool,
}

/// Names a version of a job, or takes the name away.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JobVersionTag {
    /// The job.
    pub key: JobKey,
    /// The name.
    pub name: String,
    /// What to do with it.
    pub action: TagAction,
    /// When.
    pub now: UnixNanos,
}

/// What to do with a version's name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TagAction {
    /// Give it to this version, or to the current one.
    Set {
        /// The version.
        version: Option<u64>,
        /// For people.
        description: String,
    },
    /// Take it away.
    Remove,
}

/// Records a change of a group's count.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AddScalingEvent {
    /// The job.
    pub key: JobKey,
    /// The group.
    pub group: String,
    /// What happened.
    pub event: ScalingEvent,
}

/// When a periodic job was last launched.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PeriodicLaunch {
    /// The job.
    pub key: JobKey,
    /// When.
    pub launched: UnixNanos,
}

/// Removes registered services.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DeleteServices {
    /// These ids of a namespace; an unknown one is an error.
    ById(Namespace, Vec<String>),
    /// Those of an allocation.
    ByAlloc(AllocId),
    /// Those of a node.
    ByNode(NodeId),
}

/// Changes how the cluster schedules.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SetSchedulerConfiguration {
    /// The new configuration.
    pub configuration: SchedulerConfiguration,
    /// Compare-and-set on its `modify_index`.
    pub cas: Option<u64>,
}

/// Adds or changes a variable.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UpsertVariable {
    /// The variable, sealed.
    pub variable: StoredVariable,
    /// Compare-and-set on `modify_index`; 0: it must not exist.
    pub cas: Option<u64>,
    /// When.
    pub now: UnixNanos,
}

/// Removes a variable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeleteVariable {
    /// Namespace.
    pub namespace: Namespace,
    /// Path.
    pub path: String,
    /// Compare-and-set on `modify_index`.
    pub cas: Option<u64>,
}

/// The key that signed a node's identity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetNodeSigningKey {
    /// The node.
    pub node_id: NodeId,
    /// The key.
    pub key_id: String,
}

/// Replaces the seal of a variable, unless it changed meanwhile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RekeyVariable {
    /// Namespace.
    pub namespace: Namespace,
    /// Path.
    pub path: String,
    /// Of the variable whose contents are sealed here.
    pub modify_index: u64,
    /// The key that sealed them.
    pub key_id: String,
    /// The same items, sealed anew.
    pub sealed: Vec<u8>,
}

/// Takes or ends the hold on a variable.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum LockVariable {
    /// Takes it; who holds it already may take it anew.
    Acquire {
        /// The variable with its new lock, sealed; made when there is none.
        variable: StoredVariable,
        /// Whether its items are to be replaced when it is there already.
        replace_items: bool,
        /// When.
        now: UnixNanos,
    },
    /// Ends it; the variable stays.
    Release {
        /// Namespace.
        namespace: Namespace,
        /// Path.
        path: String,
        /// Who holds it.
        lock_id: String,
    },
}

/// Changes how servers that fail are dealt with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SetAutopilotConfiguration {
    /// The new configuration.
    pub configuration: AutopilotConfiguration,
    /// Compare-and-set on its `modify_index`.
    pub cas: Option<u64>,
}

/// A whole state.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct RestoreState {
    /// The state as bytes, compressed by gzip.
    #[serde(with = "bytes_as_bytes")]
    pub image: Arc<Vec<u8>>,
}

impl std::fmt::Debug for RestoreState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RestoreState({} bytes)", self.image.len())
    }
}

/// One run of bytes instead of a list of numbers.
mod bytes_as_bytes {
    use serde::de::{Error, Visitor};
    use serde::{Deserializer, Serializer};
    use std::sync::Arc;

    pub(super) fn serialize<S: Serializer>(bytes: &Arc<Vec<u8>>, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(bytes)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<Vec<u8>>, D::Error> {
        struct Bytes;
        impl Visitor<'_> for Bytes {
            type Value = Vec<u8>;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("bytes")
            }
            fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
                Ok(bytes.to_vec())
            }
            fn visit_byte_buf<E: Error>(self, bytes: Vec<u8>) -> Result<Vec<u8>, E> {
                Ok(bytes)
            }
        }
        deserializer.deserialize_byte_buf(Bytes).map(Arc::new)
    }
}

/// Keeps a value for the servers themselves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PutMeta {
    /// Its name.
    pub key: String,
    /// The value; `None` removes it.
    pub value: Option<String>,
}

/// Removes what the collector found to be over.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Reap {
    /// Evaluations.
    pub evals: Vec<EvalId>,
    /// Allocations.
    pub allocs: Vec<AllocId>,
    /// Deployments.
    pub deployments: Vec<DeploymentId>,
    /// Jobs, with all their versions.
    pub jobs: Vec<JobKey>,
    /// Nodes.
    pub nodes: Vec<NodeId>,
}

/// Makes the first token of access control.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BootstrapAcl {
    /// A management token.
    pub token: AclToken,
    /// Allows another bootstrap after the one at this index; 0: only the first is allowed.
    pub reset_index: u64,
}
