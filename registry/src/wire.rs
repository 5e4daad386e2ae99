//! JSON of the HTTP registry. Unknown members are ignored by both sides; times are RFC 3339 in UTC.

use crate::Digest;
use crate::sign::SignatureDocument;
use serde::{Deserialize, Serialize};

/// Header of the archive's digest in requests and answers.
pub const DIGEST_HEADER: &str = "drover-digest";
/// Header of a signature that is published with the archive: base64 of a [`SignatureDocument`]; may repeat.
pub const SIGNATURE_HEADER: &str = "drover-signature";
/// Media type of a [`SignatureDocument`].
pub const SIGNATURE_MEDIA_TYPE: &str = "application/vnd.drover.pack.signature.v1+json";

/// `GET /v1/`
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub struct ServiceInfo {
    /// `drover-registry`
    pub service: String,
    /// Version of the routes.
    pub api: u32,
    /// The server's version.
    pub version: String,
    /// What it accepts.
    pub limits: ServiceLimits,
    /// `optional` or `required`.
    pub signatures: String,
}

/// What a server accepts.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub struct ServiceLimits {
    /// Of an archive.
    pub archive_bytes: u64,
    /// Of all its files.
    pub unpacked_bytes: u64,
    /// In an archive.
    pub files: u64,
}

/// `GET /v1/packs`
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, Eq)]
pub struct PackList {
    /// The best first.
    pub packs: Vec<PackSummary>,
    /// How many there are on all pages.
    pub total: u64,
    /// Asks for the next page as `cursor`.
    #[serde(default)]
    pub next: Option<String>,
}

/// A pack in a list.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub struct PackSummary {
    /// Whose it is.
    pub team: String,
    /// Its name.
    pub name: String,
    /// In one sentence.
    #[serde(default)]
    pub description: String,
    /// The highest version that is neither yanked nor a pre-release; else the highest pre-release.
    #[serde(default)]
    pub latest: Option<String>,
    /// How many versions there are.
    #[serde(default)]
    pub versions: u64,
    /// When something was last published.
    #[serde(default)]
    pub updated_at: String,
}

/// `GET /v1/packs/TEAM/NAME`
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub struct PackDetail {
    /// Whose it is.
    pub team: String,
    /// Its name.
    pub name: String,
    /// In one sentence.
    #[serde(default)]
    pub description: String,
    /// Where the application comes from.
    #[serde(default)]
    pub url: String,
    /// As in [`PackSummary`].
    #[serde(default)]
    pub latest: Option<String>,
    /// The newest first, yanked ones included.
    pub versions: Vec<VersionSummary>,
}

/// A version in a list.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub struct VersionSummary {
    /// Semver.
    pub version: String,
    /// Of the archive.
    pub digest: Digest,
    /// Bytes of the archive.
    #[serde(default)]
    pub size: u64,
    /// Of the archive.
    #[serde(default)]
    pub media_type: String,
    /// When.
    #[serde(default)]
    pub published_at: String,
    /// Subject of the token.
    #[serde(default)]
    pub published_by: String,
    /// Taken back, but still downloaded by those who pinned it.
    #[serde(default)]
    pub yanked: Option<Yanked>,
    /// Ids of the keys.
    #[serde(default)]
    pub signed_by: Vec<String>,
}

/// That a version was taken back.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, Eq)]
pub struct Yanked {
    /// When.
    #[serde(default)]
    pub at: String,
    /// By whom.
    #[serde(default)]
    pub by: String,
    /// Why.
    #[serde(default)]
    pub reason: String,
}

/// `PUT /v1/packs/TEAM/NAME/versions/VERSION/yank`
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, Eq)]
pub struct YankRequest {
    /// Why; people read it.
    #[serde(default)]
    pub reason: String,
}

/// `GET /v1/packs/TEAM/NAME/versions/VERSION`
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
pub struct VersionDetail {
    /// Whose it is.
    pub team: String,
    /// The pack's name.
    pub name: String,
    /// As in lists.
    #[serde(flatten)]
    pub summary: VersionSummary,
    /// In one sentence.
    #[serde(default)]
    pub description: String,
    /// Where the application comes from.
    #[serde(default)]
    pub app_url: String,
    /// Who made the application.
    #[serde(default)]
    pub author: String,
    /// What it needs.
    #[serde(default)]
    pub dependencies: Vec<DependencyInfo>,
    /// What can be set.
    #[serde(default)]
    pub variables: Vec<VariableInfo>,
    /// Whether there is a README.
    #[serde(default)]
    pub readme: bool,
    /// Its signatures.
    #[serde(default)]
    pub signatures: Vec<SignatureDocument>,
}

/// A pack that another one needs.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, Eq)]
pub struct DependencyInfo {
    /// The block's label.
    pub name: String,
    /// The name in templates.
    #[serde(default)]
    pub alias: String,
    /// Where it is.
    #[serde(default)]
    pub source: String,
    /// The wanted range.
    #[serde(default)]
    pub version: String,
    /// Whether it is used when nothing is said.
    #[serde(default)]
    pub enabled: bool,
}

/// A variable of a pack.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq)]
pub struct VariableInfo {
    /// Its name.
    pub name: String,
    /// Its type as people write it.
    #[serde(default, rename = "type")]
    pub kind: String,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// Its value when nothing is given.
    #[serde(default)]
    pub default: Option<serde_json::Value>,
    /// Whether it has to be given.
    #[serde(default)]
    pub required: bool,
    /// Whether its value is hidden.
    #[serde(default)]
    pub sensitive: bool,
}

/// `GET …/signatures`
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, Eq)]
pub struct SignatureList {
    /// All of them.
    pub signatures: Vec<SignatureDocument>,
}

/// `GET /v1/whoami`
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, Eq)]
pub struct WhoAmI {
    /// Whose token it is.
    pub subject: String,
    /// When the token ends.
    #[serde(default)]
    pub expires_at: Option<String>,
    /// What it may do.
    #[serde(default)]
    pub teams: Vec<TeamScopes>,
}

/// What a token may do for a team.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, Eq)]
pub struct TeamScopes {
    /// The team; `*` are all.
    pub team: String,
    /// `read`, `publish`, `yank`.
    pub scopes: Vec<String>,
}

/// `POST /v1/login/jwt`
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub struct JwtLogin {
    /// The token of a trusted issuer.
    pub jwt: String,
}

/// Answer of a login.
#[derive(Clone, Serialize, Deserialize, PartialEq, Eq)]
pub struct LoginAnswer {
    /// A token of the registry.
    pub token: String,
    /// When it ends.
    #[serde(default)]
    pub expires_at: Option<String>,
}

/// Body of everything that is no success.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub struct ErrorBody {
    /// The error.
    pub error: ErrorInfo,
}

/// What went wrong.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub struct ErrorInfo {
    /// For programs, as `version-exists`.
    pub code: String,
    /// For people.
    pub message: String,
    /// What to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}
