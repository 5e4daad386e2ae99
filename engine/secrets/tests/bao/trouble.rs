//! Servers that are sealed, slow, broken or not there.

use std::time::{Duration, Instant};

use drover_secrets::ProviderError;
use serde_json::json;

use crate::server::{Server, Stub, field, provider};

const REFERENCE: &str = "vault:kv/db#password";

#[test]
fn a_sealed_server_says_so_at_once() {
    let Some(server) = Server::start(false) else { return };
    server.command(&["operator", "seal"]).unwrap();
    let begun = Instant::now();
    let error = field(&provider(&server.address, json!({}), &[]).0, REFERENCE).unwrap_err();
    assert!(matches!(&error, ProviderError::Unavailable { reason } if reason.contains("sealed")), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(2), "it is not asked again");
}

#[test]
fn a_server_that_is_not_there_is_tried_a_few_times() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let begun = Instant::now();
    let error = field(&provider(&format!("http://127.0.0.1:{port}"), json!({}), &[]).0, REFERENCE).unwrap_err();
    let text = error.to_string();
    assert!(text.contains(&port.to_string()) && text.contains("does not answer"), "{text}");
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}

#[test]
fn a_slow_server_is_not_waited_for_for_ever() {
    let stub = Stub::start(Duration::from_secs(30), |_| Stub::reply("200 OK", "{}"));
    let begun = Instant::now();
    let error = field(&provider(&stub.address, json!({"timeout": "300ms"}), &[]).0, REFERENCE).unwrap_err();
    assert!(error.to_string().contains("no answer within 300ms"), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

#[test]
fn a_server_that_recovers_is_asked_again() {
    let answer = |number: usize| match number {
        1 => Stub::reply("200 OK", r#"{"data":{"ttl":0,"renewable":false}}"#),
        2 => Stub::reply("200 OK", r#"{"data":{"path":"kv/","type":"kv","options":{"version":"2"}}}"#),
        3 => Stub::reply("502 Bad Gateway", "not json"),
        4 => Stub::reply("429 Too Many Requests", r#"{"errors":["slow down"]}"#),
        _ => Stub::reply("200 OK", r#"{"data":{"data":{"password":"hunter2"}}}"#),
    };
    let stub = Stub::start(Duration::ZERO, answer);
    assert_eq!(field(&provider(&stub.address, json!({}), &[]).0, REFERENCE).unwrap(), "hunter2");
    assert_eq!(stub.requests.lock().unwrap().len(), 5);
    let stub =
        Stub::start(Duration::ZERO, |_| Stub::reply("500 Internal Server Error", r#"{"errors":["hunter2 broke"]}"#));
    let error = field(&provider(&stub.address, json!({"retries": 1}), &[]).0, REFERENCE).unwrap_err();
    assert!(error.to_string().contains("500"), "{error}");
}

#[test]
fn a_token_does_not_follow_to_plain_text_or_round_and_round() {
    let target = Stub::start(Duration::ZERO, |_| Stub::reply("200 OK", r#"{"data":{"password":"hunter2"}}"#));
    let location = target.address.clone();
    let answer = move |_| {
        format!(
            "HTTP/1.1 307 Temporary Redirect\r\nLocation: {location}/v1/x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
        )
    };
    let standby = Stub::start(Duration::ZERO, answer);
    assert_eq!(field(&provider(&standby.address, json!({}), &[]).0, "vault:x#password").unwrap(), "hunter2");
    let round = Stub::start(Duration::ZERO, |_| {
        "HTTP/1.1 307 Temporary Redirect\r\nLocation: /v1/again\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
            .to_owned()
    });
    assert!(field(&provider(&round.address, json!({}), &[]).0, "vault:x#password").is_err());
}

#[test]
fn what_is_no_vault_is_said_without_repeating_it() {
    let stub = Stub::start(Duration::ZERO, |_| Stub::reply("200 OK", "<html>hunter2</html>"));
    let error = field(&provider(&stub.address, json!({}), &[]).0, REFERENCE).unwrap_err();
    assert!(matches!(error, ProviderError::Malformed { .. }), "{error}");
    assert!(!error.to_string().contains("hunter2"), "{error}");
}
