//! `PUT …/versions/VERSION`: publishing.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::{Extension, Json};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use drover_registry::Digest;
use drover_registry::archive::MediaType;
use drover_registry::sign::SignatureDocument;
use drover_registry::wire::{DIGEST_HEADER, SIGNATURE_HEADER, VersionDetail};
use futures::StreamExt;

use super::caller::Caller;
use super::drain::drain;
use super::error::ApiError;
use super::versions::{At, check_names, event};
use crate::access::Scope;
use crate::app::App;
use crate::catalog::Published;
use crate::publish::Offer;
use crate::time::{now, text};

/// The most signatures of one publish.
const MAX_SIGNATURES: usize = 16;
/// How long a client may take to send the next part of an archive.
const STALLED: Duration = Duration::from_secs(60);

/// Takes an archive.
pub(super) async fn publish(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path((team, pack, version)): At,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<VersionDetail>), ApiError> {
    let mut body = Some(body);
    let taken = take(&app, &caller, (&team, &pack, &version), &headers, &mut body).await;
    if let Some(unread) = body {
        drain(unread, &headers).await;
    }
    let mut event = event("publish", &caller, &team, &pack, &version);
    let outcome = match &taken {
        Ok(Published::New(_)) => "new",
        Ok(Published::Same(_)) => "same",
        Ok(Published::Taken(_)) => "version-exists",
        Err(error) => error.code,
    };
    event.outcome = if outcome == "new" { "ok" } else { outcome };
    event.digest =
        headers.get(DIGEST_HEADER).and_then(|value| value.to_str().ok()).map(|text| text.chars().take(80).collect());
    let message = taken.as_ref().err().map(|error| error.message.clone()).unwrap_or_default();
    event.detail = &message;
    app.audit.write(&event);
    app.metrics.count(
        "drover_registry_publishes_total",
        match outcome {
            "new" | "same" | "version-exists" => outcome,
            _ => "refused",
        },
    );
    match taken? {
        Published::New(entry) => {
            tracing::info!(
                "published {team}/{pack} {version} ({}) by {}",
                entry.detail.summary.digest,
                caller.identity.subject
            );
            Ok((StatusCode::CREATED, Json(entry.detail.clone())))
        }
        Published::Same(entry) => Ok((StatusCode::OK, Json(entry.detail.clone()))),
        Published::Taken(entry) => Err(ApiError::new(
            StatusCode::CONFLICT,
            "version-exists",
            format!(
                "{team}/{pack} {version} exists with the digest {}; published versions never change",
                entry.detail.summary.digest
            ),
        )
        .hint("publish it as a new version")),
    }
}

async fn take(
    app: &Arc<App>,
    caller: &Caller,
    (team, pack, version): (&str, &str, &str),
    headers: &HeaderMap,
    body: &mut Option<Body>,
) -> Result<Published, ApiError> {
    caller.must(Scope::Publish, team, pack)?;
    app.publishes.take(caller.address, 1.0, Instant::now()).map_err(ApiError::rate_limited)?;
    let version = check_names(team, pack, version)?;
    if let Some(mirror) = app.mirrors.of(team) {
        return Err(ApiError::forbidden(format!("the team {team} is mirrored from {}; publish there", mirror.url)));
    }
    let media_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media_type = media_type.and_then(MediaType::parse).ok_or_else(|| unsupported(media_type))?;
    let digest = digest(headers)?;
    let signatures = signatures(headers)?;
    let length = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    let length = length.ok_or_else(|| {
        ApiError::new(StatusCode::LENGTH_REQUIRED, "length-required", "a publish needs the header Content-Length")
    })?;
    let limit = app.config.limits.archive_bytes;
    if length > limit {
        return Err(ApiError::too_large(format!("the archive has {length} bytes; this registry takes {limit}")));
    }
    let room = u32::try_from(length / 1024 + 1).unwrap_or(u32::MAX);
    let _room = Arc::clone(&app.bodies)
        .acquire_many_owned(room)
        .await
        .map_err(|_| ApiError::unavailable("the registry is stopping"))?;
    let archive = whole(body.take().unwrap_or_default(), length).await?;
    if MediaType::sniff(&archive) != Some(media_type) {
        return Err(ApiError::unprocessable("invalid-archive", format!("the body is not {}", media_type.as_str())));
    }
    let offer = Offer {
        team: team.to_owned(),
        name: pack.to_owned(),
        version,
        media_type,
        archive,
        digest,
        signatures,
        published_by: caller.identity.subject.clone(),
        published_at: text(now()),
        mirrored_from: None,
    };
    // A client that goes away must not leave half a publish: it goes on by itself.
    let app = Arc::clone(app);
    let published = tokio::spawn(async move { app.publish(offer).await }).await;
    published.unwrap_or_else(|_| Err(ApiError::unavailable("the publish was interrupted; try again")))
}

fn unsupported(given: Option<&str>) -> ApiError {
    let given = given.map_or_else(|| "nothing".to_owned(), |given| format!("{given:?}"));
    ApiError::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "unsupported-media-type",
        format!(
            "Content-Type says {given}; archives are {} or {}",
            MediaType::TarGzip.as_str(),
            MediaType::TarZstd.as_str()
        ),
    )
}

fn digest(headers: &HeaderMap) -> Result<Digest, ApiError> {
    let given = headers.get(DIGEST_HEADER).and_then(|value| value.to_str().ok());
    let given =
        given.ok_or_else(|| ApiError::unprocessable("digest-mismatch", "a publish needs the header Drover-Digest"))?;
    given
        .parse()
        .map_err(|error: drover_registry::DigestError| ApiError::unprocessable("digest-mismatch", error.to_string()))
}

fn signatures(headers: &HeaderMap) -> Result<Vec<SignatureDocument>, ApiError> {
    let invalid =
        |why: String| ApiError::unprocessable("signature-invalid", format!("the header Drover-Signature {why}"));
    let mut found = Vec::new();
    for value in headers.get_all(SIGNATURE_HEADER) {
        let bytes = STANDARD.decode(value.as_bytes()).map_err(|_| invalid("is no base64".to_owned()))?;
        let signature = serde_json::from_slice(&bytes);
        found.push(signature.map_err(|error| invalid(format!("holds no signature: {error}")))?);
        if found.len() > MAX_SIGNATURES {
            return Err(invalid(format!("is there more than {MAX_SIGNATURES} times")));
        }
    }
    Ok(found)
}

/// A body of just the announced length.
async fn whole(body: Body, length: u64) -> Result<Bytes, ApiError> {
    let broken = |message: &str| ApiError::new(StatusCode::BAD_REQUEST, "bad-request", message.to_owned());
    let mut parts = body.into_data_stream();
    let mut whole = BytesMut::new();
    loop {
        let next = tokio::time::timeout(STALLED, parts.next()).await;
        let next =
            next.map_err(|_| ApiError::new(StatusCode::REQUEST_TIMEOUT, "timeout", "the archive does not arrive"))?;
        let Some(part) = next else { break };
        let part = part.map_err(|_| broken("the archive did not arrive whole"))?;
        if (whole.len() + part.len()) as u64 > length {
            return Err(broken("the body is longer than Content-Length says"));
        }
        whole.extend_from_slice(&part);
    }
    if whole.len() as u64 == length { Ok(whole.freeze()) } else { Err(broken("the archive did not arrive whole")) }
}
