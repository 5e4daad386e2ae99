//! The way of a pack through real servers: published, listed, chosen by a range, pinned, tampered with, refused.
//!
//! Debian's `docker-registry` and `git` are used where they are installed; a test without them says that it was skipped.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod support;

use drover_registry::client::{ClientError, PublishOutcome, Published, RegistryClient, Release, archive_for, client};
use drover_registry::config::{NamedRegistry, Registries};
use drover_registry::sign::{SignatureDocument, SigningKey};
use drover_registry::source::Source;
use drover_registry::wire::Yanked;
use drover_registry::{Cache, LOCK_FILE, Locking, Reach, Request, ResolveError, Resolver, Version};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use support::{DockerRegistry, GitServer, Home, walk_files};

const AT: &str = "2026-01-02T03:04:05Z";

fn write_pack(folder: &Path, version: &str, text: &str) {
    fs::create_dir_all(folder.join("templates")).unwrap();
    let metadata =
        format!("pack {{\n  name = \"web\"\n  version = \"{version}\"\n  description = \"A web server\"\n}}\n");
    fs::write(folder.join("metadata.hcl"), metadata).unwrap();
    fs::write(folder.join("templates/web.nomad.hcl.tera"), text).unwrap();
}

fn release(home: &Home, source: &Source, version: &str, text: &str, key: Option<&SigningKey>) -> Release {
    let folder = tempfile::tempdir_in(home.path()).unwrap();
    write_pack(folder.path(), version, text);
    let archive = archive_for(source, folder.path()).unwrap();
    let version = Version::parse(version).unwrap();
    let sign = |key| SignatureDocument::sign(key, "web", &version, &archive.digest, AT);
    Release {
        name: "web".to_owned(),
        signatures: key.into_iter().map(sign).collect(),
        version,
        description: "A web server".to_owned(),
        archive,
        published_at: AT.to_owned(),
    }
}

fn resolver(home: &Home, cache: &str, source: &str, trusted: &[&SigningKey], reach: Reach) -> Resolver {
    let team = NamedRegistry {
        source: source.to_owned(),
        trusted_keys: trusted.iter().map(|key| key.public()).collect(),
        rotations: Vec::new(),
    };
    let registries = Registries { named: BTreeMap::from([("team".to_owned(), team)]), ..Registries::default() };
    Resolver::new(registries, Cache::new(&home.path().join(cache)), home.context(), reach)
}

async fn resolve(resolver: &Resolver, from: &Path, version: &str) -> Result<(String, String), ResolveError> {
    let registries = BTreeMap::new();
    let request =
        Request { source: "team/web", version: Some(version), reference: None, from, registries: &registries };
    let resolved = resolver.resolve(&request).await?;
    let text = fs::read_to_string(resolved.folder.join("templates/web.nomad.hcl.tera")).unwrap();
    Ok((resolved.published.unwrap().version.to_string(), text))
}

/// Everything that holds for every kind of registry. `tamper` changes the stored archive of 1.3.0.
async fn check_round_trip(home: &Home, text: &str, tamper: impl Fn()) {
    let source = Source::parse(text, home.path()).unwrap();
    let client = client(&source, &home.context()).unwrap();
    let key = SigningKey::generate();
    for (version, content) in [("1.1.0", "one"), ("1.2.0", "two"), ("1.3.0", "three"), ("2.0.0", "four")] {
        let outcome = client.publish("web", &release(home, &source, version, content, Some(&key))).await.unwrap();
        assert!(matches!(outcome, PublishOutcome::Created { .. }), "{version}: {outcome:?}");
    }
    check_publishing(home, &source, client.as_ref(), &key).await;
    let found = client.search("we").await.unwrap();
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!((found[0].pack.as_str(), found[0].description.as_str()), ("web", "A web server"));
    assert!(client.search("nothing").await.unwrap().is_empty());
    let missing = client.versions("missing").await.unwrap_err();
    assert!(matches!(missing, ClientError::NotFound { .. }), "{missing}");

    // A range, pinned; then a newer version that changes nothing until somebody asks for it.
    let stack = home.path().join("stack");
    fs::create_dir(&stack).unwrap();
    let lock = stack.join(LOCK_FILE);
    let locked = |locking, reach, cache| resolver(home, cache, text, &[&key], reach).with_lock(&lock, locking).unwrap();
    let keep = |cache| locked(Locking::Keep, Reach::Online, cache);
    let got = resolve(&keep("a"), &stack, "~> 1.2").await.unwrap();
    assert_eq!(got, ("1.3.0".to_owned(), "three".to_owned()));
    client.publish("web", &release(home, &source, "1.4.0", "five", Some(&key))).await.unwrap();
    assert_eq!(resolve(&keep("a"), &stack, "~> 1.2").await.unwrap().0, "1.3.0");
    assert_eq!(resolve(&keep("fresh"), &stack, "~> 1.2").await.unwrap().0, "1.3.0");
    let offline = locked(Locking::Keep, Reach::Offline, "a");
    assert_eq!(resolve(&offline, &stack, "~> 1.2").await.unwrap().1, "three");
    let empty = locked(Locking::Keep, Reach::Offline, "empty");
    assert!(matches!(resolve(&empty, &stack, "~> 1.2").await, Err(ResolveError::Offline { .. })));
    let read_only = locked(Locking::ReadOnly, Reach::Online, "a");
    assert!(matches!(resolve(&read_only, &stack, "~> 2.0").await, Err(ResolveError::NotLocked { .. })));

    // Taken back: nobody chooses it any more, and who pinned it keeps it.
    let versions = client.versions("web").await.unwrap();
    let of = |version: &str| versions.iter().find(|one| one.version.to_string() == version).unwrap().clone();
    let yanked = Yanked { at: AT.to_owned(), by: "me".to_owned(), reason: "it loses data".to_owned() };
    client.yank("web", &of("1.4.0"), Some(&yanked)).await.unwrap();
    let update = locked(Locking::Update, Reach::Online, "a");
    assert_eq!(resolve(&update, &stack, "~> 1.2").await.unwrap().0, "1.3.0");
    let error = resolve(&resolver(home, "a", text, &[], Reach::Online), &stack, "1.4.0").await.unwrap_err();
    assert!(error.to_string().contains("taken back: it loses data"), "{error}");

    // Only those one trusts, and only what they signed.
    let stranger = SigningKey::generate();
    let error = resolve(&resolver(home, "b", text, &[&stranger], Reach::Online), &stack, "1.3.0").await.unwrap_err();
    assert!(matches!(error, ResolveError::Trust(_)), "{error}");
    let both = SignatureDocument::sign(
        &stranger,
        "web",
        &of("1.3.0").version,
        &digest(client.as_ref(), &of("1.3.0")).await,
        AT,
    );
    client.add_signature("web", &of("1.3.0"), &both).await.unwrap();
    resolve(&resolver(home, "b", text, &[&stranger], Reach::Online), &stack, "1.3.0").await.unwrap();

    // Somebody changes what was published: a fresh cache notices, and the message names both digests.
    tamper();
    let error = resolve(&keep("c"), &stack, "~> 1.2").await.unwrap_err().to_string();
    let pinned = fs::read_to_string(&lock).unwrap();
    let pinned = pinned.split('"').find(|part| part.starts_with("sha256:")).unwrap();
    assert!(error.contains(pinned) && error.matches("sha256:").count() == 2, "{error}");
    // What is in a cache already stays what it was.
    assert_eq!(resolve(&keep("a"), &stack, "~> 1.2").await.unwrap().1, "three");
}

async fn digest(client: &dyn RegistryClient, version: &Published) -> drover_registry::Digest {
    drover_registry::Digest::of(&client.fetch("web", version).await.unwrap())
}

/// The same again is no error, other contents are, and of two at once one wins and the other is told.
async fn check_publishing(home: &Home, source: &Source, client: &dyn RegistryClient, key: &SigningKey) {
    let again = client.publish("web", &release(home, source, "1.1.0", "one", Some(key))).await.unwrap();
    assert!(matches!(again, PublishOutcome::Same { .. }), "{again:?}");
    let other = client.publish("web", &release(home, source, "1.1.0", "other", None)).await.unwrap_err();
    assert!(matches!(other, ClientError::Exists { .. }), "{other}");
    let (left, right) = (release(home, source, "1.0.0", "left", None), release(home, source, "1.0.0", "right", None));
    let (one, two) = tokio::join!(client.publish("web", &left), client.publish("web", &right));
    let (winner, loser) = if one.is_ok() { (&left, &two) } else { (&right, &one) };
    assert!(
        matches!(loser, Err(ClientError::Exists { .. } | ClientError::LostRace { .. })),
        "one: {one:?}, two: {two:?}"
    );
    let versions = client.versions("web").await.unwrap();
    let there = versions.iter().find(|one| one.version == Version::new(1, 0, 0)).unwrap();
    assert_eq!(digest(client, there).await, winner.archive.digest);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder() {
    let home = Home::new();
    let root = home.path().join("registry");
    let path = root.join("web/1.3.0/pack.tar.gz");
    let tamper = || fs::copy(root.join("web/1.2.0/pack.tar.gz"), &path).map(drop).unwrap();
    check_round_trip(&home, root.to_str().unwrap(), tamper).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_of_images() {
    let home = Home::new();
    let Some(server) = DockerRegistry::start(home.path()) else { return };
    let tamper = || {
        // The blob that holds "three" gets other bytes of the same length, as a thief of the disk would do it.
        for path in walk_files(&home.path().join("images")) {
            let content = fs::read(&path).unwrap();
            if content.starts_with(&[0x1f, 0x8b]) {
                let mut changed = content;
                let at = changed.len() / 2;
                changed[at] ^= 1;
                fs::write(&path, changed).unwrap();
            }
        }
    };
    check_round_trip(&home, &format!("oci://{}/team/packs", server.address), tamper).await;
}

fn retag(home: &Home) {
    let run = |arguments: &[&str]| {
        let repository = home.path().join("packs.git");
        assert!(
            std::process::Command::new("git").arg("-C").arg(repository).args(arguments).status().unwrap().success()
        );
    };
    run(&["tag", "-f", "web/v1.3.0", "web/v1.2.0^{}"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bare_git_repository() {
    let home = Home::new();
    let Some(repository) = GitServer::repository(home.path()) else { return };
    check_round_trip(&home, &format!("git::file://{}", repository.display()), || retag(&home)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_git_repository_over_http() {
    let home = Home::new();
    let Some(repository) = GitServer::repository(home.path()) else { return };
    let Some(server) = GitServer::start(&repository) else { return };
    check_round_trip(&home, &format!("git::http://{}/packs.git", server.address), || retag(&home)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_without_tags_has_the_version_of_its_branch() {
    let home = Home::new();
    let Some(repository) = GitServer::repository(home.path()) else { return };
    let work = home.path().join("work");
    write_pack(&work.join("packs/web"), "0.3.1", "first");
    GitServer::commit(&work, &repository, "first");
    let text = format!("git::file://{}", repository.display());
    let lock = home.path().join("lock.hcl");
    let keep = || resolver(&home, "a", &text, &[], Reach::Online).with_lock(&lock, Locking::Keep).unwrap();
    assert_eq!(resolve(&keep(), home.path(), "").await.unwrap(), ("0.3.1".to_owned(), "first".to_owned()));
    // The branch moves, the lock does not.
    write_pack(&work.join("packs/web"), "0.3.1", "second");
    GitServer::commit(&work, &repository, "second");
    assert_eq!(resolve(&keep(), home.path(), "").await.unwrap().1, "first");
    let fresh = resolver(&home, "b", &text, &[], Reach::Online).with_lock(&lock, Locking::Keep).unwrap();
    assert_eq!(resolve(&fresh, home.path(), "").await.unwrap().1, "first");
    let update = resolver(&home, "b", &text, &[], Reach::Online).with_lock(&lock, Locking::Update).unwrap();
    assert_eq!(resolve(&update, home.path(), "").await.unwrap().1, "second");
}
