//! Logins of CI systems: tokens that an issuer signs, whose keys it publishes.

use crate::support::{Running, pack, refusal};
use axum::Json;
use axum::routing::get;
use drover_registry_server::access::{Grant, Scope};
use drover_registry_server::config::{ClaimRule, Config, Issuer};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

/// An issuer with a key of its own.
struct Ci {
    url: String,
    key: EncodingKey,
}

impl Ci {
    async fn start() -> Self {
        use base64::Engine as _;
        let random = ring::rand::SystemRandom::new();
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref(), &random).unwrap();
        let point = pair.public_key().as_ref();
        let encode = |bytes: &[u8]| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes);
        let jwks = json!({"keys": [
            {"kty": "unheard-of", "kid": "k0"},
            {"kty": "EC", "crv": "P-256", "kid": "k1", "x": encode(&point[1..33]), "y": encode(&point[33..65])},
        ]});
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let discovery = json!({"issuer": url, "jwks_uri": format!("{url}/keys")});
        let routes = axum::Router::new()
            .route("/.well-known/openid-configuration", get(move || async { Json(discovery) }))
            .route("/keys", get(move || async { Json(jwks) }));
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Self { url, key: EncodingKey::from_ec_der(pkcs8.as_ref()) }
    }

    fn token(&self, change: impl FnOnce(&mut Value)) -> String {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
        let mut claims = json!({
            "iss": self.url, "aud": "drover", "sub": "repo:acme/shop", "repository": "acme/shop",
            "iat": now, "nbf": now, "exp": now + 300,
        });
        change(&mut claims);
        let header = Header { kid: Some("k1".into()), ..Header::new(Algorithm::ES256) };
        jsonwebtoken::encode(&header, &claims, &self.key).unwrap()
    }

    fn trusted(&self, config: &mut Config) {
        config.issuers = vec![Issuer {
            name: "ci".into(),
            issuer: self.url.clone(),
            audiences: vec!["drover".into()],
            jwks_url: None,
            ca_file: None,
            token_ttl: Duration::from_secs(600),
            rules: vec![ClaimRule {
                claims: BTreeMap::from([("repository".to_owned(), "acme/*".to_owned())]),
                grants: vec![Grant::new("shop", vec![Scope::Publish]).unwrap()],
            }],
        }];
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ci_system_logs_in_with_its_own_token() {
    let ci = Ci::start().await;
    let server = Running::start(|config| ci.trusted(config)).await;
    let login = |jwt: String| {
        let body = json!({"jwt": jwt}).to_string();
        server.client.post(format!("{}/v1/login/jwt", server.url)).body(body).send()
    };
    let answer: Value = login(ci.token(|_| {})).await.unwrap().json().await.unwrap();
    let token = answer["token"].as_str().unwrap();
    assert!(answer["expires_at"].as_str().unwrap().ends_with('Z'));
    let answer = server.publish(token, "shop", &pack("web", "1.0.0", "x")).await;
    assert_eq!(answer.status(), 201);
    let detail: Value = answer.json().await.unwrap();
    assert_eq!(detail["published_by"], "ci:repo:acme/shop");
    assert_eq!(server.publish(token, "lab", &pack("web", "1.0.0", "x")).await.status(), 403);
    // The token itself is as good.
    assert_eq!(server.publish(&ci.token(|_| {}), "shop", &pack("web", "1.1.0", "x")).await.status(), 201);
    let past = 1_000_000_000_u64;
    let stranger = Ci::start().await;
    for (what, jwt) in [
        ("another audience", ci.token(|claims| claims["aud"] = json!("else"))),
        ("no audience", ci.token(|claims| drop(claims.as_object_mut().unwrap().remove("aud")))),
        ("an end in the past", ci.token(|claims| claims["exp"] = json!(past))),
        ("no end", ci.token(|claims| drop(claims.as_object_mut().unwrap().remove("exp")))),
        ("a begin in the future", ci.token(|claims| claims["nbf"] = json!(past * 4))),
        ("another repository", ci.token(|claims| claims["repository"] = json!("evil/shop"))),
        ("an unknown issuer", stranger.token(|_| {})),
        ("a stranger's key", stranger.token(|claims| claims["iss"] = json!(ci.url))),
        ("no token", "a.b.c".to_owned()),
        ("no algorithm", format!("eyJhbGciOiJub25lIn0.{}.", ci.token(|_| {}).split('.').nth(1).unwrap())),
    ] {
        assert_eq!(refusal(login(jwt.clone()).await.unwrap()).await, (401, "unauthorized".into()), "{what}");
        let used = server.publish(&jwt, "shop", &pack("web", "2.0.0", "x")).await;
        assert_eq!(used.status(), 401, "{what}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_logs_in_where_no_issuer_is_trusted() {
    let server = Running::start(|_| {}).await;
    let answer =
        server.client.post(format!("{}/v1/login/jwt", server.url)).body("{\"jwt\":\"a.b.c\"}").send().await.unwrap();
    assert_eq!(refusal(answer).await, (404, "not-found".into()));
}
