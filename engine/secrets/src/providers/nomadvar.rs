//! `nomadvar:PATH#ITEM`: a variable of the engine.

use std::collections::BTreeMap;

use crate::provider::Binding;
use crate::{Access, Provider, ProviderError, Secret, SecretData, SecretRef};

/// Answers the items at a path, none when nothing is there.
pub type ReadVariable = dyn Fn(&str) -> Result<Option<BTreeMap<String, String>>, ProviderError> + Send + Sync;

/// Reads variables through the function that it is given, which knows the engine.
pub struct NomadVarProvider {
    read: Box<ReadVariable>,
    list: Box<ReadVariable>,
}

impl NomadVarProvider {
    /// `read` answers the items at a path; `list` whether there is one, with no items in it.
    pub fn new(read: Box<ReadVariable>, list: Box<ReadVariable>) -> Self {
        Self { read, list }
    }
}

fn missing(path: &str) -> ProviderError {
    let hint = format!("the engine has no variable {path}; make it with `drover var put {path} name=value`");
    ProviderError::NotFound { hint }
}

impl Provider for NomadVarProvider {
    fn name(&self) -> &'static str {
        "nomadvar"
    }

    fn read(&self, reference: &SecretRef) -> Result<SecretData, ProviderError> {
        let items = (self.read)(reference.path())?.ok_or_else(|| missing(reference.path()))?;
        Ok(SecretData::Fields(items.into_iter().map(|(name, value)| (name, Secret::new(value))).collect()))
    }

    fn check(&self, reference: &SecretRef) -> Result<Access, ProviderError> {
        match (self.list)(reference.path())? {
            None => Err(missing(reference.path())),
            Some(_) => {
                Ok(Access::Unknown { reason: "it is there; whether it may be read shows when it is".to_owned() })
            }
        }
    }

    fn at_runtime(&self, reference: &SecretRef) -> Option<Binding> {
        let (path, field) = (super::vault::raw(reference.path())?, super::vault::raw(reference.field()?)?);
        let template = format!("{{{{ with nomadVar {path} }}}}{{{{ (index . {field}).Value }}}}{{{{ end }}}}");
        let assignment =
            format!("{{{{ with nomadVar {path} }}}}{{{{ $value = (index . {field}).Value }}}}{{{{ end }}}}");
        Some(Binding { template, assignment, needs_vault: false })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_fields() {
        let read = |path: &str| {
            Ok((path == "shop/db").then(|| BTreeMap::from([("password".to_owned(), "hunter2".to_owned())])))
        };
        let provider = NomadVarProvider::new(Box::new(read), Box::new(read));
        let reference = "nomadvar:shop/db#password".parse().unwrap();
        let Ok(SecretData::Fields(fields)) = provider.read(&reference) else { panic!("fields") };
        assert_eq!(fields["password"].expose(), "hunter2");
        let error = provider.read(&"nomadvar:other#x".parse().unwrap()).unwrap_err().to_string();
        assert!(error.contains("drover var put other"), "{error}");
        let bound = provider.at_runtime(&reference).unwrap();
        assert_eq!(bound.template, "{{ with nomadVar `shop/db` }}{{ (index . `password`).Value }}{{ end }}");
    }
}
