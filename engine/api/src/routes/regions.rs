//! `/v1/regions`.

use crate::context::Context;
use crate::error::Result;
use crate::reply::Reply;

pub(super) fn list(context: &Context) -> Result<Reply> {
    context.must_read()?;
    context.json(&[&context.state.agent.region])
}
