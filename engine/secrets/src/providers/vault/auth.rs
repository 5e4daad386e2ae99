//! Getting a token.

use reqwest::Method;
use serde_json::{Value, json};

use super::http::{Fault, Http};
use super::settings::{AuthSettings, Plan};
use crate::{Origin, ProviderError, Secret};

/// The longest token file, in bytes.
const MAX_TOKEN_BYTES: u64 = 16 * 1024;

/// A token, and what is known about its end.
pub(super) struct Token {
    pub(super) secret: Secret<String>,
    /// Whether it was made by logging in here, and ends with the session.
    pub(super) is_own: bool,
    /// Whether it can be renewed.
    pub(super) is_renewable: bool,
    /// For how long it is good; 0 is for ever.
    pub(super) seconds: u64,
}

/// The token that the settings name.
pub(super) async fn token(http: &Http, plan: &Plan, address: &str) -> Result<Token, ProviderError> {
    let (mount, body) = match &plan.auth {
        AuthSettings::Token(settings) => {
            let secret = match &settings.token {
                Some(reference) => credential(plan, reference, "token")?,
                None => given(plan)?,
            };
            plan.taint.add(Origin::Credential("Vault token".to_owned()), secret.expose());
            return Ok(looked_up(http, secret).await);
        }
        AuthSettings::AppRole(settings) => {
            let mut body = json!({"role_id": settings.role_id});
            if let Some(reference) = &settings.secret_id {
                body["secret_id"] = credential(plan, reference, "secret_id")?.expose().as_str().into();
            }
            (settings.mount.as_deref().unwrap_or("approle"), body)
        }
        AuthSettings::Jwt(settings) => {
            let mut body = json!({"jwt": credential(plan, &settings.jwt, "jwt")?.expose()});
            if let Some(role) = &settings.role {
                body["role"] = role.as_str().into();
            }
            (settings.mount.as_deref().unwrap_or("jwt"), body)
        }
        AuthSettings::Cert(settings) => {
            let body = settings.role.as_ref().map_or_else(|| json!({}), |role| json!({"name": role}));
            (settings.mount.as_deref().unwrap_or("cert"), body)
        }
    };
    let path = format!("auth/{}/login", mount.trim_matches('/'));
    let answer = http.call(Method::POST, &path, None, Some(&body)).await;
    let answer = answer.map_err(|fault| refused(fault, mount, address))?;
    let auth = &answer["auth"];
    let Some(secret) = auth["client_token"].as_str() else {
        let reason = format!("the login at auth/{mount} gave no token");
        return Err(ProviderError::Malformed { reason });
    };
    plan.taint.add(Origin::Credential("Vault token".to_owned()), secret);
    Ok(Token {
        secret: Secret::from(secret),
        is_own: true,
        is_renewable: auth["renewable"].as_bool().unwrap_or(false),
        seconds: auth["lease_duration"].as_u64().unwrap_or(0),
    })
}

/// A login that fails is one of credentials, whatever the status is that the method answers with.
fn refused(fault: Fault, mount: &str, address: &str) -> ProviderError {
    let what = format!("the login at auth/{mount}");
    match fault {
        Fault::Status { code: 400 | 401, errors, body } => {
            Fault::Status { code: 403, errors, body }.explain(&what, address)
        }
        other => other.explain(&what, address),
    }
}

fn credential(
    plan: &Plan,
    reference: &super::settings::Reference,
    what: &str,
) -> Result<Secret<String>, ProviderError> {
    let denied = |reason: String| ProviderError::Denied { reason: format!("the {what} to log in to Vault: {reason}") };
    let value = plan.credentials.get(reference).map_err(denied)?;
    let value = Secret::from(value.expose().trim());
    plan.taint.add(Origin::Credential(format!("Vault {what}")), value.expose());
    Ok(value)
}

/// The person's own token.
fn given(plan: &Plan) -> Result<Secret<String>, ProviderError> {
    use std::io::Read as _;
    if let Some(token) = &plan.token {
        return Ok(token.clone());
    }
    for path in &plan.token_files {
        let Ok(file) = std::fs::File::open(path) else { continue };
        let mut text = zeroize::Zeroizing::new(String::new());
        let read = file.take(MAX_TOKEN_BYTES).read_to_string(&mut text);
        read.map_err(|error| ProviderError::Unavailable { reason: format!("{}: {error}", path.display()) })?;
        if !text.trim().is_empty() {
            return Ok(Secret::from(text.trim()));
        }
    }
    let reason =
        "there is no Vault token: set VAULT_TOKEN, log in with `vault login` or `bao login`, or write an `auth` block";
    Err(ProviderError::Denied { reason: reason.to_owned() })
}

/// What a token may be asked about itself. A token that may not even ask that is still tried.
async fn looked_up(http: &Http, secret: Secret<String>) -> Token {
    let answer = http.call(Method::GET, "auth/token/lookup-self", Some(&secret), None).await.unwrap_or(Value::Null);
    let data = &answer["data"];
    Token {
        secret,
        is_own: false,
        is_renewable: data["renewable"].as_bool().unwrap_or(false),
        seconds: data["ttl"].as_u64().unwrap_or(0),
    }
}
