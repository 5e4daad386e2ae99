//! Everything that the routes share.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;

use crate::access::{Issuers, Tokens};
use crate::audit::AuditLog;
use crate::catalog::Catalog;
use crate::config::Config;
use crate::example::Renderer;
use crate::metrics::{Metrics, Sizes};
use crate::mirror::Mirrors;
use crate::rate::RateLimit;
use crate::storage::{Store, StoreError};

/// Bodies of archives that are held in memory at the same time, in KiB.
const MAX_BODIES_KIB: usize = 512 * 1024;

/// A registry: its packs, and the rules of its configuration.
pub struct App {
    pub(crate) config: Config,
    pub(crate) catalog: Catalog,
    pub(crate) tokens: Tokens,
    pub(crate) issuers: Issuers,
    pub(crate) mirrors: Mirrors,
    pub(crate) audit: AuditLog,
    pub(crate) metrics: Metrics,
    pub(crate) requests: RateLimit,
    pub(crate) publishes: RateLimit,
    pub(crate) renderer: Option<Renderer>,
    /// Archives that are being unpacked.
    pub(crate) inspecting: Semaphore,
    /// Archives that are held in memory, in KiB.
    pub(crate) bodies: Arc<Semaphore>,
    started: Instant,
}

/// Why a registry cannot be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The store does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The audit log cannot be written.
    #[error("cannot write the audit log {file}")]
    Audit {
        /// The file.
        file: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A mirror's settings are of no use.
    #[error("mirror {name:?}: {why}")]
    Mirror {
        /// Its name.
        name: String,
        /// Why.
        why: String,
    },
}

impl App {
    /// Opens the store and reads what is in it.
    ///
    /// # Errors
    /// The store, the audit log or a certificate cannot be read.
    pub async fn open(config: Config) -> Result<Self, OpenError> {
        let store = Store::open(&config.storage)?;
        let limits = &config.limits;
        let audit = AuditLog::open(config.audit.clone()).map_err(|source| {
            let file = config.audit.as_ref().map(|audit| audit.file.display().to_string()).unwrap_or_default();
            OpenError::Audit { file, source }
        })?;
        Ok(Self {
            catalog: Catalog::open(store.clone()).await?,
            tokens: Tokens::new(store.clone()),
            issuers: Issuers::new(config.issuers.clone()),
            mirrors: Mirrors::new(config.mirrors.clone()).map_err(|(name, why)| OpenError::Mirror { name, why })?,
            audit,
            metrics: Metrics::default(),
            requests: RateLimit::new(limits.requests_per_second.into(), limits.burst.into()),
            publishes: RateLimit::new(
                f64::from(limits.publishes_per_minute) / 60.0,
                limits.publishes_per_minute.into(),
            ),
            renderer: config.example_program.clone().map(|program| Renderer { program, time: limits.example_time }),
            inspecting: Semaphore::new(limits.concurrent_publishes),
            bodies: Arc::new(Semaphore::new(
                MAX_BODIES_KIB.max(usize::try_from(limits.archive_bytes / 1024 + 1).unwrap_or(usize::MAX >> 4)),
            )),
            started: Instant::now(),
            config,
        })
    }

    /// The packs.
    #[must_use]
    pub fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// The tokens.
    #[must_use]
    pub fn tokens(&self) -> &Tokens {
        &self.tokens
    }

    /// Numbers for the metrics and pages.
    pub(crate) fn sizes(&self) -> Sizes {
        let (packs, versions) = self.catalog.look(|index| (index.packs(), index.versions()));
        Sizes { packs, versions, uptime_seconds: self.started.elapsed().as_secs() }
    }

    /// Looks at the store for what others put there.
    pub(crate) async fn refresh(&self) {
        match self.catalog.sync().await {
            Ok(_) => self.metrics.count("drover_registry_syncs_total", "ok"),
            Err(error) => {
                self.metrics.count("drover_registry_syncs_total", "error");
                tracing::error!(error = %crate::client::chain(&error), "cannot look at the storage");
            }
        }
    }

    /// Removes what nobody needs any more.
    pub(crate) async fn clean(&self) {
        let orphans = self.catalog.collect_orphans(crate::time::now().as_second()).await;
        let tokens = self.tokens.forget_old().await;
        match (orphans, tokens) {
            (Ok(0), Ok(0)) => {}
            (Ok(orphans), Ok(tokens)) => tracing::info!(orphans, tokens, "removed what nobody needs"),
            (orphans, tokens) => {
                for error in [orphans.err(), tokens.err()].into_iter().flatten() {
                    tracing::error!(error = %crate::client::chain(&error), "cannot clean the storage");
                }
            }
        }
    }
}

/// How often old tokens and orphans are looked for.
pub(crate) const CLEAN_EVERY: Duration = Duration::from_secs(3_600);
