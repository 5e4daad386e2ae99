//! `/v1/agent/monitor/export`: the log as it was written, from the agent's log file or the system's journal.

use super::monitor::check_target;
use crate::context::Context;
use crate::error::{ApiError, Result};
use crate::reply::{Chunks, Reply};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use drover_base::Nanos;
use futures::StreamExt;
use futures::stream::unfold;
use http::StatusCode;
use serde_json::json;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};

/// Bytes that are sent together.
const CHUNK_BYTES: usize = 64 * 1024;
/// How far back the journal is read unless the request says otherwise.
const DEFAULT_SINCE: Duration = Duration::from_secs(72 * 3600);
/// The longest name of a service.
const MAX_NAME_BYTES: usize = 256;

pub(super) async fn route(context: &Context) -> Result<Reply> {
    check_target(context)?;
    let flag = |name: &str| {
        context.flag(name).map(Option::unwrap_or_default).map_err(|error| ApiError::bad_request(error.message))
    };
    let (plain, follow, on_disk) = (flag("plain")?, flag("follow")?, flag("on_disk")?);
    let since = match context.text("logs_since") {
        None => DEFAULT_SINCE,
        Some(text) => Nanos::parse(text)
            .map_err(|_| {
                let text = format!("Unknown value for logs-since: time: invalid duration {text:?}");
                ApiError::bad_request(text)
            })?
            .as_duration(),
    };
    let content_type = if plain { "text/plain" } else { "application/json" };
    let source = match (on_disk, context.text("service_name")) {
        (true, Some(_)) => {
            return Err(ApiError::bad_request("Cannot target journald and nomad log file simultaneously"));
        }
        (false, None) => return Err(ApiError::bad_request("Either -service-name or -on-disk must be set")),
        (true, None) => log_file(context).await?,
        (false, Some(name)) => journal(name, since, follow)?,
    };
    Ok(Reply::stream(content_type, chunks(context.state.clone(), source, plain)))
}

/// Where the bytes come from; a process ends with its reader.
struct Source {
    reader: Box<dyn AsyncRead + Send + Unpin>,
    _process: Option<Child>,
}

async fn log_file(context: &Context) -> Result<Source> {
    let path = context.state.log_file.as_deref();
    let path = path.ok_or_else(|| ApiError::bad_request("No nomad log file defined"))?;
    let file = tokio::fs::File::open(path).await;
    let file = file.map_err(|error| ApiError::refused(format!("cannot read {}: {error}", path.display())))?;
    Ok(Source { reader: Box::new(file), _process: None })
}

fn journal(name: &str, since: Duration, follow: bool) -> Result<Source> {
    if !name.contains("nomad") && !name.contains("drover") {
        return Err(ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "service name must include 'nomad"));
    }
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.@:".contains(&byte);
    if name.len() > MAX_NAME_BYTES || name.starts_with('-') || !name.bytes().all(is_plain) {
        return Err(ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "service name does not meet systemd conventions"));
    }
    let mut command = Command::new("journalctl");
    command.args(["--no-pager", "--unit", name]).arg(format!("--since=-{}s", since.as_secs()));
    if follow {
        command.arg("--follow");
    }
    let spawned = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true).spawn();
    let mut process =
        spawned.map_err(|error| ApiError::refused(format!("the journal cannot be read: journalctl: {error}")))?;
    let output = process.stdout.take().ok_or_else(|| ApiError::refused("the journal cannot be read"))?;
    Ok(Source { reader: Box::new(output), _process: Some(process) })
}

fn chunks(state: crate::state::ApiState, source: Source, plain: bool) -> Chunks {
    unfold((state, source, 0_u64), move |(state, mut source, offset)| async move {
        let mut buffer = vec![0; CHUNK_BYTES];
        let read = tokio::select! {
            read = source.reader.read(&mut buffer) => read,
            () = state.stopped() => return None,
        };
        let length = match read {
            Ok(0) => return None,
            Ok(length) => length,
            Err(error) => return Some((Err(error), (state, source, offset))),
        };
        let offset = offset + length as u64;
        let bytes = &buffer[..length];
        let chunk = if plain {
            Bytes::copy_from_slice(bytes)
        } else {
            Bytes::from(json!({ "Data": STANDARD.encode(bytes), "Offset": offset }).to_string())
        };
        Some((Ok(chunk), (state, source, offset)))
    })
    .boxed()
}
