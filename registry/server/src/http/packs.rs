//! Lists of packs, and one pack with its versions.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use drover_registry::wire::PackList;
use drover_registry::{Digest, name};
use serde::Deserialize;

use super::caller::Caller;
use super::error::ApiError;
use crate::access::Scope;
use crate::app::App;
use crate::index;

const DEFAULT_LIMIT: usize = 50;
const MAX_LIMIT: usize = 200;
/// The longest text that is searched for, in bytes.
const MAX_QUERY_BYTES: usize = 256;

/// The query of a list.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct ListQuery {
    #[serde(default)]
    pub q: String,
    pub team: Option<String>,
    pub limit: Option<usize>,
    pub cursor: Option<String>,
}

/// `GET /v1/packs`
pub(super) async fn list(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    query: Result<Query<ListQuery>, axum::extract::rejection::QueryRejection>,
) -> Result<Json<PackList>, ApiError> {
    caller.must_somewhere(Scope::Read)?;
    let Query(query) = query.map_err(|error| bad_request(error.to_string()))?;
    Ok(Json(search(&app, &caller, &query)?))
}

/// A page of what is found and may be seen.
pub(crate) fn search(app: &App, caller: &Caller, query: &ListQuery) -> Result<PackList, ApiError> {
    if query.q.len() > MAX_QUERY_BYTES {
        return Err(bad_request(format!("the search is longer than {MAX_QUERY_BYTES} bytes")));
    }
    let limit = query.limit.unwrap_or(DEFAULT_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        return Err(bad_request(format!("limit has to be 1 to {MAX_LIMIT}")));
    }
    let start = match query.cursor.as_deref() {
        None | Some("") => 0,
        Some(cursor) => cursor.parse::<usize>().map_err(|_| bad_request("this cursor is none of ours".to_owned()))?,
    };
    let identity = &caller.identity;
    let reads_all = identity.reads_all();
    let found = app.catalog.look(|index| {
        index.search(&index::Query { text: &query.q, team: query.team.as_deref() }, |pack| {
            reads_all || identity.may(Scope::Read, &pack.team, &pack.name)
        })
    });
    let end = start.saturating_add(limit);
    Ok(PackList {
        packs: found.iter().skip(start).take(limit).map(|pack| pack.summary()).collect(),
        total: found.len() as u64,
        next: (end < found.len()).then(|| end.to_string()),
    })
}

fn bad_request(message: String) -> ApiError {
    ApiError::new(StatusCode::BAD_REQUEST, "bad-request", message)
}

/// `GET /v1/packs/TEAM/NAME`
pub(super) async fn detail(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path((team, pack)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    caller.must(Scope::Read, &team, &pack)?;
    name::check("team", &team)?;
    name::check("pack", &pack)?;
    let detail = app.pack_detail(&team, &pack).await?;
    let detail = detail.ok_or_else(|| ApiError::not_found(format!("there is no pack {team}/{pack}")))?;
    let body = serde_json::to_vec(&detail).expect("texts serialise");
    let tag = format!("\"{}\"", &Digest::of(&body).hex()[..32]);
    let tag_header = HeaderValue::from_str(&tag).expect("hexadecimal is a header");
    if has_tag(&headers, &tag) {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, tag_header)]).into_response());
    }
    let json = HeaderValue::from_static("application/json");
    Ok(([(header::ETAG, tag_header), (header::CONTENT_TYPE, json)], body).into_response())
}

/// Whether the client has what bears this tag already.
pub(super) fn has_tag(headers: &HeaderMap, tag: &str) -> bool {
    let given = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    given.flat_map(|value| value.split(',')).map(str::trim).any(|one| one == "*" || one.trim_start_matches("W/") == tag)
}
