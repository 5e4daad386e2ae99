//! `/v1/acl/identity/client-introduction-token`: a token with which a new node may join.

use crate::context::Context;
use crate::error::{ApiError, Result};
use crate::reply::Reply;
use drover_acl::Acl;
use drover_base::Nanos;
use drover_server::identity::IntroductionRequest;
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Request {
    #[serde(rename = "TTL")]
    ttl: Value,
    node_name: Option<String>,
    node_pool: Option<String>,
}

pub(super) async fn introduce(context: &Context) -> Result<Reply> {
    context.must_write()?;
    let request: Request = context.body()?;
    let ttl = match &request.ttl {
        Value::Null => None,
        Value::String(text) if text.is_empty() => None,
        Value::String(text) => {
            let ttl = Nanos::parse(text).map_err(|error| ApiError::bad_request(format!("TTL: {error}")))?;
            Some(ttl)
        }
        other => Some(Nanos(other.as_i64().ok_or_else(|| ApiError::bad_request("TTL: not a duration"))?)),
    };
    context.allow(Acl::can_write_node)?;
    let wanted = IntroductionRequest {
        node_name: request.node_name.unwrap_or_default(),
        node_pool: request.node_pool.unwrap_or_default(),
        ttl,
    };
    let signed = context.state.server.sign_introduction(&wanted).await?;
    context.json(&json!({ "JWT": signed.jwt }))
}
