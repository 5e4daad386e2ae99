//! `/.well-known/…`: what others need to check identities that this cluster signs. It signs none yet, so that there
//! are no keys.

use crate::context::Context;
use crate::error::{ApiError, Result};
use crate::reply::Reply;

/// Paths outside of `/v1/`.
pub(super) fn route(context: &Context, path: &str) -> Result<Reply> {
    match path {
        "/.well-known/jwks.json" => {
            context.must_read()?;
            Err(ApiError::not_found("no keys: this cluster signs no identities yet"))
        }
        "/.well-known/openid-configuration" => {
            context.must_read()?;
            Err(ApiError::not_found("OIDC Discovery endpoint disabled"))
        }
        _ => Err(ApiError::no_route()),
    }
}
