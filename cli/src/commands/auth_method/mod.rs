//! `acl auth-method …`: ways to log in.

mod show;
mod write;

pub use show::{Info, List};
pub use write::{Create, Delete, Update};

use crate::output::{bold, fields};
use serde_json::{Map, Value};

/// A field of the configuration: its title, and its name.
type Field = (&'static str, &'static str);

const TEXTS: [Field; 4] = [
    ("JWKS URL", "JWKSURL"),
    ("OIDC Discovery URL", "OIDCDiscoveryURL"),
    ("OIDC Client ID", "OIDCClientID"),
    ("OIDC Client Secret", "OIDCClientSecret"),
];
const SWITCHES: [Field; 2] = [("OIDC Enable PKCE", "OIDCEnablePKCE"), ("OIDC Disable UserInfo", "OIDCDisableUserInfo")];
const LISTS: [Field; 5] = [
    ("OIDC Scopes", "OIDCScopes"),
    ("Bound audiences", "BoundAudiences"),
    ("Bound issuer", "BoundIssuer"),
    ("Allowed redirects URIs", "AllowedRedirectURIs"),
    ("Discovery CA pem", "DiscoveryCaPem"),
];
const LEEWAYS: [Field; 3] = [
    ("Expiration Leeway", "ExpirationLeeway"),
    ("NotBefore Leeway", "NotBeforeLeeway"),
    ("ClockSkew Leeway", "ClockSkewLeeway"),
];
const MAPS: [Field; 2] = [("Claim mappings", "ClaimMappings"), ("List claim mappings", "ListClaimMappings")];

/// A method as people read it.
fn describe(method: &Value) -> String {
    let text = |name: &str| method[name].as_str().unwrap_or_default().to_owned();
    let number = |name: &str| method[name].to_string();
    let about = fields(&[
        ("Name", text("Name")),
        ("Type", text("Type")),
        ("Locality", text("TokenLocality")),
        ("Max Token TTL", text("MaxTokenTTL")),
        ("Token Name Format", text("TokenNameFormat")),
        ("Default", number("Default")),
        ("Create Index", number("CreateIndex")),
        ("Modify Index", number("ModifyIndex")),
    ]);
    format!("{about}\n\n{}\n\n{}", bold("Auth Method Config"), config(&method["Config"]))
}

fn config(config: &Value) -> String {
    let or_none = |text: String| if text.is_empty() { "<none>".to_owned() } else { text };
    let text = |name: &str| or_none(config[name].as_str().unwrap_or_default().to_owned());
    let list = |name: &str| {
        let items = config[name].as_array().into_iter().flatten().filter_map(Value::as_str);
        or_none(items.collect::<Vec<_>>().join(","))
    };
    let leeway = |name: &str| match config[name].as_str().unwrap_or_default() {
        "" => "0s".to_owned(),
        text => text.to_owned(),
    };
    let mut pairs = vec![("JWT Validation Public Keys", list("JWTValidationPubKeys"))];
    pairs.extend(TEXTS.map(|(title, name)| (title, text(name))));
    pairs.extend(SWITCHES.map(|(title, name)| (title, config[name].as_bool().unwrap_or_default().to_string())));
    pairs.extend(LISTS.map(|(title, name)| (title, list(name))));
    pairs.push(("JWKS CA cert", text("JWKSCACert")));
    pairs.push(("Signing algorithms", list("SigningAlgs")));
    pairs.extend(LEEWAYS.map(|(title, name)| (title, leeway(name))));
    pairs.extend(MAPS.map(|(title, name)| (title, or_none(mappings(config[name].as_object())))));
    fields(&pairs)
}

fn mappings(map: Option<&Map<String, Value>>) -> String {
    let mut pairs: Vec<String> = map
        .into_iter()
        .flatten()
        .map(|(claim, name)| format!("{{{claim}: {}}}", name.as_str().unwrap_or_default()))
        .collect();
    pairs.sort();
    pairs.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_configuration_is_laid_out_as_the_reference_does() {
        let text = config(&json!({
            "BoundAudiences": ["a", "b"], "OIDCClientSecret": "redacted", "ExpirationLeeway": "",
            "ClaimMappings": {"sub": "user", "b": "c"},
        }));
        for line in [
            "Bound audiences            = a,b",
            "OIDC Client Secret         = redacted",
            "Expiration Leeway          = 0s",
            "Claim mappings             = {b: c}; {sub: user}",
            "JWKS URL                   = <none>",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
    }
}
