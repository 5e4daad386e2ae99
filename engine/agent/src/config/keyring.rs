//! `keyring "PROVIDER"`: what wraps the root keys.
//!
//! Only `aead` is there: the wrapping key lies in the server's keystore. Blocks of others are refused rather than
//! ignored, so that nobody believes that their keys are guarded elsewhere.

use super::ConfigError;
use serde_json::Value;

const OWN: &str = "aead";
const EXTERNAL: &[&str] = &["awskms", "azurekeyvault", "gcpckms", "transit"];

/// Refuses what this agent cannot do.
pub(super) fn check(keyring: Option<&Value>) -> Result<(), ConfigError> {
    let Some(Value::Object(providers)) = keyring else { return Ok(()) };
    let mut active = 0;
    for (provider, blocks) in providers {
        let blocks = match blocks {
            Value::Array(list) => list.as_slice(),
            one => std::slice::from_ref(one),
        };
        let is_external = EXTERNAL.contains(&provider.as_str());
        if !is_external && provider != OWN {
            let text = format!("keyring {provider:?}: unknown keyring provider: use {OWN:?}, or remove the block");
            return Err(ConfigError::Invalid(text));
        }
        // A block that says nothing is active, as in the reference when it is the only one.
        let used = blocks.iter().filter(|block| block.get("active") != Some(&Value::Bool(false))).count();
        if is_external && used > 0 {
            let text = format!(
                "keyring {provider:?}: external key management is not there yet; root keys are wrapped by a key in \
                 this server's keystore: use keyring {OWN:?}, set active = false, or remove the block"
            );
            return Err(ConfigError::Invalid(text));
        }
        active += used;
    }
    match active {
        0 | 1 => Ok(()),
        _ => Err(ConfigError::Invalid("keyring: only one block can be active".into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_what_is_there_may_be_active() {
        let error = |value: Value| check(Some(&value)).map_err(|error| error.to_string());
        assert_eq!(error(json!({"aead": {"active": true}, "awskms": {"active": false}})), Ok(()));
        assert_eq!(error(json!({"aead": {}})), Ok(()));
        assert!(error(json!({"awskms": [{"active": true}]})).unwrap_err().contains("external key management"));
        assert!(error(json!({"zork": {}})).unwrap_err().contains("unknown keyring provider"));
        assert!(error(json!({"aead": [{"name": "a"}, {"name": "b"}]})).unwrap_err().contains("only one"));
        assert!(check(None).is_ok());
    }
}
