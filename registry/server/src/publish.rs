//! From an archive to a published version: the checks that every version goes through, whoever brings it.

use bytes::Bytes;
use drover_registry::archive::{ArchiveError, MediaType};
use drover_registry::sign::{PublicKey, SignatureDocument};
use drover_registry::wire::{VersionDetail, VersionSummary};
use drover_registry::{Digest, Version};

use crate::app::App;
use crate::catalog::Published;
use crate::config::SignatureRule;
use crate::http::error::ApiError;
use crate::inspect::{self, InspectError, Inspected};
use crate::release::{FORMAT, Release};

/// A version that somebody brings.
pub(crate) struct Offer {
    pub team: String,
    pub name: String,
    pub version: Version,
    pub media_type: MediaType,
    pub archive: Bytes,
    pub digest: Digest,
    pub signatures: Vec<SignatureDocument>,
    pub published_by: String,
    pub published_at: String,
    pub mirrored_from: Option<String>,
}

impl App {
    /// Publishes what is offered, if it is good.
    pub(crate) async fn publish(&self, offer: Offer) -> Result<Published, ApiError> {
        if Digest::of(&offer.archive) != offer.digest {
            return Err(ApiError::unprocessable(
                "digest-mismatch",
                format!("the body has the digest {}, and {} was announced", Digest::of(&offer.archive), offer.digest),
            )
            .hint("the archive was damaged on its way; send it again"));
        }
        check_signatures(&offer, self.config.signatures.rule(&offer.team))?;
        if let Some(entry) = self.catalog.version(&offer.team, &offer.name, &offer.version.to_string()) {
            if entry.detail.summary.digest != offer.digest {
                return Ok(Published::Taken(entry));
            }
            let entry = self.add_signatures(&offer).await?.unwrap_or(entry);
            return Ok(Published::Same(entry));
        }
        let inspected = self.inspect(offer.archive.clone()).await?;
        check_names(&offer, &inspected)?;
        let documents = inspected.documents.clone();
        let published = self.catalog.publish(release(&offer, inspected), offer.archive.clone(), &documents).await?;
        if let Published::Same(_) = published
            && let Some(entry) = self.add_signatures(&offer).await?
        {
            return Ok(Published::Same(entry));
        }
        Ok(published)
    }

    async fn add_signatures(&self, offer: &Offer) -> Result<Option<std::sync::Arc<crate::index::Entry>>, ApiError> {
        let mut last = None;
        for signature in &offer.signatures {
            let version = offer.version.to_string();
            let (entry, _) = self.catalog.sign(&offer.team, &offer.name, &version, signature.clone()).await?;
            last = Some(entry);
        }
        Ok(last)
    }

    async fn inspect(&self, archive: Bytes) -> Result<Inspected, ApiError> {
        let _turn = self.inspecting.acquire().await.map_err(|_| ApiError::unavailable("the registry is stopping"))?;
        let limits = inspect::archive_limits(&self.config.limits);
        let renderer = self.renderer.clone();
        let inspected =
            tokio::task::spawn_blocking(move || inspect::inspect(&archive, &limits, renderer.as_ref())).await;
        match inspected {
            Ok(inspected) => inspected.map_err(|error| refusal(&error)),
            Err(error) => {
                tracing::error!(%error, "an archive could not be inspected");
                Err(ApiError::unprocessable("invalid-archive", "the archive could not be inspected"))
            }
        }
    }
}

fn refusal(error: &InspectError) -> ApiError {
    match error {
        InspectError::Archive(ArchiveError::Limit { .. }) => ApiError::too_large(error.to_string()),
        InspectError::Archive(ArchiveError::Io { .. }) | InspectError::Scratch(_) => {
            tracing::error!(error = %crate::client::chain(error), "an archive cannot be unpacked");
            ApiError::unavailable("the registry cannot unpack archives now; its log says why")
        }
        _ => ApiError::unprocessable("invalid-archive", error.to_string())
            .hint("`drover pack publish` makes archives that registries take"),
    }
}

fn check_names(offer: &Offer, inspected: &Inspected) -> Result<(), ApiError> {
    let metadata = &inspected.metadata;
    let mismatch = |what: &str, found: &str, wanted: &str| {
        ApiError::unprocessable(
            "name-mismatch",
            format!("metadata.hcl says {what} = {found:?}, and it is published as {wanted:?}"),
        )
        .hint("publish it under the name and version that its metadata.hcl has")
    };
    if metadata.name != offer.name {
        return Err(mismatch("name", &metadata.name, &offer.name));
    }
    if metadata.version != offer.version.to_string() {
        return Err(mismatch("version", &metadata.version, &offer.version.to_string()));
    }
    Ok(())
}

/// Bad signatures are never taken; whether there has to be a good one is the team's rule.
fn check_signatures(offer: &Offer, rule: &SignatureRule) -> Result<(), ApiError> {
    let mut keys = Vec::new();
    for signature in &offer.signatures {
        keys.push(check_signature(signature, &offer.name, &offer.version, &offer.digest)?);
    }
    if !rule.required || keys.iter().any(|key| is_trusted(key, rule)) {
        return Ok(());
    }
    let (team, name) = (&offer.team, &offer.name);
    Err(match (keys.is_empty(), rule.trusted_keys.is_empty()) {
        (true, _) => ApiError::unprocessable("signature-required", format!("{team}/{name} has to be signed"))
            .hint("make a key with `drover registry keygen`, have it trusted, and publish with -key"),
        (false, _) => ApiError::unprocessable(
            "signature-required",
            format!("{team}/{name} has to be signed with a key that this registry trusts, and none of its signatures is of one"),
        )
        .hint("an administrator adds the key to `trusted_keys` in the registry's configuration"),
    })
}

fn is_trusted(key: &PublicKey, rule: &SignatureRule) -> bool {
    rule.trusted_keys.is_empty()
        || rule.trusted_keys.iter().any(|trusted| trusted.parse::<PublicKey>().is_ok_and(|trusted| trusted == *key))
}

/// The key of a signature that is good for this version.
pub(crate) fn check_signature(
    signature: &SignatureDocument,
    name: &str,
    version: &Version,
    digest: &Digest,
) -> Result<PublicKey, ApiError> {
    let checked = signature.verify(name, version, digest);
    checked.map_err(|error| ApiError::unprocessable("signature-invalid", error.to_string()))
}

fn release(offer: &Offer, inspected: Inspected) -> Release {
    let summary = VersionSummary {
        version: offer.version.to_string(),
        digest: offer.digest,
        size: offer.archive.len() as u64,
        media_type: offer.media_type.as_str().to_owned(),
        published_at: offer.published_at.clone(),
        published_by: offer.published_by.clone(),
        yanked: None,
        signed_by: offer.signatures.iter().map(|signature| signature.key_id.clone()).collect(),
    };
    let metadata = inspected.metadata;
    let detail = VersionDetail {
        team: offer.team.clone(),
        name: offer.name.clone(),
        summary,
        description: metadata.description,
        app_url: metadata.url,
        author: metadata.author,
        dependencies: inspected.dependencies,
        variables: inspected.variables,
        readme: inspected.documents.readme.is_some(),
        signatures: offer.signatures.clone(),
    };
    Release { format: FORMAT, detail, documents: None, mirrored_from: offer.mirrored_from.clone() }
}
