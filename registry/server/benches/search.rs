//! Searches over 10,000 versions of packs.
#![expect(missing_docs, clippy::expect_used, reason = "a bench")]

use criterion::{Criterion, criterion_group, criterion_main};
use drover_registry::wire::{VersionDetail, VersionSummary};
use drover_registry::{Digest, Version};
use drover_registry_server::index::{Entry, Index, Query};

const WORDS: [&str; 20] = [
    "web", "database", "cache", "proxy", "queue", "metrics", "logs", "backup", "mail", "search", "shop", "billing",
    "auth", "gateway", "worker", "cron", "registry", "storage", "network", "stream",
];

fn entry(pack: usize, version: usize) -> Entry {
    let (first, second) = (WORDS[pack % 20], WORDS[pack / 20 % 20]);
    let version = format!("1.{version}.0");
    let summary = VersionSummary {
        version: version.clone(),
        digest: Digest::of(version.as_bytes()),
        size: 1,
        media_type: String::new(),
        published_at: format!("2026-01-01T00:00:{:02}Z", pack % 60),
        published_by: "ci".to_owned(),
        yanked: None,
        signed_by: Vec::new(),
    };
    let detail = VersionDetail {
        team: format!("team-{}", pack % 40),
        name: format!("{first}-{second}-{pack}"),
        summary,
        description: format!("Runs a {first} with its {second}, ready for production, with backups and metrics"),
        app_url: String::new(),
        author: "Platform".to_owned(),
        dependencies: Vec::new(),
        variables: Vec::new(),
        readme: false,
        signatures: Vec::new(),
    };
    let version = Version::parse(&version).expect("it is a version");
    Entry { version, detail, documents: None, mirrored_from: None }
}

fn search(criterion: &mut Criterion) {
    for (packs, versions) in [(1_000, 10), (10_000, 1)] {
        let mut index = Index::default();
        index.insert((0..packs).flat_map(|pack| (0..versions).map(move |version| entry(pack, version))));
        for text in ["", "web", "database backup production", "team-7", "nothing-like-it"] {
            criterion.bench_function(&format!("{packs} packs of {versions}: {text:?}"), |bencher| {
                bencher.iter(|| index.search(&Query { text, team: None }, |_| true).len());
            });
        }
    }
}

criterion_group!(benches, search);
criterion_main!(benches);
