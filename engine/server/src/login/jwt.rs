//! Tokens of others: their signatures, with keys that are configured or that their issuers publish, and their times.

use super::{Claims, http};
use drover_model::acl::AuthMethodConfig;
use drover_model::{Nanos, UnixNanos};
use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use parking_lot::Mutex;
use serde::Deserialize;
use serde_json::Value;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long keys of an issuer are used without asking again.
const KEYS_AGE: Duration = Duration::from_secs(300);
/// An issuer is asked for a key that is not known at most this often.
const MIN_KEYS_AGE: Duration = Duration::from_secs(5);
/// Issuers whose keys are kept; when there are more, all are forgotten.
const MAX_ISSUERS: usize = 256;
/// The longest token that is looked at.
const MAX_TOKEN_BYTES: usize = 64 * 1024;
/// Leeways that are not configured.
const DEFAULT_LEEWAY: Nanos = Nanos::from_secs(150);
const DEFAULT_CLOCK_SKEW: Nanos = Nanos::from_secs(60);
const NANOS_PER_SECOND: i64 = 1_000_000_000;

/// What an OpenID provider says of itself.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Provider {
    pub issuer: String,
    pub authorization_endpoint: String,
    pub token_endpoint: String,
    pub userinfo_endpoint: String,
    pub jwks_uri: String,
    pub token_endpoint_auth_methods_supported: Vec<String>,
}

/// Keys of issuers, for a while.
#[derive(Default)]
pub(super) struct KeyCache(Mutex<HashMap<String, (Instant, Arc<JwkSet>)>>);

/// Where the keys of a token come from.
enum Source<'a> {
    Configured(&'a [String]),
    Published { url: String, certificates: Vec<&'a str>, issuer: Option<String> },
}

/// Reads what a provider says of itself, and that it speaks of itself.
pub(super) async fn discover(config: &AuthMethodConfig) -> Result<Provider, String> {
    let base = config.oidc_discovery_url.trim_end_matches('/');
    let url = format!("{base}/.well-known/openid-configuration");
    let provider: Provider = http::get(&url, &certificates(config), None).await?;
    if provider.issuer.trim_end_matches('/') != base {
        return Err(format!("the issuer at {base} calls itself {:?}", provider.issuer));
    }
    Ok(provider)
}

pub(super) fn certificates(config: &AuthMethodConfig) -> Vec<&str> {
    config.discovery_ca_pem.iter().map(String::as_str).collect()
}

impl KeyCache {
    /// What a token claims that a caller brings, once everything about it is found good.
    pub(super) async fn check(&self, config: &AuthMethodConfig, token: &str) -> Result<Claims, String> {
        let source = if !config.jwt_validation_pub_keys.is_empty() {
            Source::Configured(&config.jwt_validation_pub_keys)
        } else if !config.jwks_url.is_empty() {
            let certificates = vec![config.jwks_ca_cert.as_str()];
            Source::Published { url: config.jwks_url.clone(), certificates, issuer: None }
        } else {
            let provider = discover(config).await?;
            let certificates = certificates(config);
            Source::Published { url: provider.jwks_uri, certificates, issuer: Some(provider.issuer) }
        };
        let claims = self.verify(&source, config, token).await?;
        check_claims(&claims, config, UnixNanos::now())?;
        Ok(claims)
    }

    /// What an OpenID provider's token claims; its own checks are the caller's.
    pub(super) async fn check_id_token(
        &self,
        config: &AuthMethodConfig,
        provider: &Provider,
        token: &str,
    ) -> Result<Claims, String> {
        let (url, certificates) = (provider.jwks_uri.clone(), certificates(config));
        let source = Source::Published { url, certificates, issuer: Some(provider.issuer.clone()) };
        let claims = self.verify(&source, config, token).await?;
        check_times(&claims, config, UnixNanos::now())?;
        Ok(claims)
    }

    async fn verify(&self, source: &Source<'_>, config: &AuthMethodConfig, token: &str) -> Result<Claims, String> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(format!("the token is longer than {MAX_TOKEN_BYTES} bytes"));
        }
        let header = jsonwebtoken::decode_header(token).map_err(|error| format!("malformed token: {error}"))?;
        let allowed = algorithms(config)?;
        if !allowed.contains(&header.alg) {
            return Err(format!("unexpected signature algorithm {:?}; expected {allowed:?}", header.alg));
        }
        match source {
            Source::Configured(keys) => {
                let keys = keys.iter().map(|pem| key_of_pem(pem)).collect::<Result<Vec<_>, _>>()?;
                first_good(token, header.alg, keys.iter().flatten())
            }
            Source::Published { url, certificates, issuer } => {
                let kid = header.kid.as_deref();
                let published = self.published(url, certificates, kid).await?;
                let fits =
                    |jwk: &&Jwk| kid.is_none() || jwk.common.key_id.is_none() || jwk.common.key_id.as_deref() == kid;
                let keys: Vec<DecodingKey> =
                    published.keys.iter().filter(fits).filter_map(|jwk| DecodingKey::from_jwk(jwk).ok()).collect();
                let claims = first_good(token, header.alg, keys.iter())?;
                match issuer {
                    Some(issuer) if claims.get("iss").and_then(Value::as_str) != Some(issuer) => {
                        Err(format!("invalid issuer (iss) claim: not {issuer:?}"))
                    }
                    _ => Ok(claims),
                }
            }
        }
    }

    async fn published(&self, url: &str, certificates: &[&str], kid: Option<&str>) -> Result<Arc<JwkSet>, String> {
        let cache_key = format!("{url}\n{}", certificates.concat());
        let known = self.0.lock().get(&cache_key).cloned();
        if let Some((read, keys)) = known {
            let has_it = kid.is_none_or(|kid| keys.find(kid).is_some());
            let limit = if has_it { KEYS_AGE } else { MIN_KEYS_AGE };
            if read.elapsed() < limit {
                return Ok(keys);
            }
        }
        #[derive(Deserialize)]
        struct Published {
            keys: Vec<Value>,
        }
        let answer: Published = http::get(url, certificates, None).await?;
        // Keys of kinds that are not known are none of ours to judge.
        let keys = answer.keys.into_iter().filter_map(|key| serde_json::from_value(key).ok()).collect();
        let keys = Arc::new(JwkSet { keys });
        let mut cache = self.0.lock();
        if cache.len() >= MAX_ISSUERS {
            cache.clear();
        }
        cache.insert(cache_key, (Instant::now(), keys.clone()));
        Ok(keys)
    }
}

fn first_good<'a>(
    token: &str,
    algorithm: Algorithm,
    keys: impl Iterator<Item = &'a DecodingKey>,
) -> Result<Claims, String> {
    let mut validation = Validation::new(algorithm);
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.required_spec_claims = HashSet::new();
    for key in keys {
        if let Ok(found) = jsonwebtoken::decode::<Claims>(token, key, &validation) {
            return Ok(found.claims);
        }
    }
    Err("failed to verify token signature: no known key successfully validated it".to_owned())
}

fn algorithms(config: &AuthMethodConfig) -> Result<Vec<Algorithm>, String> {
    if config.signing_algs.is_empty() {
        return Ok(vec![Algorithm::RS256]);
    }
    let known = |name: &String| match name.parse::<Algorithm>() {
        // A public key is no shared secret.
        Ok(Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512) | Err(_) => {
            Err(format!("unsupported signing algorithm {name:?}"))
        }
        Ok(algorithm) => Ok(algorithm),
    };
    config.signing_algs.iter().map(known).collect()
}

/// The keys that a PEM text may mean; its kind shows when it is used.
fn key_of_pem(pem: &str) -> Result<Vec<DecodingKey>, String> {
    let bytes = pem.as_bytes();
    let readings = [DecodingKey::from_rsa_pem(bytes), DecodingKey::from_ec_pem(bytes), DecodingKey::from_ed_pem(bytes)];
    let keys: Vec<DecodingKey> = readings.into_iter().flatten().collect();
    if keys.is_empty() {
        return Err(
            "unable to parse public key for JWT auth: data does not contain any valid RSA or ECDSA public keys"
                .to_owned(),
        );
    }
    Ok(keys)
}

fn check_claims(claims: &Claims, config: &AuthMethodConfig, now: UnixNanos) -> Result<(), String> {
    check_times(claims, config, now)?;
    let issuer = claims.get("iss").and_then(Value::as_str).unwrap_or_default();
    if !config.bound_issuer.is_empty() && !config.bound_issuer.iter().any(|bound| bound == issuer) {
        return Err(format!("invalid JWT issuer: {issuer:?}"));
    }
    if !config.bound_audiences.is_empty()
        && !audiences(claims).any(|one| config.bound_audiences.iter().any(|b| b == one))
    {
        return Err("invalid audience (aud) claim: audience claim does not match any expected audience".to_owned());
    }
    Ok(())
}

/// The audiences of a token.
pub(super) fn audiences(claims: &Claims) -> impl Iterator<Item = &str> {
    let aud = claims.get("aud");
    let list = match aud {
        Some(Value::Array(list)) => list.as_slice(),
        Some(one) => std::slice::from_ref(one),
        None => &[],
    };
    list.iter().filter_map(Value::as_str)
}

/// A claim that is not there follows from the others; a token without any time is not taken.
fn check_times(claims: &Claims, config: &AuthMethodConfig, now: UnixNanos) -> Result<(), String> {
    let seconds = |name: &str| -> Result<Option<i64>, String> {
        match claims.get(name) {
            None | Some(Value::Null) => Ok(None),
            #[expect(clippy::cast_possible_truncation, reason = "times are far below the limit")]
            Some(value) => match value.as_f64() {
                Some(seconds) if seconds.is_finite() => Ok(Some(seconds as i64)),
                _ => Err(format!("invalid {name} claim: not a time")),
            },
        }
    };
    let (exp, nbf, iat) = (seconds("exp")?, seconds("nbf")?, seconds("iat")?);
    if exp.is_none() && nbf.is_none() && iat.is_none() {
        let text = "no issued at (iat), not before (nbf), or expiration time (exp) claims in token";
        return Err(text.to_owned());
    }
    let leeway = |configured: Nanos, default: Nanos| {
        let used = if configured.is_zero() { default } else { configured };
        used.0.max(0) / NANOS_PER_SECOND
    };
    let begin = nbf.or(iat).or_else(|| exp.map(|exp| exp - leeway(config.not_before_leeway, DEFAULT_LEEWAY)));
    let latest = nbf.max(iat);
    let end = exp.or_else(|| latest.map(|at| at + leeway(config.expiration_leeway, DEFAULT_LEEWAY)));
    let skew = leeway(config.clock_skew_leeway, DEFAULT_CLOCK_SKEW);
    let now = now.0 / NANOS_PER_SECOND;
    if end.is_some_and(|end| now > end.saturating_add(skew)) {
        return Err("invalid expiration time (exp) claim: token is expired".to_owned());
    }
    if begin.is_some_and(|begin| now < begin.saturating_sub(skew)) {
        return Err("invalid not before (nbf) claim: token not yet valid".to_owned());
    }
    if iat.is_some_and(|iat| now < iat.saturating_sub(skew)) {
        return Err("invalid issue at (iat) claim: token issued in the future".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(claims: &Value, config: &AuthMethodConfig) -> Result<(), String> {
        check_claims(claims.as_object().unwrap(), config, UnixNanos(10_000 * NANOS_PER_SECOND))
    }

    #[test]
    fn times_issuers_and_audiences_are_held_to() {
        let any = AuthMethodConfig::default();
        assert_eq!(check(&json!({"exp": 10_001}), &any), Ok(()));
        assert_eq!(check(&json!({"exp": 9_941}), &any), Ok(()));
        assert!(check(&json!({"exp": 9_939}), &any).is_err());
        assert!(check(&json!({"nbf": 10_061}), &any).is_err());
        assert_eq!(check(&json!({"iat": 9_800}), &any), Ok(()));
        assert!(check(&json!({"iat": 9_700}), &any).is_err());
        assert!(check(&json!({"sub": "x"}), &any).is_err());
        assert!(check(&json!({"exp": "soon"}), &any).is_err());
        let bound = AuthMethodConfig {
            bound_issuer: vec!["me".into()],
            bound_audiences: vec!["drover".into()],
            ..AuthMethodConfig::default()
        };
        assert_eq!(check(&json!({"exp": 10_001, "iss": "me", "aud": ["x", "drover"]}), &bound), Ok(()));
        assert_eq!(check(&json!({"exp": 10_001, "iss": "me", "aud": "drover"}), &bound), Ok(()));
        assert!(check(&json!({"exp": 10_001, "iss": "you", "aud": "drover"}), &bound).is_err());
        assert!(check(&json!({"exp": 10_001, "iss": "me", "aud": "else"}), &bound).is_err());
        assert!(check(&json!({"exp": 10_001, "iss": "me"}), &bound).is_err());
    }

    #[test]
    fn shared_secrets_are_no_keys_of_others() {
        let with = |algs: &[&str]| {
            let signing_algs = algs.iter().map(|alg| (*alg).to_owned()).collect();
            algorithms(&AuthMethodConfig { signing_algs, ..AuthMethodConfig::default() })
        };
        assert_eq!(with(&[]), Ok(vec![Algorithm::RS256]));
        assert_eq!(with(&["ES256", "EdDSA"]), Ok(vec![Algorithm::ES256, Algorithm::EdDSA]));
        assert!(with(&["HS256"]).is_err());
        assert!(with(&["none"]).is_err());
        assert!(key_of_pem("x").is_err());
    }
}
