//! `/v1/client/allocation/ID/exec`: a command in a running task, over a websocket.

use super::exec_messages::{Exited, Input, Output, StreamOutput};
use super::on_node;
use crate::context::{parse_bool, secret_of};
use crate::error::ApiError;
use crate::reply::{Gzip, Reply};
use crate::state::ApiState;
use axum::body::Body;
use axum::extract::FromRequestParts;
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade, close_code};
use axum::http::Request;
use drover_acl::NamespaceCapability;
use drover_drivers::{DriverError, ExecRequest, ExecSession, TerminalSize};
use drover_model::AllocId;
use drover_node::{NodeError, NodeHandle};
use drover_server::Access;
use futures::stream::{SplitSink, SplitStream};
use futures::{SinkExt, StreamExt};
use http::{Response, StatusCode};
use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio::time::timeout;

/// The longest message taken.
const MAX_MESSAGE_BYTES: usize = 1024 * 1024;
/// Output that is sent together.
const MAX_OUTPUT_BYTES: usize = 32 * 1024;
/// Outputs that may wait for the connection.
const MAX_PENDING_OUTPUTS: usize = 16;
/// How long output may still come when the command is over; what it left behind may hold its streams open.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(1);
/// The terminal's size until the caller says it.
const USUAL_SIZE: TerminalSize = TerminalSize { height: 24, width: 80 };
/// Close reasons are cut to what a control message may hold.
const MAX_REASON_BYTES: usize = 123;

/// The allocation whose exec route this path is.
pub(crate) fn alloc_of(path: &str) -> Option<&str> {
    path.strip_prefix("/v1/client/allocation/")?.strip_suffix("/exec").filter(|id| !id.contains('/'))
}

/// Answers with the upgrade, or with why there is none.
pub(crate) async fn serve(state: ApiState, request: Request<Body>) -> Response<Body> {
    let (mut parts, _body) = request.into_parts();
    let path = percent_decode_str(parts.uri.path()).decode_utf8_lossy().into_owned();
    let id = alloc_of(&path).unwrap_or_default().to_owned();
    let query = Query::of(parts.uri.query().unwrap_or(""));
    let secret = secret_of(&parts.headers);
    match WebSocketUpgrade::from_request_parts(&mut parts, &()).await {
        Ok(upgrade) => {
            upgrade.max_message_size(MAX_MESSAGE_BYTES).on_upgrade(move |socket| run(state, id, query, secret, socket))
        }
        Err(rejection) => {
            let text = query.check().err().map_or_else(|| format!("websocket: {rejection}"), |refusal| refusal.reason);
            let error = ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, text);
            Reply::from(error).into_response(Gzip::No)
        }
    }
}

struct Query {
    task: String,
    command: String,
    tty: String,
    /// The first message holds the caller's token.
    has_handshake: bool,
}

/// Why a connection is closed again.
#[derive(Debug, PartialEq, Eq)]
struct Refusal {
    code: u16,
    reason: String,
}

impl Refusal {
    /// The caller's fault.
    fn policy(reason: impl Into<String>) -> Self {
        Self { code: close_code::POLICY, reason: reason.into() }
    }
    fn error(reason: impl Into<String>) -> Self {
        Self { code: close_code::ERROR, reason: reason.into() }
    }
}

impl Query {
    fn of(query: &str) -> Self {
        let mut found = Self { task: String::new(), command: String::new(), tty: String::new(), has_handshake: false };
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "task" => found.task = value.into_owned(),
                "command" => found.command = value.into_owned(),
                "tty" => found.tty = value.into_owned(),
                "ws_handshake" => found.has_handshake = parse_bool(&value).unwrap_or(false),
                _ => {}
            }
        }
        found
    }

    /// What to run, if that can be told.
    fn check(&self) -> Result<(String, ExecRequest), Refusal> {
        let command = if self.command.is_empty() {
            Err("unexpected end of JSON input".to_owned())
        } else {
            serde_json::from_str::<Vec<String>>(&self.command).map_err(|_| match self.command.chars().next() {
                Some('[') | None => "a list of texts is wanted".to_owned(),
                Some(first) => format!("invalid character '{first}' looking for beginning of value"),
            })
        };
        let command: Vec<String> =
            command.map_err(|reason| Refusal::error(format!("failed to marshal command into json: {reason}")))?;
        let is_tty = match self.tty.as_str() {
            "" => false,
            text => parse_bool(text).ok_or_else(|| {
                let reason = format!("strconv.ParseBool: parsing {text:?}: invalid syntax");
                Refusal::error(format!("tty value is not a boolean: {reason}"))
            })?,
        };
        if self.task.is_empty() {
            return Err(Refusal::policy("task name is not present"));
        }
        if command.is_empty() {
            return Err(Refusal::policy("command is not present"));
        }
        Ok((self.task.clone(), ExecRequest { command, tty: is_tty.then_some(USUAL_SIZE) }))
    }
}

async fn run(state: ApiState, id: String, query: Query, secret: String, mut socket: WebSocket) {
    let closed = match session(&state, &id, &query, secret, &mut socket).await {
        Ok(Some(session)) => {
            let (sink, mut stream) = socket.split();
            let code = serve_session(&state, session, sink, &mut stream).await;
            if let Some((mut sink, refusal)) = code {
                close(&mut sink, refusal).await;
                // Input that nobody has read would make the system reset the connection, and take the end with it.
                let _ = timeout(DRAIN_TIMEOUT, async { while let Some(Ok(_)) = stream.next().await {} }).await;
            }
            return;
        }
        // The caller has left.
        Ok(None) => return,
        Err(refusal) => refusal,
    };
    close(&mut socket, closed).await;
}

async fn close<S>(sink: &mut S, refusal: Refusal)
where
    S: futures::Sink<Message> + Unpin,
{
    let mut reason = refusal.reason;
    while reason.len() > MAX_REASON_BYTES {
        reason.pop();
    }
    let frame = CloseFrame { code: refusal.code, reason: Utf8Bytes::from(reason) };
    // Whoever has left already does not need to be told.
    let _ = sink.send(Message::Close(Some(frame))).await;
    let _ = sink.close().await;
}

/// Starts the command.
async fn session(
    state: &ApiState,
    id: &str,
    query: &Query,
    mut secret: String,
    socket: &mut WebSocket,
) -> Result<Option<ExecSession>, Refusal> {
    if query.has_handshake {
        // Browsers cannot set headers: they send the token first.
        let first = match socket.recv().await {
            Some(Ok(Message::Text(text))) => serde_json::from_str::<Handshake>(&text),
            Some(Ok(Message::Binary(bytes))) => serde_json::from_slice(&bytes),
            _ => return Ok(None),
        };
        let handshake = first.map_err(|error| Refusal::policy(format!("failed to read handshake: {error}")))?;
        if !handshake.auth_token.is_empty() {
            secret = handshake.auth_token;
        }
    }
    let (task, request) = query.check()?;
    let access = state.server.resolve(&secret).map_err(|error| Refusal::error(error.to_string()))?;
    let needed = [NamespaceCapability::AllocExec];
    let (node, id) = on_node(state, &access, id, &needed).map_err(|error| match error.status {
        StatusCode::FORBIDDEN => Refusal::error(error.message),
        _ => Refusal::policy(error.message),
    })?;
    must_see_node(state, &access, &id, &task)?;
    start(&node, &id, &task, request).await.map(Some)
}

/// What browsers send first.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Handshake {
    auth_token: String,
}

/// Tasks that are not isolated from their node need a right of their own.
fn must_see_node(state: &ApiState, access: &Access, id: &AllocId, task: &str) -> Result<(), Refusal> {
    let snapshot = state.store().snapshot();
    let Some(alloc) = snapshot.alloc(id) else { return Ok(()) };
    let of_group = alloc.group().and_then(|group| group.tasks.iter().find(|found| found.name == task));
    let sees_node = of_group.is_some_and(|task| task.driver == "raw_exec");
    if sees_node && !access.acl.allows(&alloc.namespace, NamespaceCapability::AllocNodeExec) {
        return Err(Refusal::error("Permission denied"));
    }
    Ok(())
}

async fn start(node: &NodeHandle, id: &AllocId, task: &str, request: ExecRequest) -> Result<ExecSession, Refusal> {
    node.exec(id, task, request).await.map_err(|error| match error {
        NodeError::UnknownAlloc(_) => Refusal::policy(error.to_string()),
        NodeError::UnknownTask(_) => Refusal::error("task not found"),
        other => Refusal::error(other.to_string()),
    })
}

type Sink = SplitSink<WebSocket, Message>;

/// Carries input and output until the command is over or the caller leaves, which ends the command.
async fn serve_session(
    state: &ApiState,
    session: ExecSession,
    mut sink: Sink,
    stream: &mut SplitStream<WebSocket>,
) -> Option<(Sink, Refusal)> {
    let ExecSession { stdin, stdout, stderr, resize, exit } = session;
    let (outputs, mut pending) = mpsc::channel(MAX_PENDING_OUTPUTS);
    let has_stderr = stderr.is_some();
    let reading = async move {
        let err = async {
            if let Some(stderr) = stderr {
                forward(stderr, Output::Stderr, &outputs).await;
            }
        };
        tokio::join!(forward(stdout, Output::Stdout, &outputs), err);
    };
    let output = async {
        let mut reading = std::pin::pin!(reading);
        let mut exit = exit;
        let mut code: Option<Result<i32, DriverError>> = None;
        let mut is_read = false;
        loop {
            tokio::select! {
                biased;
                Some(output) = pending.recv() => send(&mut sink, &output).await?,
                () = &mut reading, if !is_read => is_read = true,
                ended = &mut exit, if code.is_none() => code = Some(ended),
                () = tokio::time::sleep(DRAIN_TIMEOUT), if code.is_some() && !is_read => is_read = true,
                else => break,
            }
            if is_read && code.is_some() {
                break;
            }
        }
        while let Ok(output) = pending.try_recv() {
            send(&mut sink, &output).await?;
        }
        match code {
            Some(Ok(code)) => {
                send(&mut sink, &Output::Stdout(StreamOutput::Close(true))).await?;
                if has_stderr {
                    send(&mut sink, &Output::Stderr(StreamOutput::Close(true))).await?;
                }
                send(&mut sink, &Exited::with(code)).await?;
                Ok(Refusal { code: close_code::NORMAL, reason: String::new() })
            }
            Some(Err(error)) => Ok(Refusal::error(error.to_string())),
            None => Err(Left),
        }
    };
    let outcome = tokio::select! {
        outcome = output => outcome,
        () = input(stream, stdin, resize) => Err(Left),
        () = state.stopped() => Ok(Refusal { code: close_code::AWAY, reason: "the agent shuts down".to_owned() }),
    };
    outcome.ok().map(|refusal| (sink, refusal))
}

/// The caller is gone.
struct Left;

async fn send<T: Serialize>(sink: &mut Sink, message: &T) -> Result<(), Left> {
    let text = serde_json::to_string(message).expect("texts and numbers are always JSON");
    sink.send(Message::Text(text.into())).await.map_err(|_| Left)
}

async fn forward(
    mut from: impl AsyncRead + Unpin,
    as_output: fn(StreamOutput) -> Output,
    outputs: &mpsc::Sender<Output>,
) {
    let mut buffer = vec![0; MAX_OUTPUT_BYTES];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        if outputs.send(as_output(StreamOutput::of(&buffer[..length]))).await.is_err() {
            return;
        }
    }
}

/// Ends when the caller leaves.
async fn input(
    stream: &mut SplitStream<WebSocket>,
    stdin: std::pin::Pin<Box<dyn tokio::io::AsyncWrite + Send>>,
    resize: mpsc::UnboundedSender<TerminalSize>,
) {
    let mut stdin = Some(stdin);
    while let Some(Ok(message)) = stream.next().await {
        let input: Result<Input, _> = match &message {
            Message::Text(text) => serde_json::from_str(text),
            Message::Binary(bytes) => serde_json::from_slice(bytes),
            Message::Close(_) => return,
            Message::Ping(_) | Message::Pong(_) => continue,
        };
        let Ok(input) = input else {
            tracing::debug!("a message of a command's input cannot be understood");
            return;
        };
        if let Some(size) = input.tty_size {
            // A command that is over needs no size.
            let _ = resize.send(size.into());
        }
        let Some(data) = input.stdin else { continue };
        if let Some(open) = &mut stdin {
            let is_written = data.data.is_empty() || open.write_all(&data.data).await.is_ok();
            let is_flushed = is_written && open.flush().await.is_ok();
            if data.close || !is_flushed {
                let _ = timeout(DRAIN_TIMEOUT, open.shutdown()).await;
                stdin = None;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_exec_route_is_upgraded() {
        assert_eq!(alloc_of("/v1/client/allocation/abc/exec"), Some("abc"));
        assert_eq!(alloc_of("/v1/client/allocation/abc/stats"), None);
        assert_eq!(alloc_of("/v1/client/allocation/a/b/exec"), None);
    }

    #[test]
    fn queries_are_checked() {
        let check = |query: &str| Query::of(query).check();
        let refused = |query: &str| check(query).map(drop).unwrap_err();
        let (task, request) = check("task=web&tty=true&command=%5B%22ls%22%5D").unwrap();
        assert_eq!(
            (task.as_str(), request.command.as_slice(), request.tty),
            ("web", ["ls".to_owned()].as_slice(), Some(USUAL_SIZE))
        );
        assert_eq!(refused("task=web&command=%5B%5D"), Refusal::policy("command is not present"));
        let text = "failed to marshal command into json: invalid character 'l' looking for beginning of value";
        assert_eq!(refused("task=web&command=ls"), Refusal::error(text));
        assert_eq!(refused("").code, close_code::ERROR, "no command at all is no JSON");
    }
}
