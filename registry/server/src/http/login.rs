//! Who one is, and logging in with the token of a trusted issuer.

use std::sync::Arc;

use axum::extract::State;
use axum::{Extension, Json};
use bytes::Bytes;
use drover_registry::wire::{JwtLogin, LoginAnswer, TeamScopes, WhoAmI};

use super::caller::{Caller, issuer_error};
use super::error::ApiError;
use super::versions::decode;
use crate::access::{NewToken, Scope};
use crate::app::App;
use crate::audit::Event;

/// `GET /v1/whoami`
pub(super) async fn whoami(Extension(caller): Extension<Caller>) -> Result<Json<WhoAmI>, ApiError> {
    let identity = caller.identity;
    if !identity.is_known {
        return Err(ApiError::unauthorized("no token was sent"));
    }
    let teams = identity.grants.iter().map(|grant| TeamScopes {
        team: grant.team.clone(),
        scopes: grant.scopes.iter().map(Scope::to_string).collect(),
    });
    Ok(Json(WhoAmI {
        subject: identity.subject.clone(),
        expires_at: identity.expires_at.clone(),
        teams: teams.collect(),
    }))
}

/// `POST /v1/login/jwt`
pub(super) async fn jwt(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    body: Bytes,
) -> Result<Json<LoginAnswer>, ApiError> {
    if app.issuers.is_empty() {
        return Err(ApiError::not_found("this registry trusts no issuer of tokens")
            .hint("its configuration has no `oidc` block"));
    }
    let login: JwtLogin = decode(&body)?;
    let checked = app.issuers.check(login.jwt.trim()).await;
    let mut event = Event { event: "login", outcome: "ok", client: Some(caller.address), ..Event::default() };
    let (identity, ttl) = match checked {
        Ok(found) => found,
        Err(error) => {
            app.metrics.count("drover_registry_logins_total", "refused");
            let (answer, detail) = (issuer_error(&error), error.to_string());
            (event.outcome, event.detail) = (answer.code, &detail);
            app.audit.write(&event);
            return Err(answer);
        }
    };
    let new = NewToken {
        subject: identity.subject.clone(),
        grants: identity.grants.to_vec(),
        ttl: Some(ttl),
        created_by: "login".to_owned(),
        from_login: true,
    };
    let (token, stored) = app.tokens.create(new).await?;
    app.metrics.count("drover_registry_logins_total", "ok");
    event.subject = &identity.subject;
    app.audit.write(&event);
    Ok(Json(LoginAnswer { token, expires_at: stored.expires_at }))
}
