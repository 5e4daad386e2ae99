//! Roles.

use super::{MAX_DESCRIPTION_BYTES, digest, is_name};
use crate::answer::Written;
use crate::error::{Result, ServerError};
use crate::server::Server;
use drover_base::uuid;
use drover_model::acl::AclRole;
use drover_state::{Command, Snapshot};
use drover_wire::problems::Problems;
use std::collections::BTreeSet;
use std::sync::Arc;

impl Server {
    /// Adds a role (without an id) or changes one; gives back the role as it is then.
    ///
    /// # Errors
    /// Access control is off, the role is not allowed, or its name is taken.
    pub async fn upsert_acl_role(&self, mut role: AclRole) -> Result<Arc<AclRole>> {
        self.check_acl_enabled()?;
        let snapshot = self.inner.store.snapshot();
        check(&role, &snapshot)?;
        let mut seen = BTreeSet::new();
        role.policies.retain(|policy| seen.insert(policy.name.clone()));
        if role.id.is_empty() {
            role.id = uuid::random();
        }
        let id = role.id.clone();
        self.inner.propose(Command::UpsertAclRoles(vec![with_hash(role)])).await?;
        let snapshot = self.inner.store.snapshot();
        let stored = snapshot.acl_role(&id).cloned();
        stored.ok_or_else(|| ServerError::unavailable("the role was written, but its state is not known"))
    }

    /// Removes a role.
    ///
    /// # Errors
    /// Access control is off, or there is no such role.
    pub async fn delete_acl_role(&self, id: &str) -> Result<Written> {
        self.check_acl_enabled()?;
        Ok(Written { index: self.inner.propose(Command::DeleteAclRoles(vec![id.to_owned()])).await?.index })
    }
}

fn check(role: &AclRole, snapshot: &Snapshot) -> Result<()> {
    let mut problems = Problems::default();
    if !is_name(&role.name) {
        problems.add(format!("invalid name '{}'", role.name));
    }
    if role.description.len() > MAX_DESCRIPTION_BYTES {
        problems.add(format!("description longer than {MAX_DESCRIPTION_BYTES}"));
    }
    problems.add_if(role.policies.is_empty(), "at least one policy should be specified");
    if !problems.is_empty() {
        return Err(ServerError::invalid(format!("role 0 invalid: {}", problems.to_text())));
    }
    if !role.id.is_empty() && snapshot.acl_role(&role.id).is_none() {
        return Err(ServerError::invalid(format!("cannot find role {}", role.id)));
    }
    if role.id.is_empty() && snapshot.acl_role_named(&role.name).is_some() {
        return Err(ServerError::invalid(format!("role with name {} already exists", role.name)));
    }
    match role.policies.iter().find(|policy| snapshot.acl_policy(&policy.name).is_none()) {
        Some(missing) => Err(ServerError::invalid(format!("cannot find policy {}", missing.name))),
        None => Ok(()),
    }
}

fn with_hash(role: AclRole) -> AclRole {
    let fields = [role.name.as_str(), &role.description].into_iter();
    let hash = digest(fields.chain(role.policies.iter().map(|policy| policy.name.as_str())));
    AclRole { hash, ..role }
}
