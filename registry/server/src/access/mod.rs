//! Who may do what: tokens of this registry, tokens of trusted issuers, and what each allows.

mod grant;
mod issuers;
mod tokens;

use std::sync::Arc;

pub use grant::{Grant, GrantError, Scope, matches as matches_pattern};
pub use issuers::{IssuerError, Issuers};
pub use tokens::{NewToken, StoredToken, TokenError, Tokens};

/// Who asks.
#[derive(Clone, Debug)]
pub struct Identity {
    /// A token's subject, for the audit log and `published_by`; `anonymous` for nobody.
    pub subject: String,
    /// What may be done.
    pub grants: Arc<Vec<Grant>>,
    /// When it ends, RFC 3339.
    pub expires_at: Option<String>,
    /// Whether a token was shown at all.
    pub is_known: bool,
}

impl Identity {
    /// Somebody without a token. `may_read` is the server's policy.
    #[must_use]
    pub fn anonymous(may_read: bool) -> Self {
        let grants = if may_read { vec![Grant::everything(vec![Scope::Read])] } else { Vec::new() };
        Self { subject: "anonymous".to_owned(), grants: Arc::new(grants), expires_at: None, is_known: false }
    }

    /// Whether it may do this with a pack.
    #[must_use]
    pub fn may(&self, scope: Scope, team: &str, name: &str) -> bool {
        self.grants.iter().any(|grant| grant.allows(scope, team, name))
    }

    /// Whether it may do this with something of any team.
    #[must_use]
    pub fn may_somewhere(&self, scope: Scope) -> bool {
        self.grants.iter().any(|grant| grant.has(scope))
    }

    /// Whether it reads every pack there is, so that lists need no look at each.
    #[must_use]
    pub fn reads_all(&self) -> bool {
        self.grants.iter().any(|grant| grant.is_everything() && grant.has(Scope::Read))
    }
}
