//! Pages for people: rendered here, styled by one sheet, readable without any script. Scripts add search as you type, copying
//! and the choice of light or dark.

mod assets;
mod frame;
mod highlight;
mod home;
mod login;
mod markdown;
mod pack;
mod parts;

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Extension, extract::OriginalUri};
use maud::{Markup, html};

use crate::app::App;
use crate::http::caller::Caller;
use crate::http::error::ApiError;
use frame::Frame;

/// The routes of the pages.
pub(crate) fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/", get(home::home))
        .route("/search", get(home::results))
        .route("/packs/{team}", get(home::team))
        .route("/packs/{team}/{name}", get(pack::latest))
        .route("/packs/{team}/{name}/{version}", get(pack::version))
        .route("/login", get(login::form).post(login::login))
        .route("/logout", post(login::logout))
        .route("/assets/{hash}/{file}", get(assets::asset))
        .route("/favicon.ico", get(assets::icon))
        .route("/robots.txt", get(assets::robots))
}

/// The list of packs, for the place where the path of the public URL ends with a slash.
pub(crate) fn home() -> axum::routing::MethodRouter<Arc<App>> {
    get(home::home)
}

/// What a page answers with when it cannot be shown.
pub(crate) enum PageError {
    /// Somebody has to log in first, and is then brought back here.
    Login(String),
    /// Anything else.
    Other(Box<Response>),
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        match self {
            Self::Login(to) => Redirect::to(&to).into_response(),
            Self::Other(response) => *response,
        }
    }
}

/// What a page cannot be shown for, as a page of its own.
fn refuse(app: &App, caller: &Caller, uri: &OriginalUri, error: &ApiError) -> PageError {
    if error.status == StatusCode::UNAUTHORIZED && !caller.identity.is_known {
        let back: String = url::form_urlencoded::byte_serialize(uri.0.path().as_bytes()).collect();
        return PageError::Login(format!("{}/login?to={back}", app.config.base_path()));
    }
    PageError::Other(Box::new(error_page(app, error)))
}

/// A page that says what is wrong.
pub(crate) fn error_page(app: &App, error: &ApiError) -> Response {
    let title = match error.status {
        StatusCode::NOT_FOUND => "Not found",
        StatusCode::FORBIDDEN => "Not allowed",
        StatusCode::TOO_MANY_REQUESTS => "Too many requests",
        _ => "Something went wrong",
    };
    let content = html! {
        section.empty {
            p.code { (error.status.as_u16()) }
            h1 { (title) }
            p { (error.message) }
            @if let Some(hint) = &error.hint { p.muted { (hint) } }
            p { a.button href={ (app.config.base_path()) "/" } { "All packs" } }
        }
    };
    let mut response = page(&Frame::new(app, title, None), &content);
    *response.status_mut() = error.status;
    if let Some(wait) = error.retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)));
    }
    response
}

/// For everything that has no route.
pub(crate) async fn not_found(
    State(app): State<Arc<App>>,
    Extension(_caller): Extension<Caller>,
    uri: OriginalUri,
) -> Response {
    let path = uri.0.path();
    let within = path.strip_prefix(&app.config.base_path()).unwrap_or(path);
    let error = ApiError::not_found("There is nothing at this address.");
    if within.starts_with("/v1") { error.into_response() } else { error_page(&app, &error) }
}

fn page(frame: &Frame<'_>, content: &Markup) -> Response {
    Html(frame.around(content).into_string()).into_response()
}
