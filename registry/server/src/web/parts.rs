//! Small pieces that several pages have.

use axum::http::{HeaderMap, header};
use maud::{Markup, html};

use crate::app::App;

/// A text that can be copied with a click.
pub(super) fn copyable(label: &str, text: &str) -> Markup {
    html! {
        div.copyable {
            pre.wrapped[text.starts_with("drover ")] tabindex="0" aria-label=(label) { code { (super::highlight::hcl_or_shell(text)) } }
            button.copy type="button" data-copy=(text) hidden { "Copy" }
        }
    }
}

/// A day, with the whole time for those who hover.
pub(super) fn day(time: &str) -> Markup {
    html! { time datetime=(time) title=(time) { (time.split('T').next().unwrap_or(time)) } }
}

/// A number of bytes for people.
pub(super) fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["B", "KiB", "MiB", "GiB"];
    let mut unit = 0;
    let mut whole = bytes;
    while whole >= 10 * 1024 && unit + 1 < UNITS.len() {
        whole /= 1024;
        unit += 1;
    }
    if whole < 1024 || unit + 1 == UNITS.len() {
        return format!("{whole} {}", UNITS[unit]);
    }
    format!("{}.{} {}", whole / 1024, whole % 1024 * 10 / 1024, UNITS[unit + 1])
}

/// `1 version`, `2 versions`.
pub(super) fn count(number: usize, one: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {one}s") }
}

/// The address that people type: the configured one, or the one that they came with.
pub(super) fn public_url(app: &App, headers: &HeaderMap) -> String {
    if let Some(url) = &app.config.public_url {
        return url.as_str().trim_end_matches('/').to_owned();
    }
    let is_host = |host: &&str| {
        !host.is_empty() && host.len() < 256 && host.chars().all(|c| c.is_ascii_alphanumeric() || ".-:[]".contains(c))
    };
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).filter(is_host);
    let scheme = if app.config.tls.is_some() { "https" } else { "http" };
    match host {
        Some(host) => format!("{scheme}://{host}"),
        None => format!("{scheme}://{}", app.config.listen),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        for (bytes, expected) in
            [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (20 * 1024, "20 KiB"), (3 << 20, "3.0 MiB")]
        {
            assert_eq!(size(bytes), expected);
        }
    }
}
