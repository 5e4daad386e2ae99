//! What tasks find at their sockets: the agent's own API.

use drover_api::ApiState;
use drover_node::TaskApi;
use futures::future::{BoxFuture, FutureExt};
use std::fmt;
use tokio::net::UnixListener;

/// The agent's API for tasks.
pub(crate) struct AgentApi(pub ApiState);

impl fmt::Debug for AgentApi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AgentApi")
    }
}

impl TaskApi for AgentApi {
    fn serve(&self, listener: UnixListener) -> BoxFuture<'static, ()> {
        drover_api::serve_task(listener, self.0.clone()).boxed()
    }
}
