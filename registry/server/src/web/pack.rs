//! One version of a pack: what it is, how to use it, what can be set, what it becomes.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{OriginalUri, Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use drover_registry::name;
use drover_registry::wire::{PackDetail, VariableInfo, VersionSummary};
use maud::{Markup, html};

use super::frame::Frame;
use super::highlight::hcl;
use super::parts::{copyable, count, day, public_url, size};
use super::{PageError, markdown, page, refuse};
use crate::access::Scope;
use crate::app::App;
use crate::http::caller::Caller;
use crate::http::error::ApiError;
use crate::index::Entry;
use crate::release::Documents;

/// Versions that are listed before the rest is folded.
const SHOWN_VERSIONS: usize = 12;

/// `/packs/TEAM/NAME`
pub(super) async fn latest(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path((team, pack)): Path<(String, String)>,
    uri: OriginalUri,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let shown = show(&app, &caller, (&team, &pack, None), &headers).await;
    shown.map_err(|error| refuse(&app, &caller, &uri, &error))
}

/// `/packs/TEAM/NAME/VERSION`
pub(super) async fn version(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path((team, pack, version)): Path<(String, String, String)>,
    uri: OriginalUri,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let shown = show(&app, &caller, (&team, &pack, Some(&version)), &headers).await;
    shown.map_err(|error| refuse(&app, &caller, &uri, &error))
}

/// All that a page is made of.
struct View<'p> {
    base: String,
    url: String,
    pack: PackDetail,
    entry: &'p Entry,
    documents: Documents,
    anonymous_read: bool,
}

async fn show(
    app: &App,
    caller: &Caller,
    (team, pack, version): (&str, &str, Option<&str>),
    headers: &HeaderMap,
) -> Result<Response, ApiError> {
    caller.must(Scope::Read, team, pack)?;
    let missing = || {
        ApiError::not_found(format!(
            "There is no pack {team}/{pack}{}.",
            version.map(|v| format!(" {v}")).unwrap_or_default()
        ))
    };
    if name::check("team", team).is_err() || name::check("pack", pack).is_err() {
        return Err(missing());
    }
    let detail = app.pack_detail(team, pack).await?.ok_or_else(missing)?;
    let first = || detail.versions.first().map(|version| version.version.clone());
    let shown = version.map(str::to_owned).or_else(|| detail.latest.clone()).or_else(first).ok_or_else(missing)?;
    if name::version(&shown).is_err() {
        return Err(missing());
    }
    let entry = app.entry(team, pack, &shown).await?.ok_or_else(missing)?;
    let documents = app.catalog.documents(&entry).await?;
    let view = View {
        base: app.config.base_path(),
        url: public_url(app, headers),
        pack: detail,
        entry: &entry,
        documents,
        anonymous_read: app.config.anonymous_read,
    };
    let title = format!("{team}/{pack} {shown}");
    Ok(page(&Frame::new(app, &title, Some(caller)), &view.content()))
}

impl View<'_> {
    fn content(&self) -> Markup {
        let detail = &self.entry.detail;
        html! {
            (self.head())
            div.columns {
                aside.side {
                    (self.usage())
                    (self.facts())
                    (self.versions())
                }
                div.body {
                    (self.tabs())
                    section.block #readme {
                        @match &self.documents.readme {
                            Some(text) => div.prose { (markdown::render(text)) },
                            None => p.muted { "This version has no README.md." },
                        }
                    }
                    section.block #variables { h2 { "Variables" } (variables(&detail.variables)) }
                    @if !detail.dependencies.is_empty() { section.block #dependencies { h2 { "Dependencies" } (self.dependencies()) } }
                    section.block #example { h2 { "Rendered with its defaults" } (self.example()) }
                    @if !self.documents.files.is_empty() { section.block #files { h2 { "Files" } (self.files()) } }
                }
            }
        }
    }

    fn head(&self) -> Markup {
        let detail = &self.entry.detail;
        let summary = &detail.summary;
        html! {
            section.pack-head {
                nav.crumbs aria-label="Breadcrumb" {
                    a href={ (self.base) "/" } { "Packs" } " / " a href={ (self.base) "/packs/" (detail.team) } { (detail.team) }
                }
                h1 { (detail.name) " " span.version { (summary.version) } }
                @if !detail.description.is_empty() { p.lead { (detail.description) } }
                p.badges {
                    @if summary.yanked.is_some() { span.badge.bad { "Taken back" } }
                    @if !self.entry.version.pre.is_empty() { span.badge.warn { "Pre-release" } }
                    @if self.pack.latest.as_deref() == Some(&summary.version) { span.badge.good { "Latest" } }
                    @if summary.signed_by.is_empty() { span.badge { "Not signed" } } @else { span.badge.good { "✓ Signed" } }
                    @if let Some(from) = &self.entry.mirrored_from { span.badge title=(from) { "Mirrored" } }
                }
                @if let Some(yanked) = &summary.yanked {
                    p.alert role="note" {
                        strong { "This version was taken back" } " on " (day(&yanked.at)) " by " (yanked.by) "."
                        @if !yanked.reason.is_empty() { " “" (yanked.reason) "”" }
                        " Who has pinned it can still download it."
                    }
                }
                @if let Some(latest) = self.pack.latest.as_deref().filter(|latest| *latest != summary.version) {
                    p.note { "The latest version is " a href={ (self.base) "/packs/" (detail.team) "/" (detail.name) } { (latest) } "." }
                }
            }
        }
    }

    fn tabs(&self) -> Markup {
        let detail = &self.entry.detail;
        html! {
            nav.tabs aria-label="On this page" {
                a href="#readme" { "README" }
                a href="#variables" { "Variables " span.n { (detail.variables.len()) } }
                @if !detail.dependencies.is_empty() { a href="#dependencies" { "Dependencies " span.n { (detail.dependencies.len()) } } }
                a href="#example" { "Example" }
                @if !self.documents.files.is_empty() { a href="#files" { "Files " span.n { (self.documents.files.len()) } } }
            }
        }
    }

    fn usage(&self) -> Markup {
        let detail = &self.entry.detail;
        let (team, pack, version) = (&detail.team, &detail.name, &detail.summary.version);
        let login = if self.anonymous_read { String::new() } else { format!("\ndrover registry login {team}") };
        // Whoever looks at an older version, or at one that is not out yet, wants just that one.
        let is_latest = self.pack.latest.as_ref() == Some(version) && self.entry.version.pre.is_empty();
        let (range, at) = match is_latest {
            true => (format!("~> {}.{}", self.entry.version.major, self.entry.version.minor), String::new()),
            false => (version.clone(), format!("@{version}")),
        };
        let required = detail.variables.iter().filter(|variable| variable.required);
        let vars: Vec<String> = required.map(|variable| format!("    {} = …", variable.name)).collect();
        let vars = if vars.is_empty() { String::new() } else { format!("\n  vars = {{\n{}\n  }}", vars.join("\n")) };
        let stack = format!(
            "registry \"{team}\" {{\n  source = \"{}/{team}\"\n}}\n\npack \"{pack}\" {{\n  source  = \"{team}/{pack}\"\n  version = \"{range}\"{vars}\n}}",
            self.url
        );
        html! {
            section.panel {
                h2 { "Use it" }
                p.muted { "Once on your machine" }
                (copyable("Commands that add the registry", &format!("drover registry add {team} {}/{team}{login}", self.url)))
                p.muted { "Look at it, then run it" }
                (copyable("Commands that run the pack", &format!("drover pack info {team}/{pack}{at}\ndrover pack run {team}/{pack}{at}")))
                p.muted { "Or in a stack" }
                (copyable("Blocks for a stack", &stack))
            }
        }
    }

    fn facts(&self) -> Markup {
        let detail = &self.entry.detail;
        let summary = &detail.summary;
        let digest = summary.digest.to_string();
        let archive =
            format!("{}/v1/packs/{}/{}/versions/{}/archive", self.base, detail.team, detail.name, summary.version);
        html! {
            section.panel {
                h2 { "About" }
                dl.facts {
                    dt { "Published" } dd { (day(&summary.published_at)) @if !summary.published_by.is_empty() { " by " (summary.published_by) } }
                    @if !detail.app_url.is_empty() {
                        dt { "Application" } dd { (outside(&detail.app_url)) @if !detail.author.is_empty() { " by " (detail.author) } }
                    }
                    dt { "Archive" } dd { a href=(archive) download { (size(summary.size)) } }
                    dt { "Digest" } dd.digest { code title=(digest) { (digest.get(..19).unwrap_or(&digest)) "…" } button.copy.small type="button" data-copy=(digest) hidden { "Copy" } }
                    dt { "Signed by" }
                    dd {
                        @if detail.signatures.is_empty() { "nobody" }
                        @for signature in &detail.signatures {
                            span.key title={ "ed25519:" (signature.public_key) } { code { (signature.key_id) } " on " (day(&signature.signed_at)) }
                        }
                    }
                    @if let Some(from) = &self.entry.mirrored_from { dt { "Mirrored from" } dd { (outside(from)) } }
                }
            }
        }
    }

    fn versions(&self) -> Markup {
        let (shown, rest) = self.pack.versions.split_at(self.pack.versions.len().min(SHOWN_VERSIONS));
        html! {
            section.panel #versions {
                h2 { "Versions " span.n { (self.pack.versions.len()) } }
                ul.versions { @for version in shown { (self.version_line(version)) } }
                @if !rest.is_empty() {
                    details { summary { (count(rest.len(), "older version")) } ul.versions { @for version in rest { (self.version_line(version)) } } }
                }
            }
        }
    }

    fn version_line(&self, version: &VersionSummary) -> Markup {
        let is_this = version.version == self.entry.detail.summary.version;
        html! {
            li.this[is_this].yanked[version.yanked.is_some()] {
                a href={ (self.base) "/packs/" (self.pack.team) "/" (self.pack.name) "/" (version.version) } aria-current=[is_this.then_some("page")] { (version.version) }
                @if version.yanked.is_some() { span.badge.bad { "taken back" } }
                span.muted { (day(&version.published_at)) }
            }
        }
    }

    fn dependencies(&self) -> Markup {
        html! {
            div.table {
                table {
                    thead { tr { th { "Name" } th { "Source" } th { "Version" } } }
                    tbody {
                        @for dependency in &self.entry.detail.dependencies {
                            tr {
                                td data-label="Name" { code { (dependency.alias) } @if !dependency.enabled { " " span.badge { "optional" } } }
                                td data-label="Source" { code { (dependency.source) } }
                                td data-label="Version" { @if dependency.version.is_empty() { span.muted { "any" } } @else { code { (dependency.version) } } }
                            }
                        }
                    }
                }
            }
        }
    }

    fn example(&self) -> Markup {
        html! {
            @if self.documents.example.is_empty() {
                p.muted {
                    "There is no example: "
                    (self.documents.no_example.as_deref().unwrap_or("this registry renders none")) "."
                }
            }
            @for (number, file) in self.documents.example.iter().enumerate() {
                details.file open[number == 0] {
                    summary { code { (file.path) } }
                    div.copyable {
                        pre tabindex="0" aria-label=(file.path) { code { (hcl(&file.text)) } }
                        button.copy type="button" data-copy=(file.text) hidden { "Copy" }
                    }
                }
            }
        }
    }

    fn files(&self) -> Markup {
        html! {
            ul.files { @for (path, bytes) in &self.documents.files { li { code { (path) } span.muted { (size(*bytes)) } } } }
        }
    }
}

fn variables(variables: &[VariableInfo]) -> Markup {
    if variables.is_empty() {
        return html! { p.muted { "Nothing can be set." } };
    }
    // What has to be given is what people look for first.
    let (required, others): (Vec<_>, Vec<_>) = variables.iter().partition(|variable| variable.required);
    html! {
        div.table {
            table.variables {
                thead { tr { th { "Name" } th { "Type" } th { "Default" } th { "Description" } } }
                tbody {
                    @for variable in required.into_iter().chain(others) {
                        tr {
                            td data-label="Name" { code.name { (variable.name) } }
                            td data-label="Type" { code.type { (variable.kind) } }
                            td data-label="Default" { (default(variable)) }
                            td data-label="Description" {
                                (variable.description)
                                @if variable.sensitive { " " span.badge.warn { "sensitive" } }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn default(variable: &VariableInfo) -> Markup {
    match &variable.default {
        _ if variable.required => html! { span.badge.warn { "required" } },
        _ if variable.sensitive => html! { span.muted { "hidden" } },
        None => html! { code { "null" } },
        Some(value) => {
            let text = value.to_string();
            html! { @if text.len() > 60 { details { summary { "shown when opened" } pre { code { (serde_json::to_string_pretty(value).unwrap_or(text)) } } } } @else { code { (text) } } }
        }
    }
}

/// A link to somebody else's page, if it is one.
fn outside(url: &str) -> Markup {
    let shown = url.trim_start_matches("https://").trim_start_matches("http://").trim_end_matches('/');
    match url::Url::parse(url) {
        Ok(parsed) if matches!(parsed.scheme(), "http" | "https") => {
            html! { a href=(parsed.as_str()) rel="noopener noreferrer nofollow" { (shown) } }
        }
        _ => html! { (url) },
    }
}
