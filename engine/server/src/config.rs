//! What a server is told at start.

use drover_base::Nanos;
use std::path::PathBuf;

/// Settings of a server.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// Region of this cluster.
    pub region: String,
    /// Name of this server, for people.
    pub name: String,
    /// Parallel scheduling workers; 0 means one per core, and at least four.
    pub workers: usize,
    /// Where the root keys are kept; `None` keeps them in memory only (dev mode).
    pub data_dir: Option<PathBuf>,
    /// Whether node pools may have scheduler configurations, and namespaces rules for pools and clusters. Without it
    /// they are refused, as the open reference does.
    pub governance: bool,
    /// When silent nodes count as down.
    pub heartbeat: HeartbeatConfig,
    /// When finished objects are forgotten.
    pub gc: GcConfig,
    /// Bounds of jobs.
    pub jobs: JobLimits,
    /// Who may do what.
    pub acl: AclConfig,
    /// How long root keys live.
    pub keyring: KeyringConfig,
    /// The issuer of identities that this cluster signs: a URL at which its `/.well-known/` documents are served to
    /// others. `None`: identities name no issuer, and there is no discovery document.
    pub oidc_issuer: Option<String>,
    /// How long tokens are good for that let new nodes in.
    pub introduction: IntroductionConfig,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            region: "global".to_owned(),
            name: "drover".to_owned(),
            workers: 0,
            data_dir: None,
            governance: false,
            heartbeat: HeartbeatConfig::default(),
            gc: GcConfig::default(),
            jobs: JobLimits::default(),
            acl: AclConfig::default(),
            keyring: KeyringConfig::default(),
            oidc_issuer: None,
            introduction: IntroductionConfig::default(),
        }
    }
}

/// Bounds of jobs.
#[derive(Clone, Copy, Debug)]
pub struct JobLimits {
    /// Untagged versions that are kept of a job.
    pub tracked_versions: u32,
    /// The longest source that is kept with a job, in bytes; 0: none is.
    pub max_source_bytes: u64,
    /// Allocations that a job may ask for; 0: any number.
    pub max_count: u64,
}

impl Default for JobLimits {
    fn default() -> Self {
        Self { tracked_versions: 6, max_source_bytes: 1_000_000, max_count: 50_000 }
    }
}

/// Who may do what.
#[derive(Clone)]
pub struct AclConfig {
    /// Whether tokens are asked for.
    pub enabled: bool,
    /// The shortest life of a token that ends.
    pub min_token_ttl: Nanos,
    /// The longest life of a token that ends.
    pub max_token_ttl: Nanos,
    /// The secret of a management token to begin with. Once there has been a first token, it has no effect.
    pub bootstrap_token: Option<String>,
}

impl Default for AclConfig {
    fn default() -> Self {
        Self {
            enabled: false,
            min_token_ttl: Nanos::from_mins(1),
            max_token_ttl: Nanos::from_hours(24),
            bootstrap_token: None,
        }
    }
}

impl std::fmt::Debug for AclConfig {
    /// Without the secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AclConfig")
            .field("enabled", &self.enabled)
            .field("min_token_ttl", &self.min_token_ttl)
            .field("max_token_ttl", &self.max_token_ttl)
            .finish_non_exhaustive()
    }
}

/// When silent nodes count as down.
#[derive(Clone, Debug)]
pub struct HeartbeatConfig {
    /// The shortest time to live that a node is given.
    pub min_ttl: Nanos,
    /// Added before a node that missed its time counts as down.
    pub grace: Nanos,
    /// Heartbeats per second that the whole cluster may cost; the time to live grows with the number of nodes.
    pub max_per_second: u32,
    /// The time to live of every node when this server has just become leader.
    pub failover_ttl: Nanos,
}

impl Default for HeartbeatConfig {
    fn default() -> Self {
        Self {
            min_ttl: Nanos::from_secs(10),
            grace: Nanos::from_secs(10),
            max_per_second: 50,
            failover_ttl: Nanos::from_mins(5),
        }
    }
}

/// When finished objects are forgotten.
#[derive(Clone, Debug)]
pub struct GcConfig {
    /// Between two collections of each kind.
    pub interval: Nanos,
    /// Age of finished evaluations and their allocations.
    pub eval_threshold: Nanos,
    /// The same for batch jobs, whose results are kept longer.
    pub batch_eval_threshold: Nanos,
    /// Age of dead jobs.
    pub job_threshold: Nanos,
    /// Age of finished deployments.
    pub deployment_threshold: Nanos,
    /// Age of nodes that are down.
    pub node_threshold: Nanos,
}

impl Default for GcConfig {
    fn default() -> Self {
        Self {
            interval: Nanos::from_mins(5),
            eval_threshold: Nanos::from_hours(1),
            batch_eval_threshold: Nanos::from_hours(24),
            job_threshold: Nanos::from_hours(4),
            deployment_threshold: Nanos::from_hours(1),
            node_threshold: Nanos::from_hours(24),
        }
    }
}

/// How long root keys live.
#[derive(Clone, Debug)]
pub struct KeyringConfig {
    /// Between two looks at the keyring.
    pub gc_interval: Nanos,
    /// Age at which a key that is not active and not used is removed.
    pub gc_threshold: Nanos,
    /// Age at which the active key is replaced; its successor is published at half of it.
    pub rotation_threshold: Nanos,
}

impl Default for KeyringConfig {
    fn default() -> Self {
        Self {
            gc_interval: Nanos::from_mins(10),
            gc_threshold: Nanos::from_hours(1),
            rotation_threshold: Nanos::from_hours(720),
        }
    }
}

/// How long tokens are good for that let new nodes in.
#[derive(Clone, Debug)]
pub struct IntroductionConfig {
    /// Unless the request says.
    pub default_ttl: Nanos,
    /// Whatever the request says.
    pub max_ttl: Nanos,
}

impl Default for IntroductionConfig {
    fn default() -> Self {
        Self { default_ttl: Nanos::from_mins(5), max_ttl: Nanos::from_mins(30) }
    }
}
