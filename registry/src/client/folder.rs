//! A folder as a registry, on a shared disk or in a repository that is checked out.
//!
//! Published versions are `NAME/VERSION/` with `pack.tar.gz` (or `.zst`), `pack.json`, `signatures/KEY.json` and, when
//! taken back, `yanked.json`. Packs that lie there as folders are found too: `NAME/` and `packs/NAME/`, each in the one
//! version that its metadata names, and `NAME/VERSION/` without an archive.

use super::{ClientError, FoundPack, PublishOutcome, Published, RegistryClient, Release};
use crate::archive::{Limits, METADATA_FILE, MediaType, pack_stored};
use crate::metadata::PackMetadata;
use crate::sign::SignatureDocument;
use crate::wire::Yanked;
use crate::{Digest, Version, name};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::{Path, PathBuf};

const ENTRY: &str = "pack.json";
const YANKED: &str = "yanked.json";
const SIGNATURES: &str = "signatures";

/// What `pack.json` says about the archive beside it.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Entry {
    name: String,
    version: String,
    description: String,
    digest: Digest,
    size: u64,
    media_type: String,
    published_at: String,
}

/// A client of a folder.
pub struct FolderClient {
    root: PathBuf,
}

impl FolderClient {
    /// The folder need not be there yet: publishing makes it.
    pub fn new(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    fn registry(&self) -> String {
        self.root.display().to_string()
    }

    fn pack_folder(&self, pack: &str) -> PathBuf {
        if pack.is_empty() { self.root.clone() } else { self.root.join(pack) }
    }

    /// The folder of a pack that lies there unpacked.
    fn tree(&self, pack: &str) -> Option<PathBuf> {
        let candidates = [self.pack_folder(pack), self.root.join("packs").join(pack)];
        candidates.into_iter().find(|folder| folder.join(METADATA_FILE).is_file())
    }

    fn version_folder(&self, pack: &str, version: &Published) -> PathBuf {
        self.pack_folder(pack).join(&version.handle)
    }

    fn published(&self, pack: &str) -> Vec<Published> {
        let entries = fs::read_dir(self.pack_folder(pack)).into_iter().flatten().filter_map(Result::ok);
        let versions = entries.filter_map(|entry| {
            let handle = entry.file_name().into_string().ok()?;
            let version = name::version(&handle).ok()?;
            let folder = entry.path();
            let known: Option<Entry> = read_json(&folder.join(ENTRY));
            if known.is_none() && !folder.join(METADATA_FILE).is_file() {
                return None;
            }
            let yanked = read_json(&folder.join(YANKED));
            let published_at = known.as_ref().map(|entry| entry.published_at.clone()).unwrap_or_default();
            Some(Published { version, digest: known.map(|entry| entry.digest), yanked, published_at, handle })
        });
        versions.collect()
    }

    fn not_found(&self, what: String) -> ClientError {
        ClientError::NotFound { what, registry: self.registry() }
    }

    /// The folder that additions to a version go to; only published ones have it.
    fn entry_folder(&self, pack: &str, version: &Published) -> Result<PathBuf, ClientError> {
        let folder = self.version_folder(pack, version);
        if folder.join(ENTRY).is_file() {
            Ok(folder)
        } else {
            Err(self.not_found(format!("{pack} {}", version.version)))
        }
    }
}

fn read_json<T: serde::de::DeserializeOwned>(path: &Path) -> Option<T> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

fn write(path: &Path, content: &[u8]) -> Result<(), ClientError> {
    crate::write_atomically(path, content, 0o644).map_err(ClientError::io("write", path))
}

fn json(value: &impl Serialize) -> Vec<u8> {
    let mut text = serde_json::to_vec_pretty(value).unwrap_or_default();
    text.push(b'\n');
    text
}

#[async_trait]
impl RegistryClient for FolderClient {
    async fn search(&self, text: &str) -> Result<Vec<FoundPack>, ClientError> {
        let mut found = Vec::new();
        for root in [self.root.clone(), self.root.join("packs")] {
            for entry in fs::read_dir(&root).into_iter().flatten().filter_map(Result::ok) {
                let Ok(pack) = entry.file_name().into_string() else { continue };
                if name::check("pack", &pack).is_err() || !entry.path().is_dir() {
                    continue;
                }
                let Ok(mut versions) = self.versions(&pack).await else { continue };
                versions.sort_by(|one, other| one.version.cmp(&other.version));
                let latest = versions.iter().rfind(|version| version.yanked.is_none());
                let known =
                    latest.and_then(|latest| read_json::<Entry>(&self.version_folder(&pack, latest).join(ENTRY)));
                let tree = || PackMetadata::of_folder(&self.tree(&pack)?).ok();
                let description = known.map(|entry| entry.description).or_else(|| tree().map(|pack| pack.description));
                let description = description.unwrap_or_default();
                if pack.contains(text) || description.to_lowercase().contains(&text.to_lowercase()) {
                    found.push(FoundPack {
                        latest: latest.map(|latest| latest.version.to_string()),
                        pack,
                        description,
                    });
                }
            }
        }
        found.sort_by(|one, other| one.pack.cmp(&other.pack));
        found.dedup_by(|one, other| one.pack == other.pack);
        Ok(found)
    }

    async fn versions(&self, pack: &str) -> Result<Vec<Published>, ClientError> {
        let mut versions = self.published(pack);
        if let Some(folder) = self.tree(pack) {
            let metadata = PackMetadata::of_folder(&folder)
                .map_err(|error| ClientError::Answer { registry: self.registry(), reason: error.to_string() })?;
            // Packs that nobody publishes often have no version.
            let version = name::version(&metadata.version).unwrap_or(Version::new(0, 0, 0));
            if versions.iter().all(|known| known.version != version) {
                versions.push(Published { handle: String::new(), ..Published::of(version) });
            }
        }
        if versions.is_empty() { Err(self.not_found(format!("the pack {pack}"))) } else { Ok(versions) }
    }

    async fn fetch(&self, pack: &str, version: &Published) -> Result<Vec<u8>, ClientError> {
        let limits = Limits::default();
        let gone = || self.not_found(format!("{pack} {}", version.version));
        if version.handle.is_empty() {
            return Ok(pack_stored(&self.tree(pack).ok_or_else(gone)?, &limits)?.bytes);
        }
        let folder = self.version_folder(pack, version);
        for kind in [MediaType::TarGzip, MediaType::TarZstd] {
            let path = folder.join(format!("pack{}", kind.extension()));
            let Ok(metadata) = fs::metadata(&path) else { continue };
            if metadata.len() > limits.archive_bytes {
                let reason = format!("{} has more than {} bytes", path.display(), limits.archive_bytes);
                return Err(ClientError::Answer { registry: self.registry(), reason });
            }
            return fs::read(&path).map_err(ClientError::io("read", &path));
        }
        if folder.join(METADATA_FILE).is_file() {
            return Ok(pack_stored(&folder, &limits)?.bytes);
        }
        // A lock file names the version alone.
        let tree = self.tree(pack).ok_or_else(gone)?;
        let metadata = PackMetadata::of_folder(&tree).unwrap_or_default();
        let is_wanted =
            metadata.version == version.handle || (metadata.version.is_empty() && version.handle == "0.0.0");
        if is_wanted { Ok(pack_stored(&tree, &limits)?.bytes) } else { Err(gone()) }
    }

    async fn signatures(&self, pack: &str, version: &Published) -> Result<Vec<SignatureDocument>, ClientError> {
        if version.handle.is_empty() {
            return Ok(Vec::new());
        }
        let folder = self.version_folder(pack, version).join(SIGNATURES);
        let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
        Ok(entries.filter_map(|entry| read_json(&entry.path())).collect())
    }

    async fn publish(&self, pack: &str, release: &Release) -> Result<PublishOutcome, ClientError> {
        let parent = self.pack_folder(pack);
        fs::create_dir_all(&parent).map_err(ClientError::io("make", &parent))?;
        let target = parent.join(release.version.to_string());
        let scratch = crate::archive::Scratch::beside(&target)?;
        let archive = &release.archive;
        let entry = Entry {
            name: release.name.clone(),
            version: release.version.to_string(),
            description: release.description.clone(),
            digest: archive.digest,
            size: archive.bytes.len() as u64,
            media_type: archive.media_type.as_str().to_owned(),
            published_at: release.published_at.clone(),
        };
        write(&scratch.path().join(format!("pack{}", archive.media_type.extension())), &archive.bytes)?;
        write(&scratch.path().join(ENTRY), &json(&entry))?;
        for signature in &release.signatures {
            write(&scratch.path().join(SIGNATURES).join(format!("{}.json", signature.key_id)), &json(signature))?;
        }
        let digest = archive.digest;
        // The system lets just one of several rename a folder to a name: that is who publishes.
        if scratch.keep(&target).is_ok() {
            return Ok(PublishOutcome::Created { digest });
        }
        let there: Option<Entry> = read_json(&target.join(ENTRY));
        match there {
            Some(there) if there.digest == digest => {
                let published = Published::of(release.version.clone());
                for signature in &release.signatures {
                    self.add_signature(pack, &published, signature).await?;
                }
                Ok(PublishOutcome::Same { digest })
            }
            there => Err(ClientError::Exists {
                what: format!("{} {}", release.name, release.version),
                registry: self.registry(),
                digest: there.map(|there| there.digest),
            }),
        }
    }

    async fn add_signature(
        &self,
        pack: &str,
        version: &Published,
        signature: &SignatureDocument,
    ) -> Result<(), ClientError> {
        let folder = self.entry_folder(pack, version)?.join(SIGNATURES);
        write(&folder.join(format!("{}.json", signature.key_id)), &json(signature))
    }

    async fn yank(&self, pack: &str, version: &Published, yanked: Option<&Yanked>) -> Result<(), ClientError> {
        let path = self.entry_folder(pack, version)?.join(YANKED);
        match yanked {
            Some(yanked) => write(&path, &json(yanked)),
            None => match fs::remove_file(&path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    Err(ClientError::io("remove", &path)(error))
                }
                _ => Ok(()),
            },
        }
    }
}
