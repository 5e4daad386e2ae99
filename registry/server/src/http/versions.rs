//! One version: what it is, its texts and signatures, and taking it back.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use bytes::Bytes;
use drover_registry::name;
use drover_registry::sign::SignatureDocument;
use drover_registry::wire::{SignatureList, VersionDetail, VersionSummary, YankRequest, Yanked};
use serde::de::DeserializeOwned;

use super::caller::Caller;
use super::error::ApiError;
use crate::access::Scope;
use crate::app::App;
use crate::audit::Event;
use crate::index::Entry;
use crate::publish::check_signature;
use crate::time::{now, text};

/// The longest reason for taking a version back, in bytes.
const MAX_REASON_BYTES: usize = 1_000;

pub(super) type At = Path<(String, String, String)>;

/// Refuses what cannot be the name of a version, before anything is looked up.
pub(super) fn check_names(team: &str, pack: &str, version: &str) -> Result<drover_registry::Version, ApiError> {
    name::check("team", team)?;
    name::check("pack", pack)?;
    Ok(name::version(version)?)
}

/// A version that the caller may read.
pub(super) async fn readable(
    app: &App,
    caller: &Caller,
    team: &str,
    pack: &str,
    version: &str,
) -> Result<Arc<Entry>, ApiError> {
    caller.must(Scope::Read, team, pack)?;
    check_names(team, pack, version)?;
    let entry = app.entry(team, pack, version).await?;
    entry.ok_or_else(|| ApiError::not_found(format!("there is no {team}/{pack} {version}")))
}

/// `GET …/versions/VERSION`
pub(super) async fn detail(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path((team, pack, version)): At,
) -> Result<Json<VersionDetail>, ApiError> {
    Ok(Json(readable(&app, &caller, &team, &pack, &version).await?.detail.clone()))
}

/// `GET …/signatures`
pub(super) async fn signatures(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path((team, pack, version)): At,
) -> Result<Json<SignatureList>, ApiError> {
    let entry = readable(&app, &caller, &team, &pack, &version).await?;
    Ok(Json(SignatureList { signatures: entry.detail.signatures.clone() }))
}

/// `GET …/readme`
pub(super) async fn readme(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path((team, pack, version)): At,
) -> Result<Response, ApiError> {
    let entry = readable(&app, &caller, &team, &pack, &version).await?;
    let text = app.catalog.documents(&entry).await?.readme;
    let text = text.ok_or_else(|| ApiError::not_found(format!("{team}/{pack} {version} has no README.md")))?;
    Ok(([(header::CONTENT_TYPE, "text/markdown; charset=utf-8")], text).into_response())
}

/// `GET …/example`
pub(super) async fn example(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path((team, pack, version)): At,
) -> Result<Response, ApiError> {
    let entry = readable(&app, &caller, &team, &pack, &version).await?;
    let documents = app.catalog.documents(&entry).await?;
    let missing = || {
        let why = documents.no_example.as_deref().unwrap_or("this registry renders no examples");
        ApiError::not_found(format!("there is no example of {team}/{pack} {version}: {why}"))
    };
    let text = documents.example_text().ok_or_else(missing)?;
    Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response())
}

/// `PUT …/signatures/KEY`
pub(super) async fn sign(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path((team, pack, version, key)): Path<(String, String, String, String)>,
    body: Bytes,
) -> Result<(StatusCode, Json<SignatureDocument>), ApiError> {
    caller.must(Scope::Publish, &team, &pack)?;
    let parsed = check_names(&team, &pack, &version)?;
    let entry = app.entry(&team, &pack, &version).await?;
    let entry = entry.ok_or_else(|| ApiError::not_found(format!("there is no {team}/{pack} {version}")))?;
    let signature: SignatureDocument = decode(&body)?;
    if signature.key_id != key {
        let message = format!("the signature is of the key {}, and the path names {key}", signature.key_id);
        return Err(ApiError::unprocessable("signature-invalid", message));
    }
    let checked = check_signature(&signature, &pack, &parsed, &entry.detail.summary.digest);
    let mut event = event("sign", &caller, &team, &pack, &version);
    event.detail = &key;
    if let Err(error) = checked {
        app.metrics.count("drover_registry_signatures_total", "refused");
        event.outcome = error.code;
        app.audit.write(&event);
        return Err(error);
    }
    let (_, is_new) = app.catalog.sign(&team, &pack, &version, signature.clone()).await?;
    app.metrics.count("drover_registry_signatures_total", if is_new { "new" } else { "same" });
    app.audit.write(&event);
    Ok((if is_new { StatusCode::CREATED } else { StatusCode::OK }, Json(signature)))
}

/// `PUT …/yank`
pub(super) async fn yank(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path((team, pack, version)): At,
    body: Bytes,
) -> Result<Json<VersionSummary>, ApiError> {
    caller.must(Scope::Yank, &team, &pack)?;
    check_names(&team, &pack, &version)?;
    let request: YankRequest = if body.is_empty() { YankRequest::default() } else { decode(&body)? };
    if request.reason.len() > MAX_REASON_BYTES {
        return Err(ApiError::too_large(format!("the reason is longer than {MAX_REASON_BYTES} bytes")));
    }
    let yanked = Yanked { at: text(now()), by: caller.identity.subject.clone(), reason: request.reason.clone() };
    let entry = app.catalog.set_yanked(&team, &pack, &version, Some(yanked)).await?;
    app.metrics.count("drover_registry_yanks_total", "yank");
    app.audit.write(&Event { detail: &request.reason, ..event("yank", &caller, &team, &pack, &version) });
    Ok(Json(entry.detail.summary.clone()))
}

/// `DELETE …/yank`
pub(super) async fn unyank(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path((team, pack, version)): At,
) -> Result<Json<VersionSummary>, ApiError> {
    caller.must(Scope::Yank, &team, &pack)?;
    check_names(&team, &pack, &version)?;
    let entry = app.catalog.set_yanked(&team, &pack, &version, None).await?;
    app.metrics.count("drover_registry_yanks_total", "unyank");
    app.audit.write(&event("unyank", &caller, &team, &pack, &version));
    Ok(Json(entry.detail.summary.clone()))
}

/// A line of the audit log about a version, for something that went well.
pub(super) fn event<'e>(
    what: &'static str,
    caller: &'e Caller,
    team: &'e str,
    name: &'e str,
    version: &'e str,
) -> Event<'e> {
    Event {
        event: what,
        outcome: "ok",
        subject: &caller.identity.subject,
        client: Some(caller.address),
        team,
        name,
        version,
        ..Event::default()
    }
}

/// The JSON of a body.
pub(super) fn decode<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    serde_json::from_slice(body).map_err(|error| {
        ApiError::new(StatusCode::BAD_REQUEST, "bad-request", format!("the body is not what this route takes: {error}"))
    })
}
