//! Where secrets come from on this machine: the providers with what the environment says.

use crate::context::{Context, Program};
use crate::engine::EngineArgs;
use crate::registry::Command;
use crate::stacks::VariableArgs;
use drover_secrets::age::Keys;
use drover_secrets::providers::{
    CmdProvider, Credentials, EnvProvider, FileProvider, Keyring, KeyringProvider, NomadVarProvider, VaultDefaults,
    VaultProvider,
};
use drover_secrets::{
    Provider, ProviderError, ProviderSettings, Resolver, Secret, SecretRef, SettingsError, Taint, forbid_core_dumps,
};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// All providers, with those of a stack's `secrets` blocks to come. Relative files lie in `folder`.
///
/// The process holds secrets from here on, so that it leaves no memory image when it ends badly.
pub fn resolver(folder: &Path, variables: &VariableArgs, engine: &EngineArgs, context: &Context) -> Resolver {
    // A system that cannot be told is one without such images.
    let _ = forbid_core_dumps();
    let taint = Taint::default();
    let maker = Maker {
        folder: folder.to_owned(),
        engine: engine.clone(),
        program: context.program,
        command: context.command,
        taint: taint.clone(),
        passphrase: Arc::default(),
    };
    let allowed: Vec<String> = variables.allow_secret.clone();
    let resolver = Resolver::new(taint).allowing(&allowed).with_factory(Box::new(move |settings| maker.make(settings)));
    for kind in drover_secrets::KINDS {
        resolver.configure(&ProviderSettings::of(kind)).expect("settings that nobody wrote are right");
    }
    resolver
}

/// Makes providers.
#[derive(Clone)]
struct Maker {
    folder: PathBuf,
    engine: EngineArgs,
    program: Program,
    command: &'static Command,
    taint: Taint,
    /// Asked for once.
    passphrase: Arc<OnceLock<Option<Secret<String>>>>,
}

/// The `secrets "file"` block.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct FileSettings {
    identities: Vec<PathBuf>,
}

/// A block without attributes.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct NoSettings {}

/// The `secrets "nomadvar"` block.
#[derive(Clone, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct EngineSettings {
    address: Option<String>,
    region: Option<String>,
    namespace: Option<String>,
}

impl Maker {
    fn make(&self, settings: &ProviderSettings) -> Result<Box<dyn Provider>, SettingsError> {
        Ok(match settings.kind.as_str() {
            "env" => {
                let NoSettings {} = settings.read()?;
                Box::new(environment())
            }
            "file" => Box::new(self.files(&settings.read::<FileSettings>()?.identities)),
            "cmd" => Box::new(CmdProvider::new(settings, &self.folder, std::io::stdin().is_terminal())?),
            "keyring" => Box::new(KeyringProvider::new(keyring(settings)?)),
            "vault" => {
                let settings = self.beside_stack(settings);
                Box::new(VaultProvider::new(&settings, &vault_defaults(), self.credentials(), self.taint.clone())?)
            }
            "nomadvar" => Box::new(self.variables(&settings.read()?)),
            other => return Err(SettingsError::UnknownKind { kind: other.to_owned() }),
        })
    }

    fn files(&self, identities: &[PathBuf]) -> FileProvider {
        let named = identities.iter().map(|path| self.folder.join(path));
        let identity_files = named.chain(identity_files()).collect();
        let known = Arc::clone(&self.passphrase);
        let ask = move |question: &str| known.get_or_init(|| passphrase(question)).clone();
        FileProvider::new(&self.folder).with_keys(Keys { identity_files, ask: Some(Arc::new(ask)) })
    }

    /// Certificates that a stack names by a relative path lie beside it.
    fn beside_stack(&self, settings: &ProviderSettings) -> ProviderSettings {
        let mut settings = settings.clone();
        let place = |value: &mut serde_json::Value| {
            if let Some(path) = value.as_str() {
                *value = self.folder.join(path).to_string_lossy().into();
            }
        };
        if let Some(path) = settings.options.get_mut("ca_cert") {
            place(path);
        }
        if let Some(cert) = settings.options.get_mut("auth").and_then(|auth| auth.get_mut("cert")) {
            ["client_cert", "client_key"].iter().filter_map(|name| cert.get_mut(*name).map(place)).for_each(drop);
        }
        settings
    }

    /// What opens a provider comes from providers that need nothing to be opened.
    fn credentials(&self) -> Credentials {
        let files = self.files(&[]);
        let plain = Resolver::new(self.taint.clone()).with(environment()).with(files);
        let plain = match CmdProvider::new(&ProviderSettings::of("cmd"), &self.folder, std::io::stdin().is_terminal()) {
            Ok(cmd) => plain.with(cmd),
            Err(_) => plain,
        };
        let plain = match keyring(&ProviderSettings::of("keyring")) {
            Ok(keyring) => plain.with(KeyringProvider::new(keyring)),
            Err(_) => plain,
        };
        Credentials::new(move |reference: &SecretRef| {
            plain.resolve(reference).map_err(|error| drover_base::error::chain(&error))
        })
    }

    fn variables(&self, settings: &EngineSettings) -> NomadVarProvider {
        let (reader, lister) = (self.clone(), self.clone());
        let (settings, own) = (settings.clone(), settings.clone());
        let read = move |path: &str| {
            let client = reader.client(&settings)?;
            let path = path.to_owned();
            let found = apart(async move { client.variable(&path, &drover_sdk::Query::new()).await })?;
            Ok(found.map(|variable| variable.items.into_iter().collect::<BTreeMap<_, _>>()))
        };
        let list = move |path: &str| {
            let client = lister.client(&own)?;
            let query = drover_sdk::Query::new().prefix(path);
            let found = apart(async move { client.variables(&query).await })?.value;
            Ok(found.iter().any(|variable| variable.path == path).then(BTreeMap::new))
        };
        NomadVarProvider::new(Box::new(read), Box::new(list))
    }

    /// The engine by the same order as for everything else: flag, environment, the stack's choice, the local one.
    fn client(&self, settings: &EngineSettings) -> Result<drover_sdk::Client, ProviderError> {
        let mut arguments = self.engine.clone();
        let is_set = |name: &str| {
            ["DROVER_", "NOMAD_"]
                .iter()
                .any(|prefix| std::env::var(format!("{prefix}{name}")).is_ok_and(|value| !value.is_empty()))
        };
        let choose = |flag: &mut Option<String>, name: &str, own: &Option<String>| {
            if flag.is_none() && !is_set(name) {
                flag.clone_from(own);
            }
        };
        choose(&mut arguments.server.address, "ADDR", &settings.address);
        choose(&mut arguments.server.region, "REGION", &settings.region);
        choose(&mut arguments.namespace, "NAMESPACE", &settings.namespace);
        let context = Context { program: self.program, command: self.command };
        arguments.connect(&context).map_err(|error| ProviderError::Unavailable { reason: error.message })
    }
}

/// A request from wherever this is called: on a thread of its own, since a thread that runs futures cannot wait for one.
fn apart<T: Send + 'static>(
    request: impl Future<Output = drover_sdk::Result<T>> + Send + 'static,
) -> Result<T, ProviderError> {
    let unavailable = |reason: String| ProviderError::Unavailable { reason };
    let run = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.map_err(|error| unavailable(format!("cannot start: {error}"))).map(|runtime| runtime.block_on(request))
    };
    let answer = std::thread::spawn(run).join().map_err(|_| unavailable("the request was not made".to_owned()))??;
    answer.map_err(|error| match error.status() {
        Some(403) => ProviderError::Denied { reason: format!("the engine: {error}") },
        _ => ProviderError::Unavailable { reason: format!("the engine: {error}") },
    })
}

fn environment() -> EnvProvider {
    EnvProvider::new(|name| std::env::var(name).ok())
}

fn set(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// As Vault's and OpenBao's own command lines read it; OpenBao's names go first.
fn vault_defaults() -> VaultDefaults {
    let either = |name: &str| set(&format!("BAO_{name}")).or_else(|| set(&format!("VAULT_{name}")));
    let path = |name: &str| either(name).map(PathBuf::from);
    VaultDefaults {
        address: either("ADDR"),
        namespace: either("NAMESPACE"),
        ca_cert: path("CACERT"),
        client_cert: path("CLIENT_CERT"),
        client_key: path("CLIENT_KEY"),
        tls_server_name: either("TLS_SERVER_NAME"),
        skip_verify: either("SKIP_VERIFY").is_some_and(|value| value != "0" && value != "false"),
        token: either("TOKEN").map(Secret::new),
        token_files: set("HOME").map(|home| PathBuf::from(home).join(".vault-token")).into_iter().collect(),
    }
}

/// `drover/` in the user's configuration folder.
fn config_folder() -> Option<PathBuf> {
    let folder = set("XDG_CONFIG_HOME").map(PathBuf::from);
    let folder = folder.or_else(|| set("HOME").map(|home| PathBuf::from(home).join(".config")));
    folder.map(|folder| folder.join("drover"))
}

/// Where a new identity goes unless said otherwise.
pub fn default_identity() -> Option<PathBuf> {
    config_folder().map(|folder| folder.join("identity.txt"))
}

/// The files of identities: those of `DROVER_AGE_IDENTITY`, with colons, else the default one.
pub fn identity_files() -> Vec<PathBuf> {
    match set("DROVER_AGE_IDENTITY") {
        Some(paths) => std::env::split_paths(&paths).collect(),
        None => default_identity().into_iter().collect(),
    }
}

/// A passphrase from `DROVER_AGE_PASSPHRASE`, else from the person.
pub fn passphrase(question: &str) -> Option<Secret<String>> {
    set("DROVER_AGE_PASSPHRASE").map(Secret::new).or_else(|| crate::prompt::hidden(question))
}

/// The keyring of this machine.
///
/// # Errors
/// A setting makes no sense.
pub fn keyring(settings: &ProviderSettings) -> Result<Keyring, SettingsError> {
    let data = set("XDG_DATA_HOME").map(PathBuf::from);
    let data = data.or_else(|| set("HOME").map(|home| PathBuf::from(home).join(".local/share")));
    let folder = data.unwrap_or_else(|| PathBuf::from(".")).join("drover");
    let bus = set("XDG_RUNTIME_DIR").is_some_and(|folder| Path::new(&folder).join("bus").exists());
    Keyring::new(settings, folder, bus || set("DBUS_SESSION_BUS_ADDRESS").is_some())
}
