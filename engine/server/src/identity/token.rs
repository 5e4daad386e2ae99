//! Identities as compact signed tokens (JWT, RS256).

use super::claims::Claims;
use crate::error::{Result, ServerError};
use crate::keyring::Material;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use drover_model::UnixNanos;
use drover_model::registry::RootKey;
use ring::rsa::PublicKeyComponents;
use ring::signature::RSA_PKCS1_2048_8192_SHA256;
use serde::Deserialize;
use std::collections::BTreeMap;

const ALGORITHM: &str = "RS256";
const NANOS_PER_SECOND: i64 = 1_000_000_000;
/// The longest token that is looked at.
const MAX_TOKEN_BYTES: usize = 16 * 1024;

/// Why a token is not taken. For logs; callers are told nothing but that they are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// It is no token of this kind at all.
    #[error("not a signed identity")]
    NotAToken,
    /// Its key is not one of the cluster's.
    #[error("signed by an unknown key")]
    UnknownKey,
    /// Somebody else made it, or it was changed.
    #[error("the signature does not match")]
    Signature,
    /// Its time is over, or has not begun.
    #[error("expired or not yet valid")]
    Time,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: String,
}

/// Signs claims.
pub(crate) fn sign(key: &Material, claims: &Claims) -> Result<String> {
    let header = format!(r#"{{"alg":"{ALGORITHM}","kid":"{}","typ":"JWT"}}"#, key.id());
    let claims = serde_json::to_vec(claims)
        .map_err(|error| ServerError::unavailable(format!("an identity cannot be written: {error}")))?;
    sign_parts(key, header, claims)
}

/// Signs any document, with more headers than usual.
pub(crate) fn sign_value(
    key: &Material,
    headers: &BTreeMap<String, String>,
    claims: &serde_json::Value,
) -> Result<String> {
    let mut header = serde_json::Map::new();
    header.extend(headers.iter().map(|(name, value)| (name.clone(), value.clone().into())));
    for (name, value) in [("alg", ALGORITHM), ("kid", key.id()), ("typ", "JWT")] {
        header.insert(name.to_owned(), value.into());
    }
    sign_parts(key, serde_json::Value::Object(header).to_string(), claims.to_string())
}

fn sign_parts(key: &Material, header: impl AsRef<[u8]>, claims: impl AsRef<[u8]>) -> Result<String> {
    let mut token = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    let signature = key.sign(token.as_bytes())?;
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(signature, &mut token);
    Ok(token)
}

/// Whether a secret looks like a token rather than like a UUID.
pub(crate) fn is_token(secret: &str) -> bool {
    secret.bytes().filter(|byte| *byte == b'.').count() == 2
}

/// What a token says, once its signature and times are found good. `key` finds the cluster's keys.
pub(crate) fn verify<'a>(
    token: &str,
    key: impl FnOnce(&str) -> Option<&'a RootKey>,
    now: UnixNanos,
) -> std::result::Result<Claims, TokenError> {
    if token.len() > MAX_TOKEN_BYTES {
        return Err(TokenError::NotAToken);
    }
    let (signed, signature) = token.rsplit_once('.').ok_or(TokenError::NotAToken)?;
    let (header, claims) = signed.split_once('.').ok_or(TokenError::NotAToken)?;
    let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| TokenError::NotAToken);
    let header: Header = serde_json::from_slice(&decode(header)?).map_err(|_| TokenError::NotAToken)?;
    let key = key(&header.kid).filter(|_| header.alg == ALGORITHM).ok_or(TokenError::UnknownKey)?;
    let public = PublicKeyComponents { n: &key.public_modulus, e: &key.public_exponent };
    public
        .verify(&RSA_PKCS1_2048_8192_SHA256, signed.as_bytes(), &decode(signature)?)
        .map_err(|_| TokenError::Signature)?;
    let claims: Claims = serde_json::from_slice(&decode(claims)?).map_err(|_| TokenError::NotAToken)?;
    let now = now.0.div_euclid(NANOS_PER_SECOND);
    if claims.nbf > now || claims.exp.is_some_and(|end| end <= now) {
        return Err(TokenError::Time);
    }
    Ok(claims)
}

#[cfg(test)]
mod tests {
    use super::super::claims::Issue;
    use super::*;

    #[test]
    fn only_what_the_cluster_signed_and_only_in_its_time_is_taken() {
        let material = Material::generate().unwrap();
        let (public_modulus, public_exponent) = material.public();
        let key = RootKey { key_id: material.id().to_owned(), public_modulus, public_exponent, ..RootKey::default() };
        let now = UnixNanos(1_000_000 * NANOS_PER_SECOND);
        let issue = Issue { region: "global", issuer: None, now, id: "u".to_owned() };
        let claims = issue.introduction("n", "default", 60);
        let token = sign(&material, &claims).unwrap();
        assert!(is_token(&token) && !is_token(material.id()));
        let check = |token: &str, seconds: i64| {
            let at = UnixNanos(now.0 + seconds * NANOS_PER_SECOND);
            verify(token, |id| (id == key.key_id).then_some(&key), at)
        };
        assert_eq!(check(&token, 0), Ok(claims));
        assert_eq!(check(&token, 60), Err(TokenError::Time));
        assert_eq!(check(&token, -1), Err(TokenError::Time));
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let (header, _) = signed.split_once('.').unwrap();
        let forged = URL_SAFE_NO_PAD.encode(br#"{"aud":"x","iat":1,"jti":"u","nbf":1,"sub":"root"}"#);
        assert_eq!(check(&format!("{header}.{forged}.{signature}"), 0), Err(TokenError::Signature));
        let other = Material::generate().unwrap();
        let issue = Issue { region: "global", issuer: None, now, id: "u".to_owned() };
        let foreign = sign(&other, &issue.introduction("n", "default", 60)).unwrap();
        assert_eq!(check(&foreign, 0), Err(TokenError::UnknownKey));
        for nonsense in ["abc", "a.b.c", "..", ""] {
            assert_eq!(check(nonsense, 0), Err(TokenError::NotAToken), "{nonsense}");
        }
        let unsigned = URL_SAFE_NO_PAD.encode(format!(r#"{{"alg":"none","kid":"{}"}}"#, key.key_id));
        assert_eq!(check(&format!("{unsigned}.{forged}."), 0), Err(TokenError::UnknownKey));
    }
}
