//! `/v1/operator/snapshot`: the whole state as one archive.

use crate::context::Context;
use crate::error::{ApiError, Result};
use crate::reply::Reply;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use drover_server::archive::Peer;
use http::HeaderName;
use sha2::{Digest, Sha256};

const DIGEST: HeaderName = HeaderName::from_static("digest");

pub(super) async fn route(context: &Context) -> Result<Reply> {
    if context.is_read() {
        return save(context).await;
    }
    context.must_write()?;
    context.check_region()?;
    let done = context.state.server.restore_snapshot(context.body.to_vec()).await?;
    tracing::warn!(index = done.index, "the state of this cluster was replaced by a saved one");
    Ok(Reply::empty())
}

async fn save(context: &Context) -> Result<Reply> {
    context.check_region()?;
    if let Some(stale) = context.text("stale")
        && crate::context::parse_bool(stale).is_none()
    {
        let text = "Expect `true` or `false` for `stale` query string parameter";
        return Err(ApiError::bad_request(text));
    }
    let agent = &context.state.agent;
    let peer = Peer { suffrage: 0, id: agent.server_id.clone(), address: agent.rpc_addr.to_string() };
    let archive = context.state.server.save_snapshot(vec![peer]).await?;
    let digest = format!("sha-256={}", STANDARD.encode(Sha256::digest(&archive)));
    Ok(Reply::text("application/x-gzip", archive).with_header(DIGEST, &digest))
}
