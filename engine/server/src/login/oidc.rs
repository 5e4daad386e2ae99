//! Logging in at an OpenID provider: where the browser goes, and what becomes of the code that it brings back.

use super::http::{self, ClientProof};
use super::jwt::{self, Provider, audiences, certificates};
use super::{Claims, OIDC, check_present};
use crate::error::{Result, ServerError};
use crate::server::Server;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use drover_model::acl::{AclAuthMethod, AclToken, AuthMethodConfig};
use parking_lot::Mutex;
use ring::rand::{SecureRandom, SystemRandom};
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long the browser may take.
const REQUEST_LIFE: Duration = Duration::from_secs(300);
/// Logins that may be under way at the same time; more are refused.
const MAX_PENDING: usize = 1000;
/// Random bytes of a state and of a verifier.
const SECRET_BYTES: usize = 32;
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Asks where the browser should go.
#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct AuthUrlRequest {
    /// The way to log in.
    pub auth_method_name: String,
    /// Where the browser is to come back to.
    #[serde(rename = "RedirectURI")]
    pub redirect_uri: String,
    /// Made up by the caller, who shows it again at the end.
    pub client_nonce: String,
}

/// What the browser came back with.
#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct CompleteAuthRequest {
    /// The way to log in.
    pub auth_method_name: String,
    /// As in the first request.
    pub client_nonce: String,
    /// From the browser.
    pub state: String,
    /// From the browser.
    pub code: String,
    /// As in the first request.
    #[serde(rename = "RedirectURI")]
    pub redirect_uri: String,
}

/// A login that waits for the browser.
struct Waiting {
    method: String,
    redirect_uri: String,
    state: String,
    /// Shown at the end, with PKCE.
    verifier: Option<String>,
    began: Instant,
}

/// Logins that wait for their browsers, by nonce.
#[derive(Default)]
pub(super) struct Pending(Mutex<HashMap<String, Waiting>>);

impl Pending {
    fn add(&self, nonce: &str, waiting: Waiting) -> Result<()> {
        let mut all = self.0.lock();
        all.retain(|_, waiting| waiting.began.elapsed() < REQUEST_LIFE);
        if all.contains_key(nonce) {
            return Err(ServerError::invalid("a login with this client nonce is under way already"));
        }
        if all.len() >= MAX_PENDING {
            return Err(ServerError::refused("too many logins are under way; try again later"));
        }
        all.insert(nonce.to_owned(), waiting);
        Ok(())
    }

    /// Each one is good once.
    fn take(&self, nonce: &str) -> Option<Waiting> {
        self.0.lock().remove(nonce).filter(|waiting| waiting.began.elapsed() < REQUEST_LIFE)
    }
}

impl Server {
    /// Where the browser should go to log in.
    ///
    /// # Errors
    /// Access control is off; the method is unknown or of another kind; the provider does not answer.
    pub async fn oidc_auth_url(&self, request: AuthUrlRequest) -> Result<String> {
        self.check_acl_enabled()?;
        check_present(
            "OIDC auth-url",
            &[
                ("auth method name", &request.auth_method_name),
                ("client nonce", &request.client_nonce),
                ("redirect URI", &request.redirect_uri),
            ],
        )?;
        let method = self.login_method(&request.auth_method_name)?;
        let config = oidc_config(&method)?;
        check_redirect(&config, &request.redirect_uri)?;
        let provider = jwt::discover(&config).await.map_err(|error| no_provider(&error))?;
        let state = random_text()?;
        let verifier = if config.oidc_enable_pkce { Some(random_text()?) } else { None };
        let url = auth_url(&config, &provider, &request, &state, verifier.as_deref())?;
        let waiting = Waiting {
            method: method.name.clone(),
            redirect_uri: request.redirect_uri,
            state,
            verifier,
            began: Instant::now(),
        };
        self.inner.logins.pending.add(&request.client_nonce, waiting)?;
        Ok(url)
    }

    /// Logs in with what the browser brought back.
    ///
    /// # Errors
    /// Nothing like it was asked for, or too long ago; the provider refuses; no rule fits.
    pub async fn oidc_complete_auth(&self, request: CompleteAuthRequest) -> Result<Arc<AclToken>> {
        self.check_acl_enabled()?;
        check_present(
            "OIDC complete-auth",
            &[
                ("auth method name", &request.auth_method_name),
                ("client nonce", &request.client_nonce),
                ("state", &request.state),
                ("code", &request.code),
                ("redirect URI", &request.redirect_uri),
            ],
        )?;
        let method = self.login_method(&request.auth_method_name)?;
        let config = oidc_config(&method)?;
        let waiting = self.inner.logins.pending.take(&request.client_nonce).filter(|waiting| {
            waiting.method == method.name
                && waiting.state == request.state
                && waiting.redirect_uri == request.redirect_uri
        });
        let waiting = waiting.ok_or_else(|| {
            ServerError::invalid("no OIDC login with this nonce and state is under way: it expired, or was completed")
        })?;
        let provider = jwt::discover(&config).await.map_err(|error| no_provider(&error))?;
        let tokens = self.exchange(&config, &provider, &request, waiting.verifier.as_deref()).await?;
        let refused = |error: String| ServerError::unauthorized(format!("failed to verify the identity: {error}"));
        let keys = &self.inner.logins.keys;
        let mut claims = keys.check_id_token(&config, &provider, &tokens.id_token).await.map_err(refused)?;
        check_id_token(&claims, &config, &request.client_nonce).map_err(refused)?;
        if !config.oidc_disable_user_info && !provider.userinfo_endpoint.is_empty() {
            let (url, trusted) = (&provider.userinfo_endpoint, certificates(&config));
            let info = http::get::<Claims>(url, &trusted, Some(&tokens.access_token)).await;
            let info = info.map_err(|error| ServerError::refused(format!("failed to read user info: {error}")))?;
            if info.get("sub") != claims.get("sub") {
                return Err(refused("the user info is of somebody else".to_owned()));
            }
            claims.extend(info);
        }
        self.token_for(&method, &claims).await
    }

    async fn exchange(
        &self,
        config: &AuthMethodConfig,
        provider: &Provider,
        request: &CompleteAuthRequest,
        verifier: Option<&str>,
    ) -> Result<Tokens> {
        let assertion = self.client_assertion(config).await?;
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", request.code.as_str()),
            ("redirect_uri", request.redirect_uri.as_str()),
        ];
        if let Some(verifier) = verifier {
            form.push(("code_verifier", verifier));
        }
        let mut proof = ClientProof::InForm;
        if let Some(assertion) = &assertion {
            form.push(("client_id", &config.oidc_client_id));
            form.push(("client_assertion_type", ASSERTION_TYPE));
            form.push(("client_assertion", assertion));
        } else if takes_basic(provider) && !config.oidc_client_secret.is_empty() {
            proof = ClientProof::Basic(&config.oidc_client_id, &config.oidc_client_secret);
        } else {
            form.push(("client_id", &config.oidc_client_id));
            if !config.oidc_client_secret.is_empty() {
                form.push(("client_secret", &config.oidc_client_secret));
            }
        }
        http::post_form(&provider.token_endpoint, &certificates(config), &form, proof)
            .await
            .map_err(|error| ServerError::refused(format!("failed to exchange the code for a token: {error}")))
    }
}

/// What the token endpoint gives.
#[derive(Deserialize)]
struct Tokens {
    id_token: String,
    #[serde(default)]
    access_token: String,
}

fn oidc_config(method: &AclAuthMethod) -> Result<AuthMethodConfig> {
    if method.kind != OIDC {
        return Err(ServerError::invalid(format!("auth-method {:?} is not of type {OIDC}", method.name)));
    }
    Ok(method.config.clone().unwrap_or_default())
}

fn no_provider(error: &str) -> ServerError {
    ServerError::refused(format!("failed to generate OIDC provider: {error}"))
}

/// The default of the standard, which need not be listed.
fn takes_basic(provider: &Provider) -> bool {
    let methods = &provider.token_endpoint_auth_methods_supported;
    methods.is_empty() || methods.iter().any(|method| method == "client_secret_basic")
}

/// A loopback address may have any port, as a login from a terminal listens on whatever is free.
fn check_redirect(config: &AuthMethodConfig, uri: &str) -> Result<()> {
    let without_port = |text: &str| -> Option<url::Url> {
        let mut url = url::Url::parse(text).ok()?;
        let is_loopback = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
        if is_loopback {
            url.set_port(None).ok()?;
        }
        Some(url)
    };
    let wanted = without_port(uri);
    let fits = |allowed: &String| allowed == uri || (wanted.is_some() && without_port(allowed) == wanted);
    if config.allowed_redirect_uris.iter().any(fits) {
        return Ok(());
    }
    Err(ServerError::invalid(format!("unauthorized redirect URI: {uri:?} is not one of the method's")))
}

fn auth_url(
    config: &AuthMethodConfig,
    provider: &Provider,
    request: &AuthUrlRequest,
    state: &str,
    verifier: Option<&str>,
) -> Result<String> {
    let mut url = url::Url::parse(&provider.authorization_endpoint)
        .map_err(|error| no_provider(&format!("its authorization endpoint is no URL: {error}")))?;
    let others = config.oidc_scopes.iter().map(String::as_str).filter(|scope| *scope != "openid");
    let scopes: Vec<&str> = std::iter::once("openid").chain(others).collect();
    let mut query = url.query_pairs_mut();
    query
        .append_pair("client_id", &config.oidc_client_id)
        .append_pair("nonce", &request.client_nonce)
        .append_pair("redirect_uri", &request.redirect_uri)
        .append_pair("response_type", "code")
        .append_pair("scope", &scopes.join(" "))
        .append_pair("state", state);
    if let Some(verifier) = verifier {
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier));
        query.append_pair("code_challenge", &challenge).append_pair("code_challenge_method", "S256");
    }
    drop(query);
    Ok(url.into())
}

fn check_id_token(claims: &Claims, config: &AuthMethodConfig, nonce: &str) -> std::result::Result<(), String> {
    if claims.get("nonce").and_then(Value::as_str) != Some(nonce) {
        return Err("its nonce is another one".to_owned());
    }
    if !audiences(claims).any(|audience| audience == config.oidc_client_id) {
        return Err("it was made for another client".to_owned());
    }
    let several = audiences(claims).count() > 1;
    if let Some(party) = claims.get("azp").and_then(Value::as_str).filter(|party| *party != config.oidc_client_id)
        && several
    {
        return Err(format!("it was given to {party:?}"));
    }
    let bound = &config.bound_audiences;
    if !bound.is_empty() && !audiences(claims).any(|audience| bound.iter().any(|bound| bound == audience)) {
        return Err("its audience is none that the method takes".to_owned());
    }
    Ok(())
}

fn random_text() -> Result<String> {
    let mut bytes = [0; SECRET_BYTES];
    SystemRandom::new().fill(&mut bytes).map_err(|_| ServerError::unavailable("the system gives no randomness"))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn browsers_come_back_to_where_they_may() {
        let config = AuthMethodConfig {
            allowed_redirect_uris: vec!["http://127.0.0.1/oidc/callback".into(), "https://ui.example/x".into()],
            ..AuthMethodConfig::default()
        };
        let allowed = |uri: &str| check_redirect(&config, uri).is_ok();
        assert!(allowed("http://127.0.0.1:4649/oidc/callback"));
        assert!(allowed("https://ui.example/x"));
        assert!(!allowed("https://ui.example:444/x"));
        assert!(!allowed("http://127.0.0.1:4649/other"));
        assert!(!allowed("http://evil.example/oidc/callback"));
        assert!(!allowed("nonsense"));
    }

    #[test]
    fn an_identity_must_be_meant_for_this_login() {
        let config = AuthMethodConfig { oidc_client_id: "me".into(), ..AuthMethodConfig::default() };
        let check = |claims: Value| check_id_token(claims.as_object().unwrap(), &config, "n");
        assert_eq!(check(json!({"nonce": "n", "aud": "me"})), Ok(()));
        assert!(check(json!({"nonce": "x", "aud": "me"})).is_err());
        assert!(check(json!({"aud": "me"})).is_err());
        assert!(check(json!({"nonce": "n", "aud": "you"})).is_err());
        assert!(check(json!({"nonce": "n", "aud": ["me", "you"], "azp": "you"})).is_err());
    }

    #[test]
    fn a_request_is_good_once_and_of_limited_number() {
        let pending = Pending::default();
        let waiting = || Waiting {
            method: "m".into(),
            redirect_uri: "u".into(),
            state: "s".into(),
            verifier: None,
            began: Instant::now(),
        };
        pending.add("n", waiting()).unwrap();
        assert!(pending.add("n", waiting()).is_err());
        assert!(pending.take("n").is_some());
        assert!(pending.take("n").is_none());
        for n in 0..MAX_PENDING {
            pending.add(&n.to_string(), waiting()).unwrap();
        }
        assert!(pending.add("more", waiting()).is_err());
    }
}
