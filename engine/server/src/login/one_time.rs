//! One-time tokens: they stand for the token of whoever asked, once, for a few minutes.

use crate::access::denied;
use crate::error::{ErrorKind, Result, ServerError};
use crate::server::Server;
use drover_base::uuid;
use drover_model::acl::{AclToken, OneTimeToken};
use drover_model::{Nanos, UnixNanos, WireTime};
use drover_state::Command;
use std::sync::Arc;

/// How long one is good for.
const TTL: Nanos = Nanos::from_mins(10);
const ID_LEN: usize = 36;

/// A one-time token was made.
#[derive(Clone, Debug)]
pub struct OneTimeTokenMade {
    /// It.
    pub token: Arc<OneTimeToken>,
    /// Raft index.
    pub index: u64,
}

impl Server {
    /// Makes a one-time token for whoever shows `secret`.
    ///
    /// # Errors
    /// Access control is off, or nobody has this secret.
    pub async fn make_one_time_token(&self, secret: &str) -> Result<OneTimeTokenMade> {
        self.check_acl_enabled()?;
        if secret.is_empty() {
            return Err(ServerError::refused("acl token lookup failed: missing secret id"));
        }
        let snapshot = self.inner.store.snapshot();
        let token = snapshot.acl_token_by_secret(secret).ok_or_else(denied)?;
        let now = UnixNanos::now();
        if token.is_expired(now) {
            return Err(denied());
        }
        let once = OneTimeToken {
            one_time_secret_id: uuid::random(),
            accessor_id: token.accessor_id.clone(),
            expires_at: WireTime::from(now.plus(TTL)),
            ..OneTimeToken::default()
        };
        let id = once.one_time_secret_id.clone();
        let index = self.inner.propose(Command::UpsertOneTimeToken(once)).await?.index;
        let made = self.inner.store.snapshot().one_time_token(&id).cloned();
        let token =
            made.ok_or_else(|| ServerError::unavailable("the token was written, but its state is not known"))?;
        Ok(OneTimeTokenMade { token, index })
    }

    /// The token that a one-time token stands for, and the index at which the latter ended.
    ///
    /// # Errors
    /// Access control is off; `Forbidden`: there is no such one-time token, or no longer.
    pub async fn exchange_one_time_token(&self, secret: &str) -> Result<(Arc<AclToken>, u64)> {
        self.check_acl_enabled()?;
        if secret.is_empty() {
            return Err(ServerError::refused("one-time token lookup failed: missing secret"));
        }
        if secret.len() != ID_LEN {
            let text = format!("one-time token lookup failed: index error: UUID must be {ID_LEN} characters");
            return Err(ServerError::refused(text));
        }
        let snapshot = self.inner.store.snapshot();
        let now = UnixNanos::now();
        let once = snapshot.one_time_token(secret).ok_or_else(denied)?;
        if once.expires_at.nanos().is_none_or(|end| end <= now) {
            return Err(denied());
        }
        let token = snapshot.acl_token(&once.accessor_id).filter(|token| !token.is_expired(now)).ok_or_else(denied)?;
        // Of two exchanges at the same time, one finds nothing to delete.
        let deleted = self.inner.propose(Command::DeleteOneTimeTokens(vec![secret.to_owned()])).await;
        let deleted = deleted.map_err(|error| if error.kind == ErrorKind::NotFound { denied() } else { error })?;
        Ok((token.clone(), deleted.index))
    }
}
