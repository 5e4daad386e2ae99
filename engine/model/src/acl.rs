//! Access control: policies, tokens, roles, and the ways to log in.
//!
//! The serde form of each type is its read form on the wire; lists show stubs, which the API makes.

use crate::TextMap;
use crate::wire_enum;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use drover_base::{Nanos, UnixNanos, WireTime, serde_null};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The name of the policy that everybody without a token has.
pub const ANONYMOUS_POLICY: &str = "anonymous";
/// The accessor that stands for everybody without a token.
pub const ANONYMOUS_ACCESSOR: &str = "anonymous";
/// The accessor of everybody when access control is off.
pub const DISABLED_ACCESSOR: &str = "acls-disabled";

/// A named set of rules.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct AclPolicy {
    /// Its name, unique.
    pub name: String,
    /// For people.
    pub description: String,
    /// The rules, in the rule language (`drover-acl` reads it).
    pub rules: String,
    /// The workload that has this policy without a token.
    #[serde(rename = "JobACL")]
    pub job_acl: Option<JobAcl>,
    /// Of the fields above, to see changes.
    #[serde(with = "bytes_or_null")]
    pub hash: Vec<u8>,
    /// Raft index of creation.
    pub create_index: u64,
    /// Raft index of the last change.
    pub modify_index: u64,
}

/// The workload that a policy belongs to. Empty parts match everything, from the right.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct JobAcl {
    /// Namespace of the job.
    pub namespace: String,
    /// The job.
    #[serde(rename = "JobID")]
    pub job_id: String,
    /// Its group.
    pub group: String,
    /// The task.
    pub task: String,
}

wire_enum! {
    /// What a token is.
    TokenKind {
        /// May do what its policies and roles allow.
        Client = "client",
        /// May do everything.
        Management = "management",
    } default Client
}

/// A token: who shows its secret may do what it allows.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct AclToken {
    /// How long it lives, as it was asked for; none: for ever.
    #[serde(rename = "ExpirationTTL", with = "text_duration_or_empty")]
    pub expiration_ttl: Nanos,
    /// Its public id, a UUID.
    #[serde(rename = "AccessorID")]
    pub accessor_id: String,
    /// Its secret, a UUID.
    #[serde(rename = "SecretID")]
    pub secret_id: String,
    /// For people.
    pub name: String,
    /// Client or management.
    #[serde(rename = "Type")]
    pub kind: TokenKind,
    /// Names of its policies. `None` and an empty list differ on the wire.
    pub policies: Option<Vec<String>>,
    /// Its roles.
    #[serde(with = "serde_null")]
    pub roles: Vec<TokenRole>,
    /// Whether all regions know it.
    pub global: bool,
    /// Of the fields above, to see changes.
    #[serde(with = "bytes_or_null")]
    pub hash: Vec<u8>,
    /// When it was made.
    pub create_time: WireTime,
    /// When it ends.
    pub expiration_time: Option<WireTime>,
    /// Raft index of creation.
    pub create_index: u64,
    /// Raft index of the last change.
    pub modify_index: u64,
}

impl AclToken {
    /// Whether it has ended at `now`.
    pub fn is_expired(&self, now: UnixNanos) -> bool {
        self.expires_at().is_some_and(|end| end <= now)
    }

    /// When it ends, if ever.
    pub fn expires_at(&self) -> Option<UnixNanos> {
        self.expiration_time.and_then(|time| time.nanos())
    }

    /// Whether it may do everything.
    pub fn is_management(&self) -> bool {
        self.kind == TokenKind::Management
    }

    /// The names of its policies.
    pub fn policy_names(&self) -> &[String] {
        self.policies.as_deref().unwrap_or_default()
    }

    /// What everybody without a token has.
    pub fn anonymous() -> Self {
        Self {
            accessor_id: ANONYMOUS_ACCESSOR.to_owned(),
            name: "Anonymous Token".to_owned(),
            policies: Some(vec![ANONYMOUS_POLICY.to_owned()]),
            ..Self::default()
        }
    }

    /// What everybody has when access control is off.
    pub fn disabled() -> Self {
        Self { accessor_id: DISABLED_ACCESSOR.to_owned(), name: "ACLs disabled token".to_owned(), ..Self::default() }
    }
}

impl std::fmt::Debug for AclToken {
    /// Without the secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AclToken")
            .field("accessor_id", &self.accessor_id)
            .field("name", &self.name)
            .field("kind", &self.kind)
            .field("policies", &self.policies)
            .field("roles", &self.roles)
            .field("expiration_time", &self.expiration_time)
            .finish_non_exhaustive()
    }
}

/// A role of a token.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct TokenRole {
    /// The role's id.
    #[serde(rename = "ID")]
    pub id: String,
    /// Its name, as it is when the token is shown.
    pub name: String,
}

/// A named set of policies.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct AclRole {
    /// A UUID.
    #[serde(rename = "ID")]
    pub id: String,
    /// Its name, unique.
    pub name: String,
    /// For people.
    pub description: String,
    /// Its policies.
    #[serde(with = "serde_null")]
    pub policies: Vec<RolePolicy>,
    /// Of the fields above, to see changes.
    #[serde(with = "bytes_or_null")]
    pub hash: Vec<u8>,
    /// Raft index of creation.
    pub create_index: u64,
    /// Raft index of the last change.
    pub modify_index: u64,
}

/// A policy of a role.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct RolePolicy {
    /// The policy's name.
    pub name: String,
}

/// A way to log in with a token of somebody else.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct AclAuthMethod {
    /// How long its tokens live.
    #[serde(rename = "MaxTokenTTL", with = "text_duration")]
    pub max_token_ttl: Nanos,
    /// Its name, unique.
    pub name: String,
    /// `JWT` or `OIDC`.
    #[serde(rename = "Type")]
    pub kind: String,
    /// `local` or `global`.
    pub token_locality: String,
    /// The names of its tokens, with `${…}`.
    pub token_name_format: String,
    /// Whether a login without a method's name uses this one.
    pub default: bool,
    /// What it checks.
    pub config: Option<AuthMethodConfig>,
    /// Of the fields above, to see changes.
    #[serde(with = "bytes_or_null")]
    pub hash: Vec<u8>,
    /// When it was made.
    pub create_time: WireTime,
    /// When it last changed.
    pub modify_time: WireTime,
    /// Raft index of creation.
    pub create_index: u64,
    /// Raft index of the last change.
    pub modify_index: u64,
}

/// What a way to log in checks.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AuthMethodConfig {
    /// Leeway of the end of a token's life.
    #[serde(rename = "ExpirationLeeway", with = "text_duration_or_empty")]
    pub expiration_leeway: Nanos,
    /// Leeway of its beginning.
    #[serde(rename = "NotBeforeLeeway", with = "text_duration_or_empty")]
    pub not_before_leeway: Nanos,
    /// Leeway of clocks.
    #[serde(rename = "ClockSkewLeeway", with = "text_duration_or_empty")]
    pub clock_skew_leeway: Nanos,
    /// Public keys, PEM.
    #[serde(rename = "JWTValidationPubKeys", with = "serde_null")]
    pub jwt_validation_pub_keys: Vec<String>,
    /// Where the keys are published.
    #[serde(rename = "JWKSURL")]
    pub jwks_url: String,
    /// Where the provider describes itself.
    #[serde(rename = "OIDCDiscoveryURL")]
    pub oidc_discovery_url: String,
    /// The client's id at the provider.
    #[serde(rename = "OIDCClientID")]
    pub oidc_client_id: String,
    /// The client's secret at the provider. Reads show it redacted.
    #[serde(rename = "OIDCClientSecret")]
    pub oidc_client_secret: String,
    /// How the client proves itself with a key instead.
    #[serde(rename = "OIDCClientAssertion")]
    pub oidc_client_assertion: Option<serde_json::Value>,
    /// Use PKCE.
    #[serde(rename = "OIDCEnablePKCE")]
    pub oidc_enable_pkce: bool,
    /// Ask nothing of the user info endpoint.
    #[serde(rename = "OIDCDisableUserInfo")]
    pub oidc_disable_user_info: bool,
    /// Scopes to ask for.
    #[serde(rename = "OIDCScopes", with = "serde_null")]
    pub oidc_scopes: Vec<String>,
    /// One of these must be an audience of the token.
    #[serde(rename = "BoundAudiences", with = "serde_null")]
    pub bound_audiences: Vec<String>,
    /// One of these must be the token's issuer.
    #[serde(rename = "BoundIssuer", with = "serde_null")]
    pub bound_issuer: Vec<String>,
    /// Where a browser may be sent back to.
    #[serde(rename = "AllowedRedirectURIs", with = "serde_null")]
    pub allowed_redirect_uris: Vec<String>,
    /// Certificates for the provider's address, PEM.
    #[serde(rename = "DiscoveryCaPem", with = "serde_null")]
    pub discovery_ca_pem: Vec<String>,
    /// Certificate for the keys' address, PEM.
    #[serde(rename = "JWKSCACert")]
    pub jwks_ca_cert: String,
    /// Algorithms of signatures.
    #[serde(rename = "SigningAlgs", with = "serde_null")]
    pub signing_algs: Vec<String>,
    /// Claims to names of values.
    #[serde(rename = "ClaimMappings", with = "serde_null")]
    pub claim_mappings: TextMap,
    /// Claims that are lists to names of lists.
    #[serde(rename = "ListClaimMappings", with = "serde_null")]
    pub list_claim_mappings: TextMap,
    /// Log what tokens say.
    #[serde(rename = "VerboseLogging")]
    pub verbose_logging: bool,
}

impl std::fmt::Debug for AuthMethodConfig {
    /// Without secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AuthMethodConfig")
            .field("jwks_url", &self.jwks_url)
            .field("oidc_discovery_url", &self.oidc_discovery_url)
            .field("oidc_client_id", &self.oidc_client_id)
            .field("bound_audiences", &self.bound_audiences)
            .finish_non_exhaustive()
    }
}

/// What somebody who logged in with a method gets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct AclBindingRule {
    /// A UUID.
    #[serde(rename = "ID")]
    pub id: String,
    /// For people.
    pub description: String,
    /// The method's name.
    pub auth_method: String,
    /// Whom it is for; empty: everybody.
    pub selector: String,
    /// `role`, `policy` or `management`.
    pub bind_type: String,
    /// Name of the role or policy, with `${…}`.
    pub bind_name: String,
    /// Of the fields above, to see changes.
    #[serde(with = "bytes_or_null")]
    pub hash: Vec<u8>,
    /// When it was made.
    pub create_time: WireTime,
    /// When it last changed.
    pub modify_time: WireTime,
    /// Raft index of creation.
    pub create_index: u64,
    /// Raft index of the last change.
    pub modify_index: u64,
}

/// Stands for a token once, e.g. on the way into a browser.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct OneTimeToken {
    /// Its secret, a UUID.
    #[serde(rename = "OneTimeSecretID")]
    pub one_time_secret_id: String,
    /// The token that it stands for.
    #[serde(rename = "AccessorID")]
    pub accessor_id: String,
    /// When it ends.
    pub expires_at: WireTime,
    /// Raft index of creation.
    pub create_index: u64,
    /// Raft index of the last change.
    pub modify_index: u64,
}

impl std::fmt::Debug for OneTimeToken {
    /// Without the secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OneTimeToken").field("accessor_id", &self.accessor_id).finish_non_exhaustive()
    }
}

/// Durations as Go's text.
mod text_duration {
    use super::*;

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
    pub(super) fn serialize<S: Serializer>(value: &Nanos, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    /// Text, or whole nanoseconds.
    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Nanos, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Form {
            Text(String),
            Nanos(i64),
        }
        match Option::<Form>::deserialize(deserializer)? {
            None => Ok(Nanos::ZERO),
            Some(Form::Nanos(nanos)) => Ok(Nanos(nanos)),
            Some(Form::Text(text)) if text.is_empty() => Ok(Nanos::ZERO),
            Some(Form::Text(text)) => {
                Nanos::parse(&text).map_err(|_| serde::de::Error::custom(format!("time: invalid duration {text:?}")))
            }
        }
    }
}

/// Durations as Go's text; none at all is empty.
mod text_duration_or_empty {
    use super::*;
    pub(super) use text_duration::deserialize;

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
    pub(super) fn serialize<S: Serializer>(value: &Nanos, serializer: S) -> Result<S::Ok, S::Error> {
        if value.is_zero() { serializer.serialize_str("") } else { serializer.collect_str(value) }
    }
}

/// Bytes as Base64 text; none are null.
mod bytes_or_null {
    use super::*;

    pub(super) fn serialize<S: Serializer>(value: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        if value.is_empty() { serializer.serialize_none() } else { serializer.serialize_some(&STANDARD.encode(value)) }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?.unwrap_or_default();
        STANDARD.decode(text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_read_and_write_as_the_wire_has_them() {
        let text = r#"{"ExpirationTTL":"1m0s","AccessorID":"a","SecretID":"s","Name":"n","Type":"client","Policies":["p"],"Roles":null,"Global":false,"Hash":"AQI=","CreateTime":"2026-01-01T00:00:00Z","ExpirationTime":"2026-01-01T00:01:00Z","CreateIndex":1,"ModifyIndex":2}"#;
        let token: AclToken = serde_json::from_str(text).unwrap();
        assert_eq!(token.expiration_ttl, Nanos::from_mins(1));
        assert_eq!(token.hash, [1, 2]);
        assert_eq!(serde_json::to_string(&token).unwrap(), text);
        assert!(token.is_expired(token.expires_at().unwrap()));
        assert!(!format!("{token:?}").contains("\"s\""), "a secret is never printed");
    }

    #[test]
    fn everybody_without_a_token_is_anonymous() {
        let json = serde_json::to_value(AclToken::anonymous()).unwrap();
        assert_eq!(json["Hash"], serde_json::Value::Null);
        assert_eq!(json["ExpirationTime"], serde_json::Value::Null);
        assert_eq!(json["CreateTime"], "0001-01-01T00:00:00Z");
        assert_eq!(json["ExpirationTTL"], "");
        assert_eq!(json["Policies"], serde_json::json!(["anonymous"]));
    }
}
