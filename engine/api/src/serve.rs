//! Connections: from bytes to [`crate::routes::route`] and back.

use crate::context::Context;
use crate::error::ApiError;
use crate::reply::{Gzip, Reply};
use crate::routes;
use crate::state::ApiState;
use axum::body::Body;
use axum::extract::State;
use axum::serve::Listener;
use axum::{Router, http::Request};
use bytes::Bytes;
use futures::FutureExt;
use http::header::{
    ACCEPT_ENCODING, ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    HeaderMap, HeaderValue, ORIGIN,
};
use http::{Method, Response, StatusCode};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use percent_encoding::percent_decode_str;
use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;

/// How long open connections may finish after a shutdown began.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(5);

/// A listener that is being served.
#[derive(Debug)]
pub struct ServeHandle {
    task: JoinHandle<std::io::Result<()>>,
    stop: tokio::sync::watch::Sender<bool>,
}

impl ServeHandle {
    /// Takes no more connections, ends waiting reads and streams, and lets the others finish for a while.
    ///
    /// # Errors
    /// The listener's, when it had failed.
    pub async fn shutdown(mut self) -> std::io::Result<()> {
        self.stop.send_replace(true);
        match tokio::time::timeout(SHUTDOWN_GRACE, &mut self.task).await {
            Ok(Ok(result)) => result,
            Ok(Err(error)) => Err(std::io::Error::other(error)),
            Err(_elapsed) => {
                self.task.abort();
                Ok(())
            }
        }
    }
}

/// Answers requests on a listener, TCP or Unix, in the background. Must be called inside of a tokio runtime.
pub fn serve<L>(listener: L, state: ApiState) -> ServeHandle
where
    L: Listener,
    L::Addr: std::fmt::Debug,
{
    let stop = state.stop.as_ref().clone();
    let router = Router::new().fallback(answer).with_state(state.clone());
    let server = axum::serve(listener, router).with_graceful_shutdown(async move { state.stopped().await });
    let task = tokio::spawn(async move { server.await });
    ServeHandle { task, stop }
}

async fn answer(State(state): State<ApiState>, request: Request<Body>) -> Response<Body> {
    let began = Instant::now();
    let telemetry = state.telemetry.clone();
    let (method, uri) = (request.method().clone(), request.uri().clone());
    let response = if routes::client::exec::alloc_of(uri.path()).is_some() {
        routes::client::exec::serve(state, request).await
    } else {
        answer_plain(state, request).await
    };
    let took = began.elapsed();
    telemetry.answered(took);
    let status = response.status().as_u16();
    tracing::debug!(target: "drover_http", %method, path = %uri, status, duration = ?took, "request complete");
    response
}

async fn answer_plain(state: ApiState, request: Request<Body>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let raw_path = parts.uri.path();
    let query = parts.uri.query().unwrap_or("");
    let path = percent_decode_str(raw_path).decode_utf8_lossy().into_owned();
    let origin = Cors::of(&path, &parts.method, &parts.headers);
    let gzip = wants_gzip(&parts.headers);
    let reply = match redirect(&path, query) {
        Some(reply) => Ok(reply),
        None if origin == Cors::Preflight => Ok(Reply::empty().with_status(StatusCode::NO_CONTENT)),
        None => match read_body(body, state.limits.max_body_bytes).await {
            Ok(body) => {
                let context = Context::new(state, parts.method, query, body);
                guarded(&context, &path).await
            }
            Err(error) => Err(error),
        },
    };
    let mut response = reply.unwrap_or_else(Reply::from).into_response(gzip);
    origin.apply(response.headers_mut());
    response
}

/// A route that panics costs its own request, nothing else.
async fn guarded(context: &Context, path: &str) -> Result<Reply, ApiError> {
    let answered = AssertUnwindSafe(routes::route(context, path)).catch_unwind().await;
    answered.unwrap_or_else(|_panic| {
        tracing::error!(method = %context.method, path, "a route panicked");
        Err(ApiError::refused("internal error; the agent's log has the details"))
    })
}

async fn read_body(body: Body, max_bytes: usize) -> Result<Bytes, ApiError> {
    match Limited::new(body, max_bytes).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.downcast_ref::<LengthLimitError>().is_some() => {
            let text = format!("request body is larger than {max_bytes} bytes");
            Err(ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, text))
        }
        Err(error) => Err(ApiError::bad_request(format!("cannot read the request body: {error}"))),
    }
}

/// The root goes to the web pages, and paths are cleaned.
fn redirect(path: &str, query: &str) -> Option<Reply> {
    let with_query = |to: &str| if query.is_empty() { to.to_owned() } else { format!("{to}?{query}") };
    if path == "/" {
        return Some(Reply::redirect(&with_query("/ui/")));
    }
    // Variables' paths and ids may hold anything, but never two slashes or dots as a part.
    let inner = path.strip_prefix('/').unwrap_or(path);
    let inner = inner.strip_suffix('/').unwrap_or(inner);
    let is_clean = inner.split('/').all(|part| !matches!(part, "" | "." | ".."));
    if is_clean {
        return None;
    }
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    Some(Reply::redirect(&with_query(&format!("/{}", parts.join("/")))))
}

fn wants_gzip(headers: &HeaderMap) -> Gzip {
    let accepted = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    let mut codings = accepted.flat_map(|value| value.split(','));
    let takes = |coding: &str| {
        let (name, quality) = coding.split_once(';').unwrap_or((coding, ""));
        name.trim() == "gzip" && quality.trim() != "q=0"
    };
    if codings.any(takes) { Gzip::Yes } else { Gzip::No }
}

/// What browsers of other origins may do: read variables and files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cors {
    None,
    Read,
    Preflight,
}

impl Cors {
    fn of(path: &str, method: &Method, headers: &HeaderMap) -> Self {
        let shared = ["/v1/vars", "/v1/var/", "/v1/client/fs/", "/v1/client/allocation/", "/v1/client/stats"];
        if !headers.contains_key(ORIGIN) || !shared.iter().any(|prefix| path.starts_with(prefix)) {
            return Self::None;
        }
        if *method == Method::OPTIONS { Self::Preflight } else { Self::Read }
    }

    fn apply(self, headers: &mut HeaderMap) {
        if self == Self::None {
            return;
        }
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        if self == Self::Preflight {
            headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET"));
        }
    }
}
