//! What a registry server is told: an HCL file, which flags may override.

mod read;
mod section;

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use url::Url;

use crate::access::Grant;

pub use read::{ConfigError, read};
pub use section::parse_duration;

/// Where the server listens when nothing says otherwise.
pub const DEFAULT_LISTEN: &str = "127.0.0.1:5080";

/// All settings of a server.
#[derive(Clone, Debug)]
pub struct Config {
    /// The address to listen on.
    pub listen: SocketAddr,
    /// How people and clients reach the server, when that differs from where it listens; its path is a prefix of all routes.
    pub public_url: Option<Url>,
    /// What the pages call the registry.
    pub title: String,
    /// Where everything is kept.
    pub storage: Storage,
    /// How often the store is read again for what other servers or people put there; zero: never.
    pub refresh: Duration,
    /// The certificate, when it speaks TLS itself.
    pub tls: Option<Tls>,
    /// Whether reading needs no token.
    pub anonymous_read: bool,
    /// Whose signatures are wanted.
    pub signatures: SignaturePolicy,
    /// Issuers of tokens that are taken in place of ours.
    pub issuers: Vec<Issuer>,
    /// Registries whose packs are offered here too.
    pub mirrors: Vec<Mirror>,
    /// Sizes and rates.
    pub limits: Limits,
    /// Where it is written who did what.
    pub audit: Option<Audit>,
    /// Addresses of proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpAddr>,
    /// The program that renders examples, `PROGRAM render-example FOLDER`; none: no examples.
    pub example_program: Option<PathBuf>,
}

/// Where everything is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Storage {
    /// In a folder of this host.
    Folder(PathBuf),
    /// In a bucket of an S3-compatible store.
    S3(S3),
}

/// A bucket. Keys that are not given come from the environment that [`read()`] is handed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct S3 {
    /// Its name.
    pub bucket: String,
    /// A prefix of all keys.
    pub prefix: String,
    /// The store's region.
    pub region: Option<String>,
    /// The store's URL, when it is not AWS.
    pub endpoint: Option<String>,
    /// The key's id.
    pub access_key_id: Option<String>,
    /// The key.
    pub secret_access_key: Option<SecretText>,
    /// A session's token.
    pub session_token: Option<SecretText>,
    /// Whether the bucket is part of the host name.
    pub virtual_hosted: bool,
    /// Whether plain HTTP is fine, for a store on this host.
    pub allow_http: bool,
}

/// A text that is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretText(String);

impl SecretText {
    /// Takes it.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Shows it to who needs it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for SecretText {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("(sensitive)")
    }
}

/// A certificate with its key, both PEM files; read again on a hangup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// The chain.
    pub cert_file: PathBuf,
    /// The key.
    pub key_file: PathBuf,
}

/// Whose signatures are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SignaturePolicy {
    /// For teams that have no rule of their own.
    pub general: SignatureRule,
    /// For these teams.
    pub teams: BTreeMap<String, SignatureRule>,
}

/// What must be signed, and by whom.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SignatureRule {
    /// Whether a version without a good signature is refused.
    pub required: bool,
    /// The keys that count, `ed25519:BASE64`; any key when there are none.
    pub trusted_keys: Vec<String>,
}

impl SignaturePolicy {
    /// The rule for a team.
    #[must_use]
    pub fn rule(&self, team: &str) -> &SignatureRule {
        self.teams.get(team).unwrap_or(&self.general)
    }
}

/// Somebody whose tokens (JWT) are believed, mostly a CI system.
#[derive(Clone, Debug)]
pub struct Issuer {
    /// Its name, for the audit log.
    pub name: String,
    /// The `iss` of its tokens; also where its keys are found, unless `jwks_url` says.
    pub issuer: String,
    /// The `aud` that its tokens must have; one of them.
    pub audiences: Vec<String>,
    /// Where its keys are.
    pub jwks_url: Option<String>,
    /// A certificate authority for reading the keys, PEM.
    pub ca_file: Option<PathBuf>,
    /// How long a token lives that is given for one of the issuer's.
    pub token_ttl: Duration,
    /// What its tokens allow, by their claims.
    pub rules: Vec<ClaimRule>,
}

/// What tokens with these claims allow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimRule {
    /// Claims and the patterns that they must match; all of them. `*` stands for any text.
    pub claims: BTreeMap<String, String>,
    /// What is then allowed.
    pub grants: Vec<Grant>,
}

/// Another registry, whose packs are offered here.
#[derive(Clone, Debug)]
pub struct Mirror {
    /// Its name, for logs and pages.
    pub name: String,
    /// Its base URL.
    pub url: Url,
    /// The teams that it serves here; `*` stands for any text.
    pub teams: Vec<String>,
    /// A token for reading there.
    pub token: Option<SecretText>,
    /// A certificate authority, PEM.
    pub ca_file: Option<PathBuf>,
    /// How long a list of versions is believed.
    pub ttl: Duration,
    /// How often everything is fetched without being asked for; zero: only what is asked for.
    pub sync: Duration,
}

/// Sizes and rates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The largest archive, in bytes.
    pub archive_bytes: u64,
    /// The largest content of an archive, in bytes.
    pub unpacked_bytes: u64,
    /// The most entries of an archive.
    pub files: u64,
    /// Requests of one client per second, in the long run; zero: any number.
    pub requests_per_second: u32,
    /// Requests of one client at once.
    pub burst: u32,
    /// Publishes of one client per minute; zero: any number.
    pub publishes_per_minute: u32,
    /// Publishes that are worked on at a time.
    pub concurrent_publishes: usize,
    /// Connections of one address.
    pub connections_per_client: usize,
    /// How long an example may take to render.
    pub example_time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            archive_bytes: 64 * 1024 * 1024,
            unpacked_bytes: 256 * 1024 * 1024,
            files: 10_000,
            requests_per_second: 200,
            burst: 2_000,
            publishes_per_minute: 600,
            concurrent_publishes: 4,
            connections_per_client: 512,
            example_time: Duration::from_secs(5),
        }
    }
}

/// The audit log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audit {
    /// A file of JSON lines; made if it is not there.
    pub file: PathBuf,
    /// Whether downloads are written too.
    pub downloads: bool,
}

impl Config {
    /// Settings that are as good as any for a registry in `folder`.
    #[must_use]
    pub fn in_folder(folder: impl Into<PathBuf>) -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 5080)),
            public_url: None,
            title: "Drover packs".to_owned(),
            storage: Storage::Folder(folder.into()),
            refresh: Duration::ZERO,
            tls: None,
            anonymous_read: true,
            signatures: SignaturePolicy::default(),
            issuers: Vec::new(),
            mirrors: Vec::new(),
            limits: Limits::default(),
            audit: None,
            trusted_proxies: Vec::new(),
            example_program: None,
        }
    }

    /// The path below which all routes lie: empty, or `/a/b`.
    #[must_use]
    pub fn base_path(&self) -> String {
        self.public_url.as_ref().map(|url| url.path().trim_end_matches('/').to_owned()).unwrap_or_default()
    }
}
