//! The API at the sockets of tasks: as elsewhere, but nobody gets in without a token.

use crate::connections;
use crate::context::secret_of;
use crate::error::ApiError;
use crate::reply::{Gzip, Reply};
use crate::serve::answer;
use crate::state::ApiState;
use axum::body::Body;
use drover_server::{ErrorKind, Identity};
use futures::future::BoxFuture;
use http::{HeaderMap, Response, StatusCode};
use tokio::net::UnixListener;

/// Answers what a task asks, until dropped or the agent stops.
pub async fn serve_task(listener: UnixListener, state: ApiState) {
    let answering = state.clone();
    let stopped = move || -> BoxFuture<'static, ()> {
        let state = state.clone();
        Box::pin(async move { state.stopped().await })
    };
    let reply = move |request: http::Request<Body>, peer| {
        let state = answering.clone();
        async move {
            match authenticate(&state, request.headers()) {
                Ok(()) => answer(state, request, peer).await,
                Err(refusal) => refuse(refusal),
            }
        }
    };
    // Tasks share no limit with others; their number is bounded by that of connections they can open.
    if let Err(error) = connections::run(listener, 0, stopped, reply).await {
        tracing::warn!(%error, "the API socket of a task failed");
    }
}

fn refuse(refusal: ApiError) -> Response<Body> {
    Reply::from(refusal).into_response(Gzip::No)
}

fn authenticate(state: &ApiState, headers: &HeaderMap) -> Result<(), ApiError> {
    let secret = secret_of(headers);
    match state.server.resolve(&secret) {
        Ok(access) if matches!(access.identity, Identity::Anonymous) => {
            Err(ApiError::new(StatusCode::UNAUTHORIZED, "Unauthorized"))
        }
        Ok(_) => Ok(()),
        Err(error) if error.kind == ErrorKind::Forbidden => Err(ApiError::new(StatusCode::FORBIDDEN, "Forbidden")),
        Err(_) => Err(ApiError::refused("Server error authenticating request\n")),
    }
}
