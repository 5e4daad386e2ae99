//! Who asks: the client's address, and what its token allows. Worked out once for each request, before its route.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::sync::atomic::Ordering;

use super::drain::drain;
use super::error::ApiError;
use crate::access::{Identity, IssuerError, Scope, TokenError};
use crate::app::App;

/// The cookie of people who logged in with their browser.
pub(crate) const COOKIE: &str = "drover_registry";
/// What a request with a wrong token costs of a client's rate: guessing is slow.
const COST_OF_WRONG_TOKEN: f64 = 20.0;

/// The other end of the connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub IpAddr);

/// Who asks.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub identity: Identity,
    pub address: IpAddr,
}

impl Caller {
    /// Makes sure that the caller may do this with a pack. Says nothing about whether the pack exists.
    pub(crate) fn must(&self, scope: Scope, team: &str, name: &str) -> Result<(), ApiError> {
        if self.identity.may(scope, team, name) {
            return Ok(());
        }
        if !self.identity.is_known {
            return Err(ApiError::unauthorized(format!(
                "this needs a token with the scope `{scope}` for {team}/{name}"
            )));
        }
        Err(ApiError::forbidden(format!(
            "the token of {:?} does not have the scope `{scope}` for {team}/{name}",
            self.identity.subject
        ))
        .hint("`drover registry token list` shows what tokens may do; an administrator makes one that may"))
    }

    /// Makes sure that the caller may do this at all.
    pub(crate) fn must_somewhere(&self, scope: Scope) -> Result<(), ApiError> {
        match self.identity.may_somewhere(scope) {
            true => Ok(()),
            false if self.identity.is_known => Err(ApiError::forbidden(format!("this needs the scope `{scope}`"))),
            false => Err(ApiError::unauthorized(format!("this needs a token with the scope `{scope}`"))),
        }
    }
}

/// Around every route: the client's rate, its token, the headers of every answer, and the metrics.
pub(crate) async fn around(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    let began = Instant::now();
    let method = known_method(request.method());
    let path = request.uri().path().to_owned();
    let route = request.extensions().get::<MatchedPath>().map_or("other", MatchedPath::as_str).to_owned();
    let address = address(&app, &request);
    app.metrics.in_flight.fetch_add(1, Ordering::Relaxed);
    // A body cannot be shared, so that nothing of the request is looked at while waiting.
    let (token, by_header) = (token(&request), request.headers().contains_key(header::AUTHORIZATION));
    let mut response = match admit(&app, token, by_header, address).await {
        Ok(identity) => {
            request.extensions_mut().insert(Caller { identity, address });
            next.run(request).await
        }
        Err(error) => {
            if error.status == StatusCode::UNAUTHORIZED {
                let (parts, body) = request.into_parts();
                drain(body, &parts.headers).await;
            }
            refused(&app, &path, error)
        }
    };
    app.metrics.in_flight.fetch_sub(1, Ordering::Relaxed);
    let status = response.status();
    app.metrics.answered(&route, method, status.as_u16(), began.elapsed());
    if status.is_server_error() {
        app.metrics.count("drover_registry_storage_errors_total", "request");
    }
    tracing::debug!(%address, method, path, status = status.as_u16(), took_ms = began.elapsed().as_millis(), "answered");
    protect(response.headers_mut());
    response
}

/// Browsers get a page, programs get JSON.
fn refused(app: &App, path: &str, error: ApiError) -> Response {
    let within = path.strip_prefix(&app.config.base_path()).unwrap_or(path);
    if within.starts_with("/v1") || within == "/metrics" {
        return error.into_response();
    }
    crate::web::error_page(app, &error)
}

async fn admit(app: &App, token: Option<String>, by_header: bool, address: IpAddr) -> Result<Identity, ApiError> {
    let limited = |wait| {
        app.metrics.count("drover_registry_rejected_total", "rate");
        ApiError::rate_limited(wait)
    };
    app.requests.take(address, 1.0, Instant::now()).map_err(limited)?;
    let Some(token) = token else { return Ok(Identity::anonymous(app.config.anonymous_read)) };
    let checked = identify(app, &token).await;
    if checked.as_ref().is_err_and(|error| error.code == "unauthorized") {
        app.metrics.count("drover_registry_rejected_total", "token");
        app.requests.take(address, COST_OF_WRONG_TOKEN, Instant::now()).map_err(limited)?;
        // A browser whose token has ended must still reach the pages where it can log in.
        if !by_header {
            return Ok(Identity::anonymous(app.config.anonymous_read));
        }
    }
    checked
}

/// Who has this token: one of ours, or one of a trusted issuer.
pub(crate) async fn identify(app: &App, token: &str) -> Result<Identity, ApiError> {
    if token.matches('.').count() == 2 && !app.issuers.is_empty() {
        return app.issuers.check(token).await.map(|(identity, _)| identity).map_err(|error| issuer_error(&error));
    }
    app.tokens.check(token).await.map_err(|error| match error {
        TokenError::Store(error) => error.into(),
        error => ApiError::unauthorized(error.to_string()),
    })
}

pub(crate) fn issuer_error(error: &IssuerError) -> ApiError {
    match error {
        IssuerError::Off => ApiError::not_found(error.to_string()),
        IssuerError::Keys { .. } => {
            tracing::error!(%error, "an issuer does not answer");
            ApiError::unavailable("the keys of the token's issuer cannot be read; the registry's log says why")
        }
        _ => ApiError::unauthorized(error.to_string()),
    }
}

fn token(request: &Request) -> Option<String> {
    let headers = request.headers();
    if let Some(given) = headers.get(header::AUTHORIZATION) {
        let (scheme, token) = given.to_str().ok()?.split_once(' ')?;
        return Some(if scheme.eq_ignore_ascii_case("bearer") { token.trim().to_owned() } else { String::new() });
    }
    // A cookie goes along with whatever other sites make a browser send, so that it only reads.
    if matches!(*request.method(), Method::GET | Method::HEAD) { cookie(headers) } else { None }
}

fn cookie(headers: &HeaderMap) -> Option<String> {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = all.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == COOKIE).map(|(_, value)| value.to_owned()).filter(|value| !value.is_empty())
}

/// The client's address; behind a trusted proxy, the one that it forwards for.
fn address(app: &App, request: &Request) -> IpAddr {
    let peer = request.extensions().get::<Peer>().map_or(IpAddr::from([0, 0, 0, 0]), |peer| peer.0.to_canonical());
    let trusted = |address: &IpAddr| app.config.trusted_proxies.contains(address);
    if !trusted(&peer) {
        return peer;
    }
    let forwarded = request.headers().get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
    let chain: Vec<IpAddr> =
        forwarded.flat_map(|value| value.split(',')).filter_map(|one| one.trim().parse().ok()).collect();
    chain.into_iter().rev().find(|address| !trusted(address)).unwrap_or(peer)
}

/// Methods that nobody knows are not kept apart: clients choose them.
fn known_method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::PUT => "PUT",
        Method::POST => "POST",
        Method::DELETE => "DELETE",
        _ => "OTHER",
    }
}

/// What browsers are told of every answer.
fn protect(headers: &mut HeaderMap) {
    const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; \
        connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-cache"));
}
