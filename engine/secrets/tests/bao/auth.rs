//! The ways to log in.

use drover_secrets::ProviderError;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use crate::server::{CA, ROOT, Server, field, provider};

const READ_ALL: &str = r#"path "kv/*" { capabilities = ["read"] }"#;

fn with_secret(server: &Server) {
    server.command(&["secrets", "enable", "-path=kv", "-version=2", "kv"]).unwrap();
    server.command(&["kv", "put", "kv/db", "password=hunter2"]).unwrap();
    let policy = server.folder.path().join("policy.hcl");
    std::fs::write(&policy, READ_ALL).unwrap();
    server.command(&["policy", "write", "reader", policy.to_str().unwrap()]).unwrap();
}

#[test]
fn a_token_is_read_from_a_file_and_a_missing_one_is_named() {
    let Some(server) = Server::start(false) else { return };
    with_secret(&server);
    let options = json!({"auth": {"token": {"token": "file:token"}}});
    let (vault, _) = provider(&server.address, options.clone(), &[("token", &format!("{ROOT}\n"))]);
    assert_eq!(field(&vault, "vault:kv/db#password").unwrap(), "hunter2");
    let error = field(&provider(&server.address, options, &[]).0, "vault:kv/db#password").unwrap_err();
    assert!(matches!(&error, ProviderError::Denied { reason } if reason.contains("file:token")), "{error}");
    let options = json!({"auth": {"token": {"token": "env:T"}}});
    let error =
        field(&provider(&server.address, options, &[("T", "s.wrongtoken")]).0, "vault:kv/db#password").unwrap_err();
    assert!(matches!(error, ProviderError::Denied { .. }), "{error}");
    assert!(!error.to_string().contains("wrongtoken"));
}

#[test]
fn a_role_logs_in_and_its_token_ends_with_the_session() {
    let Some(server) = Server::start(false) else { return };
    with_secret(&server);
    server.write("sys/auth/approle", &json!({"type": "approle"}));
    server.write("auth/approle/role/ci", &json!({"token_policies": ["reader"], "token_ttl": "20m"}));
    let role =
        server.request("auth/approle/role/ci/role-id", None).unwrap()["data"]["role_id"].as_str().unwrap().to_owned();
    let made = server.write("auth/approle/role/ci/secret-id", &json!({}));
    let secret = made["data"]["secret_id"].as_str().unwrap().to_owned();
    let options = json!({"auth": {"approle": {"role_id": role, "secret_id": "env:SECRET_ID"}}});
    let accessors = || server.command(&["list", "-format=json", "auth/token/accessors"]).unwrap().lines().count();
    let before = accessors();
    let (vault, taint) = provider(&server.address, options.clone(), &[("SECRET_ID", &secret)]);
    assert_eq!(field(&vault, "vault:kv/db#password").unwrap(), "hunter2");
    assert_eq!(accessors(), before + 1);
    assert_eq!(taint.masker().mask(&secret), "(sensitive)");
    drop(vault);
    assert_eq!(accessors(), before, "the token was revoked");
    let (vault, _) = provider(&server.address, options, &[("SECRET_ID", "a-wrong-one")]);
    let error = field(&vault, "vault:kv/db#password").unwrap_err();
    assert!(matches!(&error, ProviderError::Denied { reason } if reason.contains("auth/approle")), "{error}");
    assert!(!error.to_string().contains("a-wrong-one"));
}

#[test]
fn a_signed_token_logs_in() {
    let Some(server) = Server::start(false) else { return };
    with_secret(&server);
    let key = rcgen::KeyPair::generate().unwrap();
    server.write("sys/auth/ci", &json!({"type": "jwt"}));
    server.write("auth/ci/config", &json!({"jwt_validation_pubkeys": [key.public_key_pem()]}));
    server.write(
        "auth/ci/role/deploy",
        &json!({"role_type": "jwt", "bound_audiences": ["vault"], "user_claim": "sub", "token_policies": ["reader"]}),
    );
    let sign = |audience: &str| {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
        let claims: Value = json!({"sub": "main", "aud": audience, "iat": now, "exp": now + 300});
        let key = EncodingKey::from_ec_pem(key.serialize_pem().as_bytes()).unwrap();
        jsonwebtoken::encode(&Header::new(Algorithm::ES256), &claims, &key).unwrap()
    };
    let options = json!({"auth": {"jwt": {"mount": "ci", "role": "deploy", "jwt": "env:CI_JWT"}}});
    let (vault, _) = provider(&server.address, options.clone(), &[("CI_JWT", &sign("vault"))]);
    assert_eq!(field(&vault, "vault:kv/db#password").unwrap(), "hunter2");
    let token = sign("somebody-else");
    let error =
        field(&provider(&server.address, options, &[("CI_JWT", &token)]).0, "vault:kv/db#password").unwrap_err();
    assert!(matches!(&error, ProviderError::Denied { reason } if reason.contains("auth/ci")), "{error}");
    assert!(!error.to_string().contains(&token));
}

#[test]
fn a_certificate_logs_in_to_a_server_with_its_own_authority() {
    let Some(server) = Server::start(true) else { return };
    with_secret(&server);
    let key = rcgen::KeyPair::generate().unwrap();
    let mut parameters = rcgen::CertificateParams::new(vec!["deploy".to_owned()]).unwrap();
    parameters.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth];
    parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let certificate = parameters.self_signed(&key).unwrap();
    let path = |name: &str| server.folder.path().join(name);
    std::fs::write(path("client.pem"), certificate.pem()).unwrap();
    std::fs::write(path("client-key.pem"), key.serialize_pem()).unwrap();
    server.command(&["auth", "enable", "cert"]).unwrap();
    let file = format!("certificate=@{}", path("client.pem").display());
    server.command(&["write", "auth/cert/certs/deploy", &file, "token_policies=reader"]).unwrap();
    let auth =
        json!({"cert": {"role": "deploy", "client_cert": path("client.pem"), "client_key": path("client-key.pem")}});
    let options = json!({"ca_cert": path(CA), "auth": auth});
    let (vault, _) = provider(&server.address, options, &[]);
    assert_eq!(field(&vault, "vault:kv/db#password").unwrap(), "hunter2");
    // Without the authority the server is a stranger.
    let (vault, _) = provider(&server.address, json!({"retries": 0}), &[]);
    let error = field(&vault, "vault:kv/db#password").unwrap_err();
    assert!(matches!(error, ProviderError::Unavailable { .. }), "{error}");
}
