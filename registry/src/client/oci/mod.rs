//! Registries of images (the OCI distribution protocol): a pack is a repository, a version is a tag.
//!
//! A version is a manifest of `artifactType` [`ARTIFACT_TYPE`] with the empty configuration and one layer, the archive.
//! Signatures are manifests whose `subject` it is; where a registry does not list those, the index under the tag
//! `sha256-DIGEST` does, as the specification has it for old registries. A version that was taken back has a tag
//! `yanked-VERSION`. Everything is there before the tag is set, so that whoever sees a version can use it.

mod manifest;
mod transport;

pub use manifest::{ARTIFACT_TYPE, SIGNATURE_ARTIFACT_TYPE, YANK_ARTIFACT_TYPE};

use super::net::json;
use super::{ClientContext, ClientError, FoundPack, PublishOutcome, Published, RegistryClient, Release};
use crate::Digest;
use crate::archive::{Limits, MediaType};
use crate::name;
use crate::sign::SignatureDocument;
use crate::source::OciSource;
use crate::wire::{SIGNATURE_MEDIA_TYPE, Yanked};
use async_trait::async_trait;
use manifest::{Descriptor, INDEX_MEDIA_TYPE, Index, Manifest};
use reqwest::{Method, StatusCode};
use serde::Deserialize;
use std::time::Duration;
use transport::Transport;

const YANKED_TAG: &str = "yanked-";
/// The protocol has no compare-and-set: who sets a tag looks again after this, and whoever is not there any more lost.
const SETTLE: Duration = Duration::from_millis(700);
/// How often the list of signatures is written again when somebody else writes it at the same time.
const MAX_LIST_TRIES: usize = 5;
/// No pack has more versions.
const MAX_TAGS: usize = 20_000;

/// A client of one registry.
pub struct OciClient {
    source: OciSource,
    registry: String,
    transport: Transport,
}

#[derive(Deserialize)]
struct TagList {
    #[serde(default)]
    tags: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct Catalog {
    #[serde(default)]
    repositories: Vec<String>,
}

impl OciClient {
    /// Nothing is sent yet.
    ///
    /// # Errors
    /// The certificates or proxies are wrong.
    pub fn new(source: &OciSource, context: &ClientContext) -> Result<Self, ClientError> {
        let registry = format!("oci://{}", source.host);
        Ok(Self { source: source.clone(), transport: Transport::new(source, context)?, registry })
    }

    /// Whether the registry knows the credentials that are used.
    ///
    /// # Errors
    /// It does not, or does not answer.
    pub async fn check_login(&self) -> Result<(), ClientError> {
        let answer = self.transport.send(Method::GET, "/v2/", "", |request| request).await?;
        self.transport.accepted("the registry", answer).await.map(drop)
    }

    fn repository(&self, pack: &str) -> String {
        let parts = [self.source.repository.as_str(), pack];
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/")
    }

    async fn tags(&self, repository: &str) -> Result<Vec<String>, ClientError> {
        let mut tags = Vec::new();
        let mut path = format!("/v2/{repository}/tags/list?n=1000");
        loop {
            let answer = self.transport.send(Method::GET, &path, repository, |request| request).await?;
            let answer = self.transport.accepted(&format!("the pack {repository}"), answer).await?;
            let next = transport::next_page(&answer);
            let list: TagList = json(&self.registry, answer).await?;
            tags.extend(list.tags.unwrap_or_default());
            match next {
                Some(next) if next != path && tags.len() < MAX_TAGS => path = next,
                _ => return Ok(tags),
            }
        }
    }

    async fn manifest_of(&self, pack: &str, version: &Published) -> Result<(Manifest, Digest), ClientError> {
        let repository = self.repository(pack);
        let what = format!("{pack} {}", version.version);
        let found = self.transport.manifest(&repository, &version.handle).await?;
        let (bytes, digest) =
            found.ok_or_else(|| ClientError::NotFound { what: what.clone(), registry: self.registry.clone() })?;
        let manifest: Manifest = serde_json::from_slice(&bytes)
            .map_err(|error| self.wrong(format!("the manifest of {what} cannot be read: {error}")))?;
        if manifest.artifact_type() != ARTIFACT_TYPE {
            return Err(self.wrong(format!("{what} is not a pack but of the kind {}", manifest.artifact_type())));
        }
        Ok((manifest, digest))
    }

    fn layer<'m>(&self, what: &str, manifest: &'m Manifest) -> Result<&'m Descriptor, ClientError> {
        let layer = manifest.layers.iter().find(|layer| MediaType::parse(&layer.media_type).is_some());
        layer.ok_or_else(|| self.wrong(format!("the manifest of {what} names no archive of a pack")))
    }

    fn wrong(&self, reason: String) -> ClientError {
        ClientError::Answer { registry: self.registry.clone(), reason }
    }

    /// What a tag notes about a version that was taken back.
    async fn yanked(&self, repository: &str, tag: &str) -> Result<Yanked, ClientError> {
        let found = self.transport.manifest(repository, tag).await?;
        let manifest: Option<Manifest> = found.and_then(|(bytes, _)| serde_json::from_slice(&bytes).ok());
        let annotation = |key: &str| manifest.as_ref().map(|one| one.annotation(key).to_owned()).unwrap_or_default();
        let (at, reason) = (annotation("org.opencontainers.image.created"), annotation("drover.yank.reason"));
        Ok(Yanked { at, reason, ..Yanked::default() })
    }

    /// The archive that a version has now, if it is there.
    async fn current(&self, pack: &str, version: &Published) -> Result<Option<(Digest, Digest)>, ClientError> {
        match self.manifest_of(pack, version).await {
            Ok((manifest, digest)) => Ok(Some((self.layer(pack, &manifest)?.digest, digest))),
            Err(ClientError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Manifests that name `subject`.
    async fn referrers(&self, repository: &str, subject: &Digest) -> Result<Vec<Descriptor>, ClientError> {
        let path = format!("/v2/{repository}/referrers/{subject}");
        let answer = self.transport.send(Method::GET, &path, repository, |request| request).await?;
        if answer.status().is_success() {
            let index: Index = json(&self.registry, answer).await?;
            return Ok(index.manifests);
        }
        Ok(self.fallback_index(repository, subject).await?.manifests)
    }

    async fn fallback_index(&self, repository: &str, subject: &Digest) -> Result<Index, ClientError> {
        let found = self.transport.manifest(repository, &fallback_tag(subject)).await?;
        Ok(found.and_then(|(bytes, _)| serde_json::from_slice(&bytes).ok()).unwrap_or_default())
    }

    async fn attach(&self, pack: &str, subject: &Descriptor, signature: &SignatureDocument) -> Result<(), ClientError> {
        let repository = self.repository(pack);
        let document = serde_json::to_vec(signature).unwrap_or_default();
        let layer = Descriptor::of(SIGNATURE_MEDIA_TYPE, &document);
        self.transport.push_blob(&repository, &layer.digest, document).await?;
        self.transport.push_blob(&repository, &manifest::empty().digest, manifest::EMPTY.to_vec()).await?;
        let manifest = Manifest::new(SIGNATURE_ARTIFACT_TYPE, layer)
            .with_subject(subject.clone())
            .annotated("org.opencontainers.image.created", &signature.signed_at)
            .annotated("drover.signature.key", &signature.key_id);
        let bytes = manifest.to_bytes();
        let digest = Digest::of(&bytes);
        let lists = self
            .transport
            .push_manifest(&repository, &digest.to_string(), manifest::MANIFEST_MEDIA_TYPE, &bytes)
            .await?;
        if lists {
            return Ok(());
        }
        let mut descriptor = Descriptor::of(manifest::MANIFEST_MEDIA_TYPE, &bytes);
        descriptor.artifact_type = SIGNATURE_ARTIFACT_TYPE.to_owned();
        self.list_by_hand(&repository, subject, descriptor).await
    }

    /// The registry does not list what names a subject, so the index of a tag does.
    async fn list_by_hand(
        &self,
        repository: &str,
        subject: &Descriptor,
        descriptor: Descriptor,
    ) -> Result<(), ClientError> {
        let tag = fallback_tag(&subject.digest);
        for _ in 0..MAX_LIST_TRIES {
            let mut index = self.fallback_index(repository, &subject.digest).await?;
            if index.manifests.iter().any(|known| known.digest == descriptor.digest) {
                return Ok(());
            }
            index.manifests.push(descriptor.clone());
            let bytes = serde_json::to_vec(&index).unwrap_or_default();
            self.transport.push_manifest(repository, &tag, INDEX_MEDIA_TYPE, &bytes).await?;
        }
        Err(self.wrong("others write the list of signatures all the time; try again".to_owned()))
    }
}

fn fallback_tag(subject: &Digest) -> String {
    format!("sha256-{}", subject.hex())
}

#[async_trait]
impl RegistryClient for OciClient {
    async fn search(&self, text: &str) -> Result<Vec<FoundPack>, ClientError> {
        let answer = self.transport.send(Method::GET, "/v2/_catalog?n=1000", "", |request| request).await?;
        if answer.status() == StatusCode::NOT_FOUND {
            let reason = "it does not list its repositories, so that nothing can be searched".to_owned();
            return Err(ClientError::Unsupported { registry: self.registry.clone(), reason });
        }
        let catalog: Catalog =
            json(&self.registry, self.transport.accepted("the list of repositories", answer).await?).await?;
        let prefix =
            if self.source.repository.is_empty() { String::new() } else { format!("{}/", self.source.repository) };
        let mut found = Vec::new();
        for repository in catalog.repositories {
            let Some(pack) = repository.strip_prefix(&prefix).filter(|pack| pack.contains(text)) else { continue };
            // Repositories of images are no packs: none of their tags is a version with our manifest.
            let versions = self.versions(pack).await.unwrap_or_default();
            let Some(latest) = versions.iter().filter(|one| one.yanked.is_none()).max_by_key(|one| &one.version) else {
                continue;
            };
            let Ok((manifest, _)) = self.manifest_of(pack, latest).await else { continue };
            let description = manifest.annotation("org.opencontainers.image.description").to_owned();
            found.push(FoundPack { pack: pack.to_owned(), description, latest: Some(latest.version.to_string()) });
        }
        Ok(found)
    }

    async fn versions(&self, pack: &str) -> Result<Vec<Published>, ClientError> {
        let tags = self.tags(&self.repository(pack)).await?;
        let versions = tags.iter().filter_map(|tag| {
            let version = name::version(tag.strip_prefix('v').unwrap_or(tag)).ok()?;
            Some(Published { handle: tag.clone(), ..Published::of(version) })
        });
        let mut versions: Vec<Published> = versions.collect();
        for published in &mut versions {
            let note = format!("{YANKED_TAG}{}", published.handle);
            if tags.contains(&note) {
                published.yanked = Some(self.yanked(&self.repository(pack), &note).await?);
            }
        }
        Ok(versions)
    }

    async fn fetch(&self, pack: &str, version: &Published) -> Result<Vec<u8>, ClientError> {
        let what = format!("{pack} {}", version.version);
        let (manifest, _) = self.manifest_of(pack, version).await?;
        let layer = self.layer(&what, &manifest)?;
        let limit = Limits::default().archive_bytes;
        if layer.size > limit {
            return Err(self.wrong(format!("the archive of {what} has {} bytes, and {limit} are allowed", layer.size)));
        }
        let bytes = self.transport.blob(&self.repository(pack), &layer.digest, layer.size).await?;
        match Digest::of(&bytes) {
            actual if actual == layer.digest => Ok(bytes),
            actual => Err(crate::archive::ArchiveError::WrongDigest { expected: layer.digest, actual }.into()),
        }
    }

    async fn signatures(&self, pack: &str, version: &Published) -> Result<Vec<SignatureDocument>, ClientError> {
        let repository = self.repository(pack);
        let (_, subject) = self.manifest_of(pack, version).await?;
        let mut signatures = Vec::new();
        for descriptor in self.referrers(&repository, &subject).await? {
            if descriptor.artifact_type != SIGNATURE_ARTIFACT_TYPE {
                continue;
            }
            let Some((bytes, _)) = self.transport.manifest(&repository, &descriptor.digest.to_string()).await? else {
                continue;
            };
            let Ok(manifest) = serde_json::from_slice::<Manifest>(&bytes) else { continue };
            let Some(layer) = manifest.layers.iter().find(|layer| layer.media_type == SIGNATURE_MEDIA_TYPE) else {
                continue;
            };
            let document = self.transport.blob(&repository, &layer.digest, layer.size).await?;
            signatures.extend(serde_json::from_slice::<SignatureDocument>(&document));
        }
        Ok(signatures)
    }

    async fn publish(&self, pack: &str, release: &Release) -> Result<PublishOutcome, ClientError> {
        let repository = self.repository(pack);
        let what = format!("{pack} {}", release.version);
        let published = Published::of(release.version.clone());
        let archive = &release.archive;
        let digest = archive.digest;
        let exists = |there: Digest| ClientError::Exists {
            what: what.clone(),
            registry: self.registry.clone(),
            digest: Some(there),
        };
        let layer = Descriptor::of(archive.media_type.as_str(), &archive.bytes);
        let manifest = Manifest::new(ARTIFACT_TYPE, layer)
            .annotated("org.opencontainers.image.title", &release.name)
            .annotated("org.opencontainers.image.version", &release.version.to_string())
            .annotated("org.opencontainers.image.description", &release.description)
            .annotated("org.opencontainers.image.created", &release.published_at);
        let bytes = manifest.to_bytes();
        let own = Descriptor::of(manifest::MANIFEST_MEDIA_TYPE, &bytes);
        match self.current(pack, &published).await? {
            Some((there, _)) if there != digest => return Err(exists(there)),
            Some((_, subject)) => {
                let subject = Descriptor { digest: subject, ..own };
                let known = self.signatures(pack, &published).await?;
                let is_known = |key_id: &str| known.iter().any(|known| known.key_id == key_id);
                for signature in release.signatures.iter().filter(|signature| !is_known(&signature.key_id)) {
                    self.attach(pack, &subject, signature).await?;
                }
                return Ok(PublishOutcome::Same { digest });
            }
            None => {}
        }
        self.transport.push_blob(&repository, &digest, archive.bytes.clone()).await?;
        self.transport.push_blob(&repository, &manifest::empty().digest, manifest::EMPTY.to_vec()).await?;
        let push = |reference: String| {
            let bytes = &bytes;
            let repository = &repository;
            async move { self.transport.push_manifest(repository, &reference, manifest::MANIFEST_MEDIA_TYPE, bytes).await }
        };
        push(own.digest.to_string()).await?;
        for signature in &release.signatures {
            self.attach(pack, &own, signature).await?;
        }
        // All is there; now it gets its name, unless somebody was quicker.
        if let Some((there, _)) = self.current(pack, &published).await?
            && there != digest
        {
            return Err(exists(there));
        }
        push(release.version.to_string()).await?;
        tokio::time::sleep(SETTLE).await;
        match self.current(pack, &published).await? {
            Some((there, _)) if there == digest => Ok(PublishOutcome::Created { digest }),
            _ => Err(ClientError::LostRace { what, registry: self.registry.clone() }),
        }
    }

    async fn add_signature(
        &self,
        pack: &str,
        version: &Published,
        signature: &SignatureDocument,
    ) -> Result<(), ClientError> {
        let found = self.transport.manifest(&self.repository(pack), &version.handle).await?;
        let what = format!("{pack} {}", version.version);
        let (bytes, _) = found.ok_or_else(|| ClientError::NotFound { what, registry: self.registry.clone() })?;
        self.attach(pack, &Descriptor::of(manifest::MANIFEST_MEDIA_TYPE, &bytes), signature).await
    }

    async fn yank(&self, pack: &str, version: &Published, yanked: Option<&Yanked>) -> Result<(), ClientError> {
        let repository = self.repository(pack);
        let tag = format!("{YANKED_TAG}{}", version.handle);
        let Some(yanked) = yanked else {
            return self.transport.delete_tag(&repository, &tag).await;
        };
        let (_, subject) = self.manifest_of(pack, version).await?;
        self.transport.push_blob(&repository, &manifest::empty().digest, manifest::EMPTY.to_vec()).await?;
        let manifest = Manifest::new(YANK_ARTIFACT_TYPE, manifest::empty())
            .annotated("drover.yank.subject", &subject.to_string())
            .annotated("drover.yank.reason", &yanked.reason)
            .annotated("org.opencontainers.image.created", &yanked.at);
        let bytes = manifest.to_bytes();
        self.transport.push_manifest(&repository, &tag, manifest::MANIFEST_MEDIA_TYPE, &bytes).await.map(drop)
    }
}
