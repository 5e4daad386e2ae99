//! Commands inside of running tasks, over a websocket.

use crate::{Client, Error, Query, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures::stream::{SplitSink, SplitStream};
use futures::{SinkExt, StreamExt};
use serde::Deserialize;
use serde_json::json;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::Role;

/// Inputs that may wait for the connection.
const MAX_PENDING_INPUTS: usize = 16;
/// Between signs of life, so that nobody on the way takes a silent connection for a dead one.
const HEARTBEAT: Duration = Duration::from_secs(10);

/// What to run, and where.
#[derive(Clone, Debug, Default)]
pub struct ExecOptions {
    /// The task.
    pub task: String,
    /// The program and its arguments.
    pub command: Vec<String>,
    /// Run it at a terminal of its own.
    pub tty: bool,
}

/// An action of a task, and where to run it.
#[derive(Clone, Debug, Default)]
pub struct ActionOptions {
    /// The job.
    pub job: String,
    /// The allocation.
    pub alloc: String,
    /// The group.
    pub group: String,
    /// The task.
    pub task: String,
    /// The action's name.
    pub action: String,
    /// Run it at a terminal of its own.
    pub tty: bool,
}

/// Something for the command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExecInput {
    /// Bytes of its standard input.
    Data(Vec<u8>),
    /// The end of its standard input.
    Close,
    /// The size of its terminal, in characters.
    Size {
        /// Rows.
        height: u16,
        /// Columns.
        width: u16,
    },
}

/// Something from the command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExecEvent {
    /// Bytes of its standard output.
    Stdout(Vec<u8>),
    /// Bytes of its standard error.
    Stderr(Vec<u8>),
    /// It has ended, with this code.
    Exited(i32),
}

type Socket = WebSocketStream<reqwest::Upgraded>;

/// What a command gives, in order; ends with [`ExecEvent::Exited`].
#[derive(Debug)]
pub struct ExecEvents {
    incoming: SplitStream<Socket>,
}

impl Client {
    /// Runs a command in a task of an allocation. What is sent to the sender reaches the command.
    ///
    /// # Errors
    /// Any [`crate::Error`].
    pub async fn exec(&self, alloc: &str, options: &ExecOptions) -> Result<(mpsc::Sender<ExecInput>, ExecEvents)> {
        let query = Query::new()
            .param("task", options.task.as_str())
            .param("tty", options.tty.to_string())
            .param("command", json!(options.command).to_string());
        self.attach(&format!("/v1/client/allocation/{alloc}/exec"), &query).await
    }

    /// Runs an action of a task, as [`Client::exec`] runs a command.
    ///
    /// # Errors
    /// Any [`crate::Error`].
    pub async fn run_action(&self, options: &ActionOptions) -> Result<(mpsc::Sender<ExecInput>, ExecEvents)> {
        let query = Query::new()
            .param("allocID", options.alloc.as_str())
            .param("group", options.group.as_str())
            .param("task", options.task.as_str())
            .param("action", options.action.as_str())
            .param("tty", options.tty.to_string());
        self.attach(&format!("/v1/job/{}/action", crate::client::segment(&options.job)), &query).await
    }

    async fn attach(&self, path: &str, query: &Query) -> Result<(mpsc::Sender<ExecInput>, ExecEvents)> {
        let connection = self.upgrade(path, query).await?;
        let (outgoing, incoming) = WebSocketStream::from_raw_socket(connection, Role::Client, None).await.split();
        let (inputs, waiting) = mpsc::channel(MAX_PENDING_INPUTS);
        tokio::spawn(send_all(outgoing, waiting));
        Ok((inputs, ExecEvents { incoming }))
    }
}

/// Sends inputs until their sender is gone or the connection is.
async fn send_all(mut outgoing: SplitSink<Socket, Message>, mut inputs: mpsc::Receiver<ExecInput>) {
    let mut heartbeat = tokio::time::interval(HEARTBEAT);
    heartbeat.tick().await;
    loop {
        let text = tokio::select! {
            input = inputs.recv() => match input {
                Some(input) => text_of(&input),
                None => return,
            },
            _ = heartbeat.tick() => "{}".to_owned(),
        };
        // A connection that is gone is reported where its events are read.
        if outgoing.send(Message::text(text)).await.is_err() {
            return;
        }
    }
}

fn text_of(input: &ExecInput) -> String {
    match input {
        ExecInput::Data(data) => json!({"stdin": {"data": STANDARD.encode(data)}}),
        ExecInput::Close => json!({"stdin": {"close": true}}),
        ExecInput::Size { height, width } => json!({"tty_size": {"height": height, "width": width}}),
    }
    .to_string()
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Output {
    stdout: Option<StreamOutput>,
    stderr: Option<StreamOutput>,
    exited: bool,
    result: Option<ExitResult>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct StreamOutput {
    data: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ExitResult {
    exit_code: i32,
}

/// The event that a message is; `None` for signs of life and ends of streams.
fn event_of(text: &str) -> Result<Option<ExecEvent>> {
    let unreadable = |reason: String| Error::Decode { url: "the websocket".to_owned(), reason };
    let output: Output = serde_json::from_str(text).map_err(|error| unreadable(error.to_string()))?;
    let bytes = |stream: Option<StreamOutput>| match stream.and_then(|stream| stream.data) {
        Some(data) => STANDARD.decode(data).map(Some).map_err(|error| unreadable(error.to_string())),
        None => Ok(None),
    };
    if let Some(data) = bytes(output.stdout)? {
        return Ok(Some(ExecEvent::Stdout(data)));
    }
    if let Some(data) = bytes(output.stderr)? {
        return Ok(Some(ExecEvent::Stderr(data)));
    }
    Ok(output.exited.then(|| ExecEvent::Exited(output.result.unwrap_or_default().exit_code)))
}

impl ExecEvents {
    /// The next event.
    ///
    /// # Errors
    /// [`Error::Exec`] when the engine refuses the command, or the connection ends before the command does.
    pub async fn next(&mut self) -> Result<ExecEvent> {
        loop {
            let found = match self.incoming.next().await {
                None => return Err(Error::Exec("the connection was closed before the command ended".to_owned())),
                Some(Err(error)) => return Err(Error::Exec(format!("the connection broke off: {error}"))),
                Some(Ok(Message::Text(text))) => event_of(&text)?,
                Some(Ok(Message::Binary(bytes))) => event_of(&String::from_utf8_lossy(&bytes))?,
                Some(Ok(Message::Close(Some(frame)))) if !frame.reason.is_empty() => {
                    return Err(Error::Exec(frame.reason.to_string()));
                }
                Some(Ok(_)) => None,
            };
            if let Some(event) = found {
                return Ok(event);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inputs_are_what_the_route_reads() {
        assert_eq!(text_of(&ExecInput::Data(b"hi".to_vec())), r#"{"stdin":{"data":"aGk="}}"#);
        assert_eq!(text_of(&ExecInput::Close), r#"{"stdin":{"close":true}}"#);
        assert_eq!(text_of(&ExecInput::Size { height: 2, width: 3 }), r#"{"tty_size":{"height":2,"width":3}}"#);
    }

    #[test]
    fn events_are_read_from_what_the_route_sends() {
        let event = |text: &str| event_of(text).unwrap();
        assert_eq!(event(r#"{"stdout":{"data":"aGk="}}"#), Some(ExecEvent::Stdout(b"hi".to_vec())));
        assert_eq!(event(r#"{"stderr":{"close":true}}"#), None);
        assert_eq!(event("{}"), None);
        assert_eq!(event(r#"{"exited":true,"result":{}}"#), Some(ExecEvent::Exited(0)));
        assert_eq!(event(r#"{"exited":true,"result":{"exit_code":5}}"#), Some(ExecEvent::Exited(5)));
        assert!(event_of("nonsense").is_err());
    }
}
