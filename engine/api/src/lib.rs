//! The HTTP API, `/v1`: from a request to a call of the server or a read of its state, and back to
//! exactly the answer that existing clients know.
//!
//! - [`serve()`] answers on a listener (TCP or Unix socket) until its handle is shut down.
//! - [`ApiState`] is what the routes work on: the server, the node, and what the agent says of itself.
//! - `routes` has one file per family; `blocking` waits for newer indexes; `paging` and `filter` cut lists.
//! - [`LogLines`] is where the agent's log passes by for those who watch it over HTTP.
//! - [`UNFINISHED`] lists the routes that answer 501.
//!
//! It must not know how anything is scheduled, stored or run, and keeps no state of its own.

mod answers;
mod blocking;
mod connections;
mod context;
mod cors;
mod error;
mod hash;
mod monitor;
mod paging;
mod reply;
mod routes;
mod serve;
mod state;
mod task_api;
mod telemetry;

pub use connections::{Listener, Peer};
pub use monitor::{LogLine, LogLines, MAX_PENDING_LINES};
pub use routes::{UNFINISHED, Unfinished};
pub use serve::{ServeHandle, serve};
pub use state::{AgentInfo, ApiState, Limits, MetricsOptions, Reload};
pub use task_api::serve_task;
