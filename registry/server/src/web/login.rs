//! Logging in with a browser: a token becomes a cookie, which only reads.

use std::sync::Arc;

use axum::extract::{Form, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Extension, extract::rejection::FormRejection};
use maud::html;
use serde::Deserialize;

use super::frame::Frame;
use super::page;
use crate::app::App;
use crate::http::caller::{COOKIE, Caller, identify};

/// Where to go afterwards.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Back {
    #[serde(default)]
    to: String,
}

/// What the form sends.
#[derive(Deserialize)]
pub(super) struct Login {
    token: String,
    #[serde(default)]
    to: String,
}

/// `GET /login`
pub(super) async fn form(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Query(back): Query<Back>,
) -> Response {
    show(&app, &caller, &back.to, None)
}

fn show(app: &App, caller: &Caller, to: &str, problem: Option<&str>) -> Response {
    let base = app.config.base_path();
    let content = html! {
        section.login {
            h1 { "Log in" }
            p.muted { "With a token of this registry. An administrator makes one with " code { "drover registry token create" } "." }
            @if let Some(problem) = problem { p.alert role="alert" { (problem) } }
            form action={ (base) "/login" } method="post" {
                label for="token" { "Token" }
                input #token type="password" name="token" autocomplete="current-password" required autofocus spellcheck="false";
                input type="hidden" name="to" value=(to);
                button.button.primary type="submit" { "Log in" }
            }
        }
    };
    page(&Frame::new(app, "Log in", Some(caller)), &content)
}

/// `POST /login`
pub(super) async fn login(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    form: Result<Form<Login>, FormRejection>,
) -> Response {
    let Ok(Form(login)) = form else { return show(&app, &caller, "", Some("The form did not arrive whole.")) };
    let token = login.token.trim();
    match identify(&app, token).await {
        Ok(_) => (set_cookie(&app, token), Redirect::to(&own_path(&app, &login.to))).into_response(),
        Err(error) => {
            app.metrics.count("drover_registry_rejected_total", "token");
            let problem =
                if error.status == StatusCode::UNAUTHORIZED { "This token is not good here." } else { &error.message };
            let mut response = show(&app, &caller, &login.to, Some(problem));
            *response.status_mut() = error.status;
            response
        }
    }
}

/// `POST /logout`
pub(super) async fn logout(State(app): State<Arc<App>>) -> Response {
    (set_cookie(&app, ""), Redirect::to(&format!("{}/", app.config.base_path()))).into_response()
}

/// Only paths of our own: others could be anybody's.
fn own_path(app: &App, to: &str) -> String {
    let base = app.config.base_path();
    let is_own = to.starts_with('/')
        && !to.starts_with("//")
        && to.starts_with(&base)
        && to.chars().all(|c| c.is_ascii_alphanumeric() || "/-._~".contains(c));
    if is_own { to.to_owned() } else { format!("{base}/") }
}

fn set_cookie(app: &App, token: &str) -> HeaderMap {
    let path = app.config.base_path();
    let is_https =
        app.config.tls.is_some() || app.config.public_url.as_ref().is_some_and(|url| url.scheme() == "https");
    let secure = if is_https { "; Secure" } else { "" };
    let age = if token.is_empty() { 0 } else { 7 * 24 * 3_600 };
    let cookie = format!("{COOKIE}={token}; Path={path}/; HttpOnly; SameSite=Strict; Max-Age={age}{secure}");
    let mut headers = HeaderMap::new();
    // A token that is no header was refused before.
    if let Ok(mut cookie) = HeaderValue::from_str(&cookie) {
        cookie.set_sensitive(true);
        headers.insert(header::SET_COOKIE, cookie);
    }
    headers
}
