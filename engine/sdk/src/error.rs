//! What can go wrong between a client and an engine.

use crate::ConfigError;
use std::error::Error as StdError;

/// A request that did not give what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The configuration is no good.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// No answer: nobody listens there, the name is unknown, the connection broke.
    #[error("{method} \"{url}\": {reason}")]
    Unreachable {
        /// `Get`, `Put`, …
        method: &'static str,
        /// The whole URL.
        url: String,
        /// The network's word.
        reason: String,
    },
    /// The engine refused.
    #[error("Unexpected response code: {status} ({body})")]
    Status {
        /// The HTTP status.
        status: u16,
        /// The engine's message.
        body: String,
        /// The whole URL.
        url: String,
    },
    /// A command in a task was refused or broke off.
    #[error("{0}")]
    Exec(String),
    /// The answer is not what the route promises.
    #[error("unreadable answer from {url}: {reason}")]
    Decode {
        /// The whole URL.
        url: String,
        /// Where and why.
        reason: String,
    },
}

impl Error {
    /// The HTTP status of a refusal.
    pub const fn status(&self) -> Option<u16> {
        match self {
            Self::Status { status, .. } => Some(*status),
            _ => None,
        }
    }
    /// Whether the engine said that the thing does not exist.
    pub const fn is_not_found(&self) -> bool {
        matches!(self, Self::Status { status: 404, .. })
    }
    /// Whether no engine answered.
    pub const fn is_unreachable(&self) -> bool {
        matches!(self, Self::Unreachable { .. })
    }
    /// The engine's own message of a refusal.
    pub fn body(&self) -> Option<&str> {
        match self {
            Self::Status { body, .. } => Some(body),
            _ => None,
        }
    }
}

/// The network's word for a failed request, in the words of the reference's client where it has some.
pub(crate) fn reason(error: &reqwest::Error, host: &str) -> String {
    let mut source: Option<&(dyn StdError + 'static)> = Some(error);
    let mut last = error.to_string();
    while let Some(cause) = source {
        if let Some(io) = cause.downcast_ref::<std::io::Error>() {
            match io.kind() {
                std::io::ErrorKind::ConnectionRefused => {
                    return format!("dial tcp {host}: connect: connection refused");
                }
                std::io::ErrorKind::NotFound => return format!("dial unix {host}: connect: no such file or directory"),
                std::io::ErrorKind::ConnectionReset => return "connection reset by peer".to_owned(),
                std::io::ErrorKind::TimedOut => return format!("dial tcp {host}: i/o timeout"),
                _ => {}
            }
        }
        last = cause.to_string();
        source = cause.source();
    }
    if error.is_timeout() {
        return format!("no answer from {host} in time");
    }
    if error.is_connect() { format!("dial tcp {host}: {last}") } else { last }
}
