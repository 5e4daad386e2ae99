//! `/v1/acl/token/onetime`, `/v1/acl/token/onetime/exchange`.

use crate::context::Context;
use crate::error::Result;
use crate::reply::Reply;
use crate::routes::acl::tokens::document;
use serde::Deserialize;
use serde_json::json;

pub(super) async fn make(context: &Context) -> Result<Reply> {
    context.must_write()?;
    let made = context.state.server.make_one_time_token(context.secret()).await?;
    let answer = json!({ "OneTimeToken": *made.token, "Index": made.index });
    Ok(context.json(&answer)?.written_at(made.index))
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Exchange {
    #[serde(rename = "OneTimeSecretID")]
    one_time_secret_id: String,
}

pub(super) async fn exchange(context: &Context) -> Result<Reply> {
    context.must_write()?;
    let request: Exchange = context.body()?;
    let (token, index) = context.state.server.exchange_one_time_token(&request.one_time_secret_id).await?;
    let token = document(&context.state.store().snapshot(), &token)?;
    Ok(context.json(&json!({ "Token": token, "Index": index }))?.written_at(index))
}
