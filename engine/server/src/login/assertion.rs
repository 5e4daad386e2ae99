//! How a client proves itself to its OpenID provider with a signature instead of a secret.

use crate::error::{Result, ServerError};
use crate::identity::token;
use crate::server::Server;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use drover_base::uuid;
use drover_model::UnixNanos;
use drover_model::acl::AuthMethodConfig;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// How long a proof is good for, seconds.
const LIFE_SECONDS: i64 = 300;
const NANOS_PER_SECOND: i64 = 1_000_000_000;
/// The shortest secrets, by algorithm.
const MIN_SECRET_BYTES: &[(&str, usize)] = &[("HS256", 32), ("HS384", 48), ("HS512", 64)];

/// `OIDCClientAssertion`.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Assertion {
    /// `nomad`, `private_key` or `client_secret`.
    pub key_source: String,
    /// For whom the proof is; the provider, unless given.
    #[serde(with = "drover_base::serde_null")]
    pub audience: Vec<String>,
    /// For `private_key`.
    pub private_key: Option<PrivateKey>,
    /// More headers of the proof.
    #[serde(with = "drover_base::serde_null")]
    pub extra_headers: BTreeMap<String, String>,
    /// The algorithm of its signature.
    pub key_algorithm: String,
    /// For `client_secret`; taken from the method.
    pub client_secret: String,
}

/// A key of the client.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct PrivateKey {
    /// PEM.
    pub pem_key: String,
    /// A file on the server with it.
    pub pem_key_file: String,
    /// `kid`, `x5t` or `x5t#S256`.
    pub key_id_header: String,
    /// The key's id.
    #[serde(rename = "KeyID")]
    pub key_id: String,
    /// The certificate whose thumbprint is the key's id, PEM.
    pub pem_cert: String,
    /// A file on the server with it.
    pub pem_cert_file: String,
}

impl Assertion {
    /// The method's, checked and with everything filled in; `None` when it has none.
    pub(super) fn of(config: &AuthMethodConfig) -> std::result::Result<Option<Self>, String> {
        let Some(value) = config.oidc_client_assertion.as_ref().filter(|value| !value.is_null()) else {
            return Ok(None);
        };
        let mut assertion: Self = serde_json::from_value(value.clone()).map_err(|error| error.to_string())?;
        if assertion.audience.is_empty() {
            assertion.audience = vec![config.oidc_discovery_url.clone()];
        }
        let algorithm = match assertion.key_source.as_str() {
            "nomad" => "RS256",
            "private_key" => {
                let key = assertion.private_key.as_mut();
                key.ok_or("PrivateKey is required for `private_key` KeySource")?.settle()?;
                "RS256"
            }
            "client_secret" => {
                if config.oidc_client_secret.is_empty() {
                    return Err("OIDCClientSecret is required for `client_secret` KeySource".to_owned());
                }
                assertion.client_secret.clone_from(&config.oidc_client_secret);
                "HS256"
            }
            other => return Err(format!("invalid KeySource {other:?}")),
        };
        if assertion.key_algorithm.is_empty() {
            algorithm.clone_into(&mut assertion.key_algorithm);
        }
        let fits = match assertion.key_source.as_str() {
            "nomad" => assertion.key_algorithm == "RS256",
            "private_key" => assertion.key_algorithm.starts_with("RS"),
            _ => assertion.key_algorithm.starts_with("HS"),
        };
        if !fits {
            let (algorithm, source) = (&assertion.key_algorithm, &assertion.key_source);
            return Err(format!("KeyAlgorithm {algorithm:?} does not fit KeySource {source:?}"));
        }
        Ok(Some(assertion))
    }
}

impl PrivateKey {
    fn settle(&mut self) -> std::result::Result<(), String> {
        match (self.pem_key.is_empty(), self.pem_key_file.is_empty()) {
            (true, true) => return Err("one of PrivateKey.PemKey and PemKeyFile is required".to_owned()),
            (false, false) => return Err("only one of PrivateKey.PemKey and PemKeyFile can be set".to_owned()),
            _ => {}
        }
        let ids = [&self.key_id, &self.pem_cert, &self.pem_cert_file];
        match ids.iter().filter(|text| !text.is_empty()).count() {
            0 => return Err("one of PrivateKey.KeyID, PemCert and PemCertFile is required".to_owned()),
            1 => {}
            _ => return Err("only one of PrivateKey.KeyID, PemCert and PemCertFile can be set".to_owned()),
        }
        if self.key_id_header.is_empty() {
            let header = if self.key_id.is_empty() { "x5t#S256" } else { "kid" };
            header.clone_into(&mut self.key_id_header);
        }
        match (self.key_id_header.as_str(), self.key_id.is_empty()) {
            ("kid", _) | ("x5t" | "x5t#S256", true) => Ok(()),
            (other, _) => Err(format!("invalid PrivateKey.KeyIDHeader {other:?}")),
        }
    }

    fn pem(&self) -> std::result::Result<String, String> {
        read(&self.pem_key, &self.pem_key_file, "PemKeyFile")
    }

    /// The value of the header that names the key.
    fn id(&self) -> std::result::Result<String, String> {
        if !self.key_id.is_empty() {
            return Ok(self.key_id.clone());
        }
        let pem = read(&self.pem_cert, &self.pem_cert_file, "PemCertFile")?;
        let der = der_of(&pem).ok_or("PemCert holds no certificate")?;
        Ok(match self.key_id_header.as_str() {
            "x5t" => URL_SAFE_NO_PAD.encode(sha1::Sha1::digest(&der)),
            _ => URL_SAFE_NO_PAD.encode(Sha256::digest(&der)),
        })
    }
}

fn read(text: &str, file: &str, what: &str) -> std::result::Result<String, String> {
    if !text.is_empty() {
        return Ok(text.to_owned());
    }
    std::fs::read_to_string(file).map_err(|error| format!("error reading {what}: open {file}: {error}"))
}

/// The first certificate of a PEM text.
fn der_of(pem: &str) -> Option<Vec<u8>> {
    let body = pem.split_once("-----BEGIN CERTIFICATE-----")?.1.split_once("-----END CERTIFICATE-----")?.0;
    STANDARD.decode(body.split_whitespace().collect::<String>()).ok()
}

impl Server {
    /// A fresh proof for the method's client.
    pub(super) async fn client_assertion(&self, config: &AuthMethodConfig) -> Result<Option<String>> {
        let Some(assertion) = Assertion::of(config).map_err(ServerError::invalid)? else { return Ok(None) };
        let claims = claims(&assertion, &config.oidc_client_id);
        let failed = |error: String| ServerError::invalid(format!("failed to build client_assertion jwt: {error}"));
        if assertion.key_source == "nomad" {
            let key = self.inner.active_material().await?;
            return token::sign_value(&key, &assertion.extra_headers, &claims).map(Some);
        }
        sign(&assertion, &claims).map(Some).map_err(failed)
    }
}

fn claims(assertion: &Assertion, client_id: &str) -> Value {
    let now = UnixNanos::now().0 / NANOS_PER_SECOND;
    let audience = match assertion.audience.as_slice() {
        [one] => json!(one),
        several => json!(several),
    };
    json!({
        "iss": client_id, "sub": client_id, "aud": audience, "jti": uuid::random(),
        "iat": now, "nbf": now, "exp": now + LIFE_SECONDS,
    })
}

fn sign(assertion: &Assertion, claims: &Value) -> std::result::Result<String, String> {
    let name = &assertion.key_algorithm;
    let algorithm: Algorithm = name.parse().map_err(|_| format!("unknown algorithm {name:?}"))?;
    let mut header = Header::new(algorithm);
    let key = match &assertion.private_key {
        Some(key) if assertion.key_source == "private_key" => {
            let id = key.id()?;
            match key.key_id_header.as_str() {
                "kid" => header.kid = Some(id),
                "x5t" => header.x5t = Some(id),
                _ => header.x5t_s256 = Some(id),
            }
            EncodingKey::from_rsa_pem(key.pem()?.as_bytes()).map_err(|error| format!("the private key: {error}"))?
        }
        _ => {
            let min = MIN_SECRET_BYTES.iter().find(|(known, _)| known == name).map_or(0, |(_, min)| *min);
            if assertion.client_secret.len() < min {
                return Err(format!("invalid secret length for algorithm: {name:?} must be at least {min} bytes long"));
            }
            EncodingKey::from_secret(assertion.client_secret.as_bytes())
        }
    };
    jsonwebtoken::encode(&header, claims, &key).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(assertion: Value, secret: &str) -> std::result::Result<Assertion, String> {
        let config = AuthMethodConfig {
            oidc_client_assertion: Some(assertion),
            oidc_client_secret: secret.to_owned(),
            oidc_discovery_url: "https://op".to_owned(),
            ..AuthMethodConfig::default()
        };
        Assertion::of(&config).map(Option::unwrap)
    }

    #[test]
    fn assertions_are_checked_and_filled_in() {
        let own = of(json!({"KeySource": "nomad"}), "").ok().unwrap();
        assert_eq!((own.audience, own.key_algorithm), (vec!["https://op".to_owned()], "RS256".to_owned()));
        let fault = |assertion: Value| of(assertion, "").err().unwrap();
        assert_eq!(fault(json!({"KeySource": "zork"})), "invalid KeySource \"zork\"");
        assert_eq!(fault(json!({"KeySource": "private_key"})), "PrivateKey is required for `private_key` KeySource");
        assert!(fault(json!({"KeySource": "client_secret"})).starts_with("OIDCClientSecret is required"));
        let short = of(json!({"KeySource": "client_secret"}), "short").ok().unwrap();
        assert!(sign(&short, &json!({})).unwrap_err().contains("at least 32 bytes"));
        let long = of(json!({"KeySource": "client_secret"}), &"x".repeat(32)).ok().unwrap();
        assert_eq!(sign(&long, &json!({"a": 1})).unwrap().split('.').count(), 3);
    }
}
