//! References to values, each path read once.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::provider::Binding;
use crate::settings::{self, ProviderSettings, SettingsError};
use crate::{Access, Lease, Origin, Provider, ProviderError, Secret, SecretData, SecretRef, Taint};

/// Makes a provider from settings.
pub type Factory = dyn Fn(&ProviderSettings) -> Result<Box<dyn Provider>, SettingsError> + Send + Sync;

/// Resolves references through the registered providers and taints what it hands out.
pub struct Resolver {
    providers: Mutex<BTreeMap<String, Registered>>,
    factory: Option<Box<Factory>>,
    taint: Taint,
    read: Mutex<BTreeMap<CacheKey, SecretData>>,
    /// What packs may name by the person's word, as patterns of whole references.
    allowed: Vec<String>,
    bindings: Mutex<BTreeMap<String, Bound>>,
    /// Names are collected and nothing is read.
    listing: Option<Mutex<BTreeMap<SecretRef, Listed>>>,
}

#[derive(Clone)]
struct Registered {
    provider: Arc<dyn Provider>,
    settings: ProviderSettings,
}

/// A document and a single value at the same path are different reads.
type CacheKey = (String, String, bool);

/// Who asks for a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asker {
    /// What the person wrote: a stack, a file of values, an argument.
    Person,
    /// A pack, which comes from somebody else.
    Pack,
}

/// A reference that was asked for while [listing](Resolver::listing).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The reference.
    pub reference: SecretRef,
    /// Whether a pack asked for it.
    pub by_pack: bool,
    /// Whether the task gets it when it runs, and nothing is read now.
    pub at_runtime: bool,
    /// Why it would be refused before it is read.
    pub refused: Option<String>,
}

/// A binding, and the reference that it is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bound {
    /// The reference.
    pub reference: SecretRef,
    /// How the task gets it.
    pub binding: Binding,
}

/// A lease that was left alive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptLease {
    /// Whose it is.
    pub reference: SecretRef,
    /// For how long.
    pub lease: Lease,
}

/// Why a reference has no value.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ResolveError {
    /// No provider has that name.
    #[error("secret {reference}: there is no provider `{}`; known: {known}", reference.provider())]
    UnknownProvider {
        /// What was asked for.
        reference: SecretRef,
        /// The providers there are, with commas.
        known: String,
    },
    /// The provider has no answer.
    #[error("secret {reference}")]
    Provider {
        /// What was asked for.
        reference: SecretRef,
        /// The provider's reason.
        #[source]
        source: ProviderError,
    },
    /// The path is there, the field is not.
    #[error("secret {reference}: there is no field `{field}`; there are: {known}")]
    NoField {
        /// What was asked for.
        reference: SecretRef,
        /// The missing field.
        field: String,
        /// The fields there are, with commas.
        known: String,
    },
    /// The path has several fields and the reference names none.
    #[error("secret {reference} has several fields; add one of: {known} (as in {reference}#field)")]
    FieldNeeded {
        /// What was asked for.
        reference: SecretRef,
        /// The fields there are, with commas.
        known: String,
    },
    /// A pack asks for what the person did not open to packs.
    #[error("secret {reference}: {}", refusal(reference))]
    NotForPacks {
        /// What was asked for.
        reference: SecretRef,
    },
    /// The provider's values do not reach a running task.
    #[error(
        "secret {reference}: only secrets of the providers vault and nomadvar can be bound at runtime, with a field (as in vault:kv/shop/db#password)"
    )]
    NoRuntime {
        /// What was asked for.
        reference: SecretRef,
    },
}

/// Why a pack may not, and what to do.
fn refusal(reference: &SecretRef) -> String {
    let path = reference.path();
    match reference.provider() {
        "env" => format!("a pack may not read this environment variable; allow it with -allow-env={path}"),
        "file" => "a pack may not read files of this machine; pass it to the pack as a variable".to_owned(),
        name => format!(
            "a pack comes from somebody else and may not ask `{name}` for this; allow it with -allow-secret='{name}:{path}', \
             with `packs = [{path:?}]` in the stack's block `secrets {name:?}`, or pass it to the pack as a variable"
        ),
    }
}

impl Resolver {
    /// A resolver without providers that records into `taint`.
    pub fn new(taint: Taint) -> Self {
        Self {
            providers: Mutex::default(),
            factory: None,
            taint,
            read: Mutex::default(),
            allowed: Vec::new(),
            bindings: Mutex::default(),
            listing: None,
        }
    }

    /// Adds a provider under its name; a later one of the same name replaces it.
    #[must_use]
    pub fn with(self, provider: impl Provider + 'static) -> Self {
        let settings = ProviderSettings::of(provider.name());
        let registered = Registered { provider: Arc::new(provider), settings };
        lock(&self.providers).insert(registered.settings.name.clone(), registered);
        self
    }

    /// Makes providers of the settings that a stack brings.
    #[must_use]
    pub fn with_factory(mut self, factory: Box<Factory>) -> Self {
        self.factory = Some(factory);
        self
    }

    /// Opens references to packs: patterns of `provider:path` in which `*` stands for any text.
    #[must_use]
    pub fn allowing(mut self, patterns: &[String]) -> Self {
        self.allowed.extend_from_slice(patterns);
        self
    }

    /// Collects references from now on, and reads none: each has the value `(secret)`.
    #[must_use]
    pub fn listing(mut self) -> Self {
        self.listing = Some(Mutex::default());
        self
    }

    /// The references that were asked for while listing.
    pub fn listed(&self) -> Vec<Listed> {
        self.listing.as_ref().map(|listed| lock(listed).values().cloned().collect()).unwrap_or_default()
    }

    /// Adds the provider that `settings` describe, in place of one of the same name.
    ///
    /// # Errors
    /// The settings make no sense.
    pub fn configure(&self, settings: &ProviderSettings) -> Result<(), SettingsError> {
        let Some(factory) = &self.factory else {
            return Err(SettingsError::UnknownKind { kind: settings.kind.clone() });
        };
        let registered = Registered { provider: factory(settings)?.into(), settings: settings.clone() };
        lock(&self.providers).insert(settings.name.clone(), registered);
        Ok(())
    }

    /// Whether there is somebody to make providers of settings.
    pub fn can_configure(&self) -> bool {
        self.factory.is_some()
    }

    /// The record of all values handed out.
    pub fn taint(&self) -> &Taint {
        &self.taint
    }

    /// The value of `reference`, tainted.
    ///
    /// # Errors
    /// When the provider is unknown or cannot answer, or the field is missing.
    pub fn resolve(&self, reference: &SecretRef) -> Result<Secret<String>, ResolveError> {
        self.resolve_for(reference, Asker::Person)
    }

    /// The value of `reference`, tainted, when `asker` may have it.
    ///
    /// # Errors
    /// As [`Resolver::resolve`], and when a pack asks for what is not open to packs.
    pub fn resolve_for(&self, reference: &SecretRef, asker: Asker) -> Result<Secret<String>, ResolveError> {
        let permitted = self.permit(reference, asker);
        if let Some(listing) = &self.listing {
            self.note(listing, reference, asker, permitted.err().map(|error| error.to_string()), false);
            return Ok(Secret::from(PLACEHOLDER));
        }
        permitted?;
        let (provider, data) = self.read(reference)?;
        let value = pick(reference, data)?;
        let origin = match provider.lease(reference) {
            Some(_) => Origin::Leased(reference.clone()),
            None => Origin::Reference(reference.clone()),
        };
        self.taint.add(origin, value.expose());
        Ok(value)
    }

    /// All that is kept at the path of `reference`, tainted: fields by name, or one value without a name.
    ///
    /// # Errors
    /// As [`Resolver::resolve`].
    pub fn resolve_all(&self, reference: &SecretRef) -> Result<SecretData, ResolveError> {
        let (_, data) = self.read(reference)?;
        match &data {
            SecretData::Value(value) => self.taint.add(Origin::Reference(reference.clone()), value.expose()),
            SecretData::Fields(fields) => {
                for value in fields.values() {
                    self.taint.add(Origin::Reference(reference.clone()), value.expose());
                }
            }
        }
        Ok(data)
    }

    /// Whether `reference` can be read, without reading its value.
    ///
    /// # Errors
    /// As [`Resolver::resolve`].
    pub fn check(&self, reference: &SecretRef) -> Result<Access, ResolveError> {
        let provider = self.provider(reference)?.provider;
        provider.check(reference).map_err(|source| ResolveError::Provider { reference: reference.clone(), source })
    }

    /// What stands in a job in place of a value that the task gets by itself. Nothing is read.
    ///
    /// # Errors
    /// When the provider is unknown, or its values do not reach a running task.
    pub fn bind(&self, reference: &SecretRef, asker: Asker) -> Result<String, ResolveError> {
        let bound = self.provider(reference).and_then(|registered| {
            let binding = registered.provider.at_runtime(reference);
            binding.ok_or_else(|| ResolveError::NoRuntime { reference: reference.clone() })
        });
        if let Some(listing) = &self.listing {
            self.note(listing, reference, asker, bound.as_ref().err().map(ToString::to_string), true);
        }
        let binding = bound?;
        let text = binding.template.clone();
        lock(&self.bindings).insert(text.clone(), Bound { reference: reference.clone(), binding });
        Ok(text)
    }

    /// What was bound so far.
    pub fn bindings(&self) -> Vec<Bound> {
        lock(&self.bindings).values().cloned().collect()
    }

    /// Leaves the leases alive whose values are used, and answers which those are. All others are revoked when the resolver is
    /// dropped.
    pub fn keep(&self, is_used: &dyn Fn(&Secret<String>) -> bool) -> Vec<KeptLease> {
        let read = lock(&self.read).clone();
        let mut kept = Vec::new();
        for ((provider, path, _), data) in read {
            let Ok(reference) = format!("{provider}:{path}").parse::<SecretRef>() else { continue };
            let Ok(registered) = self.provider(&reference) else { continue };
            let Some(lease) = registered.provider.lease(&reference) else { continue };
            let used = match &data {
                SecretData::Value(value) => is_used(value),
                SecretData::Fields(fields) => fields.values().any(is_used),
            };
            if used {
                registered.provider.keep(&reference);
                kept.push(KeptLease { reference, lease });
            }
        }
        kept
    }

    fn permit(&self, reference: &SecretRef, asker: Asker) -> Result<(), ResolveError> {
        if asker == Asker::Person {
            return Ok(());
        }
        let whole = format!("{}:{}", reference.provider(), reference.path());
        let by_person = self.allowed.iter().any(|pattern| settings::matches(pattern, &whole));
        let by_stack =
            lock(&self.providers).get(reference.provider()).is_some_and(|known| known.settings.lets_packs(reference));
        if by_person || by_stack {
            return Ok(());
        }
        Err(ResolveError::NotForPacks { reference: reference.clone() })
    }

    fn note(
        &self,
        listing: &Mutex<BTreeMap<SecretRef, Listed>>,
        reference: &SecretRef,
        asker: Asker,
        refused: Option<String>,
        at_runtime: bool,
    ) {
        let listed = Listed {
            reference: reference.clone(),
            by_pack: asker == Asker::Pack,
            at_runtime,
            refused: refused.clone(),
        };
        lock(listing)
            .entry(reference.clone())
            .and_modify(|known| {
                known.by_pack |= listed.by_pack;
                known.at_runtime &= at_runtime;
                if known.refused.is_none() {
                    known.refused = refused;
                }
            })
            .or_insert(listed);
    }

    fn provider(&self, reference: &SecretRef) -> Result<Registered, ResolveError> {
        let providers = lock(&self.providers);
        providers.get(reference.provider()).cloned().ok_or_else(|| ResolveError::UnknownProvider {
            reference: reference.clone(),
            known: join(providers.keys().map(String::as_str)),
        })
    }

    fn read(&self, reference: &SecretRef) -> Result<(Arc<dyn Provider>, SecretData), ResolveError> {
        let provider = self.provider(reference)?.provider;
        let key = (reference.provider().to_owned(), reference.path().to_owned(), reference.field().is_some());
        let mut read = lock(&self.read);
        if let Some(data) = read.get(&key) {
            return Ok((provider, data.clone()));
        }
        let data = provider
            .read(reference)
            .map_err(|source| ResolveError::Provider { reference: reference.clone(), source })?;
        read.insert(key, data.clone());
        Ok((provider, data))
    }
}

/// What a secret is while references are listed.
const PLACEHOLDER: &str = "(secret)";

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn pick(reference: &SecretRef, data: SecretData) -> Result<Secret<String>, ResolveError> {
    match (data, reference.field()) {
        (SecretData::Value(value), _) => Ok(value),
        (SecretData::Fields(mut fields), Some(field)) => fields.remove(field).ok_or_else(|| ResolveError::NoField {
            reference: reference.clone(),
            field: field.to_owned(),
            known: join(fields.keys().map(String::as_str)),
        }),
        (SecretData::Fields(fields), None) => Err(ResolveError::FieldNeeded {
            reference: reference.clone(),
            known: join(fields.keys().map(String::as_str)),
        }),
    }
}

fn join<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<_> = names.collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::providers::EnvProvider;

    fn env(reads: Arc<AtomicUsize>) -> EnvProvider {
        EnvProvider::new(move |name| {
            reads.fetch_add(1, Ordering::SeqCst);
            (name == "DB").then(|| r#"{"user":"admin","password":"hunter2"}"#.to_owned())
        })
    }

    fn resolver(reads: Arc<AtomicUsize>) -> Resolver {
        Resolver::new(Taint::default()).with(env(reads))
    }

    #[test]
    fn several_fields_of_one_path_are_one_read() {
        let reads = Arc::new(AtomicUsize::new(0));
        let resolver = resolver(Arc::clone(&reads));
        assert_eq!(resolver.resolve(&"env:DB#user".parse().unwrap()).unwrap().expose(), "admin");
        assert_eq!(resolver.resolve(&"env:DB#password".parse().unwrap()).unwrap().expose(), "hunter2");
        assert_eq!(reads.load(Ordering::SeqCst), 1);
        assert_eq!(resolver.taint().masker().mask("p=hunter2"), "p=(sensitive)");
    }

    #[test]
    fn errors_name_the_reference_and_what_there_is() {
        let resolver = resolver(Arc::default());
        let error = |text: &str| resolver.resolve(&text.parse().unwrap()).unwrap_err().to_string();
        assert_eq!(
            error("env:DB#pasword"),
            "secret env:DB#pasword: there is no field `pasword`; there are: password, user"
        );
        assert_eq!(error("vault:kv/x#y"), "secret vault:kv/x#y: there is no provider `vault`; known: env");
        assert_eq!(error("env:NOPE"), "secret env:NOPE");
    }

    #[test]
    fn a_pack_reaches_only_what_was_opened_to_packs() {
        let reads = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&reads);
        let resolver = Resolver::new(Taint::default())
            .with_factory(Box::new(move |_| Ok(Box::new(env(Arc::clone(&counted))))))
            .allowing(&["team:shared/*".to_owned()]);
        let settings = |name: &str, packs: &[&str]| ProviderSettings {
            name: name.to_owned(),
            packs: packs.iter().map(ToString::to_string).collect(),
            ..ProviderSettings::of("env")
        };
        resolver.configure(&settings("closed", &[])).unwrap();
        resolver.configure(&settings("open", &["DB"])).unwrap();
        resolver.configure(&settings("team", &[])).unwrap();
        let ask = |text: &str| resolver.resolve_for(&text.parse().unwrap(), Asker::Pack).map(|_| ());
        for text in ["closed:DB#user", "open:OTHER", "team:private"] {
            let error = ask(text).unwrap_err();
            assert!(matches!(error, ResolveError::NotForPacks { .. }), "{error}");
            assert!(error.to_string().contains("-allow-secret="), "{error}");
        }
        assert_eq!(reads.load(Ordering::SeqCst), 0, "nothing is read for a pack that may not");
        ask("open:DB#user").unwrap();
        assert!(matches!(ask("team:shared/x"), Err(ResolveError::Provider { .. })), "it was allowed, and is not there");
        resolver.resolve(&"closed:DB#user".parse().unwrap()).unwrap();
    }

    #[test]
    fn listing_reads_nothing() {
        let reads = Arc::new(AtomicUsize::new(0));
        let resolver = resolver(Arc::clone(&reads)).listing();
        resolver.resolve(&"env:DB#user".parse().unwrap()).unwrap();
        resolver.resolve_for(&"vault:kv/x#y".parse().unwrap(), Asker::Pack).unwrap();
        let listed = resolver.listed();
        assert_eq!(listed.len(), 2);
        assert!(listed[0].refused.is_none() && listed[1].refused.is_some() && listed[1].by_pack, "{listed:?}");
        assert_eq!(reads.load(Ordering::SeqCst), 0);
        assert!(resolver.taint().is_empty());
    }
}
