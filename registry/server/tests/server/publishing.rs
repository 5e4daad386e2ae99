//! Publishing, taking back, and what is refused.

use crate::support::{Built, Running, copy, header, pack, refusal};
use drover_registry::archive::{MediaType, PackedArchive};
use drover_registry::sign::{SignatureDocument, SigningKey};
use drover_registry::{Digest, Version};
use flate2::Compression;
use flate2::write::GzEncoder;
use futures::future::join_all;
use std::io::Write as _;
use std::time::{Duration, Instant};

#[tokio::test(flavor = "multi_thread")]
async fn a_version_is_published_once_and_stays_as_it_is() {
    let server = Running::start(|_| {}).await;
    let token = server.token(&["shop:publish"]).await;
    let first = pack("web", "1.0.0", "first");
    let response = server.publish(&token, "shop", &first).await;
    assert_eq!(response.status(), 201);
    let detail: serde_json::Value = response.json().await.unwrap();
    assert_eq!((detail["team"].as_str(), detail["version"].as_str()), (Some("shop"), Some("1.0.0")));
    assert_eq!(detail["published_by"], "tester");
    let password =
        detail["variables"].as_array().unwrap().iter().find(|variable| variable["name"] == "password").unwrap();
    assert_eq!((&password["sensitive"], &password["default"]), (&true.into(), &serde_json::Value::Null));
    assert_eq!(server.publish(&token, "shop", &first).await.status(), 200, "the same again is fine");
    let other = pack("web", "1.0.0", "second");
    assert_eq!(refusal(server.publish(&token, "shop", &other).await).await, (409, "version-exists".into()));
    let listed = server.json("/v1/packs/shop/web").await;
    assert_eq!(listed["versions"][0]["digest"], first.archive.digest.to_string());
    let readme = server.get("/v1/packs/shop/web/versions/1.0.0/readme").send().await.unwrap().text().await.unwrap();
    assert!(readme.starts_with("# web"));
    let found = server.json("/v1/packs?q=web").await;
    assert_eq!((found["total"].as_u64(), found["packs"][0]["latest"].as_str()), (Some(1), Some("1.0.0")));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_publish_one_version_one_wins() {
    let server = Running::start(|_| {}).await;
    let token = server.token(&["shop:publish"]).await;
    for round in 0..4 {
        let packs: Vec<Built> =
            (0..8).map(|number| pack("web", &format!("1.{round}.0"), &format!("by {number}"))).collect();
        let answers = join_all(packs.iter().map(|pack| server.publish(&token, "shop", pack))).await;
        let statuses: Vec<u16> = answers.iter().map(|answer| answer.status().as_u16()).collect();
        assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{statuses:?}");
        assert_eq!(statuses.iter().filter(|status| **status == 409).count(), 7, "{statuses:?}");
        let winner = statuses.iter().position(|status| *status == 201).unwrap();
        let archive = server.get(&format!("/v1/packs/shop/web/versions/1.{round}.0/archive")).send().await.unwrap();
        assert_eq!(Digest::of(&archive.bytes().await.unwrap()), packs[winner].archive.digest);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_was_taken_back_is_still_downloaded_but_not_offered() {
    let server = Running::start(|_| {}).await;
    let token = server.token(&["shop:publish"]).await;
    for version in ["1.0.0", "1.1.0"] {
        assert_eq!(server.publish(&token, "shop", &pack("web", version, "x")).await.status(), 201);
    }
    let yank = format!("{}/v1/packs/shop/web/versions/1.1.0/yank", server.url);
    let reason = serde_json::json!({"reason": "leaks"}).to_string();
    let yanked = server.client.put(&yank).bearer_auth(&token).body(reason.clone()).send().await.unwrap();
    assert_eq!(yanked.status(), 200);
    let again = server.client.put(&yank).bearer_auth(&token).body(reason).send().await.unwrap();
    assert_eq!(again.status(), 200);
    let detail = server.json("/v1/packs/shop/web").await;
    assert_eq!(
        (detail["latest"].as_str(), detail["versions"][0]["yanked"]["reason"].as_str()),
        (Some("1.0.0"), Some("leaks"))
    );
    let archive = server.get("/v1/packs/shop/web/versions/1.1.0/archive").send().await.unwrap();
    assert_eq!(archive.status(), 200);
    let other = pack("web", "1.1.0", "another one");
    assert_eq!(server.publish(&token, "shop", &other).await.status(), 409, "its number stays taken");
    assert_eq!(server.client.delete(&yank).bearer_auth(&token).send().await.unwrap().status(), 200);
    assert_eq!(server.json("/v1/packs/shop/web").await["latest"], "1.1.0");
    let missing = format!("{}/v1/packs/shop/web/versions/9.0.0/yank", server.url);
    assert_eq!(server.client.put(missing).bearer_auth(&token).send().await.unwrap().status(), 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_refused_with_its_reason() {
    let server = Running::start(|config| config.limits.archive_bytes = 1024 * 1024).await;
    let token = server.token(&["shop:publish"]).await;
    let good = pack("web", "1.0.0", "x");
    let with = |change: &dyn Fn(&mut Built)| {
        let mut pack = pack("web", "1.0.0", "x");
        change(&mut pack);
        pack
    };
    for (what, built, expected) in [
        ("another name", with(&|pack| pack.name = "other".into()), (422, "name-mismatch")),
        ("another version", with(&|pack| pack.version = "2.0.0".into()), (422, "name-mismatch")),
        ("no version", with(&|pack| pack.version = "latest".into()), (422, "invalid-name")),
        ("capital letters", with(&|pack| pack.name = "Web".into()), (422, "invalid-name")),
        ("build metadata", with(&|pack| pack.version = "1.0.0+x".into()), (422, "invalid-name")),
        ("another digest", with(&|pack| pack.archive.digest = Digest::of(b"x")), (422, "digest-mismatch")),
    ] {
        let answer = refusal(server.publish(&token, "shop", &built).await).await;
        assert_eq!(answer, (expected.0, expected.1.to_owned()), "{what}");
    }
    let publishing = || server.publishing(&token, "shop", &good);
    let wrong_type = publishing().header("content-type", "text/plain");
    let request = wrong_type.build().map(|mut request| {
        request.headers_mut().insert("content-type", "text/plain".parse().unwrap());
        request
    });
    let answer = refusal(server.client.execute(request.unwrap()).await.unwrap()).await;
    assert_eq!(answer, (415, "unsupported-media-type".into()));
    let large = publishing().body(vec![0; 1024 * 1024 + 1]).send().await.unwrap();
    assert_eq!(refusal(large).await, (413, "too-large".into()));
    let stream = futures::stream::iter([Ok::<_, std::io::Error>(good.archive.bytes.clone())]);
    let unknown_length = publishing().body(reqwest::Body::wrap_stream(stream)).send().await.unwrap();
    assert_eq!(refusal(unknown_length).await, (411, "length-required".into()));
    let nobody = server.client.put(format!("{}/v1/packs/shop/web/versions/1.0.0", server.url)).send().await.unwrap();
    assert_eq!(nobody.headers()["www-authenticate"], "Bearer realm=\"drover registry\"");
    assert_eq!(refusal(nobody).await, (401, "unauthorized".into()));
    assert_eq!(server.json("/v1/packs").await["total"], 0, "nothing of it was published");
}

/// A tar of these entries, compressed.
fn tar_of(write: impl FnOnce(&mut tar::Builder<GzEncoder<Vec<u8>>>)) -> Built {
    let mut builder = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::best()));
    write(&mut builder);
    let bytes = builder.into_inner().unwrap().finish().unwrap();
    built(bytes)
}

fn built(bytes: Vec<u8>) -> Built {
    let archive = PackedArchive { digest: Digest::of(&bytes), bytes, media_type: MediaType::TarGzip, files: 0 };
    Built { name: "web".into(), version: "1.0.0".into(), archive }
}

fn add(builder: &mut tar::Builder<GzEncoder<Vec<u8>>>, path: &str, kind: tar::EntryType, link: &str, content: &[u8]) {
    let mut header = tar::Header::new_ustar();
    header.as_mut_bytes()[..path.len()].copy_from_slice(path.as_bytes());
    header.set_entry_type(kind);
    header.set_size(content.len() as u64);
    header.set_mode(0o644);
    if !link.is_empty() {
        header.set_link_name(link).unwrap();
    }
    header.set_cksum();
    builder.append(&header, content).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_archives_are_refused_quickly() {
    let server = Running::start(|_| {}).await;
    let token = server.token(&["shop:publish"]).await;
    let regular = tar::EntryType::Regular;
    let metadata: &[u8] = b"pack {\n name = \"web\"\n version = \"1.0.0\"\n}\n";
    let mut truncated = pack("web", "1.0.0", "x").archive.bytes;
    truncated.truncate(truncated.len() / 2);
    let bomb = tar_of(|tar| {
        add(tar, "metadata.hcl", regular, "", metadata);
        add(tar, "zeros", regular, "", &vec![0; 300 * 1024 * 1024]);
    });
    let many = tar_of(|tar| (0..20_000).for_each(|number| add(tar, &format!("f{number}"), regular, "", b"")));
    let hostile = [
        ("a path out of the pack", tar_of(|tar| add(tar, "../../evil", regular, "", b"x"))),
        ("an absolute path", tar_of(|tar| add(tar, "/etc/evil", regular, "", b"x"))),
        ("a link", tar_of(|tar| add(tar, "link", tar::EntryType::Symlink, "/etc/passwd", b""))),
        ("a hard link", tar_of(|tar| add(tar, "link", tar::EntryType::Link, "metadata.hcl", b""))),
        ("a device", tar_of(|tar| add(tar, "null", tar::EntryType::Char, "", b""))),
        ("a bomb", bomb),
        ("too many entries", many),
        ("half an archive", built(truncated)),
        ("no archive", built(b"\x1f\x8bnothing".to_vec())),
        ("no metadata", tar_of(|tar| add(tar, "x", regular, "", b"x"))),
        ("broken metadata", tar_of(|tar| add(tar, "metadata.hcl", regular, "", b"pack {"))),
        ("deep metadata", tar_of(|tar| add(tar, "metadata.hcl", regular, "", "[".repeat(100_000).as_bytes()))),
        ("no text", tar_of(|tar| add(tar, "metadata.hcl", regular, "", &[0xff; 100]))),
    ];
    for (what, built) in hostile {
        let began = Instant::now();
        let (status, code) = refusal(server.publish(&token, "shop", &built).await).await;
        assert!(
            matches!((status, code.as_str()), (422, "invalid-archive") | (413, "too-large")),
            "{what}: {status} {code}"
        );
        assert!(began.elapsed() < Duration::from_secs(10), "{what} took {:?}", began.elapsed());
    }
    assert_eq!(server.json("/v1/packs").await["total"], 0);
    assert_eq!(server.publish(&token, "shop", &pack("web", "1.0.0", "x")).await.status(), 201, "the server goes on");
}

#[tokio::test(flavor = "multi_thread")]
async fn signatures_are_checked_and_may_be_demanded() {
    let (trusted, stranger) = (SigningKey::generate(), SigningKey::generate());
    let key = trusted.public().to_string();
    let server = Running::start(|config| {
        config.signatures.general.required = true;
        config.signatures.general.trusted_keys = vec![key];
    })
    .await;
    let token = server.token(&["shop:publish"]).await;
    let built = pack("web", "1.0.0", "x");
    let version = Version::new(1, 0, 0);
    let sign = |key: &SigningKey, digest: &Digest| {
        SignatureDocument::sign(key, "web", &version, digest, "2026-11-22T12:00:00Z")
    };
    let publishing = || server.publishing(&token, "shop", &built);
    assert_eq!(refusal(publishing().send().await.unwrap()).await, (422, "signature-required".into()));
    let by_stranger = sign(&stranger, &built.archive.digest);
    let answer = publishing().header("drover-signature", header(&by_stranger)).send().await.unwrap();
    assert_eq!(refusal(answer).await, (422, "signature-required".into()));
    let of_another = sign(&trusted, &Digest::of(b"x"));
    let answer = publishing().header("drover-signature", header(&of_another)).send().await.unwrap();
    assert_eq!(refusal(answer).await, (422, "signature-invalid".into()));
    let good = sign(&trusted, &built.archive.digest);
    let answer = publishing().header("drover-signature", header(&good)).send().await.unwrap();
    assert_eq!(answer.status(), 201);
    let at = format!("{}/v1/packs/shop/web/versions/1.0.0/signatures", server.url);
    let put = |key: &str, signature: &SignatureDocument| {
        server.client.put(format!("{at}/{key}")).bearer_auth(&token).json(signature).send()
    };
    assert_eq!(put(&by_stranger.key_id, &by_stranger).await.unwrap().status(), 201);
    assert_eq!(put(&by_stranger.key_id, &by_stranger).await.unwrap().status(), 200);
    assert_eq!(refusal(put(&of_another.key_id, &of_another).await.unwrap()).await.1, "signature-invalid");
    assert_eq!(refusal(put("0000000000000000", &good).await.unwrap()).await.1, "signature-invalid");
    let detail = server.json("/v1/packs/shop/web/versions/1.0.0").await;
    assert_eq!(detail["signatures"].as_array().unwrap().len(), 2);
    // A server that is started anew knows both, the one beside the version too.
    server.stop();
    let folder = tempfile::tempdir().unwrap();
    copy(&server.folder.path().join("store"), &folder.path().join("store"));
    let again = Running::start_in(folder, |_| {}).await;
    let list = again.json("/v1/packs/shop/web/versions/1.0.0/signatures").await;
    assert_eq!(list["signatures"].as_array().unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_of_the_folder_made_while_publishing_is_a_backup() {
    let server = Running::start(|_| {}).await;
    let token = server.token(&["shop:publish"]).await;
    let packs: Vec<Built> = (0..30).map(|number| pack("web", &format!("1.{number}.0"), "x")).collect();
    let publish = async {
        for pack in &packs {
            assert_eq!(server.publish(&token, "shop", pack).await.status(), 201);
        }
    };
    let backup = tempfile::tempdir().unwrap();
    let (from, to) = (server.folder.path().join("store"), backup.path().join("store"));
    let copying = tokio::task::spawn_blocking(move || {
        std::thread::sleep(Duration::from_millis(150));
        copy(&from, &to);
    });
    let (_, copied) = tokio::join!(publish, copying);
    copied.unwrap();
    let restored = Running::start_in(backup, |_| {}).await;
    let versions = restored.json("/v1/packs/shop/web").await;
    let versions = versions["versions"].as_array().cloned().unwrap_or_default();
    for version in &versions {
        let path = format!("/v1/packs/shop/web/versions/{}/archive", version["version"].as_str().unwrap());
        let archive = restored.get(&path).send().await.unwrap();
        assert_eq!(archive.status(), 200, "{path}");
        assert_eq!(Digest::of(&archive.bytes().await.unwrap()).to_string(), version["digest"].as_str().unwrap());
    }
    let last = restored.publish(&token, "shop", &packs[29]).await;
    assert!(
        last.status().is_success(),
        "tokens are in the backup, and a lost version can be published again: {}",
        last.status()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_whose_archive_is_lost_is_not_offered_until_it_is_published_again() {
    let server = Running::start(|_| {}).await;
    let token = server.token(&["shop:publish"]).await;
    let built = pack("web", "1.0.0", "x");
    assert_eq!(server.publish(&token, "shop", &built).await.status(), 201);
    server.stop();
    let folder = tempfile::tempdir().unwrap();
    copy(&server.folder.path().join("store"), &folder.path().join("store"));
    std::fs::remove_file(folder.path().join("store/blobs/sha256").join(built.archive.digest.hex())).unwrap();
    let again = Running::start_in(folder, |_| {}).await;
    assert_eq!(again.json("/v1/packs").await["total"], 0);
    assert_eq!(again.publish(&token, "shop", &pack("web", "1.0.0", "other")).await.status(), 409);
    assert_eq!(again.publish(&token, "shop", &built).await.status(), 200);
    let archive = again.get("/v1/packs/shop/web/versions/1.0.0/archive").send().await.unwrap();
    assert_eq!(Digest::of(&archive.bytes().await.unwrap()), built.archive.digest);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_servers_on_one_store_agree() {
    let first = Running::start(|_| {}).await;
    let store = first.folder.path().join("store");
    let second = Running::start(|config| {
        config.storage = drover_registry_server::config::Storage::Folder(store);
        config.refresh = Duration::from_millis(50);
    })
    .await;
    let token = first.token(&["shop:publish"]).await;
    let built = pack("web", "1.0.0", "x");
    assert_eq!(first.publish(&token, "shop", &built).await.status(), 201);
    assert_eq!(second.publish(&token, "shop", &pack("web", "1.0.0", "y")).await.status(), 409);
    crate::support::eventually("the second server lists it", || async { second.json("/v1/packs").await["total"] == 1 })
        .await;
    let yank = format!("{}/v1/packs/shop/web/versions/1.0.0/yank", first.url);
    assert_eq!(first.client.put(yank).bearer_auth(&token).send().await.unwrap().status(), 200);
    crate::support::eventually("the second server follows", || async {
        !second.json("/v1/packs/shop/web").await["versions"][0]["yanked"].is_null()
    })
    .await;
}

#[test]
fn the_bomb_is_one() {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&vec![0; 10 * 1024 * 1024]).unwrap();
    assert!(encoder.finish().unwrap().len() < 20 * 1024, "it would test nothing otherwise");
}
