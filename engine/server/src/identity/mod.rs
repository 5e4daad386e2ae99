//! Identities that this cluster signs: of tasks and services, of nodes, and of nodes that are to join.
//!
//! [`claims`] says what they say, [`token`] how they are signed and checked. Keys come from the keyring; to check one,
//! the replicated public half is enough.

pub mod claims;
pub(crate) mod token;

pub use self::claims::{Claims, DEFAULT_IDENTITY, Workload};

use self::claims::Issue;
use crate::error::{Result, ServerError};
use crate::keyring::Material;
use crate::server::Server;
use drover_base::uuid;
use drover_model::registry::RootKeyState;
use drover_model::{AllocId, Allocation, Nanos, Node, NodeId, UnixNanos, WorkloadIdentity};
use drover_state::{Command, SetNodeSigningKey, Snapshot};
use std::sync::Arc;

/// Identities that a node may ask for in one call.
pub const MAX_IDENTITY_WISHES: usize = 512;
/// The life of a node's identity when its pool does not say.
const DEFAULT_NODE_TTL: Nanos = Nanos::from_hours(24);
const NANOS_PER_SECOND: i64 = 1_000_000_000;

/// One identity that a node asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityWish {
    /// The allocation.
    pub alloc_id: AllocId,
    /// Its task or service.
    pub workload: Workload,
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

impl std::fmt::Debug for SignedIdentity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SignedIdentity").field("expires", &self.expires).finish_non_exhaustive()
    }
}

/// Whom to let in, and for how long.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IntroductionRequest {
    /// The node's name; empty for any.
    pub node_name: String,
    /// Its pool; empty for the default one.
    pub node_pool: String,
    /// How long the token is good for; none for the configured time.
    pub ttl: Option<Nanos>,
}

impl Server {
    /// Signs identities of allocations of a node, in the order of the wishes.
    ///
    /// # Errors
    /// The keyring is not ready; `Forbidden`: an allocation is not that node's, is over, or has no such identity.
    pub async fn sign_identities(&self, node_id: &NodeId, wishes: &[IdentityWish]) -> Result<Vec<SignedIdentity>> {
        if wishes.len() > MAX_IDENTITY_WISHES {
            let text = format!("at most {MAX_IDENTITY_WISHES} identities can be signed in one call");
            return Err(ServerError::invalid(text));
        }
        let active = self.inner.active_material().await?;
        let snapshot = self.inner.store.snapshot();
        let sign = |wish: &IdentityWish| {
            let refuse = |what: &str| ServerError::forbidden(format!("allocation {}: {what}", wish.alloc_id));
            let alloc = snapshot.alloc(&wish.alloc_id).filter(|alloc| alloc.node_id == *node_id);
            let alloc = alloc.ok_or_else(|| refuse("not one of this node"))?;
            if alloc.is_terminal() {
                return Err(refuse("is over"));
            }
            let job = alloc.job.as_deref().ok_or_else(|| refuse("has no job"))?;
            let identity = find_identity(alloc, &wish.workload, &wish.identity);
            let identity = identity.ok_or_else(|| refuse(&format!("has no identity {:?}", wish.identity)))?;
            let claims = self.issue().workload(alloc, job, &wish.workload, &identity);
            // A token without end lives as long as the key that the allocation holds.
            let key = match claims.exp {
                None => self.key_of(&snapshot, alloc).unwrap_or_else(|| active.clone()),
                Some(_) => active.clone(),
            };
            signed(&key, &claims)
        };
        wishes.iter().map(sign).collect()
    }

    /// The key that an allocation keeps from being removed, unless it is being retired.
    fn key_of(&self, snapshot: &Snapshot, alloc: &Allocation) -> Option<Arc<Material>> {
        let key = snapshot.root_key(&alloc.signing_key_id)?;
        if !matches!(key.state, RootKeyState::Active | RootKeyState::Inactive) {
            return None;
        }
        self.inner.keyring.material(&key.key_id).ok()
    }

    /// Signs a node's own identity, and remembers with which key.
    ///
    /// # Errors
    /// The keyring is not ready; the node is unknown.
    pub async fn sign_node_identity(&self, node_id: &NodeId) -> Result<SignedIdentity> {
        let key = self.inner.active_material().await?;
        let snapshot = self.inner.store.snapshot();
        let node = snapshot.node(node_id).ok_or_else(|| ServerError::not_found("node not found"))?;
        let claims = self.issue().node(node, node_ttl(&snapshot, node).0 / NANOS_PER_SECOND);
        if node.identity_signing_key_id != key.id() {
            let command = SetNodeSigningKey { node_id: node_id.clone(), key_id: key.id().to_owned() };
            self.inner.propose(Command::SetNodeSigningKey(command)).await?;
        }
        signed(&key, &claims)
    }

    /// Signs a token with which a new node may join.
    ///
    /// # Errors
    /// The keyring is not ready.
    pub async fn sign_introduction(&self, request: &IntroductionRequest) -> Result<SignedIdentity> {
        let key = self.inner.active_material().await?;
        let config = &self.inner.config.introduction;
        let ttl = request.ttl.filter(|ttl| ttl.0 > 0).unwrap_or(config.default_ttl).min(config.max_ttl);
        let pool = if request.node_pool.is_empty() { "default" } else { &request.node_pool };
        signed(&key, &self.issue().introduction(&request.node_name, pool, ttl.0 / NANOS_PER_SECOND))
    }

    /// What a signed identity says.
    ///
    /// # Errors
    /// Why it is not taken; for logs only.
    pub fn verify_identity(&self, jwt: &str) -> std::result::Result<Claims, token::TokenError> {
        let snapshot = self.inner.store.snapshot();
        token::verify(jwt, |id| snapshot.root_key(id).map(|key| &**key), UnixNanos::now())
    }

    fn issue(&self) -> Issue<'_> {
        let config = &self.inner.config;
        let issuer = config.oidc_issuer.as_deref();
        Issue { region: &config.region, issuer, now: UnixNanos::now(), id: uuid::random() }
    }
}

fn signed(key: &Material, claims: &Claims) -> Result<SignedIdentity> {
    let expires = claims.exp.map(|end| UnixNanos(end.saturating_mul(NANOS_PER_SECOND)));
    Ok(SignedIdentity { jwt: token::sign(key, claims)?, expires })
}

fn node_ttl(snapshot: &Snapshot, node: &Node) -> Nanos {
    let of_pool = snapshot.node_pool(&node.node_pool).map(|pool| pool.node_identity_ttl);
    of_pool.filter(|ttl| ttl.0 > 0).unwrap_or(DEFAULT_NODE_TTL)
}

/// The identity of that name, as the job defines it. Every task has the default one.
fn find_identity(alloc: &Allocation, workload: &Workload, name: &str) -> Option<WorkloadIdentity> {
    let group = alloc.group()?;
    match workload {
        Workload::Task(task) => {
            let task = group.task(task)?;
            if name == DEFAULT_IDENTITY {
                return Some(task.identity.clone().unwrap_or_default());
            }
            task.identities.iter().find(|identity| identity.name == name).cloned()
        }
        Workload::Service(service) => {
            let services = group.services.iter().chain(group.tasks.iter().flat_map(|task| &task.services));
            let identities =
                services.filter(|known| known.name == *service).filter_map(|known| known.identity.as_ref());
            identities.into_iter().find(|identity| identity.name == name).cloned()
        }
    }
}
