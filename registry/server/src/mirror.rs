//! Other registries whose packs are offered here: a version is fetched when somebody first asks for it, checked as a publish
//! is, and kept. So it is still there when the other registry is not.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use drover_registry::archive::MediaType;
use drover_registry::name;
use drover_registry::wire::{PackDetail, PackList, VersionDetail};
use parking_lot::Mutex;
use reqwest::StatusCode;
use serde::de::DeserializeOwned;

use crate::access::matches_pattern;
use crate::app::App;
use crate::audit::Event;
use crate::catalog::Published;
use crate::config::Mirror;
use crate::http::error::ApiError;
use crate::index::Entry;
use crate::publish::Offer;

/// How long another registry may be silent.
const TIMEOUT: Duration = Duration::from_secs(20);
/// The largest list that is read, in bytes.
const MAX_LIST_BYTES: u64 = 16 * 1024 * 1024;
/// Packs whose lists are remembered; when there are more, all are forgotten.
const MAX_REMEMBERED: usize = 10_000;
/// Pages of a list of packs that are read at most.
const MAX_PAGES: usize = 1_000;

type Lists = HashMap<(String, String), (Instant, Option<PackDetail>)>;
type Locks = HashMap<(String, String, String), Arc<tokio::sync::Mutex<()>>>;

/// The mirrored registries.
pub(crate) struct Mirrors {
    sources: Vec<Source>,
    lists: Mutex<Lists>,
    /// A version is fetched once, however many ask for it.
    fetching: Mutex<Locks>,
}

struct Source {
    mirror: Mirror,
    client: reqwest::Client,
}

impl Mirrors {
    /// Those of the configuration; an error names the mirror, and why it is of no use.
    pub(crate) fn new(mirrors: Vec<Mirror>) -> Result<Self, (String, String)> {
        let source = |mirror: Mirror| match crate::client::client(mirror.ca_file.as_deref(), TIMEOUT) {
            Ok(client) => Ok(Source { mirror, client }),
            Err(why) => Err((mirror.name, why)),
        };
        let sources = mirrors.into_iter().map(source).collect::<Result<_, _>>()?;
        Ok(Self { sources, lists: Mutex::default(), fetching: Mutex::default() })
    }

    /// The mirror that a team comes from.
    pub(crate) fn of(&self, team: &str) -> Option<&Mirror> {
        self.source(team).map(|source| &source.mirror)
    }

    fn source(&self, team: &str) -> Option<&Source> {
        self.sources.iter().find(|source| source.mirror.teams.iter().any(|pattern| matches_pattern(pattern, team)))
    }

    /// How often everything is fetched, for those mirrors that want it.
    pub(crate) fn syncs(&self) -> impl Iterator<Item = (usize, Duration)> {
        let all = self.sources.iter().enumerate().map(|(at, source)| (at, source.mirror.sync));
        all.filter(|(_, every)| !every.is_zero())
    }

    /// What the other registry has of a pack; not older than the mirror's `ttl`.
    async fn list(&self, source: &Source, team: &str, pack: &str) -> Result<Option<PackDetail>, String> {
        let key = (team.to_owned(), pack.to_owned());
        let known = self.lists.lock().get(&key).cloned();
        if let Some((read, list)) = &known
            && read.elapsed() < source.mirror.ttl
        {
            return Ok(list.clone());
        }
        match source.get::<PackDetail>(&format!("v1/packs/{team}/{pack}")).await {
            Ok(list) => {
                let mut lists = self.lists.lock();
                if lists.len() >= MAX_REMEMBERED {
                    lists.clear();
                }
                lists.insert(key, (Instant::now(), list.clone()));
                Ok(list)
            }
            // An old list is better than none while the other registry is away.
            Err(error) => match known {
                Some((_, list)) => {
                    tracing::warn!(mirror = source.mirror.name, error, "a mirrored registry does not answer");
                    Ok(list)
                }
                None => Err(error),
            },
        }
    }
}

impl Source {
    fn request(&self, path: &str) -> reqwest::RequestBuilder {
        let base = self.mirror.url.as_str().trim_end_matches('/');
        let request = self.client.get(format!("{base}/{path}"));
        match &self.mirror.token {
            Some(token) => request.bearer_auth(token.expose()),
            None => request,
        }
    }

    /// The JSON at a path; none when it is not there.
    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<Option<T>, String> {
        let Some(response) = self.send(path).await? else { return Ok(None) };
        let body = crate::client::body(response, MAX_LIST_BYTES).await?;
        serde_json::from_slice(&body).map(Some).map_err(|error| format!("{path}: {error}"))
    }

    async fn send(&self, path: &str) -> Result<Option<reqwest::Response>, String> {
        let response = self.request(path).send().await.map_err(|error| crate::client::chain(&error))?;
        match response.status() {
            status if status.is_success() => Ok(Some(response)),
            StatusCode::NOT_FOUND => Ok(None),
            status => Err(format!("{} answers {status} to {path}", self.mirror.url)),
        }
    }
}

impl App {
    /// A pack with its versions, those of the mirrored registry too.
    pub(crate) async fn pack_detail(&self, team: &str, pack: &str) -> Result<Option<PackDetail>, ApiError> {
        let own = |app: &Self| app.catalog.look(|index| index.pack(team, pack).map(|pack| pack.detail()));
        let Some(source) = self.mirrors.source(team) else { return Ok(own(self)) };
        let theirs = match self.mirrors.list(source, team, pack).await {
            Ok(theirs) => theirs,
            Err(error) => {
                tracing::warn!(mirror = source.mirror.name, error, "a mirrored registry does not answer");
                let own = own(self).ok_or_else(|| away(source))?;
                return Ok(Some(own));
            }
        };
        let Some(theirs) = theirs else { return Ok(own(self)) };
        self.follow_yanks(&theirs).await;
        Ok(Some(match own(self) {
            Some(own) => merged(own, theirs),
            None => theirs,
        }))
    }

    /// A version, fetched from the mirrored registry if it is not here.
    pub(crate) async fn entry(&self, team: &str, pack: &str, version: &str) -> Result<Option<Arc<Entry>>, ApiError> {
        if let Some(entry) = self.catalog.version(team, pack, version) {
            return Ok(Some(entry));
        }
        let Some(source) = self.mirrors.source(team) else { return Ok(None) };
        let key = (team.to_owned(), pack.to_owned(), version.to_owned());
        let lock = Arc::clone(self.mirrors.fetching.lock().entry(key.clone()).or_default());
        let fetched = {
            let _only = lock.lock().await;
            match self.catalog.version(team, pack, version) {
                Some(entry) => Ok(Some(entry)),
                None => self.fetch(source, team, pack, version).await,
            }
        };
        self.mirrors.fetching.lock().remove(&key);
        fetched
    }

    async fn fetch(
        &self,
        source: &Source,
        team: &str,
        pack: &str,
        version: &str,
    ) -> Result<Option<Arc<Entry>>, ApiError> {
        let fetched = self.fetch_checked(source, team, pack, version).await;
        let (outcome, detail) = match &fetched {
            Ok(Some(_)) => ("ok", String::new()),
            Ok(None) => return Ok(None),
            Err(error) => (error.code, error.message.clone()),
        };
        self.metrics.count("drover_registry_mirror_fetches_total", if outcome == "ok" { "ok" } else { "error" });
        let subject = &source.mirror.name;
        let event =
            Event { event: "mirror", outcome, subject, team, name: pack, version, detail: &detail, ..Event::default() };
        self.audit.write(&event);
        fetched
    }

    async fn fetch_checked(
        &self,
        source: &Source,
        team: &str,
        pack: &str,
        version: &str,
    ) -> Result<Option<Arc<Entry>>, ApiError> {
        let failed = |error: String| {
            tracing::warn!(mirror = source.mirror.name, error, "a version cannot be mirrored");
            away(source)
        };
        let path = format!("v1/packs/{team}/{pack}/versions/{version}");
        let Some(theirs) = source.get::<VersionDetail>(&path).await.map_err(failed)? else { return Ok(None) };
        let Some(response) = source.send(&format!("{path}/archive")).await.map_err(failed)? else { return Ok(None) };
        let limit = self.config.limits.archive_bytes;
        let room = u32::try_from(theirs.summary.size.min(limit) / 1024 + 1).unwrap_or(u32::MAX);
        let _room = Arc::clone(&self.bodies).acquire_many_owned(room).await.map_err(|_| away(source))?;
        let archive = crate::client::body(response, limit).await.map_err(failed)?;
        let summary = &theirs.summary;
        let offer = Offer {
            team: team.to_owned(),
            name: pack.to_owned(),
            version: name::version(version)?,
            media_type: MediaType::sniff(&archive).unwrap_or_default(),
            archive,
            digest: summary.digest,
            signatures: theirs.signatures.clone(),
            published_by: summary.published_by.clone(),
            published_at: summary.published_at.clone(),
            mirrored_from: Some(source.mirror.url.to_string()),
        };
        match self.publish(offer).await? {
            Published::New(entry) | Published::Same(entry) | Published::Taken(entry) => {
                tracing::info!("mirrored {team}/{pack} {version} from {}", source.mirror.url);
                if let Some(yanked) = summary.yanked.clone() {
                    return Ok(Some(self.catalog.set_yanked(team, pack, version, Some(yanked)).await?));
                }
                Ok(Some(entry))
            }
        }
    }

    /// What the other registry took back is taken back here.
    async fn follow_yanks(&self, theirs: &PackDetail) {
        for version in &theirs.versions {
            let Some(entry) = self.catalog.version(&theirs.team, &theirs.name, &version.version) else { continue };
            let is_theirs = entry.mirrored_from.is_some() && entry.detail.summary.digest == version.digest;
            if is_theirs && entry.is_yanked() != version.yanked.is_some() {
                let set = self.catalog.set_yanked(&theirs.team, &theirs.name, &version.version, version.yanked.clone());
                if let Err(error) = set.await {
                    tracing::error!(error = %crate::client::chain(&error), "cannot take a mirrored version back");
                }
            }
        }
    }

    /// Fetches everything that a mirror has and this registry has not.
    pub(crate) async fn mirror_all(&self, at: usize) {
        let Some(source) = self.mirrors.sources.get(at) else { return };
        let mut cursor = String::new();
        for _ in 0..MAX_PAGES {
            let page = match source.get::<PackList>(&format!("v1/packs?limit=200&cursor={cursor}")).await {
                Ok(Some(page)) => page,
                Ok(None) => return,
                Err(error) => {
                    tracing::warn!(mirror = source.mirror.name, error, "a mirrored registry does not answer");
                    return;
                }
            };
            for pack in &page.packs {
                let is_wanted = self.mirrors.source(&pack.team).is_some_and(|own| std::ptr::eq(own, source));
                let is_named = name::check("team", &pack.team).is_ok() && name::check("pack", &pack.name).is_ok();
                if is_wanted && is_named {
                    self.mirror_pack(&pack.team, &pack.name).await;
                }
            }
            match page.next {
                Some(next) if next.bytes().all(|byte| byte.is_ascii_alphanumeric()) => cursor = next,
                _ => return,
            }
        }
    }

    async fn mirror_pack(&self, team: &str, pack: &str) {
        let Ok(Some(detail)) = self.pack_detail(team, pack).await else { return };
        for version in detail.versions {
            if name::version(&version.version).is_ok()
                && let Err(error) = self.entry(team, pack, &version.version).await
            {
                tracing::warn!("cannot mirror {team}/{pack} {}: {}", version.version, error.message);
            }
        }
    }
}

fn away(source: &Source) -> ApiError {
    ApiError::unavailable(format!(
        "the mirrored registry {} does not answer as it should; the log says why",
        source.mirror.name
    ))
}

/// Versions that are here, and those that can be fetched; what is here counts.
fn merged(mut own: PackDetail, theirs: PackDetail) -> PackDetail {
    let has = |version: &str| own.versions.iter().any(|known| known.version == version);
    let more: Vec<_> = theirs.versions.into_iter().filter(|version| !has(&version.version)).collect();
    if more.is_empty() {
        return own;
    }
    own.versions.extend(more);
    let parse = |text: &str| drover_registry::Version::parse(text).ok();
    own.versions.sort_by_key(|version| Reverse(parse(&version.version)));
    let live = || own.versions.iter().filter(|version| version.yanked.is_none());
    let is_final = |version: &str| parse(version).is_some_and(|version| version.pre.is_empty());
    let latest = live().find(|version| is_final(&version.version)).or_else(|| live().next());
    own.latest = latest.map(|version| version.version.clone());
    own
}
