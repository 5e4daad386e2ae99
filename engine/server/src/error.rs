//! What a server refuses, in the words that its callers show.

use crate::answer::Variable;

/// Why a request was not done. `Display` is exactly the text of the HTTP answer.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{message}")]
pub struct ServerError {
    /// What kind of refusal.
    pub kind: ErrorKind,
    /// What people read.
    pub message: String,
}

/// Kinds of refusal, each with its HTTP status.
#[derive(Clone, Debug, PartialEq)]
pub enum ErrorKind {
    /// The request itself is faulty: 400.
    Invalid,
    /// Who calls is not who they say: 401.
    Unauthorized,
    /// Not allowed: 403.
    Forbidden,
    /// What the request names does not exist: 404.
    NotFound,
    /// Compare-and-set failed; holds the variable that is there: 409.
    Conflict(Box<Variable>),
    /// Somebody else has it: 409.
    Contested,
    /// The server will not do it in the present state: 500.
    Refused,
    /// No leader, shut down, or storage failed: 500.
    Unavailable,
}

impl ServerError {
    /// A faulty request.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self { kind: ErrorKind::Invalid, message: message.into() }
    }
    /// Somebody who is not who they say.
    pub fn unauthorized(message: impl Into<String>) -> Self {
        Self { kind: ErrorKind::Unauthorized, message: message.into() }
    }
    /// Something that is not allowed.
    pub fn forbidden(message: impl Into<String>) -> Self {
        Self { kind: ErrorKind::Forbidden, message: message.into() }
    }
    /// Something that does not exist.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self { kind: ErrorKind::NotFound, message: message.into() }
    }
    /// Something that the present state does not allow.
    pub fn refused(message: impl Into<String>) -> Self {
        Self { kind: ErrorKind::Refused, message: message.into() }
    }
    /// The cluster cannot answer now.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self { kind: ErrorKind::Unavailable, message: message.into() }
    }
    /// The HTTP status of its kind.
    pub const fn status(&self) -> u16 {
        match self.kind {
            ErrorKind::Invalid => 400,
            ErrorKind::Unauthorized => 401,
            ErrorKind::Forbidden => 403,
            ErrorKind::NotFound => 404,
            ErrorKind::Conflict(_) | ErrorKind::Contested => 409,
            ErrorKind::Refused | ErrorKind::Unavailable => 500,
        }
    }
}

/// Result of a server's work.
pub type Result<T> = std::result::Result<T, ServerError>;
