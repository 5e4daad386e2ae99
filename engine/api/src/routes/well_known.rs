//! `/.well-known/…`: what others need to check identities that this cluster signs. It signs none yet, so that there
//! are no keys.

use crate::context::Context;
use crate::error::{ApiError, Result};
use crate::reply::Reply;
use serde_json::json;

/// `tail` is what follows `/.well-known/`.
pub(super) fn route(context: &Context, tail: &str) -> Result<Reply> {
    match tail {
        "jwks.json" => {
            context.must_read()?;
            let index = context.state.store().index();
            Ok(context.json(&json!({ "keys": [] }))?.read_at(index))
        }
        "openid-configuration" => {
            context.must_read()?;
            Err(ApiError::not_found("OIDC Discovery endpoint disabled"))
        }
        _ => Err(ApiError::no_route()),
    }
}
