//! Parameters and answers of streams of files and logs.

use crate::context::{Context, parse_bool};
use crate::error::{ApiError, Result};
use crate::reply::Chunks;
use crate::state::ApiState;
use bytes::Bytes;
use drover_node::fs::{Frame, FrameStream, Origin};
use futures::StreamExt;
use futures::stream::unfold;
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval};

/// Between signs of life.
const HEARTBEAT: Duration = Duration::from_secs(10);

/// Where a stream begins.
pub(super) fn origin(context: &Context) -> Result<Origin> {
    match context.text("origin") {
        None | Some("start") => Ok(Origin::Start),
        Some("end") => Ok(Origin::End),
        Some(_) => Err(ApiError::bad_request("origin must be start or end")),
    }
}

/// A number of bytes, in Go's words when it is none.
pub(super) fn number(name: &str, text: &str) -> std::result::Result<i64, String> {
    text.parse().map_err(|_| format!("error parsing {name}: strconv.ParseInt: parsing {text:?}: invalid syntax"))
}

/// Yes or no, in Go's words when it is neither.
pub(super) fn flag(context: &Context, name: &str) -> std::result::Result<Option<bool>, String> {
    let Some(text) = context.text(name) else { return Ok(None) };
    let reason = || {
        let reason = format!("strconv.ParseBool: parsing {text:?}: invalid syntax");
        format!("failed to parse {name} field to boolean: {reason}")
    };
    parse_bool(text).map(Some).ok_or_else(reason)
}

/// How frames are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// The bare bytes.
    Plain,
    /// Documents, one after the other, with signs of life in between.
    Framed,
}

/// The chunks of an answer.
pub(super) fn chunks(state: ApiState, frames: FrameStream, form: Form) -> Chunks {
    let mut heartbeat = interval(HEARTBEAT);
    heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    heartbeat.reset();
    unfold((state, frames, heartbeat), move |(state, mut frames, mut heartbeat)| async move {
        let chunk = loop {
            tokio::select! {
                biased;
                frame = frames.recv() => match written(frame?, form) {
                    chunk if chunk.is_empty() => {}
                    chunk => break chunk,
                },
                _ = heartbeat.tick(), if form == Form::Framed => break Bytes::from_static(b"{}"),
                () = state.stopped() => return None,
            }
        };
        Some((Ok(chunk), (state, frames, heartbeat)))
    })
    .boxed()
}

fn written(frame: Frame, form: Form) -> Bytes {
    match form {
        Form::Plain => frame.data,
        Form::Framed => Bytes::from(serde_json::to_vec(&frame).expect("texts and numbers are always JSON")),
    }
}
