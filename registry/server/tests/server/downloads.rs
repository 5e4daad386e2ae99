//! Downloads: whole, in part, many at a time, and of archives that somebody changed.

use crate::support::{Built, Running, eventually, pack, refusal};
use drover_registry::Digest;
use drover_registry::archive::{self, Limits, MediaType};
use futures::future::join_all;
use reqwest::Client;

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_is_sent_whole_in_part_or_not_again() {
    let server = Running::start(|_| {}).await;
    let token = server.token(&["shop:publish"]).await;
    let built = pack("web", "1.0.0", "x");
    assert_eq!(server.publish(&token, "shop", &built).await.status(), 201);
    let path = "/v1/packs/shop/web/versions/1.0.0/archive";
    let bytes = &built.archive.bytes;
    let whole = server.get(path).send().await.unwrap();
    let digest = built.archive.digest.to_string();
    assert_eq!(whole.headers()["etag"], format!("\"{digest}\""));
    assert_eq!(
        (&whole.headers()["drover-digest"], &whole.headers()["accept-ranges"]),
        (&digest.parse().unwrap(), &"bytes".parse().unwrap())
    );
    assert!(whole.headers()["cache-control"].to_str().unwrap().contains("immutable"));
    assert_eq!(whole.bytes().await.unwrap(), bytes);
    let part = server.get(path).header("range", "bytes=10-19").send().await.unwrap();
    assert_eq!(
        (part.status().as_u16(), &part.headers()["content-range"]),
        (206, &format!("bytes 10-19/{}", bytes.len()).parse().unwrap())
    );
    assert_eq!(part.bytes().await.unwrap(), bytes[10..20]);
    let rest =
        server.get(path).header("range", "bytes=-7").header("if-range", format!("\"{digest}\"")).send().await.unwrap();
    assert_eq!(rest.bytes().await.unwrap(), bytes[bytes.len() - 7..]);
    let beyond = server.get(path).header("range", "bytes=99999999-").send().await.unwrap();
    assert_eq!(beyond.headers()["content-range"], format!("bytes */{}", bytes.len()));
    assert_eq!(refusal(beyond).await, (416, "range-not-satisfiable".into()));
    let known = server.get(path).header("if-none-match", format!("\"{digest}\"")).send().await.unwrap();
    assert_eq!((known.status().as_u16(), known.bytes().await.unwrap().len()), (304, 0));
    let head = server.client.head(format!("{}{path}", server.url)).send().await.unwrap();
    assert_eq!(
        (head.status().as_u16(), head.headers()["content-length"].to_str().unwrap()),
        (200, bytes.len().to_string().as_str())
    );
    let list = server.get("/v1/packs/shop/web").send().await.unwrap();
    let tag = list.headers()["etag"].clone();
    assert_eq!(server.get("/v1/packs/shop/web").header("if-none-match", tag).send().await.unwrap().status(), 304);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_download_while_others_publish() {
    let server = Running::start(|_| {}).await;
    let token = server.token(&["shop:publish"]).await;
    for number in 0..5 {
        let built = pack("web", &format!("1.{number}.0"), "x");
        assert_eq!(server.publish(&token, "shop", &built).await.status(), 201);
    }
    let publish = async {
        for number in 5..15 {
            let built = pack("web", &format!("1.{number}.0"), "x");
            assert_eq!(server.publish(&token, "shop", &built).await.status(), 201);
        }
    };
    let downloads = join_all((0..200).map(|number| {
        let server = &server;
        async move {
            let path = format!("/v1/packs/shop/web/versions/1.{}.0/archive", number % 5);
            let answer = server.get(&path).send().await.unwrap();
            assert_eq!(answer.status(), 200);
            let expected = answer.headers()["drover-digest"].to_str().unwrap().to_owned();
            assert_eq!(Digest::of(&answer.bytes().await.unwrap()).to_string(), expected);
        }
    }));
    tokio::join!(publish, downloads);
    assert_eq!(server.json("/v1/packs/shop/web").await["versions"].as_array().unwrap().len(), 15);
    let metrics = server.get("/metrics").send().await.unwrap().text().await.unwrap();
    assert!(metrics.contains("drover_registry_downloads_total{kind=\"whole\"} 200"), "{metrics}");
    assert!(metrics.contains("drover_registry_publishes_total{outcome=\"new\"} 15"), "{metrics}");
    assert!(metrics.contains("drover_registry_versions 15"), "{metrics}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_that_somebody_changed_in_the_store_is_not_sent() {
    let server = Running::start(|_| {}).await;
    let token = server.token(&["shop:publish"]).await;
    let built = pack("web", "1.0.0", "x");
    assert_eq!(server.publish(&token, "shop", &built).await.status(), 201);
    let file = server.folder.path().join("store/blobs/sha256").join(built.archive.digest.hex());
    let mut bytes = std::fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&file, bytes).unwrap();
    let answer = server.get("/v1/packs/shop/web/versions/1.0.0/archive").send().await.unwrap();
    assert_eq!(refusal(answer).await, (500, "internal".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_stopped_lets_downloads_finish() {
    let server = Running::start(|_| {}).await;
    let token = server.token(&["shop:publish"]).await;
    let mut noise = vec![0; 12 * 1024 * 1024];
    ring::rand::SecureRandom::fill(&ring::rand::SystemRandom::new(), &mut noise).unwrap();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("metadata.hcl"), "pack {\n  name = \"web\"\n  version = \"1.0.0\"\n}\n").unwrap();
    std::fs::write(folder.path().join("noise"), noise).unwrap();
    let archive = archive::pack(folder.path(), MediaType::TarGzip, &Limits::default()).unwrap();
    let built = Built { name: "web".into(), version: "1.0.0".into(), archive };
    assert_eq!(server.publish(&token, "shop", &built).await.status(), 201);
    let mut answer = server.get("/v1/packs/shop/web/versions/1.0.0/archive").send().await.unwrap();
    let mut whole = answer.chunk().await.unwrap().unwrap().to_vec();
    server.stop();
    eventually("nobody is served any more", || async { Client::new().get(&server.url).send().await.is_err() }).await;
    while let Some(part) = answer.chunk().await.unwrap() {
        whole.extend_from_slice(&part);
    }
    assert_eq!(Digest::of(&whole), built.archive.digest);
}
