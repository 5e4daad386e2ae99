//! Who is calling, and what they may do: from the secret of a request to an [`Access`].

mod cache;
mod workload;

use crate::error::{Result, ServerError};
use crate::server::Server;
use drover_acl::{Acl, VariableCapability};
use drover_model::acl::{ANONYMOUS_POLICY, AclPolicy, AclToken};
use drover_model::{AllocId, JobId, Namespace, NodeId, UnixNanos};
use drover_state::Snapshot;
use std::collections::BTreeMap;
use std::sync::Arc;

pub(crate) use cache::AclCache;
pub use workload::policies_of_workload;

/// Who calls.
#[derive(Clone, Debug)]
pub enum Identity {
    /// Access control is off: everybody may do everything.
    Disabled,
    /// Nobody in particular.
    Anonymous,
    /// Somebody with a token.
    Token(Arc<AclToken>),
    /// A task or service of an allocation.
    Workload(Arc<WorkloadClaims>),
    /// A node of the cluster.
    Node(NodeId),
}

/// What a workload's identity says of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WorkloadClaims {
    /// The job's namespace.
    pub namespace: Namespace,
    /// The job; of a job that another one made, the one that made it.
    pub job_id: JobId,
    /// Its group.
    pub group: String,
    /// The task; empty for a service of the group.
    pub task: String,
    /// The allocation.
    pub alloc_id: AllocId,
}

/// Where the variables of workloads are.
const WORKLOAD_VARIABLES: &str = "nomad/jobs";

impl WorkloadClaims {
    /// Whether a variable is for all jobs, or for this one, its group or task.
    fn owns_variable(&self, path: &str) -> bool {
        let Some(rest) = path.strip_prefix(WORKLOAD_VARIABLES) else { return false };
        let job = format!("/{}", self.job_id);
        let group = format!("{job}/{}", self.group);
        let task = format!("{group}/{}", self.task);
        rest.is_empty() || rest == job || rest == group || (!self.task.is_empty() && rest == task)
    }
}

/// A caller and what it may do.
#[derive(Clone, Debug)]
pub struct Access {
    /// Who calls.
    pub identity: Identity,
    /// What it may do.
    pub acl: Arc<Acl>,
}

impl Access {
    /// Everything, without anybody being asked.
    pub fn disabled() -> Self {
        Self { identity: Identity::Disabled, acl: Arc::new(Acl::management()) }
    }

    /// The accessor of the caller, as logs and answers name it; empty for workloads and nodes.
    pub fn accessor_id(&self) -> &str {
        match &self.identity {
            Identity::Disabled => drover_model::acl::DISABLED_ACCESSOR,
            Identity::Anonymous => drover_model::acl::ANONYMOUS_ACCESSOR,
            Identity::Token(token) => &token.accessor_id,
            Identity::Workload(_) | Identity::Node(_) => "",
        }
    }

    /// Whether the caller may do something with a variable. A workload may list and read its own without any policy.
    pub fn allows_variable(&self, namespace: &str, path: &str, capability: VariableCapability) -> bool {
        self.acl.allows_variable(namespace, path, capability)
            || self.workload().is_some_and(|claims| {
                matches!(capability, VariableCapability::Read | VariableCapability::List)
                    && *claims.namespace == *namespace
                    && claims.owns_variable(path)
            })
    }

    /// The caller's token, if it has one.
    pub fn token(&self) -> Option<&Arc<AclToken>> {
        match &self.identity {
            Identity::Token(token) => Some(token),
            _ => None,
        }
    }

    /// The caller's workload, if it is one.
    pub fn workload(&self) -> Option<&WorkloadClaims> {
        match &self.identity {
            Identity::Workload(claims) => Some(claims),
            _ => None,
        }
    }
}

impl Server {
    /// Whether access control is on.
    pub fn acl_enabled(&self) -> bool {
        self.inner.config.acl.enabled
    }

    /// Who shows `secret` (a token's secret, a signed identity, or nothing), and what they may do.
    ///
    /// # Errors
    /// Forbidden: nobody has this secret, or no longer.
    pub fn resolve(&self, secret: &str) -> Result<Access> {
        if !self.acl_enabled() {
            return Ok(Access { identity: Identity::Disabled, acl: self.inner.acl_cache.management() });
        }
        let snapshot = self.inner.store.snapshot();
        if secret.is_empty() {
            let acl = self.acl_of(snapshot.acl_policy(ANONYMOUS_POLICY).cloned());
            return Ok(Access { identity: Identity::Anonymous, acl });
        }
        if let Some(token) = snapshot.acl_token_by_secret(secret) {
            return self.access_of_token(&snapshot, token);
        }
        match self.resolve_signed(&snapshot, secret)? {
            Some(access) => Ok(access),
            None => Err(denied()),
        }
    }

    /// What a token allows.
    ///
    /// # Errors
    /// It has ended.
    pub fn access_of_token(&self, snapshot: &Snapshot, token: &Arc<AclToken>) -> Result<Access> {
        if token.is_expired(UnixNanos::now()) {
            return Err(ServerError::forbidden("ACL token expired"));
        }
        let acl = match token.is_management() {
            true => self.inner.acl_cache.management(),
            false => self.acl_of(policies_of(snapshot, token)),
        };
        Ok(Access { identity: Identity::Token(token.clone()), acl })
    }

    /// What policies allow together.
    pub fn acl_of(&self, policies: impl IntoIterator<Item = Arc<AclPolicy>>) -> Arc<Acl> {
        self.inner.acl_cache.compile(policies)
    }
}

/// The policies of a token and of its roles, each once; those that are no longer there are left out.
pub fn policies_of(snapshot: &Snapshot, token: &AclToken) -> Vec<Arc<AclPolicy>> {
    let of_roles = token.roles.iter().filter_map(|role| snapshot.acl_role(&role.id));
    let names = of_roles.flat_map(|role| role.policies.iter().map(|policy| &policy.name));
    let found: BTreeMap<&String, &Arc<AclPolicy>> = names
        .chain(token.policy_names())
        .filter_map(|name| snapshot.acl_policy(name).map(|policy| (name, policy)))
        .collect();
    found.into_values().cloned().collect()
}

/// The refusal that says nothing of why.
pub fn denied() -> ServerError {
    ServerError::forbidden("Permission denied")
}
