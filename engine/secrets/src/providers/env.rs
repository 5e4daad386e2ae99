//! `env:NAME`: a variable of the caller's environment.

use crate::{Access, Provider, ProviderError, Secret, SecretData, SecretRef, document};

type Lookup = dyn Fn(&str) -> Option<String> + Send + Sync;

/// Reads variables through the lookup that it is given; the value may be a JSON object when a field is asked for.
pub struct EnvProvider {
    lookup: Box<Lookup>,
}

impl EnvProvider {
    /// `lookup` answers a variable's value; the command line passes the process's environment.
    pub fn new(lookup: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Self {
        Self { lookup: Box::new(lookup) }
    }
}

impl Provider for EnvProvider {
    fn name(&self) -> &'static str {
        "env"
    }

    fn check(&self, reference: &SecretRef) -> Result<Access, ProviderError> {
        // The value is in this process already; it goes no further.
        self.read(reference).map(|_| Access::Readable)
    }

    fn read(&self, reference: &SecretRef) -> Result<SecretData, ProviderError> {
        let name = reference.path();
        let value = (self.lookup)(name).ok_or_else(|| ProviderError::NotFound {
            hint: format!("the environment variable {name} is not set; set it and run again"),
        })?;
        if value.is_empty() {
            return Err(ProviderError::NotFound {
                hint: format!("the environment variable {name} is set but empty; give it a value and run again"),
            });
        }
        match reference.field() {
            None => Ok(SecretData::Value(Secret::new(value))),
            Some(_) => document::parse_json(&value).map(SecretData::Fields),
        }
    }
}
