//! `/v1/acl/…`: the first token, policies, tokens, roles.

mod bootstrap;
mod policies;
mod roles;
pub(super) mod tokens;

pub(super) use policies::Document as PolicyDocument;

use crate::context::Context;
use crate::error::{ApiError, Result};
use crate::reply::Reply;
use crate::routes::login;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

pub(super) async fn route(context: &Context, tail: &str) -> Result<Reply> {
    if login::is_one(tail) {
        return login::route(context, tail).await;
    }
    match tail.trim_end_matches('/') {
        "bootstrap" => bootstrap::bootstrap(context).await,
        "policies" => policies::list(context).await,
        "policy/self" => policies::of_caller(context).await,
        "policy" => policies::route(context, "").await,
        "tokens" => tokens::list(context).await,
        "token/self" => tokens::of_caller(context).await,
        "token" if tail == "token" => tokens::create(context).await,
        "token" => tokens::route(context, "").await,
        "roles" => roles::list(context).await,
        "role" if tail == "role" => roles::create(context).await,
        "role" => roles::route(context, "").await,
        "role/name" => roles::named(context, "").await,
        tail => match tail.split_once('/') {
            Some(("policy", name)) => policies::route(context, name).await,
            Some(("token", accessor)) => tokens::route(context, accessor).await,
            Some(("role", rest)) => match rest.strip_prefix("name/") {
                Some(name) => roles::named(context, name).await,
                None => roles::route(context, rest).await,
            },
            _ => Err(ApiError::no_route()),
        },
    }
}

/// Refuses everything about access control when it is off.
pub(super) fn check_enabled(context: &Context) -> Result<()> {
    Ok(context.state.server.check_acl_enabled()?)
}

/// A hash as the wire has it; none is null.
pub(super) fn hash_text(hash: &[u8]) -> Option<String> {
    (!hash.is_empty()).then(|| STANDARD.encode(hash))
}
