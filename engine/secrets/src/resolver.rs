//! References to values, each path read once.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::{Origin, Provider, ProviderError, Secret, SecretData, SecretRef, Taint};

/// Resolves references through the registered providers and taints what it hands out.
pub struct Resolver {
    providers: BTreeMap<&'static str, Box<dyn Provider>>,
    taint: Taint,
    read: Mutex<BTreeMap<CacheKey, SecretData>>,
}

/// A document and a single value at the same path are different reads.
type CacheKey = (String, String, bool);

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
}

impl Resolver {
    /// A resolver without providers that records into `taint`.
    pub fn new(taint: Taint) -> Self {
        Self { providers: BTreeMap::new(), taint, read: Mutex::default() }
    }

    /// Adds a provider under its name; a later one of the same name replaces it.
    #[must_use]
    pub fn with(mut self, provider: impl Provider + 'static) -> Self {
        self.providers.insert(provider.name(), Box::new(provider));
        self
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
        let data = self.read(reference)?;
        let value = pick(reference, data)?;
        self.taint.add(Origin::Reference(reference.clone()), value.expose());
        Ok(value)
    }

    fn read(&self, reference: &SecretRef) -> Result<SecretData, ResolveError> {
        let key = (reference.provider().to_owned(), reference.path().to_owned(), reference.field().is_some());
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(data) = read.get(&key) {
            return Ok(data.clone());
        }
        let provider = self.providers.get(reference.provider()).ok_or_else(|| ResolveError::UnknownProvider {
            reference: reference.clone(),
            known: join(self.providers.keys().copied()),
        })?;
        let data = provider
            .read(reference)
            .map_err(|source| ResolveError::Provider { reference: reference.clone(), source })?;
        read.insert(key, data.clone());
        Ok(data)
    }
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
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::providers::EnvProvider;

    fn resolver(reads: Arc<AtomicUsize>) -> Resolver {
        Resolver::new(Taint::default()).with(EnvProvider::new(move |name| {
            reads.fetch_add(1, Ordering::SeqCst);
            (name == "DB").then(|| r#"{"user":"admin","password":"hunter2"}"#.to_owned())
        }))
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
}
