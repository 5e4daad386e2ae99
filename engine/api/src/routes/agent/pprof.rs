//! `/v1/agent/pprof/…`: the profiles are those of Go programs, so that only the command line is left.

use crate::error::{ApiError, Result};
use crate::reply::Reply;
use http::StatusCode;

const PROFILES: &[&str] =
    &["profile", "trace", "symbol", "allocs", "block", "goroutine", "heap", "mutex", "threadcreate"];

pub(super) fn route(profile: &str) -> Result<Reply> {
    match profile {
        "" => Err(ApiError::not_found("Invalid method")),
        "cmdline" => {
            let line = std::fs::read("/proc/self/cmdline")
                .map_err(|error| ApiError::refused(format!("cannot read the command line: {error}")))?;
            let line = line.strip_suffix(b"\0").unwrap_or(&line).to_vec();
            Ok(Reply::text("text/plain; charset=utf-8", line))
        }
        known if PROFILES.contains(&known) => {
            let text = format!("profile {known} is one of Go programs, which Drover is not");
            Err(ApiError::new(StatusCode::NOT_IMPLEMENTED, text))
        }
        unknown => Err(ApiError::not_found(format!("Pprof profile not found profile: {unknown}"))),
    }
}
