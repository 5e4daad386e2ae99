//! `/v1/agent/schedulers`: the workers that run the schedulers.

use crate::context::Context;
use crate::error::{ApiError, Result};
use crate::reply::Reply;
use crate::state::ApiState;
use drover_server::{WORKER_KINDS, WorkerSettings};
use serde::Deserialize;
use serde_json::{Value, json};

/// Collects garbage; it is always on, as a task of the leader's own.
const CORE: &str = "_core";

pub(super) fn list(context: &Context) -> Result<Reply> {
    context.must_read()?;
    let state = &context.state;
    let busy = state.server.broker_stats().in_flight;
    let kinds = kinds(state);
    let working = count(state);
    let worker = |number: usize| -> Value {
        let (status, workload) = match (number < working, number < busy) {
            (false, _) => ("Paused", "Paused"),
            (true, true) => ("Started", "Scheduling"),
            (true, false) => ("Started", "WaitingToDequeue"),
        };
        json!({
            "id": id_of(&state.agent.server_id, number),
            "enabled_schedulers": kinds,
            "started": state.started.timestamp().to_string(),
            "status": status,
            "workload_status": workload,
        })
    };
    let workers: Vec<Value> = (0..configured(state)).map(worker).collect();
    context.json(&json!({ "server_id": server(state), "schedulers": workers }))
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Wanted {
    num_schedulers: i64,
    enabled_schedulers: Vec<String>,
}

pub(super) fn configuration(context: &Context) -> Result<Reply> {
    if context.is_read() {
        return show(context);
    }
    context.must_write()?;
    let wanted: Wanted =
        context.body().map_err(|error| ApiError::bad_request(format!("Invalid request: {}", error.message)))?;
    let settings = settings(&context.state, &wanted).ok_or_else(|| ApiError::bad_request("Invalid request"))?;
    context.state.server.set_worker_settings(settings);
    show(context)
}

/// `None`: there cannot be such settings.
fn settings(state: &ApiState, wanted: &Wanted) -> Option<WorkerSettings> {
    let count = usize::try_from(wanted.num_schedulers).ok().filter(|count| *count <= configured(state))?;
    let (core, others): (Vec<&String>, Vec<&String>) = wanted.enabled_schedulers.iter().partition(|kind| *kind == CORE);
    if core.is_empty() {
        return None;
    }
    let known = |wanted: &String| WORKER_KINDS.into_iter().find(|kind| kind == wanted);
    let kinds: Option<Vec<&'static str>> = others.into_iter().map(known).collect();
    Some(WorkerSettings { count: Some(count), kinds: kinds? })
}

fn show(context: &Context) -> Result<Reply> {
    let state = &context.state;
    context.json(&json!({
        "server_id": server(state),
        "num_schedulers": count(state),
        "enabled_schedulers": kinds(state),
    }))
}

fn kinds(state: &ApiState) -> Vec<&'static str> {
    let mut kinds = state.server.worker_settings().kinds;
    kinds.push(CORE);
    kinds
}

fn server(state: &ApiState) -> String {
    format!("{}.{}", state.agent.name, state.agent.region)
}

/// A UUID of its own for each worker, the same as long as its server runs.
fn id_of(server: &str, number: usize) -> String {
    let place = server.len().saturating_sub(4);
    format!("{}{number:04x}", &server[..place])
}

/// One per core unless it is configured.
fn configured(state: &ApiState) -> usize {
    match state.server.config().workers {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        workers => workers,
    }
}

/// Those that work now.
fn count(state: &ApiState) -> usize {
    state.server.worker_settings().count.unwrap_or_else(|| configured(state))
}
