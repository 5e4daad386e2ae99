//! Refusals, as the wire has them: a status and a bare text.

use drover_server::{ErrorKind, ServerError};
use http::StatusCode;

/// A refusal.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ApiError {
    pub status: StatusCode,
    pub message: String,
    /// For refusals of reads: the index that they were made at.
    pub index: Option<u64>,
    /// Instead of the text: a JSON document, still sent as text.
    pub json: Option<Vec<u8>>,
}

pub(crate) type Result<T> = std::result::Result<T, ApiError>;

impl ApiError {
    pub(crate) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), index: None, json: None }
    }
    /// 400: the request itself is faulty.
    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }
    /// 403, without saying why.
    pub(crate) fn forbidden() -> Self {
        Self::new(StatusCode::FORBIDDEN, "Permission denied")
    }
    /// 404: what it names is not there.
    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, message)
    }
    /// 500: the server will not do it.
    pub(crate) fn refused(message: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, message)
    }
    /// 405.
    pub(crate) fn method() -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "Invalid method")
    }
    /// 404 without a text: no such route.
    pub(crate) fn no_route() -> Self {
        Self::not_found("")
    }
    /// 404 of the routers below a resource.
    pub(crate) fn no_resource() -> Self {
        Self::not_found("resource not found")
    }
}

impl From<ServerError> for ApiError {
    fn from(error: ServerError) -> Self {
        let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        match error.kind {
            ErrorKind::Conflict(variable) => {
                let found = super::routes::vars::variable_json(&variable);
                let index = Some(variable.modify_index);
                Self { status, message: error.message, index, json: Some(found) }
            }
            _ => Self::new(status, error.message),
        }
    }
}
