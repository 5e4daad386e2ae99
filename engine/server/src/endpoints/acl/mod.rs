//! Access control: the first token, policies, tokens, roles.

mod bootstrap;
mod policies;
mod roles;
mod tokens;

use crate::error::{Result, ServerError};
use crate::server::Server;
use sha2::{Digest, Sha256};

/// The longest description in bytes.
const MAX_DESCRIPTION_BYTES: usize = 256;
/// The longest name of a policy or role, in characters.
const MAX_NAME_CHARS: usize = 128;

impl Server {
    /// Refuses everything about access control when it is off.
    ///
    /// # Errors
    /// It is off.
    pub fn check_acl_enabled(&self) -> Result<()> {
        if self.acl_enabled() { Ok(()) } else { Err(ServerError::invalid("ACL support disabled")) }
    }
}

/// Tells versions of an object apart: a digest of its fields.
pub(crate) fn digest<'a>(fields: impl IntoIterator<Item = &'a str>) -> Vec<u8> {
    let mut digest = Sha256::new();
    for field in fields {
        digest.update(field.len().to_le_bytes());
        digest.update(field);
    }
    digest.finalize().to_vec()
}

/// Letters, digits, `-` and `_`.
fn is_name(name: &str) -> bool {
    (1..=MAX_NAME_CHARS).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}
