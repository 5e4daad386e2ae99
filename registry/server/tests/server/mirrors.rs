//! Mirrors: what another registry has is offered here, and kept.

use crate::support::{Running, eventually, pack, refusal};
use drover_registry::Digest;
use drover_registry_server::config::{Config, Mirror};
use futures::future::join_all;
use std::time::Duration;

fn mirrored(config: &mut Config, url: &str, sync: Duration) {
    config.mirrors = vec![Mirror {
        name: "up".into(),
        url: url.parse().unwrap(),
        teams: vec!["shop".into()],
        token: None,
        ca_file: None,
        ttl: Duration::ZERO,
        sync,
    }];
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_is_fetched_when_it_is_asked_for_and_stays() {
    let upstream = Running::start(|_| {}).await;
    let token = upstream.token(&["*:publish"]).await;
    let built = pack("web", "1.0.0", "x");
    assert_eq!(upstream.publish(&token, "shop", &built).await.status(), 201);
    assert_eq!(upstream.publish(&token, "shop", &pack("web", "1.1.0", "x")).await.status(), 201);
    assert_eq!(upstream.publish(&token, "lab", &pack("next", "1.0.0", "x")).await.status(), 201);
    let server = Running::start(|config| mirrored(config, &upstream.url, Duration::ZERO)).await;
    let detail = server.json("/v1/packs/shop/web").await;
    assert_eq!((detail["latest"].as_str(), detail["versions"].as_array().unwrap().len()), (Some("1.1.0"), 2));
    let path = "/v1/packs/shop/web/versions/1.0.0/archive";
    for answer in join_all((0..10).map(|_| server.get(path).send())).await {
        let answer = answer.unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(Digest::of(&answer.bytes().await.unwrap()), built.archive.digest);
    }
    let metrics = server.get("/metrics").send().await.unwrap().text().await.unwrap();
    assert!(
        metrics.contains("drover_registry_mirror_fetches_total{outcome=\"ok\"} 1"),
        "ten ask, one fetches: {metrics}"
    );
    assert_eq!(server.get("/v1/packs/lab/next").send().await.unwrap().status(), 404, "another team is not mirrored");
    assert_eq!(server.get("/v1/packs/shop/none").send().await.unwrap().status(), 404);
    let own = server.token(&["*:publish"]).await;
    let answer = server.publish(&own, "shop", &pack("web", "2.0.0", "x")).await;
    assert_eq!(refusal(answer).await, (403, "forbidden".into()), "a mirrored team is published at home");
    let yank = format!("{}/v1/packs/shop/web/versions/1.0.0/yank", upstream.url);
    assert_eq!(
        upstream.client.put(yank).bearer_auth(&token).body("{\"reason\":\"leaks\"}").send().await.unwrap().status(),
        200
    );
    let detail = server.json("/v1/packs/shop/web").await;
    let old =
        detail["versions"].as_array().unwrap().iter().find(|version| version["version"] == "1.0.0").unwrap().clone();
    assert_eq!(old["yanked"]["reason"], "leaks");
    upstream.stop();
    drop(upstream);
    eventually("what was fetched is still there", || async { server.get(path).send().await.unwrap().status() == 200 })
        .await;
    assert_eq!(
        server.json("/v1/packs/shop/web").await["versions"][0]["version"],
        "1.1.0",
        "the last list is still known"
    );
    let away = server.get("/v1/packs/shop/web/versions/1.1.0/archive").send().await.unwrap();
    assert_eq!(refusal(away).await, (503, "unavailable".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mirror_that_lies_is_not_believed() {
    let upstream = Running::start(|_| {}).await;
    let token = upstream.token(&["*:publish"]).await;
    let built = pack("web", "1.0.0", "x");
    assert_eq!(upstream.publish(&token, "shop", &built).await.status(), 201);
    let blob = upstream.folder.path().join("store/blobs/sha256").join(built.archive.digest.hex());
    std::fs::write(&blob, pack("web", "1.0.0", "y").archive.bytes).unwrap();
    let server = Running::start(|config| mirrored(config, &upstream.url, Duration::ZERO)).await;
    let answer = server.get("/v1/packs/shop/web/versions/1.0.0/archive").send().await.unwrap();
    assert!(answer.status().is_server_error() || answer.status().is_client_error());
    assert_eq!(server.json("/v1/packs").await["total"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mirror_that_synchronises_has_everything() {
    let upstream = Running::start(|_| {}).await;
    let token = upstream.token(&["*:publish"]).await;
    for version in ["1.0.0", "1.1.0"] {
        assert_eq!(upstream.publish(&token, "shop", &pack("web", version, "x")).await.status(), 201);
    }
    let server = Running::start(|config| mirrored(config, &upstream.url, Duration::from_millis(100))).await;
    eventually("everything is fetched", || async { server.json("/v1/packs").await["packs"][0]["versions"] == 2 }).await;
}
