//! `/v1/acl/…`: ways to log in, binding rules, logins, one-time tokens, introductions of nodes.

mod introduction;
mod methods;
mod one_time;
mod rules;
mod sessions;

use crate::context::Context;
use crate::error::{ApiError, Result};
use crate::reply::Reply;

/// Paths below `/v1/acl/`.
pub(super) async fn route(context: &Context, tail: &str) -> Result<Reply> {
    match tail {
        "auth-methods" => methods::list(context).await,
        "auth-method" => methods::create(context).await,
        "binding-rules" => rules::list(context).await,
        "binding-rule" => rules::create(context).await,
        "login" => sessions::login(context).await,
        "oidc/auth-url" => sessions::auth_url(context).await,
        "oidc/complete-auth" => sessions::complete_auth(context).await,
        "token/onetime" => one_time::make(context).await,
        "token/onetime/exchange" => one_time::exchange(context).await,
        "identity/client-introduction-token" => introduction::introduce(context).await,
        tail => match tail.split_once('/') {
            Some(("auth-method", name)) => methods::route(context, name).await,
            Some(("binding-rule", id)) => rules::route(context, id).await,
            _ => Err(ApiError::no_route()),
        },
    }
}

/// Whether a path below `/v1/acl/` is one of these.
pub(super) fn is_one(tail: &str) -> bool {
    let head = tail.split('/').next().unwrap_or(tail);
    matches!(head, "auth-methods" | "auth-method" | "binding-rules" | "binding-rule" | "login" | "oidc" | "identity")
        || matches!(tail, "token/onetime" | "token/onetime/exchange")
}
