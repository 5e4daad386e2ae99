//! `/v1/acl/…`. Access control is off: everything is refused as the reference does it then, except that anybody may
//! ask who they are.

use crate::context::Context;
use crate::error::{ApiError, Result};
use crate::reply::Reply;
use http::Method;
use serde_json::json;

/// What comes before the refusal.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Body {
    /// Writes must have one.
    Needed,
    Unused,
}

const READ: &[Method] = &[Method::GET];
const WRITE: &[Method] = &[Method::PUT, Method::POST];
const ANY: &[Method] = &[Method::GET, Method::PUT, Method::POST, Method::DELETE];

pub(super) fn route(context: &Context, tail: &str) -> Result<Reply> {
    let (methods, body) = match tail.trim_end_matches('/') {
        "token/self" => return myself(context),
        "policies" | "tokens" | "roles" | "auth-methods" | "binding-rules" => (READ, Body::Unused),
        "bootstrap" | "token/onetime" => (WRITE, Body::Unused),
        "token/onetime/exchange" | "oidc/auth-url" | "oidc/complete-auth" | "login" => (WRITE, Body::Needed),
        "policy" | "token" | "role" | "auth-method" | "binding-rule" => (WRITE, Body::Needed),
        tail => match tail.split_once('/') {
            Some(("policy" | "token" | "role" | "auth-method" | "binding-rule", _)) => (ANY, Body::Needed),
            _ => return Err(ApiError::no_route()),
        },
    };
    if !methods.contains(&context.method) {
        return Err(ApiError::method());
    }
    if body == Body::Needed && context.is_write() && context.body.is_empty() {
        return Err(ApiError::bad_request("Request body is empty"));
    }
    Err(ApiError::bad_request("ACL support disabled"))
}

fn myself(context: &Context) -> Result<Reply> {
    context.must_read()?;
    let token = json!({
        "ExpirationTTL": "",
        "AccessorID": "acls-disabled",
        "SecretID": "",
        "Name": "ACLs disabled token",
        "Type": "client",
        "Policies": null,
        "Roles": null,
        "Global": false,
        "Hash": null,
        "CreateTime": "0001-01-01T00:00:00Z",
        "ExpirationTime": null,
        "CreateIndex": 0,
        "ModifyIndex": 0,
    });
    Ok(context.json(&token)?.read_at(0))
}
