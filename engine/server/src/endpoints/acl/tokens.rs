//! Tokens.

use super::bootstrap::is_uuid;
use super::digest;
use crate::answer::Written;
use crate::config::AclConfig;
use crate::error::{ErrorKind, Result, ServerError};
use crate::request::TokenWrite;
use crate::server::{Inner, Server};
use drover_base::uuid;
use drover_model::acl::{AclToken, TokenKind, TokenRole};
use drover_model::{UnixNanos, WireTime};
use drover_state::{Command, Snapshot};
use drover_wire::problems::Problems;
use std::sync::Arc;

/// The longest name in bytes.
const MAX_TOKEN_NAME_BYTES: usize = 256;
/// Expired tokens that one command removes at most.
const MAX_EXPIRED_PER_COMMAND: usize = 4096;
const ID_LEN: usize = 36;

impl Server {
    /// Adds a token (without an accessor) or changes one; gives back the token as it is then.
    ///
    /// # Errors
    /// Access control is off, or the token is not allowed.
    pub async fn upsert_acl_token(&self, write: TokenWrite) -> Result<Arc<AclToken>> {
        self.check_acl_enabled()?;
        let mut write = write;
        write.token.kind = write.kind.parse().unwrap_or_default();
        let snapshot = self.inner.store.snapshot();
        if is_brought(&write.token) && has_other_owner(&snapshot, &write.token) {
            return Err(ServerError::invalid("a token with this secret exists already"));
        }
        let stored = match stored_token(&snapshot, &write.token.accessor_id) {
            // A token that comes from elsewhere, with both of its ids.
            Err(error) if is_brought(&write.token) && error.kind == ErrorKind::Invalid => None,
            other => other?,
        };
        let token = prepare(&self.inner.config.acl, &snapshot, write, stored.as_deref(), UnixNanos::now())?;
        self.write_acl_token(token).await
    }

    /// Writes a token that is known to be right, with an accessor and a secret.
    ///
    /// # Errors
    /// The log's.
    pub async fn write_acl_token(&self, token: AclToken) -> Result<Arc<AclToken>> {
        let accessor = token.accessor_id.clone();
        self.inner.propose(Command::UpsertAclTokens(vec![with_hash(token)])).await?;
        let snapshot = self.inner.store.snapshot();
        let stored = snapshot.acl_token(&accessor).cloned();
        stored.ok_or_else(|| ServerError::unavailable("the token was written, but its state is not known"))
    }

    /// Removes a token.
    ///
    /// # Errors
    /// Access control is off, or there is no such token.
    pub async fn delete_acl_token(&self, accessor: &str) -> Result<Written> {
        self.check_acl_enabled()?;
        if accessor.len() != ID_LEN {
            let text = format!("token lookup failed: {}", malformed());
            return Err(ServerError::invalid(text));
        }
        if self.inner.store.snapshot().acl_token(accessor).is_none() {
            return Err(ServerError::invalid(format!("Cannot delete nonexistent tokens: {accessor}")));
        }
        Ok(Written { index: self.inner.propose(Command::DeleteAclTokens(vec![accessor.to_owned()])).await?.index })
    }
}

impl Inner {
    /// Forgets tokens that have ended, also one-time ones.
    pub(crate) async fn forget_expired_tokens(&self, now: UnixNanos) -> Result<()> {
        let snapshot = self.store.snapshot();
        let expired = snapshot.acl_tokens("").filter(|token| token.is_expired(now));
        let accessors: Vec<String> = expired.map(|token| token.accessor_id.clone()).collect();
        for accessors in accessors.chunks(MAX_EXPIRED_PER_COMMAND) {
            self.propose(Command::DeleteAclTokens(accessors.to_vec())).await?;
        }
        let has_ended = |end: Option<UnixNanos>| end.is_none_or(|end| end <= now);
        if snapshot.one_time_tokens().any(|token| has_ended(token.expires_at.nanos())) {
            self.propose(Command::ExpireOneTimeTokens(now)).await?;
        }
        Ok(())
    }
}

fn malformed() -> String {
    format!("acl token lookup failed: index error: UUID must be {ID_LEN} characters")
}

/// The token that is to be changed; `None`: a new one is to be made.
fn stored_token(snapshot: &Snapshot, accessor: &str) -> Result<Option<Arc<AclToken>>> {
    if accessor.is_empty() {
        return Ok(None);
    }
    if accessor.len() != ID_LEN {
        return Err(ServerError::refused(format!("token lookup failed: {}", malformed())));
    }
    let stored = snapshot.acl_token(accessor).cloned();
    stored.ok_or_else(|| ServerError::invalid(format!("cannot find token {accessor}"))).map(Some)
}

/// Whether the secret is another token's already.
fn has_other_owner(snapshot: &Snapshot, token: &AclToken) -> bool {
    let owner = snapshot.acl_token_by_secret(&token.secret_id);
    owner.is_some_and(|owner| owner.accessor_id != token.accessor_id)
}

/// Whether a new token brings its own ids, e.g. from a backup. Management tokens are always made anew.
fn is_brought(token: &AclToken) -> bool {
    token.kind == TokenKind::Client && is_uuid(&token.accessor_id) && is_uuid(&token.secret_id)
}

/// The token as it is to be stored.
fn prepare(
    config: &AclConfig,
    snapshot: &Snapshot,
    write: TokenWrite,
    stored: Option<&AclToken>,
    now: UnixNanos,
) -> Result<AclToken> {
    let mut problems = Problems::default();
    let TokenWrite { mut token, kind } = write;
    let known = kind.parse::<TokenKind>();
    token.kind = known.as_ref().copied().unwrap_or_default();
    match stored {
        Some(stored) => {
            token.secret_id.clone_from(&stored.secret_id);
            token.create_time = stored.create_time;
        }
        None => {
            if !is_brought(&token) {
                token.accessor_id = uuid::random();
                token.secret_id = uuid::random();
            }
            token.create_time = now.into();
            if token.expiration_time.is_none_or(|time| time.is_zero()) {
                let ttl = token.expiration_ttl;
                token.expiration_time = (!ttl.is_zero()).then(|| WireTime::from(now.plus(ttl)));
            }
        }
    }
    check_shape(&token, known.is_ok(), &mut problems);
    match stored {
        Some(stored) => check_unchanged(&token, stored, &mut problems),
        None => check_life(config, &token, now, &mut problems),
    }
    if !problems.is_empty() {
        return Err(ServerError::invalid(format!("token 0 invalid: {}", problems.to_text())));
    }
    if token.kind == TokenKind::Client {
        token.policies.get_or_insert_default();
    }
    token.roles = link_roles(snapshot, &token.roles)?;
    Ok(token)
}

fn check_shape(token: &AclToken, is_known_kind: bool, problems: &mut Problems) {
    problems.add_if(token.name.len() > MAX_TOKEN_NAME_BYTES, "token name too long");
    let has_rights = !token.policy_names().is_empty() || !token.roles.is_empty();
    match token.kind {
        _ if !is_known_kind => problems.add("token type must be client or management"),
        TokenKind::Client => problems.add_if(!has_rights, "client token missing policies or roles"),
        TokenKind::Management => {
            problems.add_if(has_rights, "management token cannot be associated with policies or roles");
        }
    }
    if token.expiration_ttl.0 < 0 {
        problems.add(format!("token expiration TTL '{}' should not be negative", token.expiration_ttl));
    }
}

fn check_unchanged(token: &AclToken, stored: &AclToken, problems: &mut Problems) {
    problems.add_if(token.global != stored.global, "cannot toggle global mode");
    if token.expiration_ttl != stored.expiration_ttl {
        problems.add("cannot update expiration TTL");
    } else if token.expires_at() != stored.expires_at() {
        problems.add("cannot update expiration time");
    }
}

fn check_life(config: &AclConfig, token: &AclToken, now: UnixNanos, problems: &mut Problems) {
    let Some(end) = token.expires_at() else { return };
    problems.add_if(end < now, "expiration time cannot be before create time");
    let life = end.since(now);
    if life < config.min_token_ttl {
        let least = config.min_token_ttl;
        problems.add(format!("expiration time cannot be less than {least} in the future (was {life})"));
    }
    if life > config.max_token_ttl {
        let most = config.max_token_ttl;
        problems.add(format!("expiration time cannot be more than {most} in the future (was {life})"));
    }
}

/// Roles by id or name, each once; names are not kept, as roles may be renamed.
fn link_roles(snapshot: &Snapshot, roles: &[TokenRole]) -> Result<Vec<TokenRole>> {
    let mut linked: Vec<TokenRole> = Vec::new();
    for role in roles {
        let (found, wanted) = match role.id.as_str() {
            "" => (snapshot.acl_role_named(&role.name), &role.name),
            id => (snapshot.acl_role(id), &role.id),
        };
        let found = found.ok_or_else(|| ServerError::invalid(format!("cannot find role {wanted}")))?;
        if linked.iter().all(|other| other.id != found.id) {
            linked.push(TokenRole { id: found.id.clone(), name: String::new() });
        }
    }
    Ok(linked)
}

/// With the digest of what can be changed.
pub(crate) fn with_hash(token: AclToken) -> AclToken {
    let global = if token.global { "global" } else { "local" };
    let fields = [token.name.as_str(), token.kind.as_str(), global].into_iter();
    let fields = fields.chain(token.policy_names().iter().map(String::as_str));
    let hash = digest(fields.chain(token.roles.iter().map(|role| role.id.as_str())));
    AclToken { hash, ..token }
}
