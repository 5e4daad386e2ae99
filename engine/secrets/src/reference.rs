//! `provider:path#field`.

use std::fmt;
use std::str::FromStr;

/// Names a secret without holding it: `env:DB_PASSWORD`, `file:secrets/db.json#password`, `vault:kv/shop/db#password`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SecretRef {
    provider: String,
    path: String,
    field: Option<String>,
}

/// Why a text is not a secret reference. The text itself is not repeated: someone may have put a value there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseReferenceError {
    /// There is no `provider:` part.
    #[error(
        "a secret reference has the form provider:path#field, for example env:DB_PASSWORD; this one has no `provider:`"
    )]
    NoProvider,
    /// The provider's name has other characters than letters, digits, `-` and `_`.
    #[error("the provider of a secret reference consists of letters, digits, `-` and `_`")]
    BadProvider,
    /// Nothing follows the colon.
    #[error("the secret reference for provider `{provider}` names no path")]
    NoPath {
        /// The provider that was named.
        provider: String,
    },
    /// `#` with nothing behind it.
    #[error("the secret reference `{reference}#` names no field after `#`")]
    NoField {
        /// The reference up to the `#`.
        reference: String,
    },
}

impl SecretRef {
    /// The provider's name, such as `env`.
    pub fn provider(&self) -> &str {
        &self.provider
    }

    /// Where in the provider, such as `DB_PASSWORD` or `kv/shop/db`.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The field of a secret that has several.
    pub fn field(&self) -> Option<&str> {
        self.field.as_deref()
    }
}

impl FromStr for SecretRef {
    type Err = ParseReferenceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (provider, rest) = text.split_once(':').ok_or(ParseReferenceError::NoProvider)?;
        if provider.is_empty() {
            return Err(ParseReferenceError::NoProvider);
        }
        if !provider.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_') {
            return Err(ParseReferenceError::BadProvider);
        }
        let (path, field) = match rest.split_once('#') {
            Some((path, field)) => (path, Some(field)),
            None => (rest, None),
        };
        if path.is_empty() {
            return Err(ParseReferenceError::NoPath { provider: provider.to_owned() });
        }
        if field == Some("") {
            return Err(ParseReferenceError::NoField { reference: format!("{provider}:{path}") });
        }
        Ok(Self { provider: provider.to_owned(), path: path.to_owned(), field: field.map(str::to_owned) })
    }
}

impl fmt::Display for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.provider, self.path)?;
        match &self.field {
            Some(field) => write!(f, "#{field}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, provider: &str, path: &str, field: Option<&str>) {
        let reference: SecretRef = text.parse().unwrap();
        assert_eq!((reference.provider(), reference.path(), reference.field()), (provider, path, field));
        assert_eq!(reference.to_string(), text, "a reference prints as it was written");
    }

    #[test]
    fn parts() {
        check("env:DB_PASSWORD", "env", "DB_PASSWORD", None);
        check("vault:kv/shop/db#password", "vault", "kv/shop/db", Some("password"));
        check("file:C:/x.json#a.b", "file", "C:/x.json", Some("a.b"));
    }

    #[test]
    fn bad_references_say_what_is_missing_and_do_not_repeat_the_text() {
        for (text, wanted) in [
            ("hunter2", ParseReferenceError::NoProvider),
            (":x", ParseReferenceError::NoProvider),
            ("my provider:x", ParseReferenceError::BadProvider),
            ("env:", ParseReferenceError::NoPath { provider: "env".into() }),
            ("file:a#", ParseReferenceError::NoField { reference: "file:a".into() }),
        ] {
            let error = text.parse::<SecretRef>().unwrap_err();
            assert_eq!(error, wanted);
            assert!(!error.to_string().contains("hunter2"));
        }
    }
}
