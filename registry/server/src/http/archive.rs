//! `GET …/archive`: downloads, whole or in part.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use drover_registry::Digest;
use drover_registry::wire::DIGEST_HEADER;
use futures::StreamExt;
use futures::stream::BoxStream;
use sha2::{Digest as _, Sha256};

use super::caller::Caller;
use super::error::ApiError;
use super::packs::has_tag;
use super::versions::{At, event, readable};
use crate::app::App;

/// Archives up to this size are read and checked before the answer begins, in bytes.
const MAX_CHECKED_FIRST_BYTES: u64 = 1024 * 1024;

/// Sends an archive.
pub(super) async fn download(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path((team, pack, version)): At,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let entry = readable(&app, &caller, &team, &pack, &version).await?;
    let summary = &entry.detail.summary;
    let tag = format!("\"{}\"", summary.digest);
    let mut answer = describe(&app, &summary.media_type, &summary.digest, &tag)?;
    if has_tag(&headers, &tag) {
        return Ok((StatusCode::NOT_MODIFIED, answer).into_response());
    }
    let size = summary.size;
    let range = match range(&headers, &tag, size) {
        Wanted::All => None,
        Wanted::Part(range) => Some(range),
        Wanted::Nothing => {
            let mut response = ApiError::new(
                StatusCode::RANGE_NOT_SATISFIABLE,
                "range-not-satisfiable",
                format!("the archive has {size} bytes"),
            )
            .into_response();
            response.headers_mut().insert(header::CONTENT_RANGE, value(&format!("bytes */{size}")));
            return Ok(response);
        }
    };
    let status = match &range {
        Some(range) => {
            answer.insert(header::CONTENT_RANGE, value(&format!("bytes {}-{}/{size}", range.start, range.end - 1)));
            StatusCode::PARTIAL_CONTENT
        }
        None => StatusCode::OK,
    };
    let length = range.as_ref().map_or(size, |range| range.end - range.start);
    answer.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    if method == Method::HEAD {
        return Ok((status, answer).into_response());
    }
    let missing = || {
        app.metrics.count("drover_registry_storage_errors_total", "missing");
        tracing::error!(digest = %summary.digest, "the archive of {team}/{pack} {version} is missing");
        ApiError::unavailable("the archive of this version is missing in the storage of the registry")
    };
    let reading = app.catalog.archive(&summary.digest, range.clone()).await?.ok_or_else(missing)?;
    app.metrics.count("drover_registry_downloads_total", if range.is_some() { "part" } else { "whole" });
    app.metrics.download_bytes.fetch_add(length, Ordering::Relaxed);
    if app.audit.wants_downloads() {
        app.audit.write(&event("download", &caller, &team, &pack, &version));
    }
    let body = match range {
        Some(_) => Body::from_stream(reading.stream),
        None if size <= MAX_CHECKED_FIRST_BYTES => Body::from(checked(&app, reading.stream, &summary.digest).await?),
        None => Body::from_stream(checking(reading.stream, summary.digest)),
    };
    Ok((status, answer, body).into_response())
}

fn describe(app: &App, media_type: &str, digest: &Digest, tag: &str) -> Result<HeaderMap, ApiError> {
    let mut headers = HeaderMap::new();
    let media_type = HeaderValue::from_str(media_type).map_err(|_| ApiError::unavailable("the version is damaged"))?;
    headers.insert(header::CONTENT_TYPE, media_type);
    headers.insert(header::ETAG, value(tag));
    headers.insert(DIGEST_HEADER, value(&digest.to_string()));
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    let who = if app.config.anonymous_read { "public" } else { "private" };
    headers.insert(header::CACHE_CONTROL, value(&format!("{who}, max-age=31536000, immutable")));
    Ok(headers)
}

fn value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).expect("digests and numbers are headers")
}

/// A small archive, once its digest is found right.
async fn checked(
    app: &App,
    mut stream: BoxStream<'static, Result<Bytes, object_store::Error>>,
    digest: &Digest,
) -> Result<Bytes, ApiError> {
    let mut whole = Vec::new();
    while let Some(part) = stream.next().await {
        let part = part.map_err(|source| crate::storage::StoreError::Object { key: digest.to_string(), source })?;
        whole.extend_from_slice(&part);
    }
    if Digest::of(&whole) == *digest {
        return Ok(whole.into());
    }
    app.metrics.count("drover_registry_storage_errors_total", "damaged");
    tracing::error!(%digest, "the stored archive is damaged: it has another digest");
    Err(ApiError::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "internal",
        format!("the stored archive is damaged: its digest is {}, and {digest} was published", Digest::of(&whole)),
    )
    .hint("an administrator restores it from a backup, or somebody publishes the same archive again"))
}

/// A large archive: when its digest is wrong, the answer breaks off before its end.
fn checking(
    stream: BoxStream<'static, Result<Bytes, object_store::Error>>,
    digest: Digest,
) -> impl futures::Stream<Item = Result<Bytes, std::io::Error>> {
    futures::stream::unfold(
        (stream, Sha256::new(), None::<Bytes>, false),
        move |(mut stream, mut hash, held, is_over)| async move {
            if is_over {
                return None;
            }
            // One part is always held back, so that the last one can be kept.
            match stream.next().await {
                Some(Ok(part)) => {
                    hash.update(&part);
                    let send = held.unwrap_or_default();
                    Some((Ok(send), (stream, hash, Some(part), false)))
                }
                Some(Err(error)) => Some((Err(std::io::Error::other(error)), (stream, hash, None, true))),
                None => {
                    let is_right = hex::encode(hash.clone().finalize()) == digest.hex();
                    if !is_right {
                        tracing::error!(%digest, "the stored archive is damaged: it has another digest");
                    }
                    let last =
                        if is_right { Ok(held?) } else { Err(std::io::Error::other("the stored archive is damaged")) };
                    Some((last, (stream, hash, None, true)))
                }
            }
        },
    )
}

#[derive(Debug, PartialEq, Eq)]
enum Wanted {
    All,
    Part(Range<u64>),
    Nothing,
}

/// The one range that is asked for. What is not understood, and several ranges, mean all, as RFC 9110 allows.
fn range(headers: &HeaderMap, tag: &str, size: u64) -> Wanted {
    if headers.get(header::IF_RANGE).is_some_and(|wanted| wanted.as_bytes() != tag.as_bytes()) {
        return Wanted::All;
    }
    let Some(text) = headers.get(header::RANGE).and_then(|value| value.to_str().ok()) else { return Wanted::All };
    let Some((first, last)) = text.strip_prefix("bytes=").and_then(|range| range.split_once('-')) else {
        return Wanted::All;
    };
    let range = match (first.trim().parse::<u64>(), last.trim()) {
        (Ok(first), "") => first..size,
        (Ok(first), last) => match last.parse::<u64>() {
            Ok(last) if last >= first => first..last.saturating_add(1).min(size),
            _ => return Wanted::All,
        },
        (Err(_), last) if first.trim().is_empty() => match last.parse::<u64>() {
            Ok(count) => size.saturating_sub(count)..size,
            Err(_) => return Wanted::All,
        },
        _ => return Wanted::All,
    };
    if range.start >= range.end { Wanted::Nothing } else { Wanted::Part(range) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        for (text, expected) in [
            ("bytes=0-3", Wanted::Part(0..4)),
            ("bytes=4-", Wanted::Part(4..10)),
            ("bytes=-3", Wanted::Part(7..10)),
            ("bytes=-30", Wanted::Part(0..10)),
            ("bytes=5-99", Wanted::Part(5..10)),
            ("bytes=10-", Wanted::Nothing),
            ("bytes=-0", Wanted::Nothing),
            ("bytes=5-4", Wanted::All),
            ("bytes=0-1,3-4", Wanted::All),
            ("lines=1-2", Wanted::All),
            ("bytes=18446744073709551615-18446744073709551615", Wanted::Nothing),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::RANGE, text.parse().unwrap());
            assert_eq!(range(&headers, "\"t\"", 10), expected, "{text}");
            headers.insert(header::IF_RANGE, "\"other\"".parse().unwrap());
            assert_eq!(range(&headers, "\"t\"", 10), Wanted::All, "{text} of another archive");
        }
    }

    #[tokio::test]
    async fn a_large_archive_that_is_damaged_never_arrives_whole() {
        let parts = || futures::stream::iter(["ab", "cd", "ef"].map(|part| Ok(Bytes::from(part)))).boxed();
        let read = |digest| async move { checking(parts(), digest).collect::<Vec<_>>().await };
        let good: Vec<u8> = read(Digest::of(b"abcdef")).await.into_iter().flat_map(Result::unwrap).collect();
        assert_eq!(good, b"abcdef");
        let bad = read(Digest::of(b"abcdeX")).await;
        assert!(bad.last().unwrap().is_err());
        assert!(bad.iter().flatten().map(Bytes::len).sum::<usize>() < 6);
    }
}
