//! All packs in memory: what lists, searches and pages are answered from. Pure; the catalog keeps it true to the store.

use std::collections::BTreeMap;
use std::sync::Arc;

use drover_registry::Version;
use drover_registry::sign::SignatureDocument;
use drover_registry::wire::{PackDetail, PackSummary, VersionDetail, Yanked};

use crate::release::Release;

/// Words of a search beyond these are not looked at.
const MAX_WORDS: usize = 8;

/// A version.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its version.
    pub version: Version,
    /// What clients see of it.
    pub detail: VersionDetail,
    /// Where its documents are.
    pub documents: Option<String>,
    /// The registry that it was mirrored from.
    pub mirrored_from: Option<String>,
}

/// A pack with its versions.
#[derive(Clone, Debug, Default)]
pub struct Pack {
    /// Whose it is.
    pub team: String,
    /// Its name.
    pub name: String,
    /// The newest (by semver) first.
    pub versions: Vec<Arc<Entry>>,
    /// Where in `versions` the one stands that people get who ask for none.
    latest: Option<usize>,
    /// When something was last published.
    updated_at: String,
    /// Description and author in small letters.
    haystack: String,
}

/// All packs.
#[derive(Clone, Debug, Default)]
pub struct Index {
    packs: BTreeMap<(String, String), Arc<Pack>>,
    versions: usize,
}

/// What is searched for.
#[derive(Clone, Debug, Default)]
pub struct Query<'q> {
    /// Words; all must be found.
    pub text: &'q str,
    /// Only packs of this team.
    pub team: Option<&'q str>,
}

impl Entry {
    /// From what is kept; none if its version is none.
    #[must_use]
    pub fn new(release: Release) -> Option<Self> {
        let version = Version::parse(&release.detail.summary.version).ok()?;
        let Release { detail, documents, mirrored_from, .. } = release;
        Some(Self { version, detail, documents, mirrored_from })
    }

    /// Whether it was taken back.
    #[must_use]
    pub fn is_yanked(&self) -> bool {
        self.detail.summary.yanked.is_some()
    }
}

impl Pack {
    /// The highest version that is neither yanked nor a pre-release, else the highest pre-release.
    #[must_use]
    pub fn latest(&self) -> Option<&Arc<Entry>> {
        self.versions.get(self.latest?)
    }

    /// What a page about the pack shows: the latest, or the newest of those that were all taken back.
    #[must_use]
    pub fn shown(&self) -> Option<&Arc<Entry>> {
        self.latest().or_else(|| self.versions.first())
    }

    /// One of its versions.
    #[must_use]
    pub fn version(&self, version: &str) -> Option<&Arc<Entry>> {
        self.versions.iter().find(|entry| entry.detail.summary.version == version)
    }

    /// When something was last published.
    #[must_use]
    pub fn updated_at(&self) -> &str {
        &self.updated_at
    }

    /// As lists show it.
    #[must_use]
    pub fn summary(&self) -> PackSummary {
        PackSummary {
            team: self.team.clone(),
            name: self.name.clone(),
            description: self.shown().map(|entry| entry.detail.description.clone()).unwrap_or_default(),
            latest: self.latest().map(|entry| entry.detail.summary.version.clone()),
            versions: self.versions.len() as u64,
            updated_at: self.updated_at.clone(),
        }
    }

    /// With all versions.
    #[must_use]
    pub fn detail(&self) -> PackDetail {
        let shown = self.shown();
        PackDetail {
            team: self.team.clone(),
            name: self.name.clone(),
            description: shown.map(|entry| entry.detail.description.clone()).unwrap_or_default(),
            url: shown.map(|entry| entry.detail.app_url.clone()).unwrap_or_default(),
            latest: self.latest().map(|entry| entry.detail.summary.version.clone()),
            versions: self.versions.iter().map(|entry| entry.detail.summary.clone()).collect(),
        }
    }

    /// Works out what follows from the versions.
    fn settle(&mut self) {
        self.versions.sort_by(|a, b| b.version.cmp(&a.version));
        let live = || self.versions.iter().enumerate().filter(|(_, entry)| !entry.is_yanked());
        self.latest =
            live().find(|(_, entry)| entry.version.pre.is_empty()).or_else(|| live().next()).map(|(at, _)| at);
        self.updated_at =
            self.versions.iter().map(|entry| entry.detail.summary.published_at.clone()).max().unwrap_or_default();
        self.haystack = match self.shown() {
            Some(entry) => format!("{} {}", entry.detail.description, entry.detail.author).to_lowercase(),
            None => String::new(),
        };
    }

    /// How well it fits words in small letters; none when one of them is nowhere in it.
    fn score(&self, words: &[String]) -> Option<u32> {
        let mut total = 0;
        for word in words {
            let word = word.as_str();
            let (team, name) = word.split_once('/').unwrap_or(("", word));
            if !team.is_empty() || word.contains('/') {
                if !(self.team == team && self.name.starts_with(name)) {
                    return None;
                }
                total += 100;
                continue;
            }
            total += match () {
                () if self.name == word => 100,
                () if self.name.starts_with(word) => 60,
                () if self.name.split(['-', '_', '.']).any(|part| part.starts_with(word)) => 45,
                () if self.team == word => 40,
                () if self.name.contains(word) => 30,
                () if self.team.starts_with(word) => 20,
                () if starts_a_word(&self.haystack, word) => 15,
                () if self.haystack.contains(word) => 8,
                () => return None,
            };
        }
        Some(total)
    }
}

fn starts_a_word(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, _)| !text[..at].ends_with(char::is_alphanumeric))
}

impl Index {
    /// How many packs there are.
    #[must_use]
    pub fn packs(&self) -> usize {
        self.packs.len()
    }

    /// How many versions there are.
    #[must_use]
    pub fn versions(&self) -> usize {
        self.versions
    }

    /// One pack.
    #[must_use]
    pub fn pack(&self, team: &str, name: &str) -> Option<Arc<Pack>> {
        self.packs.get(&(team.to_owned(), name.to_owned())).cloned()
    }

    /// All packs by team and name.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Pack>> {
        self.packs.values()
    }

    /// Adds versions that are not there yet.
    pub fn insert(&mut self, entries: impl IntoIterator<Item = Entry>) {
        let mut by_pack: BTreeMap<(String, String), Vec<Entry>> = BTreeMap::new();
        for entry in entries {
            by_pack.entry((entry.detail.team.clone(), entry.detail.name.clone())).or_default().push(entry);
        }
        for ((team, name), entries) in by_pack {
            let pack = self
                .packs
                .entry((team.clone(), name.clone()))
                .or_insert_with(|| Arc::new(Pack { team, name, ..Pack::default() }));
            let pack = Arc::make_mut(pack);
            for entry in entries {
                if pack.version(&entry.detail.summary.version).is_none() {
                    pack.versions.push(Arc::new(entry));
                    self.versions += 1;
                }
            }
            pack.settle();
        }
    }

    /// Forgets a version.
    pub fn remove(&mut self, team: &str, name: &str, version: &str) {
        let key = (team.to_owned(), name.to_owned());
        let Some(pack) = self.packs.get_mut(&key) else { return };
        let pack = Arc::make_mut(pack);
        let before = pack.versions.len();
        pack.versions.retain(|entry| entry.detail.summary.version != version);
        self.versions -= before - pack.versions.len();
        if pack.versions.is_empty() {
            self.packs.remove(&key);
        } else {
            pack.settle();
        }
    }

    /// Notes that a version was taken back, or is good again.
    pub fn set_yanked(&mut self, team: &str, name: &str, version: &str, yanked: Option<Yanked>) {
        self.change(team, name, version, |detail| detail.summary.yanked = yanked);
    }

    /// Adds a signature, unless its key signed already.
    pub fn add_signature(&mut self, team: &str, name: &str, version: &str, signature: SignatureDocument) {
        self.change(team, name, version, |detail| {
            if detail.signatures.iter().all(|known| known.key_id != signature.key_id) {
                detail.summary.signed_by.push(signature.key_id.clone());
                detail.signatures.push(signature);
            }
        });
    }

    fn change(&mut self, team: &str, name: &str, version: &str, change: impl FnOnce(&mut VersionDetail)) {
        let Some(pack) = self.packs.get_mut(&(team.to_owned(), name.to_owned())) else { return };
        let pack = Arc::make_mut(pack);
        let found = pack.versions.iter_mut().find(|entry| entry.detail.summary.version == version);
        if let Some(entry) = found {
            change(&mut Arc::make_mut(entry).detail);
        }
        pack.settle();
    }

    /// Packs that fit and that `may_see` lets pass, the best first; those of which every version was taken back are left
    /// out. Without words: by time of the last version.
    pub fn search(&self, query: &Query<'_>, may_see: impl Fn(&Pack) -> bool) -> Vec<Arc<Pack>> {
        let text = query.text.to_lowercase();
        let words: Vec<String> = text.split_whitespace().take(MAX_WORDS).map(str::to_owned).collect();
        let candidates = self.packs.values().filter(|pack| query.team.is_none_or(|team| pack.team == team));
        let mut found: Vec<(u32, &Arc<Pack>)> = candidates
            .filter(|pack| pack.latest.is_some())
            .filter_map(|pack| Some((pack.score(&words)?, pack)))
            .filter(|(_, pack)| may_see(pack))
            .collect();
        found.sort_by(|(a_score, a), (b_score, b)| {
            let by_time = || b.updated_at.cmp(&a.updated_at);
            let by_name = || (&a.name, &a.team).cmp(&(&b.name, &b.team));
            b_score
                .cmp(a_score)
                .then_with(|| if words.is_empty() { by_time() } else { a.name.len().cmp(&b.name.len()) })
                .then_with(by_name)
        });
        found.into_iter().map(|(_, pack)| Arc::clone(pack)).collect()
    }

    /// The name that somebody may have meant who found nothing.
    #[must_use]
    pub fn nearest(&self, text: &str, may_see: impl Fn(&Pack) -> bool) -> Option<String> {
        let text = text.trim().to_lowercase();
        let names = self.packs.values().filter(|pack| pack.latest.is_some() && may_see(pack));
        drover_hcl::diagnostic::nearest(&text, names.map(|pack| pack.name.as_str())).map(str::to_owned)
    }

    /// How many packs each team has that `may_see` lets pass.
    pub fn teams(&self, may_see: impl Fn(&Pack) -> bool) -> BTreeMap<String, usize> {
        let mut teams = BTreeMap::new();
        for pack in self.packs.values().filter(|pack| pack.latest.is_some() && may_see(pack)) {
            *teams.entry(pack.team.clone()).or_default() += 1;
        }
        teams
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use drover_registry::Digest;
    use drover_registry::wire::VersionSummary;

    fn entry(team: &str, name: &str, version: &str, description: &str) -> Entry {
        let summary = VersionSummary {
            version: version.to_owned(),
            digest: Digest::of(version.as_bytes()),
            size: 1,
            media_type: String::new(),
            published_at: format!("2026-01-01T00:00:{version}"),
            published_by: String::new(),
            yanked: None,
            signed_by: Vec::new(),
        };
        let detail = VersionDetail {
            team: team.to_owned(),
            name: name.to_owned(),
            summary,
            description: description.to_owned(),
            app_url: String::new(),
            author: String::new(),
            dependencies: Vec::new(),
            variables: Vec::new(),
            readme: false,
            signatures: Vec::new(),
        };
        Entry { version: Version::parse(version).unwrap(), detail, documents: None, mirrored_from: None }
    }

    fn index() -> Index {
        let mut index = Index::default();
        index.insert([
            entry("shop", "web", "1.9.0", "The shop's website"),
            entry("shop", "web", "1.10.0", "The shop's website"),
            entry("shop", "web", "2.0.0-rc.1", "The shop's website"),
            entry("data", "postgres", "1.0.0", "A database with backups"),
            entry("data", "webhook", "0.1.0", "Calls others"),
            entry("lab", "next", "0.1.0-alpha", "Not out yet, a web thing"),
        ]);
        index
    }

    fn names(index: &Index, text: &str) -> Vec<String> {
        index.search(&Query { text, team: None }, |_| true).iter().map(|pack| pack.name.clone()).collect()
    }

    #[test]
    fn versions_are_in_their_order_and_the_latest_is_no_pre_release() {
        let mut index = index();
        let web = index.pack("shop", "web").unwrap();
        let versions: Vec<_> = web.detail().versions.into_iter().map(|version| version.version).collect();
        assert_eq!(versions, ["2.0.0-rc.1", "1.10.0", "1.9.0"]);
        assert_eq!(web.detail().latest.as_deref(), Some("1.10.0"));
        assert_eq!(index.pack("lab", "next").unwrap().detail().latest.as_deref(), Some("0.1.0-alpha"));
        index.set_yanked("shop", "web", "1.10.0", Some(Yanked::default()));
        assert_eq!(index.pack("shop", "web").unwrap().detail().latest.as_deref(), Some("1.9.0"));
        index.remove("shop", "web", "1.9.0");
        assert_eq!(index.pack("shop", "web").unwrap().detail().latest.as_deref(), Some("2.0.0-rc.1"));
        assert_eq!((index.packs(), index.versions()), (4, 5));
    }

    #[test]
    fn the_best_is_found_first() {
        let index = index();
        assert_eq!(names(&index, "web"), ["web", "webhook", "next"]);
        assert_eq!(names(&index, "WEB shop"), ["web"]);
        assert_eq!(names(&index, "backup"), ["postgres"]);
        assert_eq!(names(&index, "shop/w"), ["web"]);
        assert_eq!(names(&index, "web nothing"), [""; 0]);
        assert_eq!(names(&index, "").len(), 4);
        assert_eq!(index.nearest("postgers", |_| true).as_deref(), Some("postgres"));
    }

    #[test]
    fn what_was_taken_back_or_may_not_be_seen_is_not_found() {
        let mut index = index();
        index.set_yanked("data", "postgres", "1.0.0", Some(Yanked::default()));
        assert_eq!(names(&index, "postgres"), [""; 0]);
        assert!(index.pack("data", "postgres").unwrap().shown().is_some(), "its page stays");
        let seen = index.search(&Query::default(), |pack| pack.team == "lab");
        assert_eq!(seen.len(), 1);
    }
}
