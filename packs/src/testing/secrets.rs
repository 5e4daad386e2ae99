//! Secrets of tests: written in the test, so that no test needs a store.

use std::collections::BTreeMap;
use std::sync::Arc;

use drover_secrets::{Provider, ProviderError, Resolver, Secret, SecretData, SecretRef, Taint};

/// The kinds of references that a test may give values for.
const PROVIDERS: [&str; 9] = ["vault", "keyring", "file", "env", "cmd", "nomadvar", "openbao", "consul", "age"];

struct Written {
    name: &'static str,
    values: Arc<BTreeMap<String, String>>,
}

impl Provider for Written {
    fn name(&self) -> &'static str {
        self.name
    }

    fn read(&self, reference: &SecretRef) -> Result<SecretData, ProviderError> {
        let whole = format!("{}:{}", self.name, reference.path());
        if let Some(value) = self.values.get(&whole) {
            return Ok(SecretData::Value(Secret::new(value.clone())));
        }
        let start = format!("{whole}#");
        let fields: BTreeMap<String, Secret<String>> = self
            .values
            .iter()
            .filter_map(|(name, value)| Some((name.strip_prefix(&start)?.to_owned(), Secret::new(value.clone()))))
            .collect();
        if fields.is_empty() {
            let hint = format!("tests ask no store; write secrets = {{ \"{whole}\" = \"…\" }} in the test");
            return Err(ProviderError::NotFound { hint });
        }
        Ok(SecretData::Fields(fields))
    }
}

/// A resolver that knows these alone.
pub(super) fn resolver(values: BTreeMap<String, String>) -> Arc<Resolver> {
    let values = Arc::new(values);
    let resolver =
        PROVIDERS.iter().fold(Resolver::new(Taint::default()).allowing(&["*".to_owned()]), |resolver, name| {
            resolver.with(Written { name, values: Arc::clone(&values) })
        });
    Arc::new(resolver)
}
