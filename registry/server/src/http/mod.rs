//! The HTTP API below `/v1`: one file per family of routes.

mod archive;
pub(crate) mod caller;
mod drain;
pub(crate) mod error;
mod login;
pub(crate) mod packs;
mod publish;
mod tokens;
mod versions;

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Extension, Json};
use drover_registry::wire::{ServiceInfo, ServiceLimits};

use crate::access::Scope;
use crate::app::App;
use caller::Caller;
use error::ApiError;

/// The largest body that is no archive, in bytes.
const MAX_SMALL_BODY_BYTES: usize = 128 * 1024;

/// All routes: the API, the pages, health and metrics.
pub(crate) fn router(app: &Arc<App>) -> Router {
    let api = Router::new()
        .route("/v1", get(service))
        .route("/v1/", get(service))
        .route("/v1/whoami", get(login::whoami))
        .route("/v1/login/jwt", post(login::jwt))
        .route("/v1/tokens", get(tokens::list).post(tokens::create))
        .route("/v1/tokens/{id}", axum::routing::delete(tokens::revoke))
        .route("/v1/packs", get(packs::list))
        .route("/v1/packs/{team}/{name}", get(packs::detail))
        .route("/v1/packs/{team}/{name}/versions/{version}/signatures", get(versions::signatures))
        .route("/v1/packs/{team}/{name}/versions/{version}/signatures/{key}", put(versions::sign))
        .route("/v1/packs/{team}/{name}/versions/{version}/yank", put(versions::yank).delete(versions::unyank))
        .route("/v1/packs/{team}/{name}/versions/{version}/readme", get(versions::readme))
        .route("/v1/packs/{team}/{name}/versions/{version}/example", get(versions::example))
        .route("/v1/packs/{team}/{name}/versions/{version}/archive", get(archive::download))
        .route("/v1/packs/{team}/{name}/versions/{version}", get(versions::detail).put(publish::publish))
        .route("/v1/{*rest}", axum::routing::any(no_route))
        .method_not_allowed_fallback(wrong_method)
        .route("/metrics", get(metrics))
        .route("/health", get(health));
    // Archives are read as streams, which know their own limit.
    let routes = api.merge(crate::web::router()).layer(DefaultBodyLimit::max(MAX_SMALL_BODY_BYTES));
    let base = app.config.base_path();
    let routes = match base.as_str() {
        "" => routes,
        base => Router::new().nest(base, routes).route(&format!("{base}/"), crate::web::home()),
    };
    routes
        .fallback(crate::web::not_found)
        .layer(axum::middleware::from_fn_with_state(Arc::clone(app), caller::around))
        .with_state(Arc::clone(app))
}

async fn service(State(app): State<Arc<App>>) -> Json<ServiceInfo> {
    let limits = &app.config.limits;
    Json(ServiceInfo {
        service: "drover-registry".to_owned(),
        api: 1,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        limits: ServiceLimits {
            archive_bytes: limits.archive_bytes,
            unpacked_bytes: limits.unpacked_bytes,
            files: limits.files,
        },
        signatures: if app.config.signatures.general.required { "required" } else { "optional" }.to_owned(),
    })
}

async fn no_route() -> ApiError {
    ApiError::not_found("there is no such route")
}

async fn wrong_method() -> ApiError {
    ApiError::new(
        axum::http::StatusCode::METHOD_NOT_ALLOWED,
        "method-not-allowed",
        "this route does not take this method",
    )
}

/// For load balancers: no token needed, nothing told.
async fn health() -> &'static str {
    "ok\n"
}

async fn metrics(State(app): State<Arc<App>>, Extension(caller): Extension<Caller>) -> Result<Response, ApiError> {
    caller.must_somewhere(Scope::Read)?;
    let text = app.metrics.text(app.sizes());
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response())
}
