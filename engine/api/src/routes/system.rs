//! `/v1/system/…`.

use crate::context::Context;
use crate::error::{ApiError, Result};
use crate::reply::Reply;

pub(super) async fn route(context: &Context, tail: &str) -> Result<Reply> {
    match tail {
        "gc" => {
            context.must_put()?;
            context.check_region()?;
            context.state.server.system_gc().await?;
        }
        "reconcile/summaries" => {
            context.must_put()?;
            context.check_region()?;
            context.state.server.reconcile_summaries().await?;
        }
        _ => return Err(ApiError::no_route()),
    }
    Ok(Reply::empty())
}
