//! Registries of packs as this machine has them: settings, credentials, cache and proxies from the environment, and the
//! packs that commands and stacks name.

use crate::error::CliError;
use crate::stacks::explained;
use drover_packs::{Locate, LocateError, Located, Wanted};
use drover_registry::client::{ClientContext, Credential, Credentials, NetworkOptions, RegistryClient, client};
use drover_registry::config::{NamedRegistry, Registries};
use drover_registry::source::{PackAddress, Source, is_address, split_version};
use drover_registry::{Cache, LOCK_FILE, LockFile, Locking, Reach, Request, Resolver};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// Where things are kept.
#[derive(Clone, Debug)]
pub struct Places {
    /// Settings: registries, credentials, keys.
    pub settings: PathBuf,
    /// What was fetched.
    pub cache: PathBuf,
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

impl Places {
    /// From `DROVER_CONFIG_DIR` and `DROVER_CACHE_DIR`, else the person's usual folders.
    ///
    /// # Errors
    /// There is no home.
    pub fn find() -> Result<Self, CliError> {
        let folder = |own: &str, xdg: &str, home: &str| {
            let own = variable(own).map(PathBuf::from);
            let xdg = || variable(xdg).map(|path| PathBuf::from(path).join("drover"));
            own.or_else(xdg).or_else(|| variable("HOME").map(|path| PathBuf::from(path).join(home).join("drover")))
        };
        match (
            folder("DROVER_CONFIG_DIR", "XDG_CONFIG_HOME", ".config"),
            folder("DROVER_CACHE_DIR", "XDG_CACHE_HOME", ".cache"),
        ) {
            (Some(settings), Some(cache)) => Ok(Self { settings, cache: cache.join("registry") }),
            _ => Err(CliError::new("there is no folder for registries' settings and packs")
                .hint("set HOME, or DROVER_CONFIG_DIR and DROVER_CACHE_DIR")),
        }
    }

    /// The file of registries.
    pub fn registries(&self) -> PathBuf {
        self.settings.join("registries.hcl")
    }

    /// Where `registry keygen` puts a key unless told otherwise.
    pub fn signing_key(&self) -> PathBuf {
        self.settings.join("signing-key.json")
    }

    /// The registries that have names.
    ///
    /// # Errors
    /// The file is wrong.
    pub fn read_registries(&self) -> Result<Registries, CliError> {
        Registries::read(&self.registries()).map_err(|error| explained(&error))
    }

    /// How registries are reached.
    ///
    /// # Errors
    /// The file of certificates cannot be read, or the list of tokens is wrong.
    pub fn context(&self) -> Result<ClientContext, CliError> {
        let either = |small: &str, large: &str| variable(small).or_else(|| variable(large));
        let extra_certificates = match variable("DROVER_REGISTRY_CA_FILE").or_else(|| variable("SSL_CERT_FILE")) {
            Some(path) => std::fs::read(&path)
                .map_err(|error| CliError::new(format!("cannot read the certificates in {path}: {error}")))?,
            None => Vec::new(),
        };
        let network = NetworkOptions {
            extra_certificates,
            http_proxy: either("http_proxy", "HTTP_PROXY"),
            https_proxy: either("https_proxy", "HTTPS_PROXY"),
            no_proxy: either("no_proxy", "NO_PROXY"),
            user_agent: format!("drover/{}", env!("CARGO_PKG_VERSION")),
        };
        let docker = variable("DOCKER_CONFIG").map(PathBuf::from);
        let docker = docker.or_else(|| variable("HOME").map(|home| PathBuf::from(home).join(".docker")));
        let credentials = Credentials {
            given: given_tokens()?,
            file: Some(self.settings.join("credentials.json")),
            docker_config: docker.map(|folder| folder.join("config.json")),
        };
        Ok(ClientContext { network, credentials: Arc::new(credentials), git_cache: self.cache.join("git") })
    }
}

/// `DROVER_REGISTRY_TOKENS`: `HOST=TOKEN`, separated by commas. A token is sent to its host alone.
fn given_tokens() -> Result<BTreeMap<String, Credential>, CliError> {
    let Some(list) = variable("DROVER_REGISTRY_TOKENS") else { return Ok(BTreeMap::new()) };
    let parse = |pair: &str| {
        let (host, token) = pair.split_once('=')?;
        Some((host.trim().to_owned(), Credential::Token(token.trim().to_owned())))
    };
    let tokens: Option<BTreeMap<_, _>> = list.split(',').map(parse).collect();
    tokens.ok_or_else(|| CliError::new("DROVER_REGISTRY_TOKENS is not a list of HOST=TOKEN, separated by commas"))
}

/// What `DROVER_LOCK` says.
///
/// # Errors
/// It says something unknown.
pub fn locking() -> Result<Locking, CliError> {
    match variable("DROVER_LOCK").as_deref() {
        None | Some("keep") => Ok(Locking::Keep),
        Some("readonly") => Ok(Locking::ReadOnly),
        Some("update") => Ok(Locking::Update),
        Some(other) => Err(CliError::new(format!("DROVER_LOCK is {other:?}; it may be keep, readonly or update"))),
    }
}

fn resolver() -> Result<Resolver, CliError> {
    let places = Places::find()?;
    let is_offline = variable("DROVER_OFFLINE").is_some_and(|value| !matches!(value.as_str(), "0" | "false"));
    let reach = if is_offline { Reach::Offline } else { Reach::Online };
    Ok(Resolver::new(places.read_registries()?, Cache::new(&places.cache), places.context()?, reach))
}

/// Runs a future on a thread of its own, so that it does not matter what the caller's thread does.
pub fn wait<T: Send>(future: impl Future<Output = Result<T, CliError>> + Send) -> Result<T, CliError> {
    let run = || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| CliError::new(format!("cannot start: {error}")))?;
        runtime.block_on(future)
    };
    let ended = std::thread::scope(|scope| scope.spawn(run).join());
    ended.unwrap_or_else(|_| Err(CliError::new("the work on a registry ended badly")))
}

/// Packs of registries, with a lock file beside the stack or pack that names them.
pub struct RegistryPacks {
    lock: Option<(PathBuf, Locking)>,
    resolver: OnceLock<Result<Resolver, LocateError>>,
}

impl RegistryPacks {
    /// For what lies in `folder`. Nothing is read yet.
    pub fn locked_in(folder: &Path, locking: Locking) -> Self {
        Self { lock: Some((folder.join(LOCK_FILE), locking)), resolver: OnceLock::new() }
    }

    /// For what a person names on the command line: nothing is pinned.
    pub fn unlocked() -> Self {
        Self { lock: None, resolver: OnceLock::new() }
    }

    fn resolver(&self) -> Result<&Resolver, LocateError> {
        let made = self.resolver.get_or_init(|| {
            let made = resolver().and_then(|resolver| match &self.lock {
                Some((path, locking)) => resolver.with_lock(path, *locking).map_err(|error| explained(&error)),
                None => Ok(resolver),
            });
            made.map_err(|error| not_located(&error))
        });
        made.as_ref().map_err(Clone::clone)
    }

    /// Writes the lock file of an update; answers it, when any registry's pack was named.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn save_update(&self) -> Result<Option<LockFile>, CliError> {
        match self.resolver.get() {
            Some(Ok(resolver)) => resolver.save_update().map_err(|error| explained(&error)),
            _ => Ok(None),
        }
    }
}

/// Whether a folder is a pack that was fetched: somebody else's.
pub fn is_fetched(folder: &Path) -> bool {
    Places::find().is_ok_and(|places| folder.starts_with(&places.cache))
}

/// For a stack or pack in `folder`: with its lock file, unless the folder is one that was fetched.
///
/// # Errors
/// `DROVER_LOCK` says something unknown.
pub fn packs_of(folder: &Path) -> Result<Arc<RegistryPacks>, CliError> {
    let packs =
        if is_fetched(folder) { RegistryPacks::unlocked() } else { RegistryPacks::locked_in(folder, locking()?) };
    Ok(Arc::new(packs))
}

fn not_located(error: &CliError) -> LocateError {
    LocateError { message: error.message.clone(), hint: error.hints.first().cloned().unwrap_or_default() }
}

impl Locate for RegistryPacks {
    fn locate(&self, wanted: &Wanted<'_>) -> Result<Located, LocateError> {
        // Folders of one's own need no settings; those in fetched packs are looked at below.
        let is_folder = wanted.source.starts_with(['.', '/']);
        let is_own = Places::find().map_or(true, |places| !wanted.from.starts_with(&places.cache));
        if is_folder && is_own {
            return drover_packs::Folders.locate(wanted);
        }
        let mut registries = BTreeMap::new();
        for declared in wanted.registries {
            let trusted_keys: Result<Vec<_>, _> = declared.trusted_keys.iter().map(|key| key.parse()).collect();
            let trusted_keys = trusted_keys.map_err(|error: drover_registry::sign::KeyError| LocateError {
                message: format!("registry {}: {error}", declared.name),
                hint: String::new(),
            })?;
            let named = NamedRegistry { source: declared.source.clone(), trusted_keys, rotations: Vec::new() };
            registries.entry(declared.name.clone()).or_insert(named);
        }
        let request = Request {
            source: wanted.source,
            version: wanted.version,
            reference: wanted.reference,
            from: wanted.from,
            registries: &registries,
        };
        let resolver = self.resolver()?;
        let found = wait(async { resolver.resolve(&request).await.map_err(|error| explained(&error)) });
        let found = found.map_err(|error| not_located(&error))?;
        let version = found.published.map(|published| published.version.to_string());
        Ok(Located { folder: found.folder, version })
    }
}

/// The folder of what a person names: a folder of theirs, or a registry's pack (`team/postgres@~> 1.2`, `oci://…`).
///
/// # Errors
/// It is a registry's and cannot be had.
pub fn folder(named: &str) -> Result<PathBuf, CliError> {
    if Path::new(named).exists() {
        return Ok(PathBuf::from(named));
    }
    // A range tells a registry's pack from a folder that is not there, also when nobody has named the registry.
    let is_versioned = split_version(named).1.is_some();
    if !(is_address(named) || is_reference(named) || is_versioned) {
        return Ok(PathBuf::from(named));
    }
    let (source, version) = split_version(named);
    let wanted = Wanted { source, version, reference: None, from: Path::new("."), registries: &[] };
    let found = RegistryPacks::unlocked().locate(&wanted).map_err(from_locate)?;
    Ok(found.folder)
}

fn from_locate(error: LocateError) -> CliError {
    let plain = CliError::new(error.message);
    if error.hint.is_empty() { plain } else { plain.hint(error.hint) }
}

/// Whether it reads NAME/PACK with the name of a registry: other texts are taken for paths, as ever.
fn is_reference(named: &str) -> bool {
    let Some((name, _)) = named.split_once('/') else { return false };
    Places::find().and_then(|places| places.read_registries()).is_ok_and(|known| known.named.contains_key(name))
}

/// One pack of one registry that a command is about.
pub struct Target {
    /// What it is called.
    pub address: PackAddress,
    /// Whom to believe.
    pub trust: drover_registry::sign::TrustPolicy,
    /// The registry.
    pub client: Box<dyn RegistryClient>,
    /// What was asked for behind the `@`.
    pub version: Option<String>,
}

impl Target {
    /// From `team/web@1.2.3` or an address.
    ///
    /// # Errors
    /// It names no pack of a registry.
    pub fn find(named: &str) -> Result<Self, CliError> {
        let resolver = resolver()?;
        let (source, version) = split_version(named);
        let none = BTreeMap::new();
        let request = Request { source, version: None, reference: None, from: Path::new("."), registries: &none };
        let found = resolver.address(&request).map_err(|error| explained(&error))?;
        let (address, trust) = found.ok_or_else(|| {
            CliError::new(format!("`{named}` is a folder, not a pack of a registry"))
                .hint("a registry's pack reads team/web")
        })?;
        let client = client(&address.registry, &resolver.context).map_err(|error| explained(&error))?;
        Ok(Self { address, trust, client, version: version.map(str::to_owned) })
    }
}

/// A registry by its name or address.
///
/// # Errors
/// There is no such name, and it is no address.
pub fn source(named: &str) -> Result<Source, CliError> {
    let registries = Places::find()?.read_registries()?;
    let from = Path::new(".");
    let text = match registries.named.get(named) {
        Some(known) => known.source.as_str(),
        None if is_address(named) || named.starts_with(['.', '/']) || Path::new(named).is_dir() => named,
        None => {
            let error = CliError::new(format!("there is no registry named {named}"));
            return Err(error.hint(format!(
                "drover registry add {named} SOURCE adds one; drover registry list shows those there are"
            )));
        }
    };
    Source::parse(text, from).map_err(|error| explained(&error))
}
