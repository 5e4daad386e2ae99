//! What a node needs of the servers.

use async_trait::async_trait;
use drover_base::UnixNanos;
use drover_model::{AllocId, Allocation, Namespace, Node, NodeId, ServiceRegistration};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// The servers as a node sees them: in the same process, or over the network.
#[async_trait]
pub trait ServerLink: Send + Sync + fmt::Debug + 'static {
    /// Registers the node, or changes what is known of it.
    async fn register(&self, node: Node) -> Result<Heartbeat, LinkError>;

    /// Says that the node is alive.
    async fn heartbeat(&self, node: &NodeId) -> Result<Heartbeat, LinkError>;

    /// The node's allocations with their jobs, as soon as the index is beyond `min_index`, or after `wait`.
    async fn allocs(&self, node: &NodeId, min_index: u64, wait: Duration) -> Result<AllocsReply, LinkError>;

    /// Tells what became of allocations. Only the fields that a node decides about count: client status and
    /// description, task states, deployment status, network status.
    async fn update_allocs(&self, updates: Vec<Allocation>) -> Result<(), LinkError>;

    /// Puts services into the catalog, or changes them.
    async fn upsert_services(&self, services: Vec<ServiceRegistration>) -> Result<(), LinkError>;

    /// Takes services out of the catalog, by namespace and id. Unknown ones are no error.
    async fn delete_services(&self, services: Vec<(Namespace, String)>) -> Result<(), LinkError>;

    /// Signs identities of tasks of this node, in the order of the wishes.
    async fn sign_identities(&self, node: &NodeId, wishes: &[IdentityWish]) -> Result<Vec<SignedIdentity>, LinkError>;

    /// Signs the node's own identity.
    async fn sign_node_identity(&self, node: &NodeId) -> Result<SignedIdentity, LinkError>;
}

/// An identity that a task is to have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityWish {
    /// The allocation.
    pub alloc_id: AllocId,
    /// Its task.
    pub task: String,
    /// The identity's name.
    pub identity: String,
}

/// A signed identity. Its debug form does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct SignedIdentity {
    /// The token.
    pub jwt: String,
    /// When it ends, if ever.
    pub expires: Option<UnixNanos>,
}

impl fmt::Debug for SignedIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignedIdentity").field("expires", &self.expires).finish_non_exhaustive()
    }
}

/// The answer to a registration or a sign of life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heartbeat {
    /// The next sign of life must come within this time.
    pub ttl: Duration,
}

/// The answer to a question for allocations.
#[derive(Clone, Debug, Default)]
pub struct AllocsReply {
    /// Raft index of the answer.
    pub index: u64,
    /// Every allocation of the node that the servers still know, each with its job.
    pub allocs: Vec<Arc<Allocation>>,
}

/// Why the servers did not do as asked.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// The servers do not know the node: it must register again.
    #[error("the servers do not know this node")]
    UnknownNode,
    /// Anything else; trying again may help.
    #[error("servers: {0}")]
    Failed(String),
}
