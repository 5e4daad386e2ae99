//! Ways to log in, as operators write them.

use super::assertion::Assertion;
use super::{JWT, OIDC};
use crate::answer::Written;
use crate::endpoints::acl::digest;
use crate::error::{Result, ServerError};
use crate::server::Server;
use drover_model::acl::{AclAuthMethod, AuthMethodConfig};
use drover_model::{Nanos, TextMap, UnixNanos};
use drover_state::Command;
use drover_wire::problems::Problems;
use serde::Deserialize;
use std::sync::Arc;

const MIN_TTL: Nanos = Nanos::from_mins(1);
const MAX_TTL: Nanos = Nanos::from_hours(24);
const MAX_NAME_CHARS: usize = 128;
const DEFAULT_NAME_FORMAT: &str = "${auth_method_type}-${auth_method_name}";

/// A method as it is written: what is not given stays as it is.
#[derive(Clone, Default, Deserialize)]
#[serde(default, from = "AclAuthMethod")]
pub struct AuthMethodWrite {
    /// The method; empty fields are not given.
    pub method: AclAuthMethod,
}

impl From<AclAuthMethod> for AuthMethodWrite {
    fn from(method: AclAuthMethod) -> Self {
        Self { method }
    }
}

impl Server {
    /// Adds a way to log in, or changes the one of that name; gives back what is there then.
    ///
    /// # Errors
    /// Access control is off, or the method is not allowed.
    pub async fn upsert_acl_auth_method(&self, write: AuthMethodWrite) -> Result<Arc<AclAuthMethod>> {
        self.check_acl_enabled()?;
        let snapshot = self.inner.store.snapshot();
        let now = UnixNanos::now();
        let stored = snapshot.acl_auth_method(&write.method.name).cloned();
        let mut method = merge(write.method, stored.as_deref());
        let problems = check(&method);
        if !problems.is_empty() {
            return Err(ServerError::invalid(format!("auth method 0 invalid: {}", problems.to_text())));
        }
        let other = snapshot
            .acl_auth_methods()
            .find(|other| other.default && other.kind == method.kind && other.name != method.name);
        if let Some(other) = other.filter(|_| method.default) {
            return Err(ServerError::invalid(format!("default method already exists: {}", other.name)));
        }
        settle(&mut method)?;
        self.try_assertion(&method).await?;
        method.create_time = stored.as_ref().map_or(now.into(), |stored| stored.create_time);
        method.modify_time = now.into();
        method.hash = hash(&method);
        if let Some(stored) = stored.filter(|stored| stored.hash == method.hash) {
            return Ok(stored);
        }
        let name = method.name.clone();
        self.inner.propose(Command::UpsertAclAuthMethods(vec![method])).await?;
        let stored = self.inner.store.snapshot().acl_auth_method(&name).cloned();
        stored.ok_or_else(|| ServerError::unavailable("the method was written, but its state is not known"))
    }

    /// Removes a way to log in.
    ///
    /// # Errors
    /// Access control is off, or there is none of that name.
    pub async fn delete_acl_auth_method(&self, name: &str) -> Result<Written> {
        self.check_acl_enabled()?;
        if self.inner.store.snapshot().acl_auth_method(name).is_none() {
            return Err(ServerError::refused("ACL auth method not found"));
        }
        let index = self.inner.propose(Command::DeleteAclAuthMethods(vec![name.to_owned()])).await?.index;
        Ok(Written { index })
    }

    /// A method whose client cannot prove itself would fail at the first login only.
    async fn try_assertion(&self, method: &AclAuthMethod) -> Result<()> {
        let Some(config) = method.config.as_ref().filter(|config| config.oidc_client_assertion.is_some()) else {
            return Ok(());
        };
        let signed = self.client_assertion(config).await;
        signed.map(drop).map_err(|error| ServerError::invalid(format!("invalid OIDCClientAssertion: {error}")))
    }
}

/// What is not given comes from what is there.
fn merge(mut new: AclAuthMethod, stored: Option<&AclAuthMethod>) -> AclAuthMethod {
    let Some(old) = stored else {
        if new.token_name_format.is_empty() {
            new.token_name_format = DEFAULT_NAME_FORMAT.to_owned();
        }
        return new;
    };
    let or_old = |text: &mut String, old: &String| {
        if text.is_empty() {
            text.clone_from(old);
        }
    };
    or_old(&mut new.kind, &old.kind);
    or_old(&mut new.token_locality, &old.token_locality);
    or_old(&mut new.token_name_format, &old.token_name_format);
    if new.max_token_ttl.is_zero() {
        new.max_token_ttl = old.max_token_ttl;
    }
    new.config = match (new.config, &old.config) {
        (Some(new), Some(old)) => Some(merge_config(new, old)),
        (None, old) => old.clone(),
        (new, None) => new,
    };
    new
}

fn merge_config(mut new: AuthMethodConfig, old: &AuthMethodConfig) -> AuthMethodConfig {
    // A secret that was read redacted is not a new one.
    if new.oidc_client_secret == REDACTED
        || (new.oidc_client_secret.is_empty() && new.oidc_client_id == old.oidc_client_id)
    {
        new.oidc_client_secret.clone_from(&old.oidc_client_secret);
    }
    let maps: [(&mut TextMap, &TextMap); 2] =
        [(&mut new.claim_mappings, &old.claim_mappings), (&mut new.list_claim_mappings, &old.list_claim_mappings)];
    for (new, old) in maps {
        if new.is_empty() {
            new.clone_from(old);
        }
    }
    new
}

/// What reads show instead of secrets.
pub const REDACTED: &str = "redacted";

fn check(method: &AclAuthMethod) -> Problems {
    let mut problems = Problems::default();
    let is_name = (1..=MAX_NAME_CHARS).contains(&method.name.len())
        && method.name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    problems.add_if(!is_name, &format!("invalid name '{}'", method.name));
    let is_locality = matches!(method.token_locality.as_str(), "local" | "global");
    problems.add_if(!is_locality, &format!("invalid token locality '{}'", method.token_locality));
    let is_kind = matches!(method.kind.as_str(), JWT | OIDC);
    problems.add_if(!is_kind, &format!("invalid token type '{}'", method.kind));
    match &method.config {
        None => problems.add("invalid config: missing auth method Config"),
        Some(config) => check_config(&method.kind, config, &mut problems),
    }
    let ttl = method.max_token_ttl;
    problems.add_if(
        ttl < MIN_TTL || ttl > MAX_TTL,
        &format!("invalid MaxTokenTTL value '{ttl}' (should be between {MIN_TTL} and {MAX_TTL})"),
    );
    problems
}

fn check_config(kind: &str, config: &AuthMethodConfig, problems: &mut Problems) {
    match kind {
        JWT => {
            let has_keys = !config.oidc_discovery_url.is_empty()
                || !config.jwks_url.is_empty()
                || !config.jwt_validation_pub_keys.is_empty();
            problems.add_if(
                !has_keys,
                "invalid config: JWT auth method requires either OIDCDiscoveryURL, or JWKS URL, or \
                 JWTValidationPubKeys set",
            );
        }
        OIDC => {
            let mut inner = Problems::default();
            inner.add_if(config.oidc_discovery_url.is_empty(), "missing OIDCDiscoveryURL");
            inner.add_if(config.oidc_client_id.is_empty(), "missing OIDCClientID");
            if !inner.is_empty() {
                problems.add(format!("invalid config: {}", inner.to_text()));
            }
            if let Err(error) = Assertion::of(config) {
                problems.add(format!("invalid config: invalid client assertion config: {error}"));
            }
        }
        _ => {}
    }
}

/// Fills in what the assertion leaves open.
fn settle(method: &mut AclAuthMethod) -> Result<()> {
    let Some(config) = &mut method.config else { return Ok(()) };
    if let Some(assertion) = Assertion::of(config).map_err(ServerError::invalid)? {
        config.oidc_client_assertion = serde_json::to_value(assertion).ok();
    }
    Ok(())
}

fn hash(method: &AclAuthMethod) -> Vec<u8> {
    let config = method.config.as_ref().and_then(|config| serde_json::to_string(config).ok()).unwrap_or_default();
    let ttl = method.max_token_ttl.to_string();
    let default = method.default.to_string();
    digest([
        method.name.as_str(),
        &method.kind,
        &ttl,
        &method.token_locality,
        &method.token_name_format,
        &default,
        &config,
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(method: &AclAuthMethod) -> String {
        check(method).to_text()
    }

    #[test]
    fn methods_are_refused_in_the_words_of_the_reference() {
        let text = problems(&AclAuthMethod { name: "bad name!".into(), kind: "JWT".into(), ..Default::default() });
        for part in [
            "4 errors occurred",
            "invalid name 'bad name!'",
            "invalid token locality ''",
            "invalid config: missing auth method Config",
            "invalid MaxTokenTTL value '0s' (should be between 1m0s and 24h0m0s)",
        ] {
            assert!(text.contains(part), "{text}");
        }
        let method = AclAuthMethod {
            name: "m".into(),
            kind: "OIDC".into(),
            token_locality: "local".into(),
            max_token_ttl: Nanos::from_hours(1),
            config: Some(AuthMethodConfig::default()),
            ..Default::default()
        };
        let text = problems(&method);
        assert!(text.contains("invalid config: 2 errors occurred:\n\t* missing OIDCDiscoveryURL"), "{text}");
    }

    #[test]
    fn what_is_not_given_stays() {
        let old = AclAuthMethod {
            name: "m".into(),
            kind: "OIDC".into(),
            token_locality: "global".into(),
            token_name_format: "x".into(),
            config: Some(AuthMethodConfig { oidc_client_secret: "secret".into(), ..Default::default() }),
            ..Default::default()
        };
        let new = AclAuthMethod { name: "m".into(), max_token_ttl: Nanos::from_hours(2), ..Default::default() };
        let merged = merge(new, Some(&old));
        assert_eq!((merged.kind.as_str(), merged.token_locality.as_str()), ("OIDC", "global"));
        let redacted = AuthMethodConfig { oidc_client_secret: REDACTED.into(), ..Default::default() };
        let new = AclAuthMethod { name: "m".into(), config: Some(redacted), ..Default::default() };
        assert_eq!(merge(new, Some(&old)).config.unwrap().oidc_client_secret, "secret");
    }
}
