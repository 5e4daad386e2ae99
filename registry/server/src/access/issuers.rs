//! Tokens (JWT) of trusted issuers, mostly CI systems: signature, times, audience, and what their claims allow here.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use parking_lot::Mutex;
use serde::Deserialize;
use serde_json::Value;

use super::{Grant, Identity, matches_pattern};
use crate::config::{ClaimRule, Issuer};

/// How long keys of an issuer are used without asking again.
const KEYS_AGE: Duration = Duration::from_secs(300);
/// An issuer is asked for a key that is not known at most this often.
const MIN_KEYS_AGE: Duration = Duration::from_secs(10);
/// The longest token that is looked at.
const MAX_TOKEN_BYTES: usize = 32 * 1024;
/// The largest answer of an issuer.
const MAX_ANSWER_BYTES: usize = 1024 * 1024;
/// How far clocks may differ, in seconds.
const LEEWAY_SECONDS: u64 = 30;
/// How long an issuer may take to answer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The algorithms that are taken; a secret that is shared is none of them.
const ALGORITHMS: [Algorithm; 8] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];

/// Why a token of an issuer is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IssuerError {
    /// No issuer is trusted at all.
    #[error("no issuer of tokens is trusted here")]
    Off,
    /// It is no JWT, or too long.
    #[error("malformed token: {0}")]
    Malformed(String),
    /// Nobody trusts its issuer.
    #[error("tokens of the issuer {0:?} are not trusted here")]
    Untrusted(String),
    /// It is not what the issuer signed, or not for us, or not now.
    #[error("{0}")]
    Invalid(String),
    /// It is good, but its claims allow nothing.
    #[error("no `allow` rule of the issuer {issuer:?} fits the claims of this token{}", subject_shown(subject))]
    NothingAllowed {
        /// The issuer's name in the configuration.
        issuer: String,
        /// The token's subject.
        subject: String,
    },
    /// The issuer's keys cannot be read.
    #[error("cannot read the keys of the issuer {issuer:?}: {why}")]
    Keys {
        /// The issuer's name in the configuration.
        issuer: String,
        /// Why.
        why: String,
    },
}

fn subject_shown(subject: &str) -> String {
    if subject.is_empty() { String::new() } else { format!(" (sub {subject:?})") }
}

/// The trusted issuers and their keys, for a while.
pub struct Issuers {
    issuers: Vec<Issuer>,
    keys: Mutex<HashMap<String, (Instant, Arc<JwkSet>)>>,
}

type Claims = serde_json::Map<String, Value>;

impl Issuers {
    /// Those of the configuration.
    #[must_use]
    pub fn new(issuers: Vec<Issuer>) -> Self {
        Self { issuers, keys: Mutex::default() }
    }

    /// Whether there is one.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.issuers.is_empty()
    }

    /// Who the holder of a token is, and how long a token lives that is given for it.
    ///
    /// # Errors
    /// The token is not good, or allows nothing.
    pub async fn check(&self, token: &str) -> Result<(Identity, Duration), IssuerError> {
        if self.issuers.is_empty() {
            return Err(IssuerError::Off);
        }
        if token.len() > MAX_TOKEN_BYTES {
            return Err(IssuerError::Malformed(format!("it is longer than {MAX_TOKEN_BYTES} bytes")));
        }
        let header = jsonwebtoken::decode_header(token).map_err(|error| IssuerError::Malformed(error.to_string()))?;
        if !ALGORITHMS.contains(&header.alg) {
            return Err(IssuerError::Invalid(format!("tokens signed with {:?} are not taken", header.alg)));
        }
        let claimed = unverified_issuer(token)?;
        let issuer = self.issuers.iter().find(|issuer| same_issuer(&issuer.issuer, &claimed));
        let issuer = issuer.ok_or_else(|| IssuerError::Untrusted(claimed.chars().take(200).collect()))?;
        let keys = self.keys(issuer, header.kid.as_deref()).await?;
        let claims = verify(token, header.alg, header.kid.as_deref(), &keys, issuer, &claimed)?;
        identity(issuer, &claims)
    }

    async fn keys(&self, issuer: &Issuer, kid: Option<&str>) -> Result<Arc<JwkSet>, IssuerError> {
        let known = self.keys.lock().get(&issuer.issuer).cloned();
        if let Some((read, keys)) = known {
            let has_it = kid.is_none_or(|kid| keys.find(kid).is_some());
            if read.elapsed() < if has_it { KEYS_AGE } else { MIN_KEYS_AGE } {
                return Ok(keys);
            }
        }
        let failed = |why: String| IssuerError::Keys { issuer: issuer.name.clone(), why };
        let keys = Arc::new(read_keys(issuer).await.map_err(failed)?);
        self.keys.lock().insert(issuer.issuer.clone(), (Instant::now(), Arc::clone(&keys)));
        Ok(keys)
    }
}

fn same_issuer(one: &str, other: &str) -> bool {
    one.trim_end_matches('/') == other.trim_end_matches('/')
}

/// The issuer that a token claims to be of, which decides whose keys are tried.
fn unverified_issuer(token: &str) -> Result<String, IssuerError> {
    use base64::Engine as _;
    let malformed = |what: &str| IssuerError::Malformed(what.to_owned());
    let payload = token.split('.').nth(1).ok_or_else(|| malformed("it has no claims"))?;
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(payload);
    let bytes = bytes.map_err(|_| malformed("its claims are no base64"))?;
    let claims: Claims = serde_json::from_slice(&bytes).map_err(|_| malformed("its claims are no JSON object"))?;
    let issuer = claims.get("iss").and_then(Value::as_str);
    issuer.map(str::to_owned).ok_or_else(|| malformed("it has no issuer (iss)"))
}

fn verify(
    token: &str,
    algorithm: Algorithm,
    kid: Option<&str>,
    keys: &JwkSet,
    issuer: &Issuer,
    claimed: &str,
) -> Result<Claims, IssuerError> {
    let mut validation = Validation::new(algorithm);
    validation.leeway = LEEWAY_SECONDS;
    validation.validate_nbf = true;
    validation.set_audience(&issuer.audiences);
    validation.set_issuer(&[claimed]);
    validation.required_spec_claims = HashSet::from(["exp", "aud", "iss"].map(str::to_owned));
    let fits = |jwk: &&Jwk| kid.is_none() || jwk.common.key_id.is_none() || jwk.common.key_id.as_deref() == kid;
    let mut why = "no key of the issuer fits".to_owned();
    for jwk in keys.keys.iter().filter(fits) {
        let Ok(key) = DecodingKey::from_jwk(jwk) else { continue };
        match jsonwebtoken::decode::<Claims>(token, &key, &validation) {
            Ok(found) => return Ok(found.claims),
            Err(error) => why = error.to_string(),
        }
    }
    Err(IssuerError::Invalid(format!("the token of {:?} is not good: {why}", issuer.name)))
}

fn identity(issuer: &Issuer, claims: &Claims) -> Result<(Identity, Duration), IssuerError> {
    let subject = claims.get("sub").and_then(Value::as_str).unwrap_or_default().to_owned();
    let fitting = issuer.rules.iter().filter(|rule| rule_fits(rule, claims));
    let grants: Vec<Grant> = fitting.flat_map(|rule| rule.grants.iter().cloned()).collect();
    if grants.is_empty() {
        return Err(IssuerError::NothingAllowed { issuer: issuer.name.clone(), subject });
    }
    let end = claims.get("exp").and_then(Value::as_i64).and_then(|end| jiff::Timestamp::from_second(end).ok());
    let identity = Identity {
        subject: format!("{}:{subject}", issuer.name),
        grants: Arc::new(grants),
        expires_at: end.map(crate::time::text),
        is_known: true,
    };
    Ok((identity, issuer.token_ttl))
}

fn rule_fits(rule: &ClaimRule, claims: &Claims) -> bool {
    let fits = |(name, pattern): (&String, &String)| match claim(claims, name) {
        Some(Value::String(text)) => matches_pattern(pattern, text),
        Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).any(|text| matches_pattern(pattern, text)),
        Some(other @ (Value::Bool(_) | Value::Number(_))) => matches_pattern(pattern, &other.to_string()),
        _ => false,
    };
    rule.claims.iter().all(fits)
}

/// A claim by its name, or by the path to one within others: `kubernetes/namespace`.
fn claim<'c>(claims: &'c Claims, name: &str) -> Option<&'c Value> {
    if let Some(value) = claims.get(name) {
        return Some(value);
    }
    let mut steps = name.split('/');
    let first = claims.get(steps.next()?)?;
    steps.try_fold(first, |value, step| value.get(step))
}

async fn read_keys(issuer: &Issuer) -> Result<JwkSet, String> {
    #[derive(Deserialize)]
    struct Provider {
        issuer: String,
        jwks_uri: String,
    }
    #[derive(Deserialize)]
    struct Published {
        keys: Vec<Value>,
    }
    let client = crate::client::client(issuer.ca_file.as_deref(), TIMEOUT)?;
    let url = match &issuer.jwks_url {
        Some(url) => url.clone(),
        None => {
            let base = issuer.issuer.trim_end_matches('/');
            let url = format!("{base}/.well-known/openid-configuration");
            let provider: Provider = crate::client::get_json(&client, &url, MAX_ANSWER_BYTES).await?;
            if !same_issuer(&provider.issuer, base) {
                return Err(format!("the issuer at {base} calls itself {:?}", provider.issuer));
            }
            provider.jwks_uri
        }
    };
    let published: Published = crate::client::get_json(&client, &url, MAX_ANSWER_BYTES).await?;
    // Keys of kinds that are not known are none of ours to judge.
    let keys = published.keys.into_iter().filter_map(|key| serde_json::from_value(key).ok()).collect();
    Ok(JwkSet { keys })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_claim_of_a_rule_must_fit() {
        let rule = |claims: &[(&str, &str)]| ClaimRule {
            claims: claims.iter().map(|(name, pattern)| ((*name).to_owned(), (*pattern).to_owned())).collect(),
            grants: Vec::new(),
        };
        let claims = json!({"repository": "acme/shop", "ref": "refs/heads/main", "groups": ["dev", "ops"], "protected": true,
            "k8s": {"namespace": "ci"}});
        let claims = claims.as_object().unwrap();
        for (wanted, expected) in [
            (&[("repository", "acme/*")][..], true),
            (&[("repository", "acme/*"), ("ref", "refs/heads/main")], true),
            (&[("repository", "acme/*"), ("ref", "refs/tags/*")], false),
            (&[("groups", "ops")], true),
            (&[("protected", "true")], true),
            (&[("k8s/namespace", "ci")], true),
            (&[("absent", "*")], false),
        ] {
            assert_eq!(rule_fits(&rule(wanted), claims), expected, "{wanted:?}");
        }
    }
}
