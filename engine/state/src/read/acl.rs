//! Access control.

use super::by_prefix;
use crate::Snapshot;
use drover_model::acl::{AclAuthMethod, AclBindingRule, AclPolicy, AclRole, AclToken, OneTimeToken};
use std::sync::Arc;

impl Snapshot {
    /// Index of the last bootstrap of access control; 0: never.
    pub fn acl_bootstrap_index(&self) -> u64 {
        self.0.acl_bootstrap_index
    }

    /// A policy.
    pub fn acl_policy(&self, name: &str) -> Option<&Arc<AclPolicy>> {
        self.0.acl_policies.get(name)
    }
    /// The policies whose name begins with `prefix`, by name.
    pub fn acl_policies<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = &'a Arc<AclPolicy>> + 'a {
        by_prefix(&self.0.acl_policies, prefix)
    }

    /// A token by its accessor.
    pub fn acl_token(&self, accessor: &str) -> Option<&Arc<AclToken>> {
        self.0.acl_tokens.get(accessor)
    }
    /// A token by its secret.
    pub fn acl_token_by_secret(&self, secret: &str) -> Option<&Arc<AclToken>> {
        self.0.acl_tokens_by_secret.get(secret).and_then(|accessor| self.0.acl_tokens.get(accessor))
    }
    /// The tokens whose accessor begins with `prefix`, by accessor.
    pub fn acl_tokens<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = &'a Arc<AclToken>> + 'a {
        by_prefix(&self.0.acl_tokens, prefix)
    }

    /// A role.
    pub fn acl_role(&self, id: &str) -> Option<&Arc<AclRole>> {
        self.0.acl_roles.get(id)
    }
    /// A role by its name.
    pub fn acl_role_named(&self, name: &str) -> Option<&Arc<AclRole>> {
        self.0.acl_roles.values().find(|role| role.name == name)
    }
    /// The roles whose id begins with `prefix`, by id.
    pub fn acl_roles<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = &'a Arc<AclRole>> + 'a {
        by_prefix(&self.0.acl_roles, prefix)
    }

    /// A way to log in.
    pub fn acl_auth_method(&self, name: &str) -> Option<&Arc<AclAuthMethod>> {
        self.0.acl_auth_methods.get(name)
    }
    /// Every way to log in, by name.
    pub fn acl_auth_methods(&self) -> impl Iterator<Item = &Arc<AclAuthMethod>> + '_ {
        self.0.acl_auth_methods.values()
    }

    /// A binding rule.
    pub fn acl_binding_rule(&self, id: &str) -> Option<&Arc<AclBindingRule>> {
        self.0.acl_binding_rules.get(id)
    }
    /// Every binding rule, by id.
    pub fn acl_binding_rules(&self) -> impl Iterator<Item = &Arc<AclBindingRule>> + '_ {
        self.0.acl_binding_rules.values()
    }

    /// A one-time token by its secret.
    pub fn one_time_token(&self, secret: &str) -> Option<&Arc<OneTimeToken>> {
        self.0.one_time_tokens.get(secret)
    }
    /// Every one-time token.
    pub fn one_time_tokens(&self) -> impl Iterator<Item = &Arc<OneTimeToken>> + '_ {
        self.0.one_time_tokens.values()
    }
}
