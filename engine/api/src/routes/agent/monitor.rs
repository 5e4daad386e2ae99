//! `/v1/agent/monitor`: the log as it is written.

use crate::context::{Context, check_id};
use crate::error::{ApiError, Result};
use crate::monitor::{Heard, Listener};
use crate::reply::{Chunks, Reply};
use crate::state::ApiState;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures::StreamExt;
use futures::stream::unfold;
use std::time::Duration;
use tokio::time::{Interval, MissedTickBehavior, interval};
use tracing::Level;

/// Bytes of lines that are sent together.
const MAX_CHUNK_BYTES: usize = 64 * 1024;
/// Between signs of life.
const HEARTBEAT: Duration = Duration::from_secs(10);

#[derive(Clone, Copy)]
struct Form {
    /// The bare lines instead of documents with lines.
    is_plain: bool,
    /// Lines are JSON themselves.
    is_json: bool,
}

pub(super) fn route(context: &Context) -> Result<Reply> {
    check_target(context)?;
    let level = level(context.text("log_level").unwrap_or("info"))?;
    let flag = |name: &str| {
        context.flag(name).map(Option::unwrap_or_default).map_err(|error| ApiError::bad_request(error.message))
    };
    let form = Form { is_plain: flag("plain")?, is_json: flag("log_json")? };
    let content_type = if form.is_plain { "text/plain" } else { "application/json" };
    let listener = context.state.logs.listen(level);
    Ok(Reply::stream(content_type, lines(context.state.clone(), listener, form)))
}

/// Only the agent's own log can be watched.
pub(super) fn check_target(context: &Context) -> Result<()> {
    let state = &context.state;
    if let Some(id) = context.text("node_id") {
        check_id("node", id)?;
        if state.node.as_ref().is_none_or(|node| *node.node_id() != *id) {
            return Err(ApiError::refused(format!("RPC Error:: 404,Unknown node {id:?}")));
        }
    }
    let agent = &state.agent;
    match context.text("server_id") {
        Some(id)
            if id != "leader"
                && id != agent.server_id
                && id != agent.name
                && id != format!("{}.{}", agent.name, agent.region) =>
        {
            Err(ApiError::bad_request(format!("unknown Nomad server {id}")))
        }
        _ => Ok(()),
    }
}

fn level(name: &str) -> Result<Level> {
    Ok(match name.to_ascii_lowercase().as_str() {
        "trace" => Level::TRACE,
        "debug" => Level::DEBUG,
        "info" => Level::INFO,
        "warn" => Level::WARN,
        "error" => Level::ERROR,
        _ => return Err(ApiError::bad_request(format!("Unknown log level: {name}"))),
    })
}

struct Watcher {
    state: ApiState,
    listener: Listener,
    heartbeat: Interval,
    form: Form,
}

fn lines(state: ApiState, listener: Listener, form: Form) -> Chunks {
    let mut heartbeat = interval(HEARTBEAT);
    heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    heartbeat.reset();
    let watcher = Watcher { state, listener, heartbeat, form };
    unfold(watcher, |mut watcher| async move {
        let chunk = watcher.next().await?;
        Some((Ok(chunk), watcher))
    })
    .boxed()
}

impl Watcher {
    async fn next(&mut self) -> Option<Bytes> {
        let stopped = self.state.stopped();
        tokio::select! {
            heard = self.listener.next() => {
                let mut lines = String::new();
                self.form.write(&mut lines, &heard);
                while lines.len() < MAX_CHUNK_BYTES && let Some(heard) = self.listener.try_next() {
                    self.form.write(&mut lines, &heard);
                }
                Some(self.form.chunk(&lines))
            }
            // Of bare lines there is no empty one that nobody would see.
            _ = self.heartbeat.tick(), if !self.form.is_plain => Some(Bytes::from_static(b"{}")),
            () = stopped => None,
        }
    }
}

impl Form {
    fn write(self, lines: &mut String, heard: &Heard) {
        match heard {
            Heard::Line(line) => lines.push_str(if self.is_json { &line.json } else { &line.text }),
            Heard::Missed(missed) if self.is_json => {
                lines.push_str(&format!("{{\"@level\":\"warn\",\"@message\":\"{missed} lines are missing here\"}}"));
            }
            Heard::Missed(missed) => lines.push_str(&format!("[WARN]  {missed} lines are missing here")),
        }
        lines.push('\n');
    }

    fn chunk(self, lines: &str) -> Bytes {
        if self.is_plain {
            return Bytes::copy_from_slice(lines.as_bytes());
        }
        Bytes::from(format!("{{\"Data\":\"{}\"}}", STANDARD.encode(lines)))
    }
}
