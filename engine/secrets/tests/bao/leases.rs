//! Secrets that are made when they are read, and end.

use std::time::{Duration, Instant};

use drover_secrets::{Provider, Resolver, Taint};
use serde_json::json;

use crate::server::{Broker, Server, field, provider};

/// A server that makes users of a broker, with leases of three seconds.
fn with_users() -> Option<(Server, Broker)> {
    let server = Server::start(false)?;
    let broker = Broker::start();
    server.write("sys/mounts/rabbitmq", &json!({"type": "rabbitmq"}));
    let connection =
        json!({"connection_uri": broker.address, "username": "admin", "password": "admin", "verify_connection": false});
    server.write("rabbitmq/config/connection", &connection);
    server.write("rabbitmq/config/lease", &json!({"ttl": 3, "max_ttl": 600}));
    server.write("rabbitmq/roles/app", &json!({"vhosts": r#"{"/":{"write":".*","read":".*"}}"#}));
    Some((server, broker))
}

fn wait(what: &str, is_so: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(20);
    while !is_so() {
        assert!(Instant::now() < end, "{what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_lease_is_renewed_while_it_is_used_and_revoked_after() {
    let Some((server, broker)) = with_users() else { return };
    let (vault, _) = provider(&server.address, json!({}), &[]);
    let user = field(&vault, "vault:rabbitmq/creds/app#username").unwrap();
    let reference = "vault:rabbitmq/creds/app#username".parse().unwrap();
    assert_eq!(vault.lease(&reference).unwrap().lasts, Duration::from_secs(3));
    assert!(broker.users.lock().unwrap().contains(&user));
    // Twice its time; without a renewal the user would be gone.
    std::thread::sleep(Duration::from_secs(7));
    assert!(broker.users.lock().unwrap().contains(&user), "the lease was renewed");
    drop(vault);
    wait("the user is gone at once", || !broker.users.lock().unwrap().contains(&user));
}

#[test]
fn what_is_kept_outlives_the_session_and_the_rest_does_not() {
    let Some((server, broker)) = with_users() else { return };
    server.write("rabbitmq/config/lease", &json!({"ttl": 60, "max_ttl": 600}));
    server.write("rabbitmq/roles/other", &json!({"vhosts": r#"{"/":{"write":".*"}}"#}));
    let (vault, _) = provider(&server.address, json!({}), &[]);
    let resolver = Resolver::new(Taint::default()).with(vault);
    let get = |text: &str| resolver.resolve(&text.parse().unwrap()).unwrap().expose().clone();
    let (kept, dropped) = (get("vault:rabbitmq/creds/app#username"), get("vault:rabbitmq/creds/other#username"));
    assert_eq!(get("vault:rabbitmq/creds/app#username"), kept, "two fields, or one twice, are one read");
    assert_eq!(broker.users.lock().unwrap().len(), 2);
    let leases = resolver.keep(&|value| *value.expose() == kept);
    assert_eq!(leases.len(), 1);
    assert_eq!(leases[0].reference.to_string(), "vault:rabbitmq/creds/app");
    drop(resolver);
    let users = broker.users.lock().unwrap().clone();
    assert!(users.contains(&kept) && !users.contains(&dropped), "{users:?}");
}

#[test]
fn a_path_with_arguments_is_written() {
    let Some(server) = Server::start(false) else { return };
    server.write("sys/mounts/pki", &json!({"type": "pki"}));
    server.write("pki/root/generate/internal", &json!({"common_name": "tests", "ttl": "1h"}));
    server.write("pki/roles/web", &json!({"allow_any_name": true, "generate_lease": true, "max_ttl": "10m"}));
    let (vault, _) = provider(&server.address, json!({}), &[]);
    let key = field(&vault, "vault:pki/issue/web?common_name=web.example&ttl=5m#private_key").unwrap();
    assert!(key.contains("PRIVATE KEY"));
    let leases = || server.command(&["list", "-format=json", "sys/leases/lookup/pki/issue/web"]);
    assert!(leases().is_some());
    drop(vault);
    assert!(leases().is_none(), "its lease was revoked");
}
