//! Binding rules, as operators write them.

use crate::answer::Written;
use crate::endpoints::acl::digest;
use crate::error::{Result, ServerError};
use crate::server::Server;
use drover_base::uuid;
use drover_filter::Filter;
use drover_model::UnixNanos;
use drover_model::acl::AclBindingRule;
use drover_state::Command;
use drover_wire::problems::Problems;
use serde::Deserialize;
use std::sync::Arc;

const MAX_DESCRIPTION_BYTES: usize = 256;

/// A rule as it is written: what is not given stays as it is.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct BindingRuleWrite {
    /// The rule to change; empty: a new one.
    #[serde(rename = "ID")]
    pub id: String,
    /// For people.
    pub description: Option<String>,
    /// The method.
    pub auth_method: Option<String>,
    /// Whom it is for.
    pub selector: Option<String>,
    /// What it gives.
    pub bind_type: Option<String>,
    /// Which one.
    pub bind_name: Option<String>,
}

impl Server {
    /// Adds a rule (without an id), or changes one; gives back what is there then.
    ///
    /// # Errors
    /// Access control is off, or the rule is not allowed.
    pub async fn upsert_acl_binding_rule(&self, write: BindingRuleWrite) -> Result<Arc<AclBindingRule>> {
        self.check_acl_enabled()?;
        let snapshot = self.inner.store.snapshot();
        let stored = match write.id.as_str() {
            "" => None,
            id => {
                let stored = snapshot.acl_binding_rule(id).cloned();
                Some(stored.ok_or_else(|| ServerError::invalid(format!("cannot find binding rule {id}")))?)
            }
        };
        let mut rule = merge(write, stored.as_deref());
        let problems = check(&rule);
        if !problems.is_empty() {
            return Err(ServerError::invalid(format!("binding rule 0 invalid: {}", problems.to_text())));
        }
        if snapshot.acl_auth_method(&rule.auth_method).is_none() {
            return Err(ServerError::invalid(format!("ACL auth method {} not found", rule.auth_method)));
        }
        let now = UnixNanos::now();
        rule.create_time = stored.as_ref().map_or(now.into(), |stored| stored.create_time);
        rule.modify_time = now.into();
        rule.hash = hash(&rule);
        if let Some(stored) = stored.filter(|stored| stored.hash == rule.hash) {
            return Ok(stored);
        }
        let id = rule.id.clone();
        self.inner.propose(Command::UpsertAclBindingRules(vec![rule])).await?;
        let stored = self.inner.store.snapshot().acl_binding_rule(&id).cloned();
        stored.ok_or_else(|| ServerError::unavailable("the rule was written, but its state is not known"))
    }

    /// Removes a rule.
    ///
    /// # Errors
    /// Access control is off, or there is none with that id.
    pub async fn delete_acl_binding_rule(&self, id: &str) -> Result<Written> {
        self.check_acl_enabled()?;
        if self.inner.store.snapshot().acl_binding_rule(id).is_none() {
            return Err(ServerError::refused("ACL binding rule not found"));
        }
        let index = self.inner.propose(Command::DeleteAclBindingRules(vec![id.to_owned()])).await?.index;
        Ok(Written { index })
    }
}

fn merge(write: BindingRuleWrite, stored: Option<&AclBindingRule>) -> AclBindingRule {
    let mut rule = stored.cloned().unwrap_or_else(|| AclBindingRule { id: uuid::random(), ..Default::default() });
    let given = [
        (&mut rule.description, write.description),
        (&mut rule.auth_method, write.auth_method),
        (&mut rule.selector, write.selector),
        (&mut rule.bind_type, write.bind_type),
        (&mut rule.bind_name, write.bind_name),
    ];
    for (field, value) in given {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            *field = value;
        }
    }
    rule
}

fn check(rule: &AclBindingRule) -> Problems {
    let mut problems = Problems::default();
    problems.add_if(rule.auth_method.is_empty(), "auth method is missing");
    let too_long = rule.description.len() > MAX_DESCRIPTION_BYTES;
    problems.add_if(too_long, &format!("description longer than {MAX_DESCRIPTION_BYTES}"));
    if !rule.selector.is_empty()
        && let Err(error) = Filter::parse(&rule.selector, &[])
    {
        problems.add(format!("selector is invalid: {error}"));
    }
    match rule.bind_type.as_str() {
        "" => problems.add("bind type is missing"),
        "role" | "policy" => problems.add_if(rule.bind_name.is_empty(), "bind name is missing"),
        "management" => problems.add_if(!rule.bind_name.is_empty(), "bind name should be empty"),
        other => problems.add(format!("unsupported bind type: {other:?}")),
    }
    problems
}

fn hash(rule: &AclBindingRule) -> Vec<u8> {
    digest([rule.id.as_str(), &rule.description, &rule.auth_method, &rule.selector, &rule.bind_type, &rule.bind_name])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_refused_in_the_words_of_the_reference() {
        let check = |method: &str, kind: &str, name: &str, selector: &str| {
            check(&AclBindingRule {
                auth_method: method.into(),
                bind_type: kind.into(),
                bind_name: name.into(),
                selector: selector.into(),
                ..Default::default()
            })
            .to_text()
        };
        assert!(check("", "", "", "").contains("auth method is missing\n\t* bind type is missing"));
        assert!(check("m", "role", "", "").contains("bind name is missing"));
        assert!(check("m", "management", "x", "").contains("bind name should be empty"));
        assert!(check("m", "king", "x", "").contains("unsupported bind type: \"king\""));
        assert!(check("m", "role", "x", "value.x ==").contains("selector is invalid: 1:"));
        assert!(
            super::check(&AclBindingRule {
                auth_method: "m".into(),
                bind_type: "management".into(),
                ..Default::default()
            })
            .is_empty()
        );
    }
}
