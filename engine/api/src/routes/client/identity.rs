//! `/v1/client/identity`, `/v1/client/identity/renew`: the node's own signed identity.

use super::node::own;
use crate::context::Context;
use crate::error::{ApiError, Result};
use crate::reply::Reply;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use drover_acl::Acl;
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// Times of claims, which the reference shows with a fraction.
const TIMES: &[&str] = &["exp", "iat", "nbf"];

pub(super) fn show(context: &Context) -> Result<Reply> {
    context.must_read()?;
    let node = own(context, context.text("node_id"), StatusCode::NOT_FOUND)?;
    context.allow(Acl::can_read_node)?;
    let signed = node.identity().ok_or_else(|| ApiError::refused("the node has no signed identity yet"))?;
    let mut claims = claims_of(&signed.jwt).ok_or_else(|| ApiError::refused("the node's identity cannot be read"))?;
    for name in TIMES {
        if let Some(time) = claims.get(*name).and_then(Value::as_f64) {
            claims.insert((*name).to_owned(), json!(time));
        }
    }
    context.json(&json!({ "Claims": claims }))
}

fn claims_of(jwt: &str) -> Option<Map<String, Value>> {
    let claims = jwt.split('.').nth(1)?;
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Renewal {
    #[serde(rename = "NodeID")]
    node_id: String,
}

pub(super) fn renew(context: &Context) -> Result<Reply> {
    context.must_write()?;
    let renewal: Renewal = context.optional_body()?;
    let in_body = Some(renewal.node_id.as_str()).filter(|id| !id.is_empty());
    let node = own(context, in_body.or(context.text("node_id")), StatusCode::NOT_FOUND)?;
    context.allow(Acl::can_write_node)?;
    node.renew_identity();
    context.json(&json!({}))
}
