//! Logging in with an identity that somebody else vouches for.
//!
//! A way to log in ([`methods`]) checks a token of its issuer: one that the caller brings ([`jwt`]), or one that is
//! fetched at an OpenID provider after the caller has been there with a browser ([`oidc`]). What the token claims
//! becomes values, rules ([`rules`]) turn values into roles and policies ([`bind`]), and these make a token.

mod assertion;
mod bind;
mod http;
mod jwt;
mod methods;
mod oidc;
mod one_time;
mod rules;

pub use self::methods::{AuthMethodWrite, REDACTED};
pub use self::oidc::{AuthUrlRequest, CompleteAuthRequest};
pub use self::one_time::OneTimeTokenMade;
pub use self::rules::BindingRuleWrite;

use self::bind::{Bound, Values};
use self::oidc::Pending;
use crate::error::{Result, ServerError};
use crate::server::Server;
use drover_base::uuid;
use drover_model::acl::{AclAuthMethod, AclToken, TokenKind};
use drover_model::{UnixNanos, WireTime};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::sync::Arc;

pub(crate) const JWT: &str = "JWT";
pub(crate) const OIDC: &str = "OIDC";

/// What is claimed of somebody.
type Claims = Map<String, Value>;

/// What logins keep in memory: requests that wait for the browser to come back, and keys of issuers.
#[derive(Default)]
pub(crate) struct Logins {
    pending: Pending,
    keys: jwt::KeyCache,
}

/// A login with a token.
#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct LoginRequest {
    /// The way to log in.
    pub auth_method_name: String,
    /// The token.
    pub login_token: String,
}

impl Server {
    /// Logs in with a token of an issuer.
    ///
    /// # Errors
    /// Access control is off; the method is unknown; `Unauthorized`: the token is not taken; no rule fits.
    pub async fn login(&self, request: LoginRequest) -> Result<Arc<AclToken>> {
        self.check_acl_enabled()?;
        check_present(
            "login",
            &[("auth method name", &request.auth_method_name), ("login token", &request.login_token)],
        )?;
        let method = self.login_method(&request.auth_method_name)?;
        if method.kind != JWT {
            let text = format!("auth-method {:?} is not of type {JWT}", method.name);
            return Err(ServerError::invalid(text));
        }
        let config = method.config.clone().unwrap_or_default();
        let claims = self
            .inner
            .logins
            .keys
            .check(&config, &request.login_token)
            .await
            .map_err(|error| ServerError::unauthorized(format!("unable to validate provided token: {error}")))?;
        self.token_for(&method, &claims).await
    }

    fn login_method(&self, name: &str) -> Result<Arc<AclAuthMethod>> {
        let snapshot = self.inner.store.snapshot();
        let method = snapshot.acl_auth_method(name).cloned();
        method.ok_or_else(|| ServerError::invalid(format!("auth-method {name:?} not found")))
    }

    /// The token of somebody about whom this is claimed.
    async fn token_for(&self, method: &AclAuthMethod, claims: &Claims) -> Result<Arc<AclToken>> {
        let config = method.config.clone().unwrap_or_default();
        if config.verbose_logging {
            let claims = Value::Object(claims.clone()).to_string();
            tracing::debug!(method = method.name, claims, "claims of a login");
        }
        let values = Values::map(claims, &config).map_err(ServerError::refused)?;
        let snapshot = self.inner.store.snapshot();
        let rules = snapshot.acl_binding_rules().filter(|rule| rule.auth_method == method.name);
        let bound = bind::bind(rules.map(|rule| &**rule), &values, &snapshot).map_err(ServerError::refused)?;
        let (kind, roles, policies) = match bound {
            Bound::Nothing => return Err(ServerError::invalid("no role or policy bindings matched")),
            Bound::Management => (TokenKind::Management, Vec::new(), Vec::new()),
            Bound::Rights { roles, policies } => (TokenKind::Client, roles, policies),
        };
        let now = UnixNanos::now();
        let token = AclToken {
            expiration_ttl: method.max_token_ttl,
            accessor_id: uuid::random(),
            secret_id: uuid::random(),
            name: values.token_name(method).map_err(ServerError::refused)?,
            kind,
            policies: (!policies.is_empty()).then_some(policies),
            roles,
            global: method.token_locality == "global",
            create_time: now.into(),
            expiration_time: Some(WireTime::from(now.plus(method.max_token_ttl))),
            ..AclToken::default()
        };
        self.write_acl_token(token).await
    }
}

/// Refuses requests that lack something, all of it in one text.
fn check_present(what: &str, fields: &[(&str, &String)]) -> Result<()> {
    let mut problems = drover_wire::problems::Problems::default();
    for (name, value) in fields {
        problems.add_if(value.is_empty(), &format!("missing {name}"));
    }
    if problems.is_empty() {
        return Ok(());
    }
    Err(ServerError::invalid(format!("invalid {what} request: {}", problems.to_text())))
}
