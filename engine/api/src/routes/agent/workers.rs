//! `/v1/agent/schedulers`: the workers that run the schedulers.

use crate::context::Context;
use crate::error::{ApiError, Result};
use crate::reply::Reply;
use crate::state::ApiState;
use serde_json::{Value, json};

const KINDS: [&str; 5] = ["service", "batch", "system", "sysbatch", "_core"];

pub(super) fn list(context: &Context) -> Result<Reply> {
    context.must_read()?;
    let state = &context.state;
    let busy = state.server.broker_stats().in_flight;
    let worker = |number: usize| -> Value {
        json!({
            "id": format!("{}-{number}", state.agent.server_id),
            "enabled_schedulers": KINDS,
            "started": state.started.timestamp().to_string(),
            "status": "Started",
            "workload_status": if number < busy { "Scheduling" } else { "WaitingToDequeue" },
        })
    };
    let workers: Vec<Value> = (0..count(state)).map(worker).collect();
    context.json(&json!({ "server_id": server(state), "schedulers": workers }))
}

pub(super) fn configuration(context: &Context) -> Result<Reply> {
    if context.is_read() {
        let state = &context.state;
        return context.json(&json!({
            "server_id": server(state),
            "num_schedulers": count(state),
            "enabled_schedulers": KINDS,
        }));
    }
    context.must_write()?;
    if context.body.is_empty() {
        return Err(ApiError::bad_request("Invalid request: Request body is empty"));
    }
    let text = "changing the workers at run time is not implemented in this version of Drover: \
                set server.num_schedulers and restart the agent";
    Err(ApiError::new(http::StatusCode::NOT_IMPLEMENTED, text))
}

fn server(state: &ApiState) -> String {
    format!("{}.{}", state.agent.name, state.agent.region)
}

/// One per core unless it is configured.
fn count(state: &ApiState) -> usize {
    match state.server.config().workers {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        workers => workers,
    }
}
