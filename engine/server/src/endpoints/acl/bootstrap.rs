//! The first token.

use super::tokens::with_hash;
use crate::error::{Result, ServerError};
use crate::server::{Inner, Server};
use drover_base::uuid;
use drover_model::UnixNanos;
use drover_model::acl::{AclToken, TokenKind};
use drover_state::{BootstrapAcl, Command};
use std::sync::Arc;

/// Stands in the server's folder and holds the index of the last bootstrap to allow another one.
const RESET_FILE: &str = "acl-bootstrap-reset";

impl Server {
    /// Makes the first token, with `secret` when that is given. It is made once; after that only when the file
    /// `acl-bootstrap-reset` in the server's folder names the index of the last time.
    ///
    /// # Errors
    /// Access control is off, it was made already, or the secret is no UUID.
    pub async fn bootstrap_acl(&self, secret: Option<&str>) -> Result<Arc<AclToken>> {
        self.check_acl_enabled()?;
        let done_at = self.inner.store.snapshot().acl_bootstrap_index();
        let reset_index = if done_at == 0 { 0 } else { self.inner.bootstrap_reset_index() };
        if done_at != 0 && reset_index != done_at {
            let text = match reset_index {
                0 => format!("ACL bootstrap already done (reset index: {done_at})"),
                _ => format!("Invalid bootstrap reset index (specified {reset_index}, reset index: {done_at})"),
            };
            return Err(ServerError::invalid(text));
        }
        if secret.is_some_and(|secret| !is_uuid(secret)) {
            return Err(ServerError::invalid("invalid acl token"));
        }
        self.inner.bootstrap(secret, reset_index).await
    }
}

impl Inner {
    /// Makes the token that the configuration names, unless there has been a first token already.
    pub(crate) async fn bootstrap_as_configured(&self) -> Result<()> {
        let Some(secret) = self.config.acl.bootstrap_token.as_deref().filter(|_| self.config.acl.enabled) else {
            return Ok(());
        };
        let snapshot = self.store.snapshot();
        if snapshot.acl_bootstrap_index() != 0 {
            if snapshot.acl_token_by_secret(secret).is_none() {
                tracing::warn!("the configured bootstrap token has no effect: there has been a first token already");
            }
            return Ok(());
        }
        let token = self.bootstrap(Some(secret), 0).await?;
        tracing::info!(accessor = token.accessor_id, "made the first token, as configured");
        Ok(())
    }

    async fn bootstrap(&self, secret: Option<&str>, reset_index: u64) -> Result<Arc<AclToken>> {
        let token = with_hash(AclToken {
            accessor_id: uuid::random(),
            secret_id: secret.map_or_else(uuid::random, str::to_owned),
            name: "Bootstrap Token".to_owned(),
            kind: TokenKind::Management,
            global: true,
            create_time: UnixNanos::now().into(),
            ..AclToken::default()
        });
        let accessor = token.accessor_id.clone();
        self.propose(Command::BootstrapAcl(BootstrapAcl { token, reset_index })).await?;
        self.forget_bootstrap_reset();
        let snapshot = self.store.snapshot();
        let stored = snapshot.acl_token(&accessor).cloned();
        stored.ok_or_else(|| ServerError::unavailable("the token was written, but its state is not known"))
    }

    /// What the reset file says; 0: it is not there, or says nothing.
    fn bootstrap_reset_index(&self) -> u64 {
        let Some(path) = self.config.data_dir.as_ref().map(|dir| dir.join(RESET_FILE)) else { return 0 };
        let Ok(text) = std::fs::read_to_string(&path) else { return 0 };
        text.trim().parse().unwrap_or_else(|_| {
            tracing::warn!(path = %path.display(), "this file should hold the index of the last bootstrap");
            0
        })
    }

    fn forget_bootstrap_reset(&self) {
        let Some(path) = self.config.data_dir.as_ref().map(|dir| dir.join(RESET_FILE)) else { return };
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                tracing::warn!(path = %path.display(), %error, "this file should be removed");
            }
            _ => {}
        }
    }
}

/// Whether a text is shaped as a UUID.
pub(crate) fn is_uuid(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    parts.iter().map(|part| part.len()).eq([8, 4, 4, 4, 12])
        && parts.iter().all(|part| part.bytes().all(|byte| byte.is_ascii_hexdigit()))
}
