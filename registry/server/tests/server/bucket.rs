//! A registry in a bucket: an S3-compatible store, played by the test.

use crate::support::{Running, pack};
use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, put};
use bytes::Bytes;
use drover_registry::Digest;
use drover_registry_server::Config;
use drover_registry_server::config::{S3, SecretText, Storage};
use futures::future::join_all;
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

const WRITTEN: &str = "Sun, 22 Nov 2026 12:00:00 GMT";

type Objects = Arc<Mutex<BTreeMap<String, Bytes>>>;

fn tag(content: &[u8]) -> String {
    format!("\"{}\"", &Digest::of(content).hex()[..32])
}

async fn write(
    State(objects): State<Objects>,
    Path(key): Path<String>,
    headers: HeaderMap,
    content: Bytes,
) -> Response {
    let signed = headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !signed.starts_with("AWS4-HMAC-SHA256 Credential=reg-key/") {
        return StatusCode::FORBIDDEN.into_response();
    }
    let mut objects = objects.lock().unwrap();
    if headers.contains_key("if-none-match") && objects.contains_key(&key) {
        return StatusCode::PRECONDITION_FAILED.into_response();
    }
    let answer = [("etag", tag(&content))].into_response();
    objects.insert(key, content);
    answer
}

async fn read(State(objects): State<Objects>, Path(key): Path<String>, headers: HeaderMap) -> Response {
    let Some(content) = objects.lock().unwrap().get(&key).cloned() else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let described = [("etag", tag(&content)), ("last-modified", WRITTEN.to_owned())];
    let range = headers.get("range").and_then(|range| range.to_str().ok()?.strip_prefix("bytes=")?.split_once('-'));
    let Some((first, last)) = range else { return (described, content).into_response() };
    let (first, last): (usize, usize) = (first.parse().unwrap(), last.parse().unwrap());
    let shown = [("content-range", format!("bytes {first}-{last}/{}", content.len()))];
    (StatusCode::PARTIAL_CONTENT, described, shown, content.slice(first..=last)).into_response()
}

async fn remove(State(objects): State<Objects>, Path(key): Path<String>) -> StatusCode {
    objects.lock().unwrap().remove(&key);
    StatusCode::NO_CONTENT
}

async fn list(State(objects): State<Objects>, Query(query): Query<HashMap<String, String>>, _: Request) -> String {
    let prefix = query.get("prefix").cloned().unwrap_or_default();
    let mut text = "<ListBucketResult><IsTruncated>false</IsTruncated>".to_owned();
    for (key, content) in objects.lock().unwrap().iter().filter(|(key, _)| key.starts_with(&prefix)) {
        let (size, tag) = (content.len(), tag(content).replace('"', "&quot;"));
        let time = "2026-11-22T12:00:00.000Z";
        write!(text, "<Contents><Key>{key}</Key><LastModified>{time}</LastModified><ETag>{tag}</ETag><Size>{size}</Size></Contents>")
            .unwrap();
    }
    text + "</ListBucketResult>"
}

async fn store() -> (String, Objects) {
    let objects = Objects::default();
    let routes = axum::Router::new()
        .route("/packs", get(list))
        .route("/packs/{*key}", put(write).get(read).delete(remove))
        .with_state(Arc::clone(&objects));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, routes).await });
    (url, objects)
}

fn in_bucket(config: &mut Config, url: &str) {
    config.storage = Storage::S3(S3 {
        bucket: "packs".into(),
        prefix: "registry/one".into(),
        endpoint: Some(url.to_owned()),
        access_key_id: Some("reg-key".into()),
        secret_access_key: Some(SecretText::new("reg-secret")),
        allow_http: true,
        ..S3::default()
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_in_a_bucket_is_as_good_as_one_in_a_folder() {
    let (url, objects) = store().await;
    let server = Running::start(|config| in_bucket(config, &url)).await;
    let token = server.token(&["shop:publish"]).await;
    let packs: Vec<_> = (0..6).map(|number| pack("web", "1.0.0", &format!("by {number}"))).collect();
    let answers = join_all(packs.iter().map(|pack| server.publish(&token, "shop", pack))).await;
    let statuses: Vec<u16> = answers.iter().map(|answer| answer.status().as_u16()).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 409).count(), 5, "{statuses:?}");
    let winner = &packs[statuses.iter().position(|status| *status == 201).unwrap()].archive;
    let yank = format!("{}/v1/packs/shop/web/versions/1.0.0/yank", server.url);
    assert_eq!(server.client.put(yank).bearer_auth(&token).send().await.unwrap().status(), 200);
    server.stop();
    assert!(objects.lock().unwrap().keys().all(|key| key.starts_with("registry/one/")));
    let again = Running::start(|config| in_bucket(config, &url)).await;
    let detail = again.json("/v1/packs/shop/web").await;
    assert!(detail["versions"][0]["yanked"].is_object(), "{detail}");
    let path = "/v1/packs/shop/web/versions/1.0.0/archive";
    let whole = again.get(path).send().await.unwrap().bytes().await.unwrap();
    assert_eq!(Digest::of(&whole), winner.digest);
    let part = again.get(path).header("range", "bytes=5-9").send().await.unwrap();
    assert_eq!((part.status().as_u16(), part.bytes().await.unwrap()), (206, whole.slice(5..10)));
    let token = again.token(&["shop:publish"]).await;
    assert_eq!(again.publish(&token, "shop", &pack("web", "1.1.0", "x")).await.status(), 201);
}
