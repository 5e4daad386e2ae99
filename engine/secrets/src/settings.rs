//! What a person chose about a provider. Settings hold references to credentials, never credentials, so that they can be shown
//! and stored.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::SecretRef;

/// A provider under a name of its own: `secrets "NAME" { provider = "KIND" … }`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderSettings {
    /// What stands before the colon of a reference.
    pub name: String,
    /// `vault`, `keyring`, `file`, `env`, `cmd`, `nomadvar`.
    pub kind: String,
    /// Which paths packs may name, as patterns with `*`. What is none of a person's is none of a pack's.
    #[serde(default)]
    pub packs: Vec<String>,
    /// All else, by attribute.
    #[serde(default)]
    pub options: Map<String, Value>,
}

/// Why settings are refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// No such kind.
    #[error("there is no provider `{kind}`; there are: {}", KINDS.join(", "))]
    UnknownKind {
        /// What was asked for.
        kind: String,
    },
    /// An attribute is unknown, missing or of the wrong type.
    #[error("{reason}")]
    Bad {
        /// What is wrong.
        reason: String,
    },
}

/// The kinds of providers.
pub const KINDS: [&str; 6] = ["vault", "keyring", "file", "env", "cmd", "nomadvar"];

impl ProviderSettings {
    /// Settings of a provider that nobody wrote any for.
    pub fn of(kind: &str) -> Self {
        Self { name: kind.to_owned(), kind: kind.to_owned(), packs: Vec::new(), options: Map::new() }
    }

    /// The options as `T`.
    ///
    /// # Errors
    /// An attribute is unknown, missing or of the wrong type.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, SettingsError> {
        serde_json::from_value(Value::Object(self.options.clone()))
            .map_err(|error| SettingsError::Bad { reason: error.to_string() })
    }

    /// Whether a pack may name this reference.
    pub(crate) fn lets_packs(&self, reference: &SecretRef) -> bool {
        self.packs.iter().any(|pattern| matches(pattern, reference.path()))
    }
}

/// Whether `text` fits a pattern in which `*` stands for any text.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        for (pattern, text, wanted) in [
            ("*", "anything/at all", true),
            ("kv/shop/*", "kv/shop/db", true),
            ("kv/shop/*", "kv/payroll", false),
            ("kv/*/db", "kv/a/b/db", true),
            ("kv/*/db", "kv/a/db2", false),
            ("kv/db", "kv/db", true),
            ("kv/db", "kv/db2", false),
            ("", "", true),
            ("a*a", "a", false),
        ] {
            assert_eq!(matches(pattern, text), wanted, "{pattern} {text}");
        }
    }
}
