//! `/v1/acl/login`, `/v1/acl/oidc/auth-url`, `/v1/acl/oidc/complete-auth`: they need no token.

use crate::context::Context;
use crate::error::Result;
use crate::reply::Reply;
use crate::routes::acl::tokens::document;
use serde_json::json;

pub(super) async fn login(context: &Context) -> Result<Reply> {
    context.must_write()?;
    let token = context.state.server.login(context.body()?).await?;
    // The reference says no index here.
    Ok(context.json(&document(&context.state.store().snapshot(), &token)?)?.written_at(0))
}

pub(super) async fn auth_url(context: &Context) -> Result<Reply> {
    context.must_write()?;
    let url = context.state.server.oidc_auth_url(context.body()?).await?;
    context.json(&json!({ "AuthURL": url }))
}

pub(super) async fn complete_auth(context: &Context) -> Result<Reply> {
    context.must_write()?;
    let token = context.state.server.oidc_complete_auth(context.body()?).await?;
    Ok(context.json(&document(&context.state.store().snapshot(), &token)?)?.written_at(0))
}
