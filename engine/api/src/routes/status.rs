//! `/v1/status/…`.

use crate::context::Context;
use crate::error::{ApiError, Result};
use crate::reply::Reply;

pub(super) fn route(context: &Context, tail: &str) -> Result<Reply> {
    let address = || context.state.agent.rpc_addr.to_string();
    match tail {
        "leader" => {
            checked(context)?;
            context.json(&address())
        }
        "peers" => {
            checked(context)?;
            context.json(&[address()])
        }
        _ => Err(ApiError::no_route()),
    }
}

fn checked(context: &Context) -> Result<()> {
    context.must_read()?;
    context.check_region()
}
