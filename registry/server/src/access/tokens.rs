//! Tokens of this registry: kept as hashes in the store, one object each.
//!
//! A token reads `drg_ID_SECRET`. The id finds the object; of the secret only a SHA-256 is kept: it has 256 random bits, so
//! that a slow hash would add nothing. A revoked token stays in the store, for the list and the audit.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;
use ring::rand::{SecureRandom, SystemRandom};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{Grant, Identity};
use crate::storage::{Store, StoreError};
use crate::time::{now, text};

/// What every token begins with, so that scanners for leaked secrets find it.
const PREFIX: &str = "drg_";
/// How long a token is used without looking at the store again; a revocation takes this long at most on other servers.
const CACHE_AGE: Duration = Duration::from_secs(5);
/// Tokens that are remembered; when there are more, all are forgotten.
const MAX_CACHED: usize = 4_096;
/// How long an expired or revoked token is kept for the list.
const KEPT_AFTER_END: SignedDuration = SignedDuration::from_hours(24 * 30);
/// The same for those of logins, of which there are many.
const KEPT_AFTER_LOGIN: SignedDuration = SignedDuration::from_hours(1);

/// A token as it is kept.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub struct StoredToken {
    /// Its public half.
    pub id: String,
    /// SHA-256 of the secret half, hexadecimal.
    pub hash: String,
    /// Who uses it.
    pub subject: String,
    /// What it allows.
    pub grants: Vec<Grant>,
    /// When it was made.
    pub created_at: String,
    /// Who made it.
    #[serde(default)]
    pub created_by: String,
    /// When it ends.
    #[serde(default)]
    pub expires_at: Option<String>,
    /// When it was revoked.
    #[serde(default)]
    pub revoked_at: Option<String>,
    /// Whether a login made it.
    #[serde(default)]
    pub from_login: bool,
}

/// What a new token is to be.
#[derive(Clone, Debug)]
pub struct NewToken {
    /// Who will use it.
    pub subject: String,
    /// What it allows.
    pub grants: Vec<Grant>,
    /// How long it lives; for ever when absent.
    pub ttl: Option<Duration>,
    /// Who makes it.
    pub created_by: String,
    /// Whether a login makes it.
    pub from_login: bool,
}

/// Why a token is not taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// It is none of ours, or its secret is wrong. Which of them is not told.
    #[error("the token is not known here")]
    Unknown,
    /// Its time is over.
    #[error("the token has expired")]
    Expired,
    /// Somebody took it back.
    #[error("the token was revoked")]
    Revoked,
    /// The store does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl StoredToken {
    /// `live`, `expired` or `revoked`, now.
    #[must_use]
    pub fn state(&self) -> &'static str {
        match () {
            () if self.revoked_at.is_some() => "revoked",
            () if self.has_expired(now()) => "expired",
            () => "live",
        }
    }

    fn has_expired(&self, at: Timestamp) -> bool {
        // What cannot be read never counts as good for ever.
        self.expires_at.as_ref().is_some_and(|end| end.parse::<Timestamp>().map_or(true, |end| end <= at))
    }

    fn may_be_forgotten(&self, at: Timestamp) -> bool {
        let end = self.revoked_at.as_ref().or(self.expires_at.as_ref());
        let kept = if self.from_login { KEPT_AFTER_LOGIN } else { KEPT_AFTER_END };
        end.and_then(|end| end.parse::<Timestamp>().ok()).is_some_and(|end| at.duration_since(end) > kept)
    }
}

type Cached = HashMap<String, (Instant, Option<Arc<StoredToken>>)>;

/// The tokens of a store.
pub struct Tokens {
    store: Store,
    cache: Mutex<Cached>,
}

impl Tokens {
    /// Those in `store`.
    #[must_use]
    pub fn new(store: Store) -> Self {
        Self { store, cache: Mutex::default() }
    }

    /// Makes a token and returns its whole text, which is not kept anywhere.
    ///
    /// # Errors
    /// The store refuses.
    pub async fn create(&self, new: NewToken) -> Result<(String, StoredToken), StoreError> {
        let (id, secret) = (random_hex::<8>(), random_hex::<32>());
        let at = now();
        let expires_at =
            new.ttl.and_then(|ttl| SignedDuration::try_from(ttl).ok()).and_then(|ttl| at.checked_add(ttl).ok());
        let token = StoredToken {
            hash: hash(&secret),
            subject: new.subject,
            grants: new.grants,
            created_at: text(at),
            created_by: new.created_by,
            expires_at: expires_at.map(text),
            revoked_at: None,
            from_login: new.from_login,
            id: id.clone(),
        };
        self.store.put_json(&key(&id), &token).await?;
        self.cache.lock().remove(&id);
        Ok((format!("{PREFIX}{id}_{secret}"), token))
    }

    /// Who the holder of `token` is.
    ///
    /// # Errors
    /// It is not good, or the store does not answer.
    pub async fn check(&self, token: &str) -> Result<Identity, TokenError> {
        let (id, secret) = parts(token).ok_or(TokenError::Unknown)?;
        let stored = self.stored(id).await?.ok_or(TokenError::Unknown)?;
        let given = hash(secret);
        // Hashes of what a stranger chose say nothing about the secret, whatever the time of their comparison.
        if given != stored.hash {
            return Err(TokenError::Unknown);
        }
        if stored.revoked_at.is_some() {
            return Err(TokenError::Revoked);
        }
        if stored.has_expired(now()) {
            return Err(TokenError::Expired);
        }
        Ok(Identity {
            subject: stored.subject.clone(),
            grants: Arc::new(stored.grants.clone()),
            expires_at: stored.expires_at.clone(),
            is_known: true,
        })
    }

    async fn stored(&self, id: &str) -> Result<Option<Arc<StoredToken>>, StoreError> {
        let known = self.cache.lock().get(id).filter(|(read, _)| read.elapsed() < CACHE_AGE).cloned();
        if let Some((_, token)) = known {
            return Ok(token);
        }
        let token = self.store.get_json::<StoredToken>(&key(id)).await?.map(Arc::new);
        let mut cache = self.cache.lock();
        if cache.len() >= MAX_CACHED {
            cache.clear();
        }
        cache.insert(id.to_owned(), (Instant::now(), token.clone()));
        Ok(token)
    }

    /// All tokens by time of making.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn list(&self) -> Result<Vec<StoredToken>, StoreError> {
        let mut tokens: Vec<StoredToken> = self.store.list_json("tokens").await?;
        tokens.sort_by(|a, b| (&a.created_at, &a.id).cmp(&(&b.created_at, &b.id)));
        Ok(tokens)
    }

    /// Ends a token; none when there is none with this id.
    ///
    /// # Errors
    /// The store refuses.
    pub async fn revoke(&self, id: &str) -> Result<Option<StoredToken>, StoreError> {
        if !is_id(id) {
            return Ok(None);
        }
        let Some(mut token) = self.store.get_json::<StoredToken>(&key(id)).await? else { return Ok(None) };
        if token.revoked_at.is_none() {
            token.revoked_at = Some(text(now()));
            self.store.put_json(&key(id), &token).await?;
        }
        self.cache.lock().remove(id);
        Ok(Some(token))
    }

    /// Removes tokens that ended long ago; how many.
    ///
    /// # Errors
    /// The store refuses.
    pub async fn forget_old(&self) -> Result<usize, StoreError> {
        let at = now();
        let mut count = 0;
        for token in self.list().await?.into_iter().filter(|token| token.may_be_forgotten(at) && is_id(&token.id)) {
            self.store.delete(&key(&token.id)).await?;
            count += 1;
        }
        Ok(count)
    }
}

/// The id and the secret of a token's text.
fn parts(token: &str) -> Option<(&str, &str)> {
    let (id, secret) = token.strip_prefix(PREFIX)?.split_once('_')?;
    (is_id(id) && secret.len() == 64).then_some((id, secret))
}

fn is_id(id: &str) -> bool {
    id.len() == 16 && id.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn key(id: &str) -> String {
    format!("tokens/{id}.json")
}

fn hash(secret: &str) -> String {
    hex::encode(Sha256::digest(secret.as_bytes()))
}

fn random_hex<const N: usize>() -> String {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).expect("the operating system gives random bytes");
    hex::encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::Scope;

    fn new(ttl: Option<Duration>) -> NewToken {
        NewToken {
            subject: "ci".into(),
            grants: vec![Grant::new("shop", vec![Scope::Publish]).unwrap()],
            ttl,
            created_by: "test".into(),
            from_login: false,
        }
    }

    #[tokio::test]
    async fn a_token_works_until_it_is_revoked_and_its_secret_is_kept_nowhere() {
        let folder = tempfile::tempdir().unwrap();
        let tokens = Tokens::new(Store::folder(folder.path()).unwrap());
        let (token, stored) = tokens.create(new(None)).await.unwrap();
        let identity = tokens.check(&token).await.unwrap();
        assert!(identity.may(Scope::Publish, "shop", "web") && !identity.may(Scope::Publish, "lab", "web"));
        let secret = token.rsplit('_').next().unwrap();
        let kept = std::fs::read_to_string(folder.path().join(key(&stored.id))).unwrap();
        assert!(!kept.contains(secret), "{kept}");
        let other = format!("{}{}", &token[..token.len() - 1], if token.ends_with('0') { '1' } else { '0' });
        assert!(matches!(tokens.check(&other).await, Err(TokenError::Unknown)));
        for text in ["", "drg_", "drg_x_y", "drg_../../../etc_aaaa", "eyJh.x.y"] {
            assert!(matches!(tokens.check(text).await, Err(TokenError::Unknown)), "{text}");
        }
        assert!(tokens.revoke(&stored.id).await.unwrap().is_some());
        assert!(matches!(tokens.check(&token).await, Err(TokenError::Revoked)));
        assert!(tokens.revoke("../../x").await.unwrap().is_none());
    }

    #[tokio::test]
    async fn a_token_ends_when_it_should() {
        let folder = tempfile::tempdir().unwrap();
        let tokens = Tokens::new(Store::folder(folder.path()).unwrap());
        let (token, stored) = tokens.create(new(Some(Duration::ZERO))).await.unwrap();
        assert!(matches!(tokens.check(&token).await, Err(TokenError::Expired)));
        let garbled = StoredToken { expires_at: Some("soon".into()), ..stored };
        assert_eq!(garbled.state(), "expired", "an end that cannot be read is no reason to live for ever");
    }
}
