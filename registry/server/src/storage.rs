//! Where everything is kept: objects by key in a folder or a bucket, through `object_store`.
//!
//! Every write is atomic: an object is there whole, or not at all. In a folder it is also on the disk before it counts.

use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{GetOptions, GetRange, ObjectMeta, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::config::{S3, Storage};

/// Objects that are read at the same time.
const PARALLEL_READS: usize = 32;
/// What a write that a crash interrupted leaves in a folder is removed after this time.
const STALE_AFTER: Duration = Duration::from_secs(3_600);

/// Why the store refuses.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// It cannot be opened.
    #[error("cannot open the storage {what}")]
    Open {
        /// The folder or bucket.
        what: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// An object cannot be read or written.
    #[error("storage: {key}")]
    Object {
        /// Its key.
        key: String,
        /// Why.
        #[source]
        source: object_store::Error,
    },
    /// An object is not what the registry writes.
    #[error("storage: {key} is damaged")]
    Damaged {
        /// Its key.
        key: String,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
}

/// What came of making an object that must not be there yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Creation {
    /// It is made.
    Made,
    /// Somebody else was first.
    Exists,
}

/// The store of a registry.
#[derive(Clone, Debug)]
pub struct Store {
    objects: Arc<dyn ObjectStore>,
    folder: Option<PathBuf>,
}

/// An object of a list.
#[derive(Clone, Debug)]
pub struct Listed {
    /// Its key.
    pub key: String,
    /// Changes with its content.
    pub tag: String,
    /// When it was written, in seconds since 1970.
    pub written_at: i64,
}

/// An object that is being read.
pub struct Reading {
    /// The size of the whole object.
    pub size_bytes: u64,
    /// Its bytes, or those of the range.
    pub stream: BoxStream<'static, Result<Bytes, object_store::Error>>,
}

impl Store {
    /// Opens what the configuration names.
    ///
    /// # Errors
    /// The folder cannot be made, or the bucket's settings are wrong.
    pub fn open(storage: &Storage) -> Result<Self, StoreError> {
        match storage {
            Storage::Folder(folder) => Self::folder(folder),
            Storage::S3(bucket) => Self::bucket(bucket),
        }
    }

    /// A folder, which is made if it is not there.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn folder(folder: &FilePath) -> Result<Self, StoreError> {
        let failed = |source: Box<dyn std::error::Error + Send + Sync>| StoreError::Open {
            what: folder.display().to_string(),
            source,
        };
        make_folder(folder).map_err(|error| failed(error.into()))?;
        let files = LocalFileSystem::new_with_prefix(folder).map_err(|error| failed(error.into()))?.with_fsync(true);
        Ok(Self { objects: Arc::new(files), folder: Some(folder.to_owned()) })
    }

    fn bucket(bucket: &S3) -> Result<Self, StoreError> {
        crate::client::install_crypto();
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(&bucket.bucket)
            .with_region(bucket.region.as_deref().unwrap_or("us-east-1"))
            .with_virtual_hosted_style_request(bucket.virtual_hosted)
            .with_allow_http(bucket.allow_http)
            // Not every store has it, and little is ever deleted.
            .with_disable_bulk_delete(true);
        if let Some(endpoint) = &bucket.endpoint {
            builder = builder.with_endpoint(endpoint);
        }
        if let Some(id) = &bucket.access_key_id {
            builder = builder.with_access_key_id(id);
        }
        if let Some(key) = &bucket.secret_access_key {
            builder = builder.with_secret_access_key(key.expose());
        }
        if let Some(token) = &bucket.session_token {
            builder = builder.with_token(token.expose());
        }
        let store = builder
            .build()
            .map_err(|error| StoreError::Open { what: format!("bucket {}", bucket.bucket), source: error.into() })?;
        let prefix = bucket.prefix.trim_matches('/');
        let objects: Arc<dyn ObjectStore> =
            if prefix.is_empty() { Arc::new(store) } else { Arc::new(PrefixStore::new(store, Path::from(prefix))) };
        Ok(Self { objects, folder: None })
    }

    /// Writes an object in place of what was there.
    ///
    /// # Errors
    /// The store refuses.
    pub async fn put(&self, key: &str, content: Bytes) -> Result<(), StoreError> {
        let written = self.objects.put(&Path::from(key), PutPayload::from(content)).await;
        written.map(|_| ()).map_err(|source| failed(key, source))
    }

    /// Writes an object that must not be there yet. Of several who try, one makes it.
    ///
    /// # Errors
    /// The store refuses.
    pub async fn create(&self, key: &str, content: Bytes) -> Result<Creation, StoreError> {
        let options = PutOptions::from(PutMode::Create);
        match self.objects.put_opts(&Path::from(key), PutPayload::from(content), options).await {
            Ok(_) => Ok(Creation::Made),
            Err(object_store::Error::AlreadyExists { .. }) => Ok(Creation::Exists),
            Err(source) => Err(failed(key, source)),
        }
    }

    /// As [`Self::put`], of what serialises.
    ///
    /// # Errors
    /// The store refuses.
    pub async fn put_json<T: Serialize>(&self, key: &str, value: &T) -> Result<(), StoreError> {
        self.put(key, json(value)).await
    }

    /// As [`Self::create`], of what serialises.
    ///
    /// # Errors
    /// The store refuses.
    pub async fn create_json<T: Serialize>(&self, key: &str, value: &T) -> Result<Creation, StoreError> {
        self.create(key, json(value)).await
    }

    /// A whole object; none when it is not there.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn get(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
        match self.objects.get(&Path::from(key)).await {
            Ok(found) => found.bytes().await.map(Some).map_err(|source| failed(key, source)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(source) => Err(failed(key, source)),
        }
    }

    /// A whole object, read.
    ///
    /// # Errors
    /// The store does not answer, or the object is damaged.
    pub async fn get_json<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, StoreError> {
        let Some(content) = self.get(key).await? else { return Ok(None) };
        let read = serde_json::from_slice(&content);
        read.map(Some).map_err(|source| StoreError::Damaged { key: key.to_owned(), source })
    }

    /// An object or a part of it, as a stream; none when it is not there.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn read(&self, key: &str, range: Option<std::ops::Range<u64>>) -> Result<Option<Reading>, StoreError> {
        let options = GetOptions { range: range.map(GetRange::Bounded), ..GetOptions::default() };
        match self.objects.get_opts(&Path::from(key), options).await {
            Ok(found) => Ok(Some(Reading { size_bytes: found.meta.size, stream: found.into_stream() })),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(source) => Err(failed(key, source)),
        }
    }

    /// Whether an object is there.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn has(&self, key: &str) -> Result<bool, StoreError> {
        match self.objects.head(&Path::from(key)).await {
            Ok(_) => Ok(true),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(source) => Err(failed(key, source)),
        }
    }

    /// Removes an object, if it is there.
    ///
    /// # Errors
    /// The store refuses.
    pub async fn delete(&self, key: &str) -> Result<(), StoreError> {
        match self.objects.delete(&Path::from(key)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(source) => Err(failed(key, source)),
        }
    }

    /// All objects below a prefix.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn list(&self, prefix: &str) -> Result<Vec<Listed>, StoreError> {
        let objects = self.objects.list(Some(&Path::from(prefix)));
        objects.map_ok(listed).try_collect().await.map_err(|source| failed(prefix, source))
    }

    /// Reads many objects at a time; those that have gone meanwhile are left out, damaged ones are passed to `damaged`.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn get_many<T: DeserializeOwned>(
        &self,
        keys: Vec<String>,
        mut damaged: impl FnMut(StoreError),
    ) -> Result<Vec<(String, T)>, StoreError> {
        let mut reads = futures::stream::iter(keys)
            .map(|key| async move {
                let read = self.get_json::<T>(&key).await;
                (key, read)
            })
            .buffer_unordered(PARALLEL_READS);
        let mut found = Vec::new();
        while let Some((key, read)) = reads.next().await {
            match read {
                Ok(Some(value)) => found.push((key, value)),
                Ok(None) => {}
                Err(error @ StoreError::Damaged { .. }) => damaged(error),
                Err(error) => return Err(error),
            }
        }
        Ok(found)
    }

    /// Everything below a prefix, read.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn list_json<T: DeserializeOwned>(&self, prefix: &str) -> Result<Vec<T>, StoreError> {
        let keys = self.list(prefix).await?.into_iter().map(|listed| listed.key).collect();
        let found =
            self.get_many(keys, |error| tracing::warn!(error = %crate::client::chain(&error), "left out")).await?;
        Ok(found.into_iter().map(|(_, value)| value).collect())
    }

    /// Removes what interrupted writes left in a folder; how many files.
    ///
    /// # Errors
    /// A folder cannot be read.
    pub fn sweep(&self) -> std::io::Result<usize> {
        match &self.folder {
            Some(folder) => sweep(folder, SystemTime::now()),
            None => Ok(0),
        }
    }
}

/// Others on this host have no business with tokens, even hashed.
fn make_folder(folder: &FilePath) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new().recursive(true).mode(0o750).create(folder)
}

/// Files that are being written bear a `#` and a number until they are whole.
fn sweep(folder: &FilePath, now: SystemTime) -> std::io::Result<usize> {
    let mut count = 0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            count += sweep(&entry.path(), now)?;
            continue;
        }
        let name = entry.file_name();
        let is_partial =
            name.to_string_lossy().rsplit_once('#').is_some_and(|(_, number)| number.parse::<u64>().is_ok());
        let age = entry.metadata()?.modified().ok().and_then(|written| now.duration_since(written).ok());
        if kind.is_file() && is_partial && age.is_some_and(|age| age > STALE_AFTER) {
            std::fs::remove_file(entry.path())?;
            count += 1;
        }
    }
    Ok(count)
}

fn listed(meta: ObjectMeta) -> Listed {
    let written_at = meta.last_modified.timestamp();
    Listed {
        tag: meta.e_tag.unwrap_or_else(|| format!("{written_at}-{}", meta.size)),
        key: meta.location.to_string(),
        written_at,
    }
}

fn json<T: Serialize>(value: &T) -> Bytes {
    let mut text = serde_json::to_vec_pretty(value).expect("what the registry keeps has text keys");
    text.push(b'\n');
    text.into()
}

fn failed(key: &str, source: object_store::Error) -> StoreError {
    StoreError::Object { key: key.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn of_many_who_create_an_object_one_makes_it() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::folder(folder.path()).unwrap();
        let tries = (0..16).map(|number| {
            let store = store.clone();
            async move { store.create("a/b.json", Bytes::from(format!("{number}"))).await.unwrap() }
        });
        let results = futures::future::join_all(tries).await;
        assert_eq!(results.iter().filter(|result| **result == Creation::Made).count(), 1);
        let winner = results.iter().position(|result| *result == Creation::Made).unwrap();
        assert_eq!(store.get("a/b.json").await.unwrap().unwrap(), winner.to_string());
    }

    #[tokio::test]
    async fn what_a_crash_left_is_neither_listed_nor_kept() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::folder(folder.path()).unwrap();
        store.put("packs/a.json", Bytes::from_static(b"{}")).await.unwrap();
        std::fs::write(folder.path().join("packs/b.json#7"), "{").unwrap();
        let keys: Vec<_> = store.list("packs").await.unwrap().into_iter().map(|listed| listed.key).collect();
        assert_eq!(keys, ["packs/a.json"]);
        assert_eq!(store.sweep().unwrap(), 0, "it may still be written");
        assert_eq!(sweep(folder.path(), SystemTime::now() + 2 * STALE_AFTER).unwrap(), 1);
        assert!(store.list("nothing/here").await.unwrap().is_empty());
    }
}
