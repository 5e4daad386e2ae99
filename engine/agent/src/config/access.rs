//! The `acl` block: whether tokens are asked for, and which one is there from the beginning.

use super::ConfigError;
use super::file::AclFile;
use drover_base::Nanos;
use std::fmt;

/// The environment variable that holds the secret of the first token.
pub const BOOTSTRAP_TOKEN_VARIABLE: &str = "DROVER_ACL_BOOTSTRAP_TOKEN";

/// Access control.
#[derive(Clone, Default)]
pub struct AclSettings {
    /// Whether tokens are asked for.
    pub enabled: bool,
    /// The shortest life of a token that ends.
    pub min_token_ttl: Option<Nanos>,
    /// The longest life of a token that ends.
    pub max_token_ttl: Option<Nanos>,
    /// The secret of the first token.
    pub bootstrap_token: Option<String>,
    /// How long nodes of the reference keep tokens, policies and roles. Here nothing is ever stale; they are shown.
    cache_ttls: [Option<Nanos>; 3],
}

/// What `cache_ttls` are unless they are given.
const CACHE_TTL: Nanos = Nanos::from_secs(30);

impl AclSettings {
    /// The block as `/v1/agent/self` shows it, durations in nanoseconds.
    pub(crate) fn describe(&self) -> serde_json::Value {
        let [token, policy, role] = self.cache_ttls.map(|ttl| ttl.unwrap_or(CACHE_TTL).0);
        serde_json::json!({
            "Enabled": self.enabled,
            "PolicyTTL": policy,
            "ReplicationToken": "",
            "RoleTTL": role,
            "TokenMaxExpirationTTL": self.max_token_ttl.unwrap_or_default().0,
            "TokenMinExpirationTTL": self.min_token_ttl.unwrap_or_default().0,
            "TokenTTL": token,
        })
    }
}

impl fmt::Debug for AclSettings {
    /// Without the secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AclSettings")
            .field("enabled", &self.enabled)
            .field("min_token_ttl", &self.min_token_ttl)
            .field("max_token_ttl", &self.max_token_ttl)
            .field("bootstrap_token", &self.bootstrap_token.as_ref().map(|_| "(sensitive)"))
            .finish()
    }
}

/// Reads the block, the file that it names and the environment.
///
/// # Errors
/// A value is not what it should be, or the file cannot be read.
pub(super) fn settings(file: &AclFile) -> Result<AclSettings, ConfigError> {
    let duration = |name: &str, text: Option<&String>| {
        let parsed = text.map(|text| Nanos::parse(text)).transpose();
        parsed.map_err(|error| ConfigError::Invalid(format!("acl.{name}: {error}")))
    };
    let enabled = file.enabled == Some(true);
    Ok(AclSettings {
        enabled,
        min_token_ttl: duration("token_min_expiration_ttl", file.token_min_expiration_ttl.as_ref())?,
        max_token_ttl: duration("token_max_expiration_ttl", file.token_max_expiration_ttl.as_ref())?,
        bootstrap_token: if enabled { bootstrap_token(file)? } else { None },
        cache_ttls: [
            duration("token_ttl", file.token_ttl.as_ref())?,
            duration("policy_ttl", file.policy_ttl.as_ref())?,
            duration("role_ttl", file.role_ttl.as_ref())?,
        ],
    })
}

/// The file wins over the environment.
fn bootstrap_token(file: &AclFile) -> Result<Option<String>, ConfigError> {
    let (text, whence) = match &file.bootstrap_token_file {
        Some(path) => {
            let text = std::fs::read_to_string(path).map_err(|error| {
                ConfigError::Invalid(format!("acl.bootstrap_token_file: cannot read {path}: {error}"))
            })?;
            (text, format!("acl.bootstrap_token_file: {path}"))
        }
        None => match std::env::var(BOOTSTRAP_TOKEN_VARIABLE) {
            Ok(text) => (text, BOOTSTRAP_TOKEN_VARIABLE.to_owned()),
            Err(_) => return Ok(None),
        },
    };
    let secret = text.trim();
    if secret.is_empty() {
        return Ok(None);
    }
    if !is_uuid(secret) {
        let text = format!("{whence} must hold a UUID, and nothing else; `uuidgen` makes one");
        return Err(ConfigError::Invalid(text));
    }
    Ok(Some(secret.to_owned()))
}

fn is_uuid(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    parts.iter().map(|part| part.len()).eq([8, 4, 4, 4, 12])
        && parts.iter().all(|part| part.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &std::path::Path) -> AclFile {
        AclFile { enabled: Some(true), bootstrap_token_file: Some(path.display().to_string()), ..AclFile::default() }
    }

    #[test]
    fn the_first_token_comes_from_a_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("token");
        std::fs::write(&path, "9184ec35-65d4-9258-61e3-0c066d0a45c5\n").unwrap();
        let read = settings(&file(&path)).unwrap();
        assert_eq!(read.bootstrap_token.as_deref(), Some("9184ec35-65d4-9258-61e3-0c066d0a45c5"));
        assert!(!format!("{read:?}").contains("9184"), "secrets are never printed");
        std::fs::write(&path, "secret").unwrap();
        let error = settings(&file(&path)).unwrap_err().to_string();
        assert!(error.contains("must hold a UUID") && !error.contains("secret"), "{error}");
        assert!(settings(&file(&dir.path().join("none"))).is_err());
    }

    #[test]
    fn durations_are_checked() {
        let wrong = AclFile { token_min_expiration_ttl: Some("soon".to_owned()), ..AclFile::default() };
        assert!(settings(&wrong).unwrap_err().to_string().starts_with("acl.token_min_expiration_ttl: "));
    }
}
