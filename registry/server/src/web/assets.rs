//! The style sheet, the scripts and the icon: part of the program, at addresses that change with their content.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use drover_registry::Digest;

const STYLE: &str = include_str!("assets/style.css");
const SCRIPT: &str = include_str!("assets/script.js");
const THEME: &str = include_str!("assets/theme.js");
const ICON: &str = include_str!("assets/icon.svg");

static HASH: LazyLock<String> =
    LazyLock::new(|| Digest::of([STYLE, SCRIPT, THEME, ICON].concat().as_bytes()).hex()[..12].to_owned());

/// The address of an asset below the base path.
pub(super) fn address(base: &str, file: &str) -> String {
    format!("{base}/assets/{}/{file}", *HASH)
}

/// Sends an asset.
pub(super) async fn asset(Path((_hash, file)): Path<(String, String)>) -> Response {
    let (kind, text) = match file.as_str() {
        "style.css" => ("text/css; charset=utf-8", STYLE),
        "script.js" => ("text/javascript; charset=utf-8", SCRIPT),
        "theme.js" => ("text/javascript; charset=utf-8", THEME),
        "icon.svg" => ("image/svg+xml", ICON),
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "public, max-age=31536000, immutable")], text)
        .into_response()
}

/// For browsers that do not read the page's link.
pub(super) async fn icon() -> Response {
    ([(header::CONTENT_TYPE, "image/svg+xml"), (header::CACHE_CONTROL, "public, max-age=86400")], ICON).into_response()
}

/// A registry is for its teams, not for search engines.
pub(super) async fn robots() -> &'static str {
    "User-agent: *\nDisallow: /\n"
}
