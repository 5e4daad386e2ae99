//! Metadata of the node that can be changed at run time, and is kept.

use crate::error::NodeError;
use drover_model::TextMap;
use parking_lot::Mutex;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Metadata as the API shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct NodeMetadata {
    /// What counts.
    pub meta: TextMap,
    /// What was set at run time; `null` for what was unset.
    pub dynamic: BTreeMap<String, Option<String>>,
    /// What the configuration says.
    #[serde(rename = "Static")]
    pub configured: TextMap,
}

/// The changes that were made at run time.
#[derive(Debug)]
pub struct DynamicMeta {
    path: PathBuf,
    values: Mutex<BTreeMap<String, Option<String>>>,
}

impl DynamicMeta {
    /// Reads what was kept in `dir`.
    pub fn load(dir: &Path) -> Result<Self, NodeError> {
        let path = dir.join("meta.json");
        let values = match std::fs::read(&path) {
            Ok(text) => {
                serde_json::from_slice(&text).map_err(|error| NodeError::io(&path)(std::io::Error::from(error)))?
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => BTreeMap::new(),
            Err(error) => return Err(NodeError::io(&path)(error)),
        };
        Ok(Self { path, values: Mutex::new(values) })
    }

    /// The configured metadata with the changes.
    pub fn over(&self, configured: &TextMap) -> NodeMetadata {
        let dynamic = self.values.lock().clone();
        let mut meta = configured.clone();
        for (key, value) in &dynamic {
            match value {
                Some(value) => meta.insert(key.clone(), value.clone()),
                None => meta.remove(key),
            };
        }
        NodeMetadata { meta, dynamic, configured: configured.clone() }
    }

    /// Sets and, with `None`, unsets values, and keeps that.
    pub fn apply(&self, changes: BTreeMap<String, Option<String>>, configured: &TextMap) -> Result<(), NodeError> {
        if let Some(key) = changes.keys().find(|key| !is_valid_key(key)) {
            return Err(NodeError::InvalidMetaKey(key.clone()));
        }
        let mut values = self.values.lock();
        for (key, value) in changes {
            // Unsetting needs to be remembered only for what the configuration sets.
            if value.is_none() && !configured.contains_key(&key) {
                values.remove(&key);
            } else {
                values.insert(key, value);
            }
        }
        let text = serde_json::to_vec(&*values).expect("texts are always JSON");
        std::fs::write(&self.path, text).map_err(NodeError::io(&self.path))
    }
}

fn is_valid_key(key: &str) -> bool {
    let is_identifier = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
    };
    !key.is_empty() && key.split('.').all(is_identifier)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_kept_and_go_over_the_configuration() {
        let dir = tempfile::tempdir().unwrap();
        let configured: TextMap = [("rack".to_owned(), "r1".to_owned())].into();
        let meta = DynamicMeta::load(dir.path()).unwrap();
        let changes = [("colour".to_owned(), Some("blue".to_owned())), ("rack".to_owned(), Some("r2".to_owned()))];
        meta.apply(changes.into(), &configured).unwrap();
        meta.apply([("colour".to_owned(), None)].into(), &configured).unwrap();
        let read = DynamicMeta::load(dir.path()).unwrap().over(&configured);
        assert_eq!(read.meta["rack"], "r2");
        assert_eq!(read.configured["rack"], "r1");
        assert!(!read.dynamic.contains_key("colour"));
        let error = meta.apply([("a b".to_owned(), None)].into(), &configured).unwrap_err();
        assert_eq!(error.to_string(), "\"a b\" is invalid; metadata keys must be valid dotted hcl identifiers");
    }
}
