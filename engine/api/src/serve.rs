//! Connections: from bytes to [`crate::routes::route`] and back.

use crate::connections::{self, Listener, Peer};
use crate::context::Context;
use crate::cors::Cors;
use crate::error::ApiError;
use crate::reply::{Gzip, Reply};
use crate::routes;
use crate::state::ApiState;
use axum::body::{Body, HttpBody as _};
use axum::http::Request;
use bytes::{Bytes, BytesMut};
use futures::FutureExt;
use futures::future::BoxFuture;
use http::header::{ACCEPT_ENCODING, HeaderMap, HeaderValue, VARY};
use http::{Method, Response, StatusCode};
use http_body_util::BodyExt;
use percent_encoding::percent_decode_str;
use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// How long open connections may finish after a shutdown began.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(5);

/// Bodies up to this size are read without asking how much memory others take.
const SHORT_BODY_BYTES: usize = 1024 * 1024;
/// How long the next part of a body may take to come.
const BODY_TIMEOUT: Duration = Duration::from_secs(60);

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
        match timeout(SHUTDOWN_GRACE, &mut self.task).await {
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
pub fn serve<L: Listener>(listener: L, state: ApiState) -> ServeHandle {
    let stop = state.stop.as_ref().clone();
    let max_per_client = state.limits.max_connections_per_client;
    let answering = state.clone();
    let stopped = move || -> BoxFuture<'static, ()> {
        let state = state.clone();
        Box::pin(async move { state.stopped().await })
    };
    let answer = move |request, peer| answer(answering.clone(), request, peer);
    ServeHandle { task: tokio::spawn(connections::run(listener, max_per_client, stopped, answer)), stop }
}

pub(crate) async fn answer(state: ApiState, request: Request<Body>, peer: Peer) -> Response<Body> {
    let began = Instant::now();
    let telemetry = state.telemetry.clone();
    let headers = state.response_headers.clone();
    let (method, uri) = (request.method().clone(), request.uri().clone());
    let mut request = request;
    let action = routes::client::action::as_exec(&state, &uri, request.headers());
    let mut response = if let Some(Err(refusal)) = action {
        Reply::from(refusal).into_response(Gzip::No)
    } else if action.is_some() || routes::client::exec::alloc_of(uri.path()).is_some() {
        if let Some(Ok(exec)) = action {
            *request.uri_mut() = exec;
        }
        let origin = Cors::of(uri.path(), &method, request.headers());
        let mut answer = routes::client::exec::serve(state, request).await;
        origin.apply(answer.headers_mut());
        answer
    } else {
        answer_plain(state, request, peer).await
    };
    let vary = response.headers_mut().insert(VARY, HeaderValue::from_static("Accept-Encoding"));
    response.headers_mut().extend(vary.map(|vary| (VARY, vary)));
    response.headers_mut().extend(headers.iter().map(|(name, value)| (name.clone(), value.clone())));
    let took = began.elapsed();
    telemetry.answered(took);
    let status = response.status().as_u16();
    tracing::debug!(target: "drover_http", %method, path = %uri, status, duration = ?took, "request complete");
    response
}

async fn answer_plain(state: ApiState, request: Request<Body>, peer: Peer) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let raw_path = parts.uri.path();
    let query = parts.uri.query().unwrap_or("");
    let path = percent_decode_str(raw_path).decode_utf8_lossy().into_owned();
    let origin = Cors::of(&path, &parts.method, &parts.headers);
    let method = parts.method.clone();
    let gzip = if wants_gzip(&parts.headers) { Gzip::to(peer) } else { Gzip::No };
    let reply = match redirect(&path, query) {
        Some(reply) => Ok(reply),
        None if origin.is_preflight() => Ok(Reply::empty().with_status(StatusCode::NO_CONTENT)),
        None => match read_body(body, &state).await {
            Ok(body) => {
                let context = Context::new(state, parts.method, query, &parts.headers, body);
                guarded(&context, &path).await
            }
            Err(error) => Err(error),
        },
    };
    let reply = reply.unwrap_or_else(Reply::from);
    let reply = if method == Method::GET || method == Method::HEAD { reply } else { reply.without_page() };
    let mut response = reply.into_response(gzip);
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

/// Reads a whole body. Long ones wait until there is memory for them.
async fn read_body(mut body: Body, state: &ApiState) -> Result<Bytes, ApiError> {
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    let max_bytes = state.limits.max_body_bytes;
    let hint = body.size_hint();
    if hint.lower() > max_bytes as u64 {
        return Err(too_large(max_bytes));
    }
    let most = hint.upper().map_or(max_bytes, |upper| usize::try_from(upper).unwrap_or(max_bytes).min(max_bytes));
    let _reserved = if most > SHORT_BODY_BYTES {
        let wanted = u32::try_from(most / 1024).unwrap_or(u32::MAX);
        let budget = state.body_budget.acquire_many(wanted);
        let got = timeout(BODY_TIMEOUT, budget).await.map_err(|_elapsed| busy())?;
        Some(got.map_err(|_closed| busy())?)
    } else {
        None
    };
    let mut whole = BytesMut::new();
    loop {
        let next = timeout(BODY_TIMEOUT, body.frame()).await.map_err(|_elapsed| {
            ApiError::new(StatusCode::REQUEST_TIMEOUT, "the rest of the request body did not come in time")
        })?;
        let Some(frame) = next else { return Ok(whole.freeze()) };
        let frame = frame.map_err(|error| ApiError::bad_request(format!("cannot read the request body: {error}")))?;
        let Ok(data) = frame.into_data() else { continue };
        if whole.len() + data.len() > max_bytes {
            return Err(too_large(max_bytes));
        }
        if whole.is_empty() && body.is_end_stream() {
            return Ok(data);
        }
        whole.reserve(data.len().max(usize::try_from(body.size_hint().lower()).unwrap_or(0)));
        whole.extend_from_slice(&data);
    }
}

fn too_large(max_bytes: usize) -> ApiError {
    ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, format!("request body is larger than {max_bytes} bytes"))
}

fn busy() -> ApiError {
    ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "too many long request bodies at the same time; try again")
}

/// Families of objects: without a name they lead to their folder.
const FAMILIES: &[&str] = &[
    "/v1/job",
    "/v1/node",
    "/v1/allocation",
    "/v1/evaluation",
    "/v1/deployment",
    "/v1/var",
    "/v1/service",
    "/v1/acl/policy",
];

/// The root goes to the web pages, and paths are cleaned.
fn redirect(path: &str, query: &str) -> Option<Reply> {
    let with_query = |to: &str| if query.is_empty() { to.to_owned() } else { format!("{to}?{query}") };
    if path == "/" || path == "/ui" {
        return Some(Reply::redirect(&with_query("/ui/")));
    }
    if FAMILIES.contains(&path) {
        return Some(Reply::redirect(&with_query(&format!("{path}/"))));
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

fn wants_gzip(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    let mut codings = accepted.flat_map(|value| value.split(','));
    let takes = |coding: &str| {
        let (name, quality) = coding.split_once(';').unwrap_or((coding, ""));
        name.trim() == "gzip" && quality.trim() != "q=0"
    };
    codings.any(takes)
}
