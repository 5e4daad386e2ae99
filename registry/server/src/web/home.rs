//! The list of packs: all, those that are found, those of a team.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{OriginalUri, Path, Query, State};
use axum::http::HeaderMap;
use axum::response::{Html, Response};
use drover_registry::wire::{PackList, PackSummary};
use maud::{Markup, html};

use super::frame::Frame;
use super::parts::{copyable, count, day, public_url};
use super::{PageError, page, refuse};
use crate::access::Scope;
use crate::app::App;
use crate::http::caller::Caller;
use crate::http::error::ApiError;
use crate::http::packs::{ListQuery, search};

/// Packs on a page.
const PAGE: usize = 24;

/// `/`
pub(super) async fn home(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Query(query): Query<ListQuery>,
    uri: OriginalUri,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let query = ListQuery { limit: Some(PAGE), ..query };
    list_page(&app, &caller, &query, &headers).map_err(|error| refuse(&app, &caller, &uri, &error))
}

/// `/packs/TEAM`
pub(super) async fn team(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path(team): Path<String>,
    Query(query): Query<ListQuery>,
    uri: OriginalUri,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let query = ListQuery { limit: Some(PAGE), team: Some(team), ..query };
    list_page(&app, &caller, &query, &headers).map_err(|error| refuse(&app, &caller, &uri, &error))
}

/// `/search`: the part of the list that changes while somebody types.
pub(super) async fn results(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Query(query): Query<ListQuery>,
    uri: OriginalUri,
) -> Result<Html<String>, PageError> {
    let query = ListQuery { limit: Some(PAGE), team: query.team.filter(|team| !team.is_empty()), ..query };
    let found = found(&app, &caller, &query).map_err(|error| refuse(&app, &caller, &uri, &error))?;
    Ok(Html(result_list(&app, &caller, &query, &found).into_string()))
}

fn found(app: &App, caller: &Caller, query: &ListQuery) -> Result<PackList, ApiError> {
    caller.must_somewhere(Scope::Read)?;
    search(app, caller, query)
}

fn list_page(app: &App, caller: &Caller, query: &ListQuery, headers: &HeaderMap) -> Result<Response, ApiError> {
    let found = found(app, caller, query)?;
    let base = app.config.base_path();
    let may_see = |pack: &crate::index::Pack| caller.identity.may(Scope::Read, &pack.team, &pack.name);
    let teams = app.catalog.look(|index| index.teams(may_see));
    let total: usize = teams.values().sum();
    let title = match (&query.team, query.q.as_str()) {
        (_, text) if !text.is_empty() => format!("“{text}”"),
        (Some(team), _) => team.clone(),
        _ => String::new(),
    };
    let content = html! {
        section.hero {
            h1 { @match &query.team { Some(team) => { "Packs of " (team) }, None => (app.config.title) } }
            @if query.team.is_none() {
                p.muted { (count(total, "pack")) " of " (count(teams.len(), "team")) ", ready to run" }
            }
            form.search action={ (base) "/" } method="get" role="search" data-live-search {
                input type="search" name="q" value=(query.q) placeholder="Name, team or description" aria-label="Search packs"
                    autocomplete="off" spellcheck="false" autofocus[query.team.is_none()] data-key-focus;
                @if let Some(team) = &query.team { input type="hidden" name="team" value=(team); }
                kbd title="Press / to search" { "/" }
            }
            @if teams.len() > 1 || query.team.is_some() {
                nav.chips aria-label="Teams" {
                    a.chip.on[query.team.is_none()] href={ (base) "/" } { "All" }
                    @for (team, number) in &teams {
                        a.chip.on[query.team.as_ref() == Some(team)] href={ (base) "/packs/" (team) } { (team) " " span.n { (number) } }
                    }
                }
            }
        }
        div #results aria-live="polite" {
            @if total == 0 { (nothing_yet(&public_url(app, headers))) }
            @else { (result_list(app, caller, query, &found)) }
        }
    };
    Ok(page(&Frame::new(app, &title, Some(caller)).home(), &content))
}

fn nothing_yet(url: &str) -> Markup {
    html! {
        section.empty {
            h2 { "No packs yet" }
            p.muted { "Publish the first one from a folder with a metadata.hcl:" }
            (copyable("Commands that publish a pack", &format!(
                "drover registry add team {url}/team\ndrover registry login team\ndrover pack publish ./my-pack team"
            )))
        }
    }
}

fn result_list(app: &App, caller: &Caller, query: &ListQuery, found: &PackList) -> Markup {
    let base = app.config.base_path();
    let searched = !query.q.trim().is_empty();
    html! {
        @if found.packs.is_empty() {
            section.empty {
                h2 { "Nothing found" }
                p.muted {
                    "No pack fits “" (query.q) "”."
                    @if let Some(near) = nearest(app, caller, query) {
                        " Did you mean " a href={ (base) "/?q=" (near) } { (near) } "?"
                    }
                }
            }
        } @else {
            h2.list-title { @if searched { (count(usize::try_from(found.total).unwrap_or(0), "pack")) " found" } @else { "Recently updated" } }
            ul.cards { @for pack in &found.packs { li { (card(&base, pack)) } } }
            @if let Some(next) = &found.next { (more(&base, query, next)) }
        }
    }
}

fn nearest(app: &App, caller: &Caller, query: &ListQuery) -> Option<String> {
    let may_see = |pack: &crate::index::Pack| caller.identity.may(Scope::Read, &pack.team, &pack.name);
    app.catalog.look(|index| index.nearest(&query.q, may_see))
}

fn card(base: &str, pack: &PackSummary) -> Markup {
    html! {
        a.card href={ (base) "/packs/" (pack.team) "/" (pack.name) } {
            span.card-head {
                span.card-name { span.team { (pack.team) "/" } (pack.name) }
                @if let Some(latest) = &pack.latest { span.badge { (latest) } }
            }
            span.card-text { @if pack.description.is_empty() { "No description" } @else { (pack.description) } }
            span.card-foot { (count(usize::try_from(pack.versions).unwrap_or(0), "version")) " · updated " (day(&pack.updated_at)) }
        }
    }
}

fn more(base: &str, query: &ListQuery, next: &str) -> Markup {
    let mut pairs = url::form_urlencoded::Serializer::new(String::new());
    if !query.q.is_empty() {
        pairs.append_pair("q", &query.q);
    }
    pairs.append_pair("cursor", next);
    let path = query.team.as_ref().map_or_else(|| "/".to_owned(), |team| format!("/packs/{team}"));
    html! { p.more { a.button href={ (base) (path) "?" (pairs.finish()) } { "More packs" } } }
}
