//! `acl_auth_method "github" { type  token_locality  max_token_ttl  token_name_format  default  config {} }`

use serde_json::{Map, Value as Json};

use super::schema::{Absent, Field, Form, Many, Part, Schema};
use super::{Call, Find, Kind, text};
use crate::engine::segment;

const KEY: Schema = Schema {
    fields: &[
        Field::new("pem_key", "PemKey", Form::Secret),
        Field::new("pem_key_file", "PemKeyFile", Form::Text),
        Field::new("pem_cert", "PemCert", Form::Text),
        Field::new("pem_cert_file", "PemCertFile", Form::Text),
        Field::new("key_id_header", "KeyIDHeader", Form::Text),
        Field::new("key_id", "KeyID", Form::Text),
    ],
    parts: &[],
};
const ASSERTION: Schema = Schema {
    fields: &[
        Field::new("key_source", "KeySource", Form::Text),
        Field::new("key_algorithm", "KeyAlgorithm", Form::Text),
        Field::new("audience", "Audience", Form::Texts),
        Field::new("extra_headers", "ExtraHeaders", Form::Map),
    ],
    parts: &[Part { name: "private_key", wire: "PrivateKey", many: Many::One, schema: &KEY }],
};
const CONFIG: Schema = Schema {
    fields: &[
        Field::new("jwt_validation_pub_keys", "JWTValidationPubKeys", Form::Texts),
        Field::new("jwks_url", "JWKSURL", Form::Text),
        Field::new("jwks_ca_cert", "JWKSCACert", Form::Text),
        Field::new("oidc_discovery_url", "OIDCDiscoveryURL", Form::Text),
        Field::new("oidc_client_id", "OIDCClientID", Form::Text),
        Field::new("oidc_client_secret", "OIDCClientSecret", Form::Secret),
        Field::new("oidc_enable_pkce", "OIDCEnablePKCE", Form::Bool),
        Field::new("oidc_disable_userinfo", "OIDCDisableUserInfo", Form::Bool),
        Field::new("oidc_scopes", "OIDCScopes", Form::Texts),
        Field::new("bound_audiences", "BoundAudiences", Form::Texts),
        Field::new("bound_issuer", "BoundIssuer", Form::Texts),
        Field::new("allowed_redirect_uris", "AllowedRedirectURIs", Form::Texts),
        Field::new("discovery_ca_pem", "DiscoveryCaPem", Form::Texts),
        Field::new("signing_algs", "SigningAlgs", Form::Texts),
        Field::new("expiration_leeway", "ExpirationLeeway", Form::DurationText).absent(Absent::Text("")),
        Field::new("not_before_leeway", "NotBeforeLeeway", Form::DurationText).absent(Absent::Text("")),
        Field::new("clock_skew_leeway", "ClockSkewLeeway", Form::DurationText).absent(Absent::Text("")),
        Field::new("claim_mappings", "ClaimMappings", Form::Map),
        Field::new("list_claim_mappings", "ListClaimMappings", Form::Map),
        Field::new("verbose_logging", "VerboseLogging", Form::Bool),
    ],
    parts: &[Part { name: "oidc_client_assertion", wire: "OIDCClientAssertion", many: Many::One, schema: &ASSERTION }],
};
const SCHEMA: Schema = Schema {
    fields: &[
        Field::new("type", "Type", Form::Text).required(),
        Field::new("token_locality", "TokenLocality", Form::Text).required(),
        Field::new("max_token_ttl", "MaxTokenTTL", Form::DurationText).required(),
        Field::new("token_name_format", "TokenNameFormat", Form::Raw)
            .absent(Absent::Text("${auth_method_type}-${auth_method_name}")),
        Field::new("default", "Default", Form::Bool),
    ],
    parts: &[Part { name: "config", wire: "Config", many: Many::One, schema: &CONFIG }],
};

pub(super) struct AclAuthMethod;

impl Kind for AclAuthMethod {
    fn schema(&self) -> &'static Schema {
        &SCHEMA
    }

    fn check(&self, body: &Json) -> Vec<(&'static str, String)> {
        let mut problems = Vec::new();
        if !["OIDC", "JWT"].contains(&text(body, "Type")) {
            problems.push(("type", "`type` is \"OIDC\" or \"JWT\"".to_owned()));
        }
        if !["local", "global"].contains(&text(body, "TokenLocality")) {
            problems.push(("token_locality", "`token_locality` is \"local\" or \"global\"".to_owned()));
        }
        problems
    }

    fn find(&self, _: &str, identity: &str) -> Find {
        Find::Path(path(identity))
    }

    fn put(&self, _: &str, name: &str, mut body: Map<String, Json>, live: Option<&Json>) -> Call {
        body.insert("Name".to_owned(), name.into());
        let path = if live.is_some() { path(name) } else { "/v1/acl/auth-method".to_owned() };
        Call::put(path, Json::Object(body))
    }

    fn delete(&self, _: &str, name: &str, _: &Json) -> Option<Call> {
        Some(Call::delete(path(name)))
    }
}

fn path(name: &str) -> String {
    format!("/v1/acl/auth-method/{}", segment(name))
}
