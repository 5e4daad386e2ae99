//! The packs of a store: published, taken back, read. The index in memory follows every write.
//!
//! A publish stages the archive under its digest and the texts under theirs, then makes one object, `release.json`, that must
//! not be there yet. Whoever makes it has published; whatever else is in the store without it was never published. So a
//! server that is killed at any moment leaves a version whole or absent, and of two who publish one version one wins.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use drover_registry::Digest;
use drover_registry::sign::SignatureDocument;
use drover_registry::wire::Yanked;
use parking_lot::{Mutex, RwLock};
use sha2::Digest as _;

use crate::index::{Entry, Index};
use crate::release::{Documents, FORMAT, Part, Release, State, blob, folder, parse_key};
use crate::storage::{Creation, Listed, Reading, Store, StoreError};

/// What belongs to no version is removed when it has lain there this long.
const ORPHAN_AGE: Duration = Duration::from_secs(24 * 3_600);

/// The packs of a store.
pub struct Catalog {
    store: Store,
    index: RwLock<Index>,
    /// What is known of objects that can change, by key.
    tags: Mutex<HashMap<String, String>>,
    /// When versions were added that a list from before does not have.
    fresh: Mutex<HashMap<String, Instant>>,
    /// One at a time.
    syncing: tokio::sync::Mutex<()>,
}

/// What came of a publish.
#[derive(Clone, Debug)]
pub enum Published {
    /// It is new.
    New(Arc<Entry>),
    /// The same archive was there already.
    Same(Arc<Entry>),
    /// Another archive has this version.
    Taken(Arc<Entry>),
}

/// What a look at the store brought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Synced {
    /// Versions that are new to the index.
    pub added: usize,
    /// Versions that are no longer in the store.
    pub removed: usize,
    /// Versions whose archive is missing, which are not served.
    pub without_archive: usize,
}

/// Why a version cannot be changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CatalogError {
    /// There is no such version.
    #[error("there is no {team}/{name} {version}")]
    NotFound {
        /// Whose.
        team: String,
        /// The pack.
        name: String,
        /// The version.
        version: String,
    },
    /// The store refuses.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Catalog {
    /// Reads what is in the store.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn open(store: Store) -> Result<Self, StoreError> {
        let catalog = Self {
            store,
            index: RwLock::default(),
            tags: Mutex::default(),
            fresh: Mutex::default(),
            syncing: tokio::sync::Mutex::default(),
        };
        catalog.sync().await?;
        Ok(catalog)
    }

    /// Looks at the index, which must not be held across an `await`.
    pub fn look<T>(&self, read: impl FnOnce(&Index) -> T) -> T {
        read(&self.index.read())
    }

    /// One version.
    #[must_use]
    pub fn version(&self, team: &str, name: &str, version: &str) -> Option<Arc<Entry>> {
        self.look(|index| index.pack(team, name).and_then(|pack| pack.version(version).cloned()))
    }

    /// Publishes a version. `release` says everything of it but where its documents are.
    ///
    /// # Errors
    /// The store refuses; then it is not published, unless the answer of the store alone was lost.
    pub async fn publish(
        &self,
        mut release: Release,
        archive: Bytes,
        documents: &Documents,
    ) -> Result<Published, StoreError> {
        let digest = release.detail.summary.digest;
        // Written anew even if it is there: a collection of orphans then leaves it alone.
        self.store.put(&blob(&digest), archive.clone()).await?;
        let texts = serde_json::to_vec(documents).expect("texts serialise");
        let texts_key = format!("documents/{}.json", hex::encode(sha2::Sha256::digest(&texts)));
        self.store.put(&texts_key, texts.into()).await?;
        release.documents = Some(texts_key);
        let detail = &release.detail;
        let (team, name, version) = (detail.team.clone(), detail.name.clone(), detail.summary.version.clone());
        let key = format!("{}/release.json", folder(&team, &name, &version));
        let made = self.store.create_json(&key, &release).await?;
        if made == Creation::Exists {
            return self.published_before(&key, &digest, archive).await;
        }
        if !self.store.has(&blob(&digest)).await? {
            self.store.put(&blob(&digest), archive).await?;
        }
        self.fresh.lock().insert(key, Instant::now());
        let entry = self.add(release);
        Ok(Published::New(entry))
    }

    /// Somebody else made the version, maybe through another server.
    async fn published_before(&self, key: &str, digest: &Digest, archive: Bytes) -> Result<Published, StoreError> {
        let Some(release) = self.store.get_json::<Release>(key).await? else {
            // It was removed by hand just now.
            let source = object_store::Error::NotFound { path: key.to_owned(), source: "removed meanwhile".into() };
            return Err(StoreError::Object { key: key.to_owned(), source });
        };
        let is_same = release.detail.summary.digest == *digest;
        if is_same && !self.store.has(&blob(digest)).await? {
            // A copy of the store without its archive gets it back.
            self.store.put(&blob(digest), archive).await?;
        }
        if !is_same {
            // It comes into the index with the next look at the store, which also makes sure of its archive.
            let entry = Entry::new(release).expect("versions are checked before they are published");
            return Ok(Published::Taken(Arc::new(entry)));
        }
        self.fresh.lock().insert(key.to_owned(), Instant::now());
        Ok(Published::Same(self.add(release)))
    }

    fn add(&self, release: Release) -> Arc<Entry> {
        let entry = Entry::new(release).expect("versions are checked before they are published");
        let detail = &entry.detail;
        let (team, name, version) = (detail.team.clone(), detail.name.clone(), detail.summary.version.clone());
        let mut index = self.index.write();
        index.insert([entry.clone()]);
        index.pack(&team, &name).and_then(|pack| pack.version(&version).cloned()).unwrap_or_else(|| Arc::new(entry))
    }

    /// Takes a version back, or makes it good again.
    ///
    /// # Errors
    /// There is no such version, or the store refuses.
    pub async fn set_yanked(
        &self,
        team: &str,
        name: &str,
        version: &str,
        yanked: Option<Yanked>,
    ) -> Result<Arc<Entry>, CatalogError> {
        let missing = || CatalogError::NotFound { team: team.into(), name: name.into(), version: version.into() };
        let entry = self.version(team, name, version).ok_or_else(missing)?;
        if entry.is_yanked() == yanked.is_some() {
            return Ok(entry);
        }
        let key = format!("{}/state.json", folder(team, name, version));
        self.store.put_json(&key, &State { yanked: yanked.clone() }).await?;
        self.index.write().set_yanked(team, name, version, yanked);
        self.version(team, name, version).ok_or_else(missing)
    }

    /// Adds a signature. Returns the version, and whether the signature is new.
    ///
    /// # Errors
    /// There is no such version, or the store refuses.
    pub async fn sign(
        &self,
        team: &str,
        name: &str,
        version: &str,
        signature: SignatureDocument,
    ) -> Result<(Arc<Entry>, bool), CatalogError> {
        let missing = || CatalogError::NotFound { team: team.into(), name: name.into(), version: version.into() };
        let entry = self.version(team, name, version).ok_or_else(missing)?;
        if entry.detail.signatures.iter().any(|known| known.key_id == signature.key_id) {
            return Ok((entry, false));
        }
        let key = format!("{}/signatures/{}.json", folder(team, name, version), signature.key_id);
        self.store.put_json(&key, &signature).await?;
        self.index.write().add_signature(team, name, version, signature);
        Ok((self.version(team, name, version).ok_or_else(missing)?, true))
    }

    /// The archive, or a part of it.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn archive(
        &self,
        digest: &Digest,
        range: Option<std::ops::Range<u64>>,
    ) -> Result<Option<Reading>, StoreError> {
        self.store.read(&blob(digest), range).await
    }

    /// The long texts of a version.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn documents(&self, entry: &Entry) -> Result<Documents, StoreError> {
        match &entry.documents {
            Some(key) => Ok(self.store.get_json(key).await?.unwrap_or_default()),
            None => Ok(Documents::default()),
        }
    }

    /// Brings the index to what is in the store. Only what changed since the last time is read.
    ///
    /// # Errors
    /// The store does not answer; the index is then as before.
    pub async fn sync(&self) -> Result<Synced, StoreError> {
        let _only = self.syncing.lock().await;
        let began = Instant::now();
        let listed = self.store.list("packs").await?;
        let mut changed = self.changed(&listed);
        let mut synced = self.add_releases(&mut changed).await?;
        self.add_signatures(&changed).await?;
        self.set_states(&changed).await?;
        synced.removed = self.remove_gone(&listed, began);
        // Only now: whatever failed above is read again the next time.
        self.tags.lock().extend(changed.into_iter().map(|listed| (listed.key, listed.tag)));
        Ok(synced)
    }

    fn changed(&self, listed: &[Listed]) -> Vec<Listed> {
        let tags = self.tags.lock();
        listed.iter().filter(|listed| tags.get(&listed.key) != Some(&listed.tag)).cloned().collect()
    }

    fn keys(&self, changed: &[Listed], wanted: &Part) -> Vec<String> {
        let fits = |listed: &&Listed| parse_key(&listed.key).is_some_and(|(_, _, _, part)| part == *wanted);
        changed.iter().filter(fits).map(|listed| listed.key.clone()).collect()
    }

    async fn add_releases(&self, changed: &mut Vec<Listed>) -> Result<Synced, StoreError> {
        let is_new = |key: &String| {
            let (team, name, version, _) = parse_key(key).expect("keys of releases parse");
            self.version(team, name, version).is_none()
        };
        let keys: Vec<String> = self.keys(changed, &Part::Release).into_iter().filter(is_new).collect();
        if keys.is_empty() {
            return Ok(Synced::default());
        }
        let releases: Vec<(String, Release)> = self.store.get_many(keys, |error| damaged(&error)).await?;
        // Listed after the releases: an archive is there before its release.
        let blobs: HashSet<String> = self.store.list("blobs").await?.into_iter().map(|blob| blob.key).collect();
        let mut synced = Synced::default();
        let mut entries = Vec::new();
        for (key, release) in releases {
            let detail = &release.detail;
            let at = parse_key(&key).map(|(team, name, version, _)| (team, name, version));
            let is_sound = release.format == FORMAT
                && at == Some((detail.team.as_str(), detail.name.as_str(), detail.summary.version.as_str()));
            if !is_sound {
                tracing::error!(key, "this object is no version of a pack; it is left out");
            } else if !blobs.contains(&blob(&detail.summary.digest)) {
                tracing::error!(key, digest = %detail.summary.digest, "the archive of this version is missing; it is left out");
                synced.without_archive += 1;
                // It is looked at again the next time: the archive may come back.
                changed.retain(|listed| listed.key != key);
            } else if let Some(entry) = Entry::new(release) {
                entries.push(entry);
            }
        }
        synced.added = entries.len();
        self.index.write().insert(entries);
        Ok(synced)
    }

    async fn add_signatures(&self, changed: &[Listed]) -> Result<(), StoreError> {
        let keys = self.keys(changed, &Part::Signature);
        let signatures: Vec<(String, SignatureDocument)> = self.store.get_many(keys, |error| damaged(&error)).await?;
        let mut index = self.index.write();
        for (key, signature) in signatures {
            let Some((team, name, version, _)) = parse_key(&key) else { continue };
            let Some(entry) = index.pack(team, name).and_then(|pack| pack.version(version).cloned()) else { continue };
            match signature.verify(name, &entry.version, &entry.detail.summary.digest) {
                Ok(_) => index.add_signature(team, name, version, signature),
                Err(error) => tracing::error!(key, %error, "this signature is not good; it is left out"),
            }
        }
        Ok(())
    }

    async fn set_states(&self, changed: &[Listed]) -> Result<(), StoreError> {
        let keys = self.keys(changed, &Part::State);
        let states: Vec<(String, State)> = self.store.get_many(keys, |error| damaged(&error)).await?;
        let mut index = self.index.write();
        for (key, state) in states {
            if let Some((team, name, version, _)) = parse_key(&key) {
                index.set_yanked(team, name, version, state.yanked);
            }
        }
        Ok(())
    }

    fn remove_gone(&self, listed: &[Listed], began: Instant) -> usize {
        let there: HashSet<&str> = listed.iter().map(|listed| listed.key.as_str()).collect();
        let mut fresh = self.fresh.lock();
        let mut index = self.index.write();
        let mut gone = Vec::new();
        for pack in index.iter() {
            for entry in &pack.versions {
                let version = entry.detail.summary.version.as_str();
                let key = format!("{}/release.json", folder(&pack.team, &pack.name, version));
                let is_newer = fresh.get(&key).is_some_and(|added| *added >= began);
                if !there.contains(key.as_str()) && !is_newer {
                    gone.push((pack.team.clone(), pack.name.clone(), version.to_owned()));
                }
            }
        }
        for (team, name, version) in &gone {
            tracing::warn!("{team}/{name} {version} is no longer in the store");
            index.remove(team, name, version);
        }
        fresh.retain(|_, added| *added >= began);
        self.tags.lock().retain(|key, _| there.contains(key.as_str()));
        gone.len()
    }

    /// Removes archives and texts that belong to no version and have lain there for a day; how many.
    ///
    /// # Errors
    /// The store refuses.
    pub async fn collect_orphans(&self, now_seconds: i64) -> Result<usize, StoreError> {
        self.sync().await?;
        let mut used: HashSet<String> = HashSet::new();
        // What is left out of the index is still somebody's: all releases in the store count.
        let keys = self
            .store
            .list("packs")
            .await?
            .into_iter()
            .map(|listed| listed.key)
            .filter(|key| is_release(key))
            .collect();
        let mut is_whole = true;
        for (_, release) in self.store.get_many::<Release>(keys, |_| is_whole = false).await? {
            used.insert(blob(&release.detail.summary.digest));
            used.extend(release.documents);
        }
        if !is_whole {
            // Nobody can tell what a damaged release needs.
            return Ok(0);
        }
        let mut count = 0;
        for prefix in ["blobs", "documents"] {
            for object in self.store.list(prefix).await? {
                let age = now_seconds.saturating_sub(object.written_at);
                if !used.contains(&object.key) && age > ORPHAN_AGE.as_secs().cast_signed() {
                    self.store.delete(&object.key).await?;
                    count += 1;
                }
            }
        }
        Ok(count)
    }
}

fn is_release(key: &str) -> bool {
    parse_key(key).is_some_and(|(_, _, _, part)| part == Part::Release)
}

fn damaged(error: &StoreError) {
    tracing::error!(error = %crate::client::chain(error), "a damaged object is left out");
}
