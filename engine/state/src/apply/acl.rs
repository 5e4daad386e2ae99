//! Access control: policies, tokens, roles, ways to log in, one-time tokens.

use super::{Done, Txn};
use crate::{Applied, BootstrapAcl, EventPayload, StateError, Table};
use drover_model::UnixNanos;
use drover_model::acl::{AclAuthMethod, AclBindingRule, AclPolicy, AclRole, AclToken, OneTimeToken};
use std::sync::Arc;

impl Txn {
    /// One bootstrap, and another one only when the index of the last is named.
    pub(super) fn bootstrap_acl(&mut self, request: &BootstrapAcl) -> Done {
        let done_at = self.t.acl_bootstrap_index;
        if done_at != 0 && request.reset_index != done_at {
            let text = match request.reset_index {
                0 => "ACL bootstrap already done".to_owned(),
                _ => "invalid reset index for ACL bootstrap".to_owned(),
            };
            return Err(StateError::Refused(text));
        }
        self.t.acl_bootstrap_index = self.index;
        self.put_token(request.token.clone());
        Ok(Applied::Done)
    }

    pub(super) fn upsert_acl_policies(&mut self, policies: &[AclPolicy]) -> Done {
        for policy in policies {
            let mut policy = policy.clone();
            let stored = self.t.acl_policies.get(&policy.name);
            policy.create_index = stored.map_or(self.index, |stored| stored.create_index);
            policy.modify_index = self.index;
            let policy = Arc::new(policy);
            self.emit(EventPayload::AclPolicy(policy.clone()));
            self.t.acl_policies.insert(policy.name.clone(), policy);
        }
        self.touch(Table::AclPolicies);
        Ok(Applied::Done)
    }

    pub(super) fn delete_acl_policies(&mut self, names: &[String]) -> Done {
        for name in names {
            if let Some(policy) = self.t.acl_policies.remove(name) {
                self.emit(EventPayload::AclPolicy(policy));
            }
        }
        self.touch(Table::AclPolicies);
        Ok(Applied::Done)
    }

    fn put_token(&mut self, mut token: AclToken) {
        let stored = self.t.acl_tokens.get(&token.accessor_id);
        token.create_index = stored.map_or(self.index, |stored| stored.create_index);
        token.modify_index = self.index;
        let token = Arc::new(token);
        self.emit(EventPayload::AclToken(token.clone()));
        self.t.insert_acl_token(token);
        self.touch(Table::AclTokens);
    }

    pub(super) fn upsert_acl_tokens(&mut self, tokens: &[AclToken]) -> Done {
        for token in tokens {
            self.put_token(token.clone());
        }
        Ok(Applied::Done)
    }

    pub(super) fn delete_acl_tokens(&mut self, accessors: &[String]) -> Done {
        for accessor in accessors {
            if let Some(token) = self.t.remove_acl_token(accessor) {
                self.emit(EventPayload::AclToken(token));
            }
        }
        self.touch(Table::AclTokens);
        Ok(Applied::Done)
    }

    /// Names of roles are unique.
    pub(super) fn upsert_acl_roles(&mut self, roles: &[AclRole]) -> Done {
        for role in roles {
            if self.t.acl_roles.values().any(|other| other.name == role.name && other.id != role.id) {
                return Err(StateError::Refused(format!("ACL role with name {} already exists", role.name)));
            }
            let mut role = role.clone();
            let stored = self.t.acl_roles.get(&role.id);
            role.create_index = stored.map_or(self.index, |stored| stored.create_index);
            role.modify_index = self.index;
            let role = Arc::new(role);
            self.emit(EventPayload::AclRole(role.clone()));
            self.t.acl_roles.insert(role.id.clone(), role);
        }
        self.touch(Table::AclRoles);
        Ok(Applied::Done)
    }

    pub(super) fn delete_acl_roles(&mut self, ids: &[String]) -> Done {
        for id in ids {
            let role = self.t.acl_roles.remove(id);
            let role = role.ok_or_else(|| StateError::NotFound("ACL role not found".to_owned()))?;
            self.emit(EventPayload::AclRole(role));
        }
        self.touch(Table::AclRoles);
        Ok(Applied::Done)
    }

    /// At most one way of each kind is the default.
    pub(super) fn upsert_acl_auth_methods(&mut self, methods: &[AclAuthMethod]) -> Done {
        for method in methods {
            let mut method = method.clone();
            let stored = self.t.acl_auth_methods.get(&method.name);
            method.create_index = stored.map_or(self.index, |stored| stored.create_index);
            method.modify_index = self.index;
            let method = Arc::new(method);
            self.emit(EventPayload::AclAuthMethod(method.clone()));
            self.t.acl_auth_methods.insert(method.name.clone(), method);
        }
        self.touch(Table::AclAuthMethods);
        Ok(Applied::Done)
    }

    pub(super) fn delete_acl_auth_methods(&mut self, names: &[String]) -> Done {
        for name in names {
            let method = self.t.acl_auth_methods.remove(name);
            let method = method.ok_or_else(|| StateError::NotFound("ACL auth method not found".to_owned()))?;
            self.emit(EventPayload::AclAuthMethod(method));
        }
        self.touch(Table::AclAuthMethods);
        Ok(Applied::Done)
    }

    pub(super) fn upsert_acl_binding_rules(&mut self, rules: &[AclBindingRule]) -> Done {
        for rule in rules {
            let mut rule = rule.clone();
            let stored = self.t.acl_binding_rules.get(&rule.id);
            rule.create_index = stored.map_or(self.index, |stored| stored.create_index);
            rule.modify_index = self.index;
            let rule = Arc::new(rule);
            self.emit(EventPayload::AclBindingRule(rule.clone()));
            self.t.acl_binding_rules.insert(rule.id.clone(), rule);
        }
        self.touch(Table::AclBindingRules);
        Ok(Applied::Done)
    }

    pub(super) fn delete_acl_binding_rules(&mut self, ids: &[String]) -> Done {
        for id in ids {
            let rule = self.t.acl_binding_rules.remove(id);
            let rule = rule.ok_or_else(|| StateError::NotFound("ACL binding rule not found".to_owned()))?;
            self.emit(EventPayload::AclBindingRule(rule));
        }
        self.touch(Table::AclBindingRules);
        Ok(Applied::Done)
    }

    pub(super) fn upsert_one_time_token(&mut self, token: &OneTimeToken) -> Done {
        let mut token = token.clone();
        token.create_index = self.index;
        token.modify_index = self.index;
        self.t.one_time_tokens.insert(token.one_time_secret_id.clone(), Arc::new(token));
        self.touch(Table::OneTimeTokens);
        Ok(Applied::Done)
    }

    pub(super) fn delete_one_time_tokens(&mut self, secrets: &[String]) -> Done {
        for secret in secrets {
            if self.t.one_time_tokens.remove(secret).is_none() {
                return Err(StateError::NotFound("one-time token not found".to_owned()));
            }
        }
        self.touch(Table::OneTimeTokens);
        Ok(Applied::Done)
    }

    pub(super) fn expire_one_time_tokens(&mut self, now: UnixNanos) -> Done {
        let has_ended = |token: &OneTimeToken| token.expires_at.nanos().is_none_or(|end| end <= now);
        let ended: Vec<String> = self
            .t
            .one_time_tokens
            .iter()
            .filter(|(_, token)| has_ended(token))
            .map(|(secret, _)| secret.clone())
            .collect();
        for secret in &ended {
            self.t.one_time_tokens.remove(secret);
        }
        self.touch(Table::OneTimeTokens);
        Ok(Applied::Found(!ended.is_empty()))
    }
}
