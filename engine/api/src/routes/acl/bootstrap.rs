//! `/v1/acl/bootstrap`: the first token.

use crate::context::Context;
use crate::error::{ApiError, Result};
use crate::reply::Reply;
use serde::Deserialize;

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Request {
    /// The secret that the token is to have.
    bootstrap_secret: String,
}

pub(super) async fn bootstrap(context: &Context) -> Result<Reply> {
    context.must_write()?;
    context.check_region()?;
    let request: Request = context
        .optional_body()
        .map_err(|error| ApiError::bad_request(format!("failed to decode request body: {}", error.message)))?;
    let secret = Some(request.bootstrap_secret).filter(|secret| !secret.is_empty());
    let token = context.state.server.bootstrap_acl(secret.as_deref()).await?;
    Ok(context.json(&*token)?.written_at(token.modify_index))
}
