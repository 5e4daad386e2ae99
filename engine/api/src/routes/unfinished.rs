//! Routes that are known and do not work: those of the enterprise edition, and those that come later.

use crate::error::{ApiError, Result};
use crate::reply::Reply;
use http::{Method, StatusCode};

/// A route that answers 501.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unfinished {
    /// The path below `/v1/`; everything below it is meant too.
    pub path: &'static str,
    /// What it would do.
    pub what: &'static str,
}

/// Routes of the reference that do not work yet.
pub const UNFINISHED: &[Unfinished] = &[];

/// Routes of the enterprise edition.
const ENTERPRISE: &[&str] = &["recommendation", "recommendations", "sentinel"];

/// The answer of a route that does not work; `None` for all others.
pub(crate) fn answer(method: &Method, path: &str) -> Option<Result<Reply>> {
    let below = |prefix: &str| path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    if path == "operator/license" && method == Method::GET {
        return Some(Ok(Reply::empty().with_status(StatusCode::NO_CONTENT)));
    }
    if path == "operator/license" && method != Method::PUT {
        return Some(Err(ApiError::method()));
    }
    if path == "operator/license" || ENTERPRISE.iter().any(|prefix| below(prefix)) {
        return Some(Err(ApiError::new(StatusCode::NOT_IMPLEMENTED, "Nomad Enterprise only endpoint")));
    }
    let found = UNFINISHED.iter().find(|unfinished| below(unfinished.path))?;
    let text = format!("/v1/{} ({}) is not implemented in this version of Drover", found.path, found.what);
    Some(Err(ApiError::new(StatusCode::NOT_IMPLEMENTED, text)))
}
