//! Key-value engines of both versions, access, namespaces.

use drover_secrets::{Access, Provider, ProviderError};
use serde_json::json;

use crate::server::{Server, field, provider};

#[test]
fn both_versions_of_the_key_value_engine() {
    let Some(server) = Server::start(false) else { return };
    server.write("sys/mounts/kv1", &json!({"type": "kv", "options": {"version": "1"}}));
    server.write("sys/mounts/team/kv", &json!({"type": "kv", "options": {"version": "2"}}));
    server.write("kv1/shop/db", &json!({"user": "shop", "password": "one-hunter", "port": 5432}));
    server.write("team/kv/data/shop/db", &json!({"data": {"password": "first-hunter"}}));
    server.write("team/kv/data/shop/db", &json!({"data": {"password": "two-hunter", "tls": {"key": "k"}}}));
    let (vault, taint) = provider(&server.address, json!({}), &[]);
    assert_eq!(field(&vault, "vault:kv1/shop/db#password").unwrap(), "one-hunter");
    assert_eq!(field(&vault, "vault:kv1/shop/db#port").unwrap(), "5432");
    assert_eq!(field(&vault, "vault:team/kv/shop/db#password").unwrap(), "two-hunter");
    assert_eq!(field(&vault, "vault:team/kv/shop/db#tls.key").unwrap(), "k");
    assert_eq!(field(&vault, "vault:team/kv/shop/db?version=1#password").unwrap(), "first-hunter");
    let hint = |text: &str| match vault.read(&text.parse().unwrap()).unwrap_err() {
        ProviderError::NotFound { hint } => hint,
        other => panic!("{other}"),
    };
    assert!(hint("vault:team/kv/nothing#x").contains("team/kv/data/nothing"));
    assert!(hint("vault:team/kv/data/shop/db#x").contains("write team/kv/shop/db"));
    assert!(hint("vault:kv1/nothing#x").contains("kv1/nothing"));
    server.command(&["kv", "delete", "-mount=team/kv", "shop/db"]).unwrap();
    assert!(hint("vault:team/kv/shop/db#password").contains("deleted"));
    assert!(hint("vault:nowhere/x#y").contains("nowhere/x"));
    assert_eq!(taint.masker().mask(crate::server::ROOT), "(sensitive)", "the token is never shown");
}

#[test]
fn access_is_checked_without_reading_values() {
    let Some(server) = Server::start(false) else { return };
    server.write("sys/mounts/kv", &json!({"type": "kv", "options": {"version": "2"}}));
    server.write("kv/data/shop/db", &json!({"data": {"password": "hunter2", "tls": {"key": "k"}}}));
    server.write("kv/data/payroll", &json!({"data": {"password": "hunter3"}}));
    let policy =
        r#"path "kv/data/shop/*" { capabilities = ["read"] } path "kv/subkeys/shop/*" { capabilities = ["read"] }"#;
    let token = server.token(policy);
    let options = json!({"auth": {"token": {"token": "env:T"}}});
    let (vault, _) = provider(&server.address, options, &[("T", &token)]);
    let check = |text: &str| vault.check(&text.parse().unwrap());
    assert_eq!(check("vault:kv/shop/db#password").unwrap(), Access::Readable);
    assert_eq!(check("vault:kv/shop/db#tls.key").unwrap(), Access::Readable);
    let error = check("vault:kv/shop/db#pasword").unwrap_err().to_string();
    assert!(error.contains("no field `pasword`") && error.contains("password"), "{error}");
    assert!(matches!(check("vault:kv/shop/nothing#x"), Err(ProviderError::NotFound { .. })));
    let error = check("vault:kv/payroll#password").unwrap_err();
    assert!(matches!(&error, ProviderError::Denied { reason } if reason.contains("kv/data/payroll")), "{error}");
    let error = field(&vault, "vault:kv/payroll#password").unwrap_err();
    assert!(matches!(&error, ProviderError::Denied { reason } if reason.contains("permission denied")), "{error}");
    assert!(!error.to_string().contains("hunter3"));
}

#[test]
fn namespaces() {
    let Some(server) = Server::start(false) else { return };
    if server.request("sys/namespaces/team", Some(&json!({}))).is_none() {
        eprintln!("skipped: this server has no namespaces");
        return;
    }
    let inside = provider(&server.address, json!({"namespace": "team"}), &[]).0;
    let error = field(&inside, "vault:kv/db#password").unwrap_err();
    assert!(matches!(error, ProviderError::NotFound { .. } | ProviderError::Denied { .. }), "{error}");
    server.command(&["secrets", "enable", "-namespace=team", "-path=kv", "-version=2", "kv"]).unwrap();
    server.command(&["kv", "put", "-namespace=team", "kv/db", "password=in-the-team"]).unwrap();
    let inside = provider(&server.address, json!({"namespace": "team"}), &[]).0;
    assert_eq!(field(&inside, "vault:kv/db#password").unwrap(), "in-the-team");
}
