//! Logging in at an OpenID provider that lives in this test.

use super::*;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use drover_model::acl::{AclPolicy, AclToken};
use drover_server::login::{AuthMethodWrite, AuthUrlRequest, BindingRuleWrite, CompleteAuthRequest, LoginRequest};
use drover_server::{AclConfig, ErrorKind, ServerError};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rsa::pkcs1::EncodeRsaPrivateKey;
use rsa::traits::PublicKeyParts;
use std::collections::HashMap;
use std::sync::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const REDIRECT: &str = "http://localhost:4649/oidc/callback";

/// A provider whose only person is called `alice`.
struct Provider {
    address: String,
    key: EncodingKey,
    jwks: Value,
    /// What the last call of the token endpoint said.
    form: Mutex<HashMap<String, String>>,
    /// The nonce that identities carry.
    nonce: Mutex<String>,
}

/// The randomness of the system, for keys of tests.
struct Rng;

impl rsa::rand_core::RngCore for Rng {
    fn next_u32(&mut self) -> u32 {
        rand::random()
    }
    fn next_u64(&mut self) -> u64 {
        rand::random()
    }
    fn fill_bytes(&mut self, out: &mut [u8]) {
        out.fill_with(rand::random);
    }
    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), rsa::rand_core::Error> {
        self.fill_bytes(out);
        Ok(())
    }
}

impl rsa::rand_core::CryptoRng for Rng {}

impl Provider {
    async fn start() -> Arc<Self> {
        let key = rsa::RsaPrivateKey::new(&mut Rng, 2048).unwrap();
        let encode = |number: &rsa::BigUint| URL_SAFE_NO_PAD.encode(number.to_bytes_be());
        let jwks = json!({"keys": [{
            "kty": "RSA", "use": "sig", "alg": "RS256", "kid": "k", "n": encode(key.n()), "e": encode(key.e()),
        }]});
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let provider = Arc::new(Self {
            address: format!("http://{}", listener.local_addr().unwrap()),
            key: EncodingKey::from_rsa_der(key.to_pkcs1_der().unwrap().as_bytes()),
            jwks,
            form: Mutex::default(),
            nonce: Mutex::default(),
        });
        let serving = provider.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                serving.answer(stream).await;
            }
        });
        provider
    }

    fn sign(&self, claims: &Value) -> String {
        let header = Header { kid: Some("k".to_owned()), ..Header::new(Algorithm::RS256) };
        jsonwebtoken::encode(&header, claims, &self.key).unwrap()
    }

    fn claims(&self) -> Value {
        let now = drover_model::UnixNanos::now().0 / 1_000_000_000;
        json!({
            "iss": self.address, "sub": "alice", "aud": "drover", "iat": now, "exp": now + 600,
            "nonce": *self.nonce.lock().unwrap(), "role": "engineering",
        })
    }

    async fn answer(&self, mut stream: TcpStream) {
        let mut head = vec![0; 16 * 1024];
        let mut length = 0;
        loop {
            length += stream.read(&mut head[length..]).await.unwrap();
            let text = String::from_utf8_lossy(&head[..length]).into_owned();
            let Some((lines, body)) = text.split_once("\r\n\r\n") else { continue };
            let wanted =
                lines.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
            if body.len() < wanted.unwrap_or(0) {
                continue;
            }
            let path = lines.split(' ').nth(1).unwrap_or_default();
            let answer = self.document(path, lines, body).to_string();
            let reply =
                format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{answer}", answer.len());
            let _ = stream.write_all(reply.as_bytes()).await;
            return;
        }
    }

    fn document(&self, path: &str, head: &str, body: &str) -> Value {
        match path {
            "/.well-known/openid-configuration" => json!({
                "issuer": self.address, "authorization_endpoint": format!("{}/authorize", self.address),
                "token_endpoint": format!("{}/token", self.address), "jwks_uri": format!("{}/keys", self.address),
                "userinfo_endpoint": format!("{}/userinfo", self.address),
            }),
            "/keys" => self.jwks.clone(),
            "/token" => {
                let mut form: HashMap<_, _> = url::form_urlencoded::parse(body.as_bytes()).into_owned().collect();
                let header = head.lines().find(|line| line.to_lowercase().starts_with("authorization:"));
                form.insert("authorization".to_owned(), header.unwrap_or_default().to_owned());
                *self.form.lock().unwrap() = form;
                json!({"access_token": "x", "token_type": "Bearer", "id_token": self.sign(&self.claims())})
            }
            _ => json!({"sub": "alice", "groups": ["ops"]}),
        }
    }
}

async fn cluster(provider: &Provider, method: Value) -> Server {
    let acl = AclConfig { enabled: true, ..AclConfig::default() };
    let server = Server::open(ServerConfig { acl, ..ServerConfig::default() }).await.unwrap();
    for name in ["engineering", "ops-alice"] {
        let rules = "namespace \"default\" { policy = \"read\" }".to_owned();
        let policy = AclPolicy { name: name.to_owned(), rules, ..AclPolicy::default() };
        server.upsert_acl_policy(policy).await.unwrap();
    }
    let mut method = method;
    method["Config"]["OIDCDiscoveryURL"] = json!(provider.address);
    let write: AuthMethodWrite = serde_json::from_value(method).unwrap();
    server.upsert_acl_auth_method(write).await.unwrap();
    for (selector, name) in [("value.role == engineering", "engineering"), ("ops in list.groups", "ops-${value.user}")]
    {
        let rule = json!({"AuthMethod": "m", "Selector": selector, "BindType": "policy", "BindName": name});
        let write: BindingRuleWrite = serde_json::from_value(rule).unwrap();
        server.upsert_acl_binding_rule(write).await.unwrap();
    }
    server
}

fn oidc(more: &Value) -> Value {
    let mut config = json!({
        "OIDCClientID": "drover", "OIDCClientSecret": "a secret", "AllowedRedirectURIs": [REDIRECT],
        "OIDCScopes": ["groups"], "ClaimMappings": {"sub": "user", "role": "role"},
        "ListClaimMappings": {"groups": "groups"},
    });
    config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({"Name": "m", "Type": "OIDC", "TokenLocality": "local", "MaxTokenTTL": "1h", "Config": config})
}

/// Goes through a login; `code` is what the browser brings.
async fn log_in(server: &Server, provider: &Provider, nonce: &str) -> Result<Arc<AclToken>, ServerError> {
    let request =
        AuthUrlRequest { auth_method_name: "m".into(), redirect_uri: REDIRECT.into(), client_nonce: nonce.into() };
    let address = url::Url::parse(&server.oidc_auth_url(request).await?).unwrap();
    let query: HashMap<_, _> = address.query_pairs().into_owned().collect();
    assert_eq!((query["scope"].as_str(), query["nonce"].as_str()), ("openid groups", nonce));
    *provider.nonce.lock().unwrap() = nonce.to_owned();
    let complete = |state: &str| CompleteAuthRequest {
        auth_method_name: "m".into(),
        client_nonce: nonce.into(),
        state: state.into(),
        code: "the code".into(),
        redirect_uri: REDIRECT.into(),
    };
    let token = server.oidc_complete_auth(complete(&query["state"])).await?;
    let again = server.oidc_complete_auth(complete(&query["state"])).await;
    assert!(again.is_err(), "a code is good once");
    Ok(token)
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_logs_in_through_a_provider() {
    let provider = Provider::start().await;
    let server = cluster(&provider, oidc(&json!({"OIDCEnablePKCE": true}))).await;
    let token = log_in(&server, &provider, "n1").await.unwrap();
    assert_eq!(token.policies.as_deref(), Some(&["engineering".to_owned(), "ops-alice".to_owned()][..]));
    assert_eq!(token.name, "OIDC-m");
    let form = provider.form.lock().unwrap().clone();
    assert_eq!(form["code"], "the code");
    assert!(form["code_verifier"].len() >= 43);
    assert!(form["authorization"].to_lowercase().starts_with("authorization: basic "));
    assert!(server.resolve(&token.secret_id).is_ok());
    // A state that is not the one of the request is not taken.
    let request =
        AuthUrlRequest { auth_method_name: "m".into(), redirect_uri: REDIRECT.into(), client_nonce: "n2".into() };
    server.oidc_auth_url(request).await.unwrap();
    let forged = CompleteAuthRequest {
        auth_method_name: "m".into(),
        client_nonce: "n2".into(),
        state: "forged".into(),
        code: "c".into(),
        redirect_uri: REDIRECT.into(),
    };
    assert!(server.oidc_complete_auth(forged).await.is_err());
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_proves_itself_with_a_key_of_the_cluster() {
    let provider = Provider::start().await;
    let server = cluster(&provider, oidc(&json!({"OIDCClientAssertion": {"KeySource": "nomad"}}))).await;
    log_in(&server, &provider, "n").await.unwrap();
    let form = provider.form.lock().unwrap().clone();
    assert_eq!(form["client_assertion_type"], "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
    assert_eq!(form["client_assertion"].split('.').count(), 3);
    assert!(!form.contains_key("client_secret"));
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_of_an_issuer_are_checked_with_the_keys_that_it_publishes() {
    let provider = Provider::start().await;
    let method = json!({
        "Name": "m", "Type": "JWT", "TokenLocality": "global", "MaxTokenTTL": "1h",
        "Config": {"BoundAudiences": ["drover"], "ClaimMappings": {"sub": "user", "role": "role"}},
    });
    let server = cluster(&provider, method).await;
    let login = async |claims: Value| {
        let login_token = provider.sign(&claims);
        server.login(LoginRequest { auth_method_name: "m".into(), login_token }).await
    };
    let token = login(provider.claims()).await.unwrap();
    assert_eq!(token.policies.as_deref(), Some(&["engineering".to_owned()][..]));
    assert!(token.global);
    for (name, value) in [("iss", json!("http://evil")), ("aud", json!("other")), ("exp", json!(1))] {
        let mut claims = provider.claims();
        claims[name] = value;
        assert_eq!(login(claims).await.unwrap_err().kind, ErrorKind::Unauthorized, "{name}");
    }
    let mut claims = provider.claims();
    claims["role"] = json!("guest");
    assert_eq!(login(claims).await.unwrap_err().message, "no role or policy bindings matched");
    let other = Provider::start().await;
    let login_token = other.sign(&provider.claims());
    let forged = server.login(LoginRequest { auth_method_name: "m".into(), login_token }).await;
    assert_eq!(forged.unwrap_err().kind, ErrorKind::Unauthorized);
    server.shutdown().await;
}
