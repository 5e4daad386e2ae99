//! What a token allows, for which packs.

use std::fmt;
use std::str::FromStr;

use drover_registry::name;
use serde::{Deserialize, Serialize};

/// What may be done. Publishing and yanking include reading; publishing includes yanking.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Search, read and download.
    Read,
    /// Publish versions and signatures.
    Publish,
    /// Take versions back.
    Yank,
    /// Make, list and revoke tokens. Includes everything.
    Admin,
}

impl Scope {
    fn includes(self, other: Self) -> bool {
        match self {
            Self::Read => other == Self::Read,
            Self::Yank => matches!(other, Self::Read | Self::Yank),
            Self::Publish => other != Self::Admin,
            Self::Admin => true,
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Read => "read",
            Self::Publish => "publish",
            Self::Yank => "yank",
            Self::Admin => "admin",
        })
    }
}

/// Why something is no grant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GrantError {
    /// There is no such scope.
    #[error("there is no scope {0:?}; there are read, publish, yank and admin")]
    Scope(String),
    /// The pattern cannot match any pack.
    #[error("{0:?} names no team; write a team, TEAM/NAME, or a prefix of one that ends in `*`")]
    Pattern(String),
    /// It allows nothing.
    #[error("a grant needs a scope")]
    NoScope,
}

impl FromStr for Scope {
    type Err = GrantError;

    fn from_str(text: &str) -> Result<Self, GrantError> {
        match text {
            "read" => Ok(Self::Read),
            "publish" => Ok(Self::Publish),
            "yank" => Ok(Self::Yank),
            "admin" => Ok(Self::Admin),
            _ => Err(GrantError::Scope(text.chars().take(40).collect())),
        }
    }
}

/// Scopes for the packs that a pattern names: `shop`, `shop-*`, `shop/web`, `shop/web-*` or `*`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// The pattern.
    pub team: String,
    /// What is allowed.
    pub scopes: Vec<Scope>,
}

impl Grant {
    /// A grant for what `pattern` names.
    ///
    /// # Errors
    /// The pattern cannot name a pack, or there is no scope.
    pub fn new(pattern: &str, scopes: Vec<Scope>) -> Result<Self, GrantError> {
        if scopes.is_empty() {
            return Err(GrantError::NoScope);
        }
        let parts: Vec<&str> = pattern.split('/').collect();
        let is_part = |part: &str| {
            let stem = part.strip_suffix('*').unwrap_or(part);
            let stem = if stem.len() < part.len() { stem.trim_end_matches(['-', '.', '_']) } else { stem };
            (stem.is_empty() && part.ends_with('*')) || name::check("team", stem).is_ok()
        };
        if parts.len() > 2 || !parts.iter().all(|part| is_part(part)) {
            return Err(GrantError::Pattern(pattern.chars().take(100).collect()));
        }
        Ok(Self { team: pattern.to_owned(), scopes })
    }

    /// For all packs.
    #[must_use]
    pub fn everything(scopes: Vec<Scope>) -> Self {
        Self { team: "*".to_owned(), scopes }
    }

    pub(crate) fn is_everything(&self) -> bool {
        self.team == "*" || self.team == "*/*"
    }

    pub(crate) fn has(&self, scope: Scope) -> bool {
        self.scopes.iter().any(|own| own.includes(scope))
    }

    /// Whether it allows this with a pack.
    #[must_use]
    pub fn allows(&self, scope: Scope, team: &str, name: &str) -> bool {
        let fits = match self.team.split_once('/') {
            Some((teams, names)) => matches(teams, team) && matches(names, name),
            None => matches(&self.team, team),
        };
        fits && self.has(scope)
    }
}

/// `web,shop/*:publish+read`-like texts of the command line: `TEAM:SCOPE[+SCOPE…]`.
impl FromStr for Grant {
    type Err = GrantError;

    fn from_str(text: &str) -> Result<Self, GrantError> {
        let (pattern, scopes) = text.split_once(':').unwrap_or((text, ""));
        let scopes = scopes.split('+').filter(|scope| !scope.is_empty()).map(str::parse).collect::<Result<_, _>>()?;
        Self::new(pattern, scopes)
    }
}

impl fmt::Display for Grant {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scopes: Vec<String> = self.scopes.iter().map(Scope::to_string).collect();
        write!(formatter, "{}:{}", self.team, scopes.join("+"))
    }
}

/// Whether `text` is what `pattern` describes, in which each `*` stands for any text.
pub fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_whole_texts() {
        for (pattern, text, expected) in [
            ("shop", "shop", true),
            ("shop", "shopping", false),
            ("shop-*", "shop-eu", true),
            ("shop-*", "shop", false),
            ("*", "", true),
            ("a*b*c", "axxbyyc", true),
            ("a*b*c", "ac", false),
            ("ab*b", "ab", false),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} on {text}");
        }
    }

    #[test]
    fn a_grant_reaches_its_packs_only() {
        let grant: Grant = "shop/web-*:publish".parse().unwrap();
        assert!(grant.allows(Scope::Publish, "shop", "web-api") && grant.allows(Scope::Yank, "shop", "web-api"));
        assert!(grant.allows(Scope::Read, "shop", "web-api"), "who publishes may look");
        assert!(!grant.allows(Scope::Publish, "shop", "db") && !grant.allows(Scope::Publish, "shop2", "web-api"));
        assert!(!grant.allows(Scope::Admin, "shop", "web-api"));
        let reader: Grant = "*:read".parse().unwrap();
        assert!(reader.allows(Scope::Read, "any", "thing") && !reader.allows(Scope::Yank, "any", "thing"));
    }

    #[test]
    fn what_is_no_grant_is_refused() {
        for text in ["shop", "shop:write", "Shop:read", "a/b/c:read", ":read", "sh*op:read", "../x:read"] {
            assert!(text.parse::<Grant>().is_err(), "{text}");
        }
    }
}
