//! What callers ask of a server.

use drover_model::node::DrainSpec;
use drover_model::registry::JobSubmission;
use drover_model::{ConfigMap, Namespace, TextMap};

/// How to register a job.
#[derive(Clone, Debug, Default)]
pub struct RegisterOptions {
    /// Refuse unless the job's registration index is `job_modify_index`.
    pub enforce_index: bool,
    /// The index to compare with; 0: the job must not exist.
    pub job_modify_index: u64,
    /// Keep the counts of groups that exist already.
    pub preserve_counts: bool,
    /// Keep the resources of tasks that exist already.
    pub preserve_resources: bool,
    /// Override soft policies.
    pub policy_override: bool,
    /// Priority of the evaluation instead of the job's.
    pub eval_priority: Option<u8>,
    /// What the job was made from.
    pub submission: Option<JobSubmission>,
}

/// How to stop a job.
#[derive(Clone, Debug, Default)]
pub struct DeregisterOptions {
    /// Forget it altogether.
    pub purge: bool,
    /// Priority of the evaluation instead of the job's.
    pub eval_priority: Option<u8>,
    /// Stop without shutdown delays.
    pub no_shutdown_delay: bool,
}

/// A change of a group's count, or a note about one.
#[derive(Clone, Debug, Default)]
pub struct ScaleRequest {
    /// The group.
    pub group: String,
    /// The new count; `None` only leaves a message.
    pub count: Option<i64>,
    /// For people.
    pub message: String,
    /// Whether the message is about an error; then there is no count.
    pub error: bool,
    /// Kept with the event.
    pub meta: ConfigMap,
    /// Refuse unless the job's registration index is `job_modify_index`.
    pub enforce_index: bool,
    /// The index to compare with.
    pub job_modify_index: u64,
}

/// A run of a parameterized job.
#[derive(Clone, Debug, Default)]
pub struct DispatchRequest {
    /// At most [`MAX_DISPATCH_PAYLOAD_BYTES`].
    pub payload: Vec<u8>,
    /// Given to the tasks.
    pub meta: TextMap,
    /// The same token gives the same job.
    pub idempotency_token: String,
    /// Put into the child's id.
    pub id_prefix: String,
    /// Instead of the job's.
    pub priority: Option<u8>,
}

/// Largest payload of a dispatch.
pub const MAX_DISPATCH_PAYLOAD_BYTES: usize = 16 * 1024;

/// A return to an older version.
#[derive(Clone, Debug, Default)]
pub struct RevertRequest {
    /// The version wanted.
    pub version: u64,
    /// Refuse unless this is the current version.
    pub enforce_prior_version: Option<u64>,
}

/// A drain of a node.
#[derive(Clone, Debug, Default)]
pub struct DrainRequest {
    /// How; `None` cancels a drain.
    pub spec: Option<DrainSpec>,
    /// Take new work again when a drain is cancelled.
    pub mark_eligible: bool,
    /// Kept with the drain's record.
    pub meta: TextMap,
}

/// How an allocation is stopped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StopAlloc {
    /// Without its tasks' shutdown delay.
    pub no_shutdown_delay: bool,
    /// As if it had failed: its replacement follows the reschedule policy.
    pub reschedule: bool,
}

/// A variable to write.
#[derive(Clone, Debug, Default)]
pub struct VariableWrite {
    /// Namespace.
    pub namespace: Namespace,
    /// Path.
    pub path: String,
    /// Its items, in the clear.
    pub items: TextMap,
    /// Refuse unless its modify index is this; 0: it must not exist.
    pub cas: Option<u64>,
    /// The lock that the caller holds, if it is locked.
    pub lock: Option<drover_model::registry::VariableLock>,
}

/// A lock to take, renew or give back.
#[derive(Clone, Debug, Default)]
pub struct VariableLockRequest {
    /// Namespace.
    pub namespace: Namespace,
    /// Path.
    pub path: String,
    /// New items, in the clear; none: they stay.
    pub items: TextMap,
    /// The lock; its id says who holds it.
    pub lock: drover_model::registry::VariableLock,
}

/// A token that is to be made or changed.
#[derive(Clone, Debug, Default)]
pub struct TokenWrite {
    /// The token; without an accessor a new one is made. What the server sets is ignored.
    pub token: drover_model::AclToken,
    /// Its kind as it was asked for, which may be none.
    pub kind: String,
}
