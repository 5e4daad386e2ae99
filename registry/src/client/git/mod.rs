//! A git repository as a registry.
//!
//! A pack lies in the folder `[SUBDIR/]NAME` or `packs/NAME`. A version is a tag `NAME/v1.2.3` (`NAME/1.2.3`,
//! `NAME-v1.2.3`, `NAME-1.2.3`; for a repository that is one pack, `v1.2.3` or `1.2.3`). Without such tags, or with
//! `?ref=`, the one version is what the metadata says there. Signatures and what was taken back are noted on the branch,
//! below `.drover/NAME/VERSION/`. Fetches are shallow and kept in a bare repository that processes share.

mod command;
mod publish;

use super::{ClientContext, ClientError, FoundPack, PublishOutcome, Published, RegistryClient, Release};
use crate::archive::{Limits, METADATA_FILE, pack_stored, unpack_tar};
use crate::metadata::PackMetadata;
use crate::sign::SignatureDocument;
use crate::source::GitSource;
use crate::wire::Yanked;
use crate::{Digest, Version, name};
use async_trait::async_trait;
use command::{Ended, Git};
use std::fs::{self, File};
use std::path::PathBuf;

/// Where signatures and what was taken back are noted.
const NOTES: &str = ".drover";
const YANKED: &str = "yanked.json";

/// A client of one repository.
pub struct GitClient {
    source: GitSource,
    registry: String,
    mirror: PathBuf,
}

impl GitClient {
    /// Nothing is sent yet.
    pub fn new(source: &GitSource, context: &ClientContext) -> Self {
        let mirror = context.git_cache.join(format!("{}.git", &Digest::of(source.url.as_bytes()).hex()[..32]));
        Self { source: source.clone(), registry: source.url.clone(), mirror }
    }

    fn git(&self) -> Git<'_> {
        Git { registry: &self.registry, folder: &self.mirror }
    }

    /// Makes the shared repository if need be; nobody else fetches into it while the answer is held.
    async fn open(&self) -> Result<File, ClientError> {
        fs::create_dir_all(&self.mirror).map_err(ClientError::io("make", &self.mirror))?;
        let path = self.mirror.with_extension("lock");
        let file = tokio::task::spawn_blocking(move || {
            let file = File::create(&path).map_err(ClientError::io("make", &path))?;
            file.lock().map_err(ClientError::io("lock", &path))?;
            Ok::<_, ClientError>(file)
        });
        let file = file.await.map_err(|error| self.git().wrong(error.to_string()))??;
        if !self.mirror.join("HEAD").is_file() {
            self.git().run(&["init", "-q", "--bare", "."]).await?;
        }
        Ok(file)
    }

    /// The names of branches and tags.
    async fn references(&self) -> Result<Vec<String>, ClientError> {
        let output = self.git().run(&["ls-remote", "--", &self.source.url]).await?;
        let text = String::from_utf8_lossy(&output);
        Ok(text.lines().filter_map(|line| Some(line.split_once('\t')?.1.to_owned())).collect())
    }

    /// Fetches a branch, tag or commit; answers the commit.
    async fn fetch_reference(&self, reference: &str) -> Result<String, ClientError> {
        let is_commit = reference.len() == 40 && reference.chars().all(|c| c.is_ascii_hexdigit());
        let verify = [&format!("{reference}^{{commit}}"), "FETCH_HEAD^{commit}"];
        if is_commit && let Ended::Well(_) = self.git().try_run(&["cat-file", "-e", verify[0]], None).await? {
            return Ok(reference.to_owned());
        }
        let shallow = ["fetch", "-q", "--depth", "1", "--no-tags", "--force", "--", &self.source.url, reference];
        if let Ended::Badly(complaint) = self.git().try_run(&shallow, None).await? {
            let missing = complaint.contains("couldn't find remote ref");
            if missing {
                let what = format!("the branch, tag or commit {reference}");
                return Err(ClientError::NotFound { what, registry: self.registry.clone() });
            }
            if !is_commit {
                return Err(self.git().explain(&shallow, &complaint));
            }
            // Servers may refuse commits that no name points to; then everything is fetched.
            let all = ["fetch", "-q", "--force", "--", &self.source.url, "+refs/heads/*:refs/all/*"];
            self.git().run(&all).await?;
            return Ok(reference.to_owned());
        }
        let output = self.git().run(&["rev-parse", verify[1]]).await?;
        Ok(String::from_utf8_lossy(&output).trim().to_owned())
    }

    /// The folder of a pack at a commit.
    async fn pack_path(&self, commit: &str, pack: &str) -> Result<String, ClientError> {
        let own = join(&[&self.source.subdir, pack]);
        let mut candidates = vec![own];
        if self.source.subdir.is_empty() && !pack.is_empty() {
            candidates.push(format!("packs/{pack}"));
        }
        for path in candidates {
            let object = format!("{commit}:{}", join(&[&path, METADATA_FILE]));
            if let Ended::Well(_) = self.git().try_run(&["cat-file", "-e", &object], None).await? {
                return Ok(path);
            }
        }
        let what = if pack.is_empty() { "a pack".to_owned() } else { format!("the pack {pack}") };
        Err(ClientError::NotFound { what, registry: self.registry.clone() })
    }

    async fn file(&self, commit: &str, path: &str) -> Result<Option<Vec<u8>>, ClientError> {
        match self.git().try_run(&["cat-file", "blob", &format!("{commit}:{path}")], None).await? {
            Ended::Well(content) => Ok(Some(content)),
            Ended::Badly(_) => Ok(None),
        }
    }

    async fn metadata(&self, commit: &str, path: &str) -> Result<PackMetadata, ClientError> {
        let path = join(&[path, METADATA_FILE]);
        let content = self.file(commit, &path).await?.unwrap_or_default();
        PackMetadata::parse(&path, &content).map_err(|error| self.git().wrong(error.to_string()))
    }

    /// The name of a version's tag, when it is published by us.
    fn tag(&self, pack: &str, version: &Version) -> String {
        if pack.is_empty() { format!("v{version}") } else { format!("{pack}/v{version}") }
    }

    /// The version that a tag is of this pack.
    fn tagged(&self, pack: &str, tag: &str) -> Option<Version> {
        let rest = if pack.is_empty() { tag } else { tag.strip_prefix(pack)?.strip_prefix(['/', '-'])? };
        name::version(rest.strip_prefix('v').unwrap_or(rest)).ok()
    }

    fn notes(&self, pack: &str, version: &Version) -> String {
        join(&[&self.source.subdir, NOTES, pack, &version.to_string()])
    }

    /// The branch that packs are published to.
    fn branch(&self) -> &str {
        self.source.reference.as_deref().unwrap_or("HEAD")
    }
}

fn join(parts: &[&str]) -> String {
    parts.iter().copied().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/")
}

#[async_trait]
impl RegistryClient for GitClient {
    async fn search(&self, text: &str) -> Result<Vec<FoundPack>, ClientError> {
        let _open = self.open().await?;
        let commit = self.fetch_reference(self.branch()).await?;
        let mut found = Vec::new();
        for folder in [self.source.subdir.clone(), join(&[&self.source.subdir, "packs"])] {
            let tree = format!("{commit}:{folder}");
            let Ended::Well(listed) = self.git().try_run(&["ls-tree", "-d", "--name-only", &tree], None).await? else {
                continue;
            };
            for pack in String::from_utf8_lossy(&listed).lines() {
                let Ok(metadata) = self.metadata(&commit, &join(&[&folder, pack])).await else { continue };
                if pack.contains(text) || metadata.description.to_lowercase().contains(&text.to_lowercase()) {
                    let latest = Some(metadata.version).filter(|version| !version.is_empty());
                    found.push(FoundPack { pack: pack.to_owned(), description: metadata.description, latest });
                }
            }
        }
        Ok(found)
    }

    async fn versions(&self, pack: &str) -> Result<Vec<Published>, ClientError> {
        let _open = self.open().await?;
        if self.source.reference.is_none() {
            let references = self.references().await?;
            let tags = references.iter().filter_map(|reference| {
                let tag = reference.strip_prefix("refs/tags/")?;
                Some((self.tagged(pack, tag)?, tag.to_owned()))
            });
            let mut versions: Vec<Published> = Vec::new();
            for (version, handle) in tags {
                if versions.iter().all(|known| known.version != version) {
                    versions.push(Published { handle, ..Published::of(version) });
                }
            }
            if !versions.is_empty() {
                if references.iter().any(|reference| reference == "HEAD") {
                    let commit = self.fetch_reference("HEAD").await?;
                    for published in &mut versions {
                        let path = format!("{}/{YANKED}", self.notes(pack, &published.version));
                        let note = self.file(&commit, &path).await?;
                        published.yanked = note.and_then(|note| serde_json::from_slice(&note).ok());
                    }
                }
                return Ok(versions);
            }
            if references.is_empty() {
                let what = format!("the pack {pack}");
                return Err(ClientError::NotFound { what, registry: self.registry.clone() });
            }
        }
        let commit = self.fetch_reference(self.branch()).await?;
        let path = self.pack_path(&commit, pack).await?;
        let metadata = self.metadata(&commit, &path).await?;
        // Packs that nobody publishes often have no version.
        let version = name::version(&metadata.version).unwrap_or(Version::new(0, 0, 0));
        Ok(vec![Published { handle: commit, ..Published::of(version) }])
    }

    async fn fetch(&self, pack: &str, version: &Published) -> Result<Vec<u8>, ClientError> {
        let _open = self.open().await?;
        let commit = self.fetch_reference(&version.handle).await?;
        let path = self.pack_path(&commit, pack).await?;
        let tree = format!("{commit}:{path}");
        let tar = self.git().run(&["archive", "--format=tar", &tree]).await?;
        let limits = Limits::default();
        let folder = self.mirror.with_extension(format!("tree-{}", crate::random_hex()));
        let packed = unpack_tar(tar.as_slice(), &folder, &limits).and_then(|_| pack_stored(&folder, &limits));
        // A rest in the cache is no harm.
        let _ = fs::remove_dir_all(&folder);
        Ok(packed?.bytes)
    }

    async fn signatures(&self, pack: &str, version: &Published) -> Result<Vec<SignatureDocument>, ClientError> {
        let _open = self.open().await?;
        let commit = self.fetch_reference("HEAD").await?;
        let tree = format!("{commit}:{}", self.notes(pack, &version.version));
        let Ended::Well(listed) = self.git().try_run(&["ls-tree", "--name-only", &tree], None).await? else {
            return Ok(Vec::new());
        };
        let mut signatures = Vec::new();
        for file in String::from_utf8_lossy(&listed).lines().filter(|file| file.ends_with(".json") && *file != YANKED) {
            let path = format!("{}/{file}", self.notes(pack, &version.version));
            let document = self.file(&commit, &path).await?.unwrap_or_default();
            signatures.extend(serde_json::from_slice::<SignatureDocument>(&document));
        }
        Ok(signatures)
    }

    async fn publish(&self, pack: &str, release: &Release) -> Result<PublishOutcome, ClientError> {
        self.publish_release(pack, release).await
    }

    async fn add_signature(
        &self,
        pack: &str,
        version: &Published,
        signature: &SignatureDocument,
    ) -> Result<(), ClientError> {
        let path = format!("{}/{}.json", self.notes(pack, &version.version), signature.key_id);
        let document = serde_json::to_vec_pretty(signature).unwrap_or_default();
        let message = format!("Sign {pack} {}", version.version);
        self.note(&path, Some(&document), &message).await
    }

    async fn yank(&self, pack: &str, version: &Published, yanked: Option<&Yanked>) -> Result<(), ClientError> {
        let path = format!("{}/{YANKED}", self.notes(pack, &version.version));
        let document = yanked.map(|yanked| serde_json::to_vec_pretty(yanked).unwrap_or_default());
        let verb = if yanked.is_some() { "Take back" } else { "Bring back" };
        self.note(&path, document.as_deref(), &format!("{verb} {pack} {}", version.version)).await
    }
}
