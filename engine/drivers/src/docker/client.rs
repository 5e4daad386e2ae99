//! The connection to the daemon.

use bollard::errors::Error;

/// Seconds until an answer must have begun.
const ANSWER_TIMEOUT_S: u64 = 60;

/// Connects lazily, and again after a failure.
#[derive(Debug)]
pub(super) struct Connection {
    socket: String,
    client: tokio::sync::Mutex<Option<bollard::Docker>>,
}

impl Connection {
    pub(super) fn new(socket: String) -> Self {
        Self { socket, client: tokio::sync::Mutex::new(None) }
    }

    /// A client that speaks a version the daemon understands. The error is for people.
    pub(super) async fn client(&self) -> Result<bollard::Docker, String> {
        let mut client = self.client.lock().await;
        if let Some(client) = client.as_ref() {
            return Ok(client.clone());
        }
        let failed = |error: &Error| format!("cannot reach the Docker daemon at {}: {}", self.socket, message(error));
        let fresh = bollard::Docker::connect_with_unix(&self.socket, ANSWER_TIMEOUT_S, bollard::API_DEFAULT_VERSION)
            .map_err(|error| failed(&error))?
            .negotiate_version()
            .await
            .map_err(|error| failed(&error))?;
        *client = Some(fresh.clone());
        Ok(fresh)
    }
}

/// What the daemon said, or what went wrong on the way.
pub(super) fn message(error: &Error) -> String {
    match error {
        Error::DockerResponseServerError { message, .. } | Error::DockerStreamError { error: message } => {
            message.clone()
        }
        other => crate::executor::chain(other),
    }
}

/// The daemon's HTTP status, when it answered.
pub(super) fn status(error: &Error) -> Option<u16> {
    match error {
        Error::DockerResponseServerError { status_code, .. } => Some(*status_code),
        _ => None,
    }
}
