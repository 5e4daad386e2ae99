//! Tokens and scopes, rates, and what is written about it.

use crate::support::{Running, pack, refusal};
use drover_registry_server::config::Audit;
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn a_token_does_what_its_scopes_say_and_no_more() {
    let server = Running::start(|config| config.anonymous_read = false).await;
    let publisher = server.token(&["shop/web*:publish"]).await;
    let reader = server.token(&["shop:read"]).await;
    let other = server.token(&["lab:publish"]).await;
    assert_eq!(server.publish(&publisher, "shop", &pack("web", "1.0.0", "x")).await.status(), 201);
    for (token, team, name, expected) in [
        (&publisher, "shop", "db", 403),
        (&publisher, "lab", "web", 403),
        (&reader, "shop", "web", 403),
        (&other, "shop", "web", 403),
        (&"drg_nonsense".to_owned(), "shop", "web", 401),
    ] {
        let answer = server.publish(token, team, &pack(name, "1.0.0", "y")).await;
        assert_eq!(answer.status().as_u16(), expected, "{team}/{name}");
    }
    let status = |token: String, path: &'static str| {
        let request = server.get(path);
        let request = if token.is_empty() { request } else { request.bearer_auth(token) };
        async move { request.send().await.unwrap().status().as_u16() }
    };
    assert_eq!(status(reader.clone(), "/v1/packs/shop/web").await, 200);
    // What may not be read is answered alike whether it exists or not.
    for path in ["/v1/packs/shop/web", "/v1/packs/shop/none", "/v1/packs/shop/web/versions/1.0.0/archive"] {
        assert_eq!((status(other.clone(), path).await, status(String::new(), path).await), (403, 401), "{path}");
    }
    let found: Value = server.get("/v1/packs").bearer_auth(&other).send().await.unwrap().json().await.unwrap();
    assert_eq!(found["total"], 0, "lists hold only what may be read");
    let me: Value = server.get("/v1/whoami").bearer_auth(&publisher).send().await.unwrap().json().await.unwrap();
    assert_eq!(
        (&me["subject"], &me["teams"][0]["team"], &me["teams"][0]["scopes"][0]),
        (&json!("tester"), &json!("shop/web*"), &json!("publish"))
    );
    assert_eq!(status(String::new(), "/v1/whoami").await, 401);
    assert_eq!(status(String::new(), "/metrics").await, 401);
    assert_eq!(status(String::new(), "/health").await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn administrators_make_and_end_tokens() {
    let server = Running::start(|_| {}).await;
    let admin = server.token(&["*:admin"]).await;
    let wanted = json!({"subject": "ci", "grants": [{"team": "shop", "scopes": ["publish"]}], "ttl_seconds": 3600});
    let tokens = format!("{}/v1/tokens", server.url);
    let create =
        |token: &str, body: &Value| server.client.post(&tokens).bearer_auth(token).body(body.to_string()).send();
    let made: Value = create(&admin, &wanted).await.unwrap().json().await.unwrap();
    let token = made["token"].as_str().unwrap();
    assert_eq!(server.publish(token, "shop", &pack("web", "1.0.0", "x")).await.status(), 201);
    assert_eq!(create(token, &wanted).await.unwrap().status(), 403, "who publishes makes no tokens");
    let team_admin = server.token(&["shop:admin"]).await;
    assert_eq!(create(&team_admin, &wanted).await.unwrap().status(), 403, "who administers one team might grant all");
    for wrong in [
        json!({"subject": "ci", "grants": []}),
        json!({"subject": "ci", "grants": [{"team": "A b", "scopes": ["read"]}]}),
        json!([]),
    ] {
        assert_eq!(create(&admin, &wrong).await.unwrap().status(), 400, "{wrong}");
    }
    let listed = server.client.get(&tokens).bearer_auth(&admin).send().await.unwrap().text().await.unwrap();
    assert!(listed.contains("\"ci\"") && !listed.contains("hash"), "{listed}");
    let id = made["id"].as_str().unwrap();
    let revoked = server.client.delete(format!("{tokens}/{id}")).bearer_auth(&admin).send().await.unwrap();
    assert_eq!(revoked.status(), 200);
    let answer = server.publish(token, "shop", &pack("web", "1.1.0", "x")).await;
    assert_eq!(refusal(answer).await, (401, "unauthorized".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_too_often_has_to_wait() {
    let server = Running::start(|config| {
        config.limits.requests_per_second = 1;
        config.limits.burst = 40;
    })
    .await;
    for _ in 0..5 {
        assert_eq!(server.get("/v1/").send().await.unwrap().status(), 200);
    }
    // A wrong token costs more, so that guessing is slow.
    let guess = || server.get("/v1/whoami").bearer_auth("drg_0000000000000000_guess").send();
    assert_eq!(guess().await.unwrap().status(), 401);
    let limited = guess().await.unwrap();
    assert!(limited.headers()["retry-after"].to_str().unwrap().parse::<u64>().unwrap() >= 1);
    assert_eq!(refusal(limited).await, (429, "rate-limited".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_done_is_written_down() {
    let logs = tempfile::tempdir().unwrap();
    let file = logs.path().join("audit.log");
    let server = Running::start(|config| config.audit = Some(Audit { file: file.clone(), downloads: true })).await;
    let token = server.token(&["shop:publish"]).await;
    assert_eq!(server.publish(&token, "shop", &pack("web", "1.0.0", "x")).await.status(), 201);
    assert_eq!(server.publish(&token, "lab", &pack("web", "1.0.0", "x")).await.status(), 403);
    assert_eq!(server.get("/v1/packs/shop/web/versions/1.0.0/archive").send().await.unwrap().status(), 200);
    let text = std::fs::read_to_string(&file).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let short: Vec<_> =
        lines.iter().map(|line| (line["event"].as_str().unwrap(), line["outcome"].as_str().unwrap())).collect();
    assert_eq!(short, [("publish", "ok"), ("publish", "forbidden"), ("download", "ok")]);
    assert_eq!(
        (&lines[0]["subject"], &lines[0]["client"], &lines[2]["subject"]),
        (&json!("tester"), &json!("127.0.0.1"), &json!("anonymous"))
    );
    assert!(!text.contains(token.rsplit('_').next().unwrap()));
}
