//! Tokens, for administrators.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::{Extension, Json};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::caller::Caller;
use super::error::ApiError;
use super::versions::decode;
use crate::access::{Grant, NewToken, Scope, StoredToken};
use crate::app::App;
use crate::audit::Event;

/// The longest subject, in bytes.
const MAX_SUBJECT_BYTES: usize = 200;

/// A token without its hash.
#[derive(Debug, Serialize)]
pub(super) struct Shown {
    id: String,
    subject: String,
    grants: Vec<Grant>,
    created_at: String,
    created_by: String,
    expires_at: Option<String>,
    revoked_at: Option<String>,
    state: &'static str,
}

impl From<StoredToken> for Shown {
    fn from(token: StoredToken) -> Self {
        let state = token.state();
        let StoredToken { id, subject, grants, created_at, created_by, expires_at, revoked_at, .. } = token;
        Self { id, subject, grants, created_at, created_by, expires_at, revoked_at, state }
    }
}

/// `{"tokens":[…]}`
#[derive(Debug, Serialize)]
pub(super) struct List {
    tokens: Vec<Shown>,
}

/// What a new token is to be.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    subject: String,
    grants: Vec<Grant>,
    #[serde(default)]
    ttl_seconds: Option<u64>,
}

/// A new token; the only time that its secret is shown.
#[derive(Debug, Serialize)]
pub(super) struct Made {
    token: String,
    #[serde(flatten)]
    shown: Shown,
}

/// `GET /v1/tokens`
pub(super) async fn list(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<List>, ApiError> {
    may_administer(&caller)?;
    let tokens = app.tokens.list().await?.into_iter().map(Shown::from).collect();
    Ok(Json(List { tokens }))
}

/// `POST /v1/tokens`
pub(super) async fn create(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    body: Bytes,
) -> Result<(StatusCode, Json<Made>), ApiError> {
    may_administer(&caller)?;
    let wanted: Wanted = decode(&body)?;
    let wrong = |message: String| ApiError::new(StatusCode::BAD_REQUEST, "bad-request", message);
    if wanted.subject.is_empty()
        || wanted.subject.len() > MAX_SUBJECT_BYTES
        || wanted.subject.contains(char::is_control)
    {
        return Err(wrong(format!("a token needs a subject of at most {MAX_SUBJECT_BYTES} bytes")));
    }
    if wanted.grants.is_empty() {
        return Err(wrong("a token needs a grant".to_owned()));
    }
    for grant in &wanted.grants {
        Grant::new(&grant.team, grant.scopes.clone()).map_err(|error| wrong(error.to_string()))?;
    }
    let new = NewToken {
        subject: wanted.subject,
        grants: wanted.grants,
        ttl: wanted.ttl_seconds.map(Duration::from_secs),
        created_by: caller.identity.subject.clone(),
        from_login: false,
    };
    let (token, stored) = app.tokens.create(new).await?;
    app.audit.write(&Event { detail: &stored.id, ..event("token-create", &caller) });
    Ok((StatusCode::CREATED, Json(Made { token, shown: stored.into() })))
}

/// `DELETE /v1/tokens/ID`
pub(super) async fn revoke(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<Shown>, ApiError> {
    may_administer(&caller)?;
    let token = app.tokens.revoke(&id).await?;
    let token = token.ok_or_else(|| ApiError::not_found("there is no token with this id"))?;
    app.audit.write(&Event { detail: &token.id, ..event("token-revoke", &caller) });
    Ok(Json(token.into()))
}

/// Whoever makes tokens can make one that may do everything, so a grant for one team is not enough.
fn may_administer(caller: &Caller) -> Result<(), ApiError> {
    caller.must_somewhere(Scope::Admin)?;
    let grants = &caller.identity.grants;
    match grants.iter().any(|grant| grant.is_everything() && grant.has(Scope::Admin)) {
        true => Ok(()),
        false => Err(ApiError::forbidden("this needs the scope `admin` for all teams (`*:admin`)")),
    }
}

fn event<'e>(what: &'static str, caller: &'e Caller) -> Event<'e> {
    Event {
        event: what,
        outcome: "ok",
        subject: &caller.identity.subject,
        client: Some(caller.address),
        ..Event::default()
    }
}
