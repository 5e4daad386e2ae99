//! Manifests and indexes, as the OCI image specification 1.1 writes them.

use crate::Digest;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// `artifactType` of a pack's manifest.
pub const ARTIFACT_TYPE: &str = "application/vnd.drover.pack.v1";
/// `artifactType` of a signature's manifest.
pub const SIGNATURE_ARTIFACT_TYPE: &str = "application/vnd.drover.pack.signature.v1";
/// `artifactType` of what a version's being taken back is noted in.
pub const YANK_ARTIFACT_TYPE: &str = "application/vnd.drover.pack.yank.v1";

pub(super) const MANIFEST_MEDIA_TYPE: &str = "application/vnd.oci.image.manifest.v1+json";
pub(super) const INDEX_MEDIA_TYPE: &str = "application/vnd.oci.image.index.v1+json";
const EMPTY_MEDIA_TYPE: &str = "application/vnd.oci.empty.v1+json";
/// What a configuration is that there is none of.
pub(super) const EMPTY: &[u8] = b"{}";

#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub(super) struct Descriptor {
    pub media_type: String,
    pub digest: Digest,
    pub size: u64,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub artifact_type: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

impl Descriptor {
    pub fn of(media_type: &str, bytes: &[u8]) -> Self {
        Self {
            media_type: media_type.to_owned(),
            digest: Digest::of(bytes),
            size: bytes.len() as u64,
            artifact_type: String::new(),
            annotations: BTreeMap::new(),
        }
    }
}

/// The descriptor of [`EMPTY`].
pub(super) fn empty() -> Descriptor {
    Descriptor::of(EMPTY_MEDIA_TYPE, EMPTY)
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Manifest {
    schema_version: u32,
    media_type: String,
    #[serde(default)]
    artifact_type: String,
    config: Descriptor,
    pub layers: Vec<Descriptor>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    subject: Option<Descriptor>,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
}

impl Manifest {
    pub fn new(artifact_type: &str, layer: Descriptor) -> Self {
        Self {
            schema_version: 2,
            media_type: MANIFEST_MEDIA_TYPE.to_owned(),
            artifact_type: artifact_type.to_owned(),
            config: empty(),
            layers: vec![layer],
            subject: None,
            annotations: BTreeMap::new(),
        }
    }

    pub fn with_subject(mut self, subject: Descriptor) -> Self {
        self.subject = Some(subject);
        self
    }

    pub fn annotated(mut self, key: &str, value: &str) -> Self {
        if !value.is_empty() {
            self.annotations.insert(key.to_owned(), value.to_owned());
        }
        self
    }

    /// Older tools put the kind of an artifact into the configuration's media type.
    pub fn artifact_type(&self) -> &str {
        if self.artifact_type.is_empty() { &self.config.media_type } else { &self.artifact_type }
    }

    pub fn annotation(&self, key: &str) -> &str {
        self.annotations.get(key).map(String::as_str).unwrap_or_default()
    }

    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Index {
    schema_version: u32,
    media_type: String,
    pub manifests: Vec<Descriptor>,
}

impl Default for Index {
    fn default() -> Self {
        Self { schema_version: 2, media_type: INDEX_MEDIA_TYPE.to_owned(), manifests: Vec::new() }
    }
}
