//! From what a person names to a folder that is what was pinned and signed.

mod error;

pub use error::ResolveError;

use crate::archive::ArchiveError;
use crate::cache::Cache;
use crate::client::{ClientContext, ClientError, Published, RegistryClient, client};
use crate::config::{NamedRegistry, Registries};
use crate::lockfile::{LockFile, LockFileError, Pin};
use crate::metadata::PackMetadata;
use crate::sign::TrustPolicy;
use crate::source::{PackAddress, Source, is_address};
use crate::{Digest, Version, VersionRange};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Finds packs: in the cache where it may, else in their registries.
pub struct Resolver {
    /// The person's own registries.
    pub registries: Registries,
    /// What was fetched.
    pub cache: Cache,
    /// How registries are reached.
    pub context: ClientContext,
    /// Whether they are asked at all.
    pub reach: Reach,
    lock: Option<Mutex<Lock>>,
}

/// Whether registries are asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reach {
    /// They are.
    #[default]
    Online,
    /// Only what was fetched before is used.
    Offline,
}

/// What is done with a lock file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Locking {
    /// What is pinned counts; what is not is chosen and pinned.
    #[default]
    Keep,
    /// What is pinned counts; what is not is an error.
    ReadOnly,
    /// Everything is chosen anew and pinned.
    Update,
}

struct Lock {
    path: PathBuf,
    file: LockFile,
    /// What this run has chosen; an update replaces the rest.
    chosen: LockFile,
    locking: Locking,
}

impl Lock {
    fn write(&mut self) -> Result<(), ResolveError> {
        if self.chosen != self.file {
            self.chosen.write(&self.path)?;
            self.file = self.chosen.clone();
        }
        Ok(())
    }
}

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// A folder, `team/postgres`, or an address.
    pub source: &'a str,
    /// A version or a range.
    pub version: Option<&'a str>,
    /// The branch, tag or commit of a git source.
    pub reference: Option<&'a str>,
    /// What folders are meant from.
    pub from: &'a Path,
    /// Registries that count before the person's own.
    pub registries: &'a BTreeMap<String, NamedRegistry>,
}

/// A pack that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// Its folder.
    pub folder: PathBuf,
    /// What is known of it when it comes from a registry.
    pub published: Option<ResolvedVersion>,
}

/// A version that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolvedVersion {
    /// The pack's address.
    pub address: String,
    /// Semver.
    pub version: Version,
    /// Of the archive.
    pub digest: Digest,
    /// The id of the key that vouches for it.
    pub signed_by: Option<String>,
}

/// How many versions an error lists.
const MAX_SHOWN: usize = 10;

impl Resolver {
    /// Without a lock file.
    pub fn new(registries: Registries, cache: Cache, context: ClientContext, reach: Reach) -> Self {
        Self { registries, cache, context, reach, lock: None }
    }

    /// With the lock file at `path`.
    ///
    /// # Errors
    /// It is damaged.
    pub fn with_lock(mut self, path: &Path, locking: Locking) -> Result<Self, LockFileError> {
        let file = LockFile::read(path)?;
        let chosen = if locking == Locking::Update { LockFile::default() } else { file.clone() };
        self.lock = Some(Mutex::new(Lock { path: path.to_owned(), file, chosen, locking }));
        Ok(self)
    }

    /// The address of what is asked for, and whom to believe about it; none for a plain folder.
    ///
    /// # Errors
    /// The source is none, or nobody has named the registry.
    pub fn address(&self, request: &Request<'_>) -> Result<Option<(PackAddress, TrustPolicy)>, ResolveError> {
        let text = request.source.trim();
        let direct = |text: &str| -> Result<_, ResolveError> {
            Ok(Some((PackAddress::direct(text, request.from)?, self.registries.trust(None))))
        };
        if is_address(text) {
            return direct(text);
        }
        if text.starts_with(['.', '/']) {
            return Ok(None);
        }
        let (name, pack) = text.split_once('/').unwrap_or((text, ""));
        let registry = request.registries.get(name).or_else(|| self.registries.named.get(name));
        match registry {
            Some(registry) if !pack.is_empty() => {
                let source = Source::parse(&registry.source, request.from)?;
                Ok(Some((PackAddress::within(&source, pack)?, self.registries.trust(Some(registry)))))
            }
            _ if request.from.join(text).is_dir() => Ok(None),
            _ => {
                let names = request.registries.keys().chain(self.registries.named.keys()).cloned().collect();
                let (source_text, name) = (text.to_owned(), name.to_owned());
                Err(ResolveError::NoRegistry { source_text, name, known_names: names })
            }
        }
    }

    /// The folder of what is asked for.
    ///
    /// # Errors
    /// It is not there, cannot be fetched, or is not what was pinned or signed.
    pub async fn resolve(&self, request: &Request<'_>) -> Result<Resolved, ResolveError> {
        let Some((mut address, trust)) = self.address(request)? else {
            return self.folder(request).map(|folder| Resolved { folder, published: None });
        };
        if let (Source::Git(source), Some(reference)) = (&mut address.registry, request.reference) {
            source.reference = Some(reference.to_owned());
        }
        let range: VersionRange = request.version.unwrap_or_default().parse()?;
        let shown = address.to_string();
        if let Some((pin, path)) = self.pinned(&shown, &range) {
            let published = published_of(&pin);
            let (folder, signed_by) = self.fetched(&address, &published, &trust, Some(&path)).await?;
            self.pin(&shown, pin.clone())?;
            let published = ResolvedVersion { address: shown, version: pin.version, digest: pin.digest, signed_by };
            return Ok(Resolved { folder, published: Some(published) });
        }
        self.may_choose(&shown, &range)?;
        let published = self.choose(&address, &range).await?;
        let (published, bytes) = self.digested(&address, published).await?;
        let digest = match (&bytes, published.digest) {
            (Some(bytes), _) => self.cache.keep(bytes)?,
            (None, Some(digest)) => digest,
            (None, None) => return Err(ResolveError::Offline { what: format!("{shown} {}", published.version) }),
        };
        let chosen = Published { digest: Some(digest), ..published };
        let (folder, signed_by) = self.fetched(&address, &chosen, &trust, None).await?;
        let handle = Some(chosen.handle.clone()).filter(|handle| *handle != chosen.version.to_string());
        let handle = handle.unwrap_or_default();
        self.pin(&shown, Pin { version: chosen.version.clone(), digest, handle })?;
        let published = ResolvedVersion { address: shown, version: chosen.version, digest, signed_by };
        Ok(Resolved { folder, published: Some(published) })
    }

    fn folder(&self, request: &Request<'_>) -> Result<PathBuf, ResolveError> {
        let folder = request.from.join(request.source.strip_prefix("./").unwrap_or(request.source));
        // A pack of a stranger reads nothing but what was verified with it.
        if let Some(root) = self.cache.pack_around(request.from) {
            let is_within = folder
                .canonicalize()
                .is_ok_and(|folder| root.canonicalize().is_ok_and(|root| folder.starts_with(root)));
            if !is_within {
                return Err(ResolveError::OutsidePack { source_text: request.source.to_owned() });
            }
        }
        Ok(folder)
    }

    fn pinned(&self, address: &str, range: &VersionRange) -> Option<(Pin, PathBuf)> {
        let lock = self.lock.as_ref()?.lock();
        // What this run has chosen counts for all that ask again.
        lock.chosen.find(address, range).cloned().map(|pin| (pin, lock.path.clone()))
    }

    fn may_choose(&self, address: &str, range: &VersionRange) -> Result<(), ResolveError> {
        let Some(lock) = &self.lock else { return Ok(()) };
        let lock = lock.lock();
        if lock.locking == Locking::ReadOnly {
            let (address, range, path) = (address.to_owned(), range.to_string(), lock.path.clone());
            return Err(ResolveError::NotLocked { address, range, path });
        }
        Ok(())
    }

    fn pin(&self, address: &str, pin: Pin) -> Result<(), ResolveError> {
        let Some(lock) = &self.lock else { return Ok(()) };
        let mut lock = lock.lock();
        lock.chosen.pin(address, pin);
        if lock.locking == Locking::Keep { lock.write() } else { Ok(()) }
    }

    /// Writes what an update has chosen, once everything is found: a half one would lose pins. Answers the lock file.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn save_update(&self) -> Result<Option<LockFile>, ResolveError> {
        let Some(lock) = &self.lock else { return Ok(None) };
        let mut lock = lock.lock();
        if lock.locking == Locking::Update {
            lock.write()?;
        }
        Ok(Some(lock.file.clone()))
    }

    /// The newest version in a range that was not taken back.
    async fn choose(&self, address: &PackAddress, range: &VersionRange) -> Result<Published, ResolveError> {
        let versions = self.versions(address).await?;
        let fits = |one: &&Published| one.yanked.is_none() && range.matches(&one.version);
        if let Some(found) = versions.iter().filter(fits).max_by_key(|one| &one.version) {
            return Ok(found.clone());
        }
        let mut all: Vec<&Published> = versions.iter().collect();
        all.sort_by(|one, other| other.version.cmp(&one.version));
        let shown = |one: &&Published| match &one.yanked {
            Some(yanked) if yanked.reason.is_empty() => format!("{} (taken back)", one.version),
            Some(yanked) => format!("{} (taken back: {})", one.version, yanked.reason),
            None => one.version.to_string(),
        };
        let available = all.iter().take(MAX_SHOWN).map(shown).collect();
        Err(ResolveError::NoVersion { address: address.to_string(), range: range.to_string(), available })
    }

    /// All versions of a pack: from its registry, else as they were listed last.
    ///
    /// # Errors
    /// The registry does not answer and was never asked before, or has no such pack.
    pub async fn versions(&self, address: &PackAddress) -> Result<Vec<Published>, ResolveError> {
        let shown = address.to_string();
        if self.reach == Reach::Offline {
            let known = self.cache.noted_versions(&shown);
            return if known.is_empty() { Err(ResolveError::Offline { what: shown }) } else { Ok(known) };
        }
        match self.client(address)?.versions(&address.pack).await {
            Ok(versions) => {
                self.cache.note_versions(&shown, &versions)?;
                Ok(versions)
            }
            Err(error) => Err(error.into()),
        }
    }

    fn client(&self, address: &PackAddress) -> Result<Box<dyn RegistryClient>, ClientError> {
        client(&address.registry, &self.context)
    }

    /// A version with its digest; where nobody tells that, with the archive.
    async fn digested(
        &self,
        address: &PackAddress,
        mut published: Published,
    ) -> Result<(Published, Option<Vec<u8>>), ResolveError> {
        if published.digest.is_some() || self.reach == Reach::Offline {
            return Ok((published, None));
        }
        let bytes = self.client(address)?.fetch(&address.pack, &published).await?;
        published.digest = Some(Digest::of(&bytes));
        // So that the digest is known when the registry does not answer.
        let noted = self.cache.noted_versions(&address.to_string()).into_iter().map(|mut one| {
            if one.version == published.version {
                one.digest = published.digest;
            }
            one
        });
        self.cache.note_versions(&address.to_string(), &noted.collect::<Vec<_>>())?;
        Ok((published, Some(bytes)))
    }

    /// The verified folder of a version whose digest is known, and who vouches for it.
    async fn fetched(
        &self,
        address: &PackAddress,
        published: &Published,
        trust: &TrustPolicy,
        pinned_in: Option<&Path>,
    ) -> Result<(PathBuf, Option<String>), ResolveError> {
        let shown = address.to_string();
        let Some(expected) = published.digest else { return Err(ResolveError::Offline { what: shown }) };
        let known = self.cache.folder(&expected)?;
        if known.is_none() && self.reach == Reach::Offline {
            return Err(ResolveError::Offline { what: format!("{shown} {}", published.version) });
        }
        let signed_by = self.vouched(address, published, &expected, trust).await?;
        if let Some(folder) = known {
            return Ok((folder, signed_by));
        }
        let bytes = match self.client(address)?.fetch(&address.pack, published).await {
            Err(ClientError::Archive(ArchiveError::WrongDigest { actual, .. })) => {
                return Err(changed(&shown, published, expected, actual, pinned_in));
            }
            bytes => bytes?,
        };
        let actual = Digest::of(&bytes);
        if actual != expected {
            return Err(changed(&shown, published, expected, actual, pinned_in));
        }
        self.cache.keep(&bytes)?;
        let folder = self.cache.folder(&expected)?.ok_or_else(|| ResolveError::Offline { what: shown.clone() })?;
        self.check_label(address, published, &folder)?;
        Ok((folder, signed_by))
    }

    /// Git's tags are people's, who may name them as they like; elsewhere publishing has checked the name.
    fn check_label(&self, address: &PackAddress, published: &Published, folder: &Path) -> Result<(), ResolveError> {
        if !matches!(address.registry, Source::Oci(_) | Source::Http(_)) {
            return Ok(());
        }
        let metadata = PackMetadata::of_folder(folder)?;
        if metadata.name == address.name() && metadata.version == published.version.to_string() {
            return Ok(());
        }
        let actual = format!("{} {}", metadata.name, metadata.version);
        Err(ResolveError::Mislabelled { what: format!("{address} {}", published.version), actual })
    }

    async fn vouched(
        &self,
        address: &PackAddress,
        published: &Published,
        digest: &Digest,
        trust: &TrustPolicy,
    ) -> Result<Option<String>, ResolveError> {
        if !trust.is_required() {
            return Ok(None);
        }
        let check = |signatures: &[_]| trust.check(&address.name(), &published.version, digest, signatures);
        let noted = check(&self.cache.noted_signatures(digest));
        if noted.is_ok() || self.reach == Reach::Offline {
            return Ok(noted?);
        }
        let signatures = self.client(address)?.signatures(&address.pack, published).await?;
        let signed_by = check(&signatures)?;
        self.cache.note_signatures(digest, &signatures)?;
        Ok(signed_by)
    }
}

fn changed(
    address: &str,
    published: &Published,
    expected: Digest,
    actual: Digest,
    pinned_in: Option<&Path>,
) -> ResolveError {
    let what = format!("{address} {}", published.version);
    match pinned_in {
        Some(path) => ResolveError::Changed { what, path: path.to_owned(), expected, actual },
        None => ResolveError::Damaged { what, expected, actual },
    }
}

fn published_of(pin: &Pin) -> Published {
    let known = Published::of(pin.version.clone());
    let handle = if pin.handle.is_empty() { known.handle.clone() } else { pin.handle.clone() };
    Published { digest: Some(pin.digest), handle, ..known }
}
